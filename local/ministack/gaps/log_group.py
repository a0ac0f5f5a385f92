"""Gap: CloudWatch Logs is authorised on the ARN of the log group as it is, where AWS wants one that ends in `:*`.

AWS says so for every action but the tagging ones ("CloudWatch Logs resources and operations" in its guide), and
`AWS::Logs::LogGroup` gives its ARN in that form. Without this the right policy denies everything.
"""

NEEDS = {"ministack.core.iam_actions": ("extract_resource_arn",)}

TAGGING = ("TagResource", "UntagResource", "ListTagsForResource")


def as_aws_has_it(arn, headers):
    """The ARN with the ending that AWS authorises a request by."""
    target = next((value for name, value in headers.items() if name.lower() == "x-amz-target"), "")
    is_group = isinstance(arn, str) and ":log-group:" in arn and not arn.endswith("*") and ":log-stream:" not in arn
    return f"{arn}:*" if is_group and not target.endswith(TAGGING) else arn


def close():
    """Wraps what names the resource of a request, in every module that has taken it by name."""
    import sys

    from ministack.core import iam_actions

    stock = iam_actions.extract_resource_arn

    def extract_resource_arn(service, method, path, headers, *rest, **more):
        arn = stock(service, method, path, headers, *rest, **more)
        return as_aws_has_it(arn, headers) if service == "logs" else arn

    for module in list(sys.modules.values()):
        if getattr(module, "extract_resource_arn", None) is stock:
            module.extract_resource_arn = extract_resource_arn
