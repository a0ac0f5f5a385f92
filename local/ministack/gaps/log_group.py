"""Gap: CloudWatch Logs is authorised on the ARN of the log group as it is, where AWS wants one that ends in `:*`.

AWS says so for every action but the tagging ones ("CloudWatch Logs resources and operations" in its guide), and
`AWS::Logs::LogGroup` gives its ARN in that form. Without this the right policy denies everything.

And the emulator does not know a log group's tags when a policy asks for them (`aws:ResourceTag`), which AWS does
("Actions, resources, and condition keys for Amazon CloudWatch Logs" in its Service Authorization Reference).
"""

NEEDS = {
    "ministack.core.iam_actions": ("extract_resource_arn",),
    "ministack.services.cloudwatch_logs": ("_log_groups",),
    "ministack.services.tagging": ("resource_tags",),
}

TAGGING = ("TagResource", "UntagResource", "ListTagsForResource")


def as_aws_has_it(arn, headers):
    """The ARN with the ending that AWS authorises a request by."""
    target = next((value for name, value in headers.items() if name.lower() == "x-amz-target"), "")
    is_group = isinstance(arn, str) and ":log-group:" in arn and not arn.endswith("*") and ":log-stream:" not in arn
    return f"{arn}:*" if is_group and not target.endswith(TAGGING) else arn


def group_of(arn):
    """The name of the log group that an ARN is of, with or without its ending; `None` for any other ARN."""
    _, found, name = arn.partition(":log-group:")
    name = name.removesuffix(":*")
    return name if arn.startswith("arn:") and found and name and ":" not in name else None


def close():
    """Wraps what names the resource of a request, in every module that has taken it by name, and what tells its tags."""
    import sys

    from ministack.core import iam_actions
    from ministack.services import cloudwatch_logs, tagging

    told = tagging.resource_tags

    def resource_tags(arn):
        group = cloudwatch_logs._log_groups.get(group_of(arn) or "")
        return dict(group["tags"]) if group is not None else told(arn)

    tagging.resource_tags = resource_tags

    stock = iam_actions.extract_resource_arn

    def extract_resource_arn(service, method, path, headers, *rest, **more):
        arn = stock(service, method, path, headers, *rest, **more)
        return as_aws_has_it(arn, headers) if service == "logs" else arn

    for module in list(sys.modules.values()):
        if getattr(module, "extract_resource_arn", None) is stock:
            module.extract_resource_arn = extract_resource_arn
