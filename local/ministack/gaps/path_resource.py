"""Gap: GetParametersByPath is authorised on `*`, as MiniStack looks for the parameter's `Name` only; AWS takes the path.

Without this a policy for one path denies every read by path, and one for `*` would be needed, which AWS does not need.
"""

NEEDS = {"ministack.core.iam_actions": ("extract_resource_arn",)}

ACTION = "AmazonSSM.GetParametersByPath"


def path_arn(headers, body, region, account_id):
    """The ARN of the path that is read, as AWS authorises it; `None` for every other request."""
    import json

    target = next((value for name, value in headers.items() if name.lower() == "x-amz-target"), "")
    if target != ACTION:
        return None
    try:
        path = json.loads(body or b"{}").get("Path")
    except (ValueError, AttributeError):
        return None
    if not isinstance(path, str) or not path.startswith("/"):
        return None
    return f"arn:aws:ssm:{region}:{account_id}:parameter{path.rstrip('/') or '/'}"


def close():
    """Wraps what names the resource of a request, in every module that has taken it by name."""
    import sys

    from ministack.core import iam_actions

    stock = iam_actions.extract_resource_arn

    def extract_resource_arn(service, method, path, headers, body, query_params, region, account_id, *rest, **more):
        by_path = path_arn(headers, body, region, account_id) if service == "ssm" else None
        return by_path or stock(service, method, path, headers, body, query_params, region, account_id, *rest, **more)

    for module in list(sys.modules.values()):
        if getattr(module, "extract_resource_arn", None) is stock:
            module.extract_resource_arn = extract_resource_arn
