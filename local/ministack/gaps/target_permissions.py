"""Gap: a rule or a schedule writes to a queue that it may not write to, and its dead-letter queue is never used.

On AWS the queue's own policy decides for a rule and the role for a schedule, and what cannot be delivered goes to the target's
dead-letter queue, by the same right. So here. A template that forgets a permission fails on this machine, not in production.
"""

from gaps import permissions

NEEDS = {
    "ministack.core.iam_evaluator": permissions.NEEDS,
    "ministack.services.eventbridge": ("_invoke_target", "logger"),
    "ministack.services.sqs": ("_queue_by_arn",),
}

RULES = "events.amazonaws.com"
SCHEDULER = "aws.scheduler"
ACTION = "sqs:SendMessage"


def is_queue(arn):
    """Whether an ARN names a queue."""
    return arn.startswith("arn:aws:sqs:")


def may_send(queue, target, event, rule):
    """Whether this rule or schedule may send to this queue, which may be missing."""
    if not queue:
        return False
    attributes = queue.get("attributes") or {}
    arn = attributes.get("QueueArn", "")
    if event.get("Source") == SCHEDULER:
        return permissions.role_may(target.get("RoleArn", ""), ACTION, arn)
    return permissions.service_may(RULES, attributes.get("Policy"), ACTION, arn, rule.get("Arn", ""))


def close():
    """Wraps the dispatch of a target."""
    from ministack.services import eventbridge, sqs

    stock = eventbridge._invoke_target

    def invoke_target(target, event, rule, view=None):
        arn = target.get("Arn", "")
        if not is_queue(arn) or may_send(sqs._queue_by_arn(arn), target, event, rule):
            return stock(target, event, rule, view)
        spare = (target.get("DeadLetterConfig") or {}).get("Arn", "")
        eventbridge.logger.warning("%s may not send to %s; dead letters: %s", rule.get("Name"), arn, spare or "none")
        if spare and may_send(sqs._queue_by_arn(spare), target, event, rule):
            return stock({**target, "Arn": spare}, event, rule, view)
        return None

    eventbridge._invoke_target = invoke_target
