"""Gap: nobody may publish the events that the SSM service publishes.

PutEvents refuses every source that starts with `aws.`, as AWS does. The stand-in for SSM is that service here, so `aws.ssm`
is let through; every other `aws.` source stays refused.
"""

NEEDS = {"ministack.services.eventbridge": ("_put_events",)}


def is_ours(data):
    """Whether every reserved source of the request is `aws.ssm`."""
    sources = [str(entry.get("Source")) for entry in data.get("Entries", [])]
    return all(source == "aws.ssm" for source in sources if source.startswith("aws."))


def close():
    """Wraps PutEvents."""
    from ministack.services import eventbridge

    stock = eventbridge._put_events

    def put_events(data, allow_aws_source=False):
        return stock(data, allow_aws_source=allow_aws_source or is_ours(data))

    eventbridge._put_events = put_events
