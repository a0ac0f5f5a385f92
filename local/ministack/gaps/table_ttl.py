"""Gap: a table's TimeToLiveSpecification is accepted and dropped.

Applies it after the table was created or updated. The emulator sweeps every 60 seconds.
"""

NEEDS = {
    "ministack.services.dynamodb": ("_update_ttl",),
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS",),
}


def request(table, properties):
    """The body of UpdateTimeToLive, or None when the template says nothing."""
    wanted = properties.get("TimeToLiveSpecification")
    if not wanted:
        return None
    enabled = str(wanted.get("Enabled", True)).lower() == "true"
    described = {"AttributeName": wanted.get("AttributeName", ""), "Enabled": enabled}
    return {"TableName": table, "TimeToLiveSpecification": described}


def close():
    """Wraps the table's create and update."""
    from ministack.services import dynamodb
    from ministack.services.cloudformation import provisioners

    def applying(stock, position):
        def handler(*arguments, **named):
            result = stock(*arguments, **named)
            body = request(result[0], arguments[position])
            if body:
                dynamodb._update_ttl(body)
            return result

        return handler

    handlers = provisioners._RESOURCE_HANDLERS
    kept = dict(handlers["AWS::DynamoDB::Table"])
    kept["create"] = applying(kept["create"], 1)
    kept["update"] = applying(kept["update"], 2)
    handlers["AWS::DynamoDB::Table"] = kept
