"""Gap: a rule's invocation of a function is tried once and then forgotten.

Sends it through the emulator's own asynchronous path: two retries, then the function's failure destination or dead-letter
queue, as AWS does.
"""

import json

NEEDS = {
    "ministack.services.eventbridge": ("_dispatch_to_lambda", "logger"),
    "ministack.services.lambda_svc": (
        "_execution_record_for_config",
        "_get_func_record_for_ref",
        "invoke_async_with_retry",
    ),
}


def event_of(payload):
    """The event a target receives: its JSON, or the text as a body."""
    try:
        return json.loads(payload)
    except (TypeError, ValueError):
        return {"body": payload}


def close():
    """Replaces the dispatch from a rule to a function."""
    from ministack.services import eventbridge, lambda_svc

    def to_lambda(arn, payload):
        record, config, name = lambda_svc._get_func_record_for_ref(arn)
        if not record or not config:
            eventbridge.logger.warning("rule: function %s not found", name)
            return
        running = lambda_svc._execution_record_for_config(record, config)
        lambda_svc.invoke_async_with_retry(running, event_of(payload))

    eventbridge._dispatch_to_lambda = to_lambda
