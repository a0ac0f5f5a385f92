"""May a role, or an AWS service, do this? Asked of the emulator's own evaluation of policies.

Two gaps need the answer, so it stands here. A condition that names no known key does not match, as in IAM.
"""

from ministack.core import iam_evaluator

NEEDS = ("EvalContext", "_gather_role_policies", "evaluate", "evaluate_resource_policy")


def context(account, region, action, resource, source):
    """The request as the evaluation wants it; what AWS's services send travels over TLS."""
    keys = {"aws:sourcearn": source, "aws:sourceaccount": account} if source else {}
    return iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
        source_ip="127.0.0.1",
        secure_transport=True,
        service_context=keys,
    )


def parts(arn):
    """Region and account of an ARN."""
    pieces = arn.split(":")
    return pieces[3], pieces[4]


def service_may(service, policy, action, resource, source):
    """Whether a resource's own policy lets a service do this on behalf of `source`."""
    region, account = parts(resource)
    asked = context(account, region, action, resource, source)
    return iam_evaluator.evaluate_resource_policy(policy, asked, service=service).decision == "Allow"


def role_may(role, action, resource):
    """Whether a role's policies let it do this; a role that is not there may do nothing."""
    region, account = parts(resource)
    policies = iam_evaluator._gather_role_policies(role.rsplit("/", 1)[-1], account)
    return iam_evaluator.evaluate(context(account, region, action, resource, ""), policies).decision == "Allow"
