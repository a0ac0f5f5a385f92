"""Gap: an EventBridge pipe never delivers to an event bus, drops its filter and its input template, and asks no role.

Delivers a DynamoDB stream's records to a bus: FilterCriteria first, then InputTemplate, then PutEvents in tens, if the pipe's
role may read the stream and put events. A batch that fails stays on the stream, as it does in the emulator for the targets it
knows. The stream is looked at every 50 ms.
"""

import json
import re
import time

from gaps import permissions

NEEDS = {
    "ministack.core.iam_evaluator": permissions.NEEDS,
    "ministack.services.eventbridge": ("_put_events",),
    "ministack.services.lambda_svc": ("_match_esm_filter",),
    "ministack.services.pipes": ("_arn_service", "_deliver_batch", "_pipes", "_poll_loop", "_poll_once", "logger"),
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS",),
}

POLL_SECONDS = 0.05
BATCH = 10
READS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
WRITES = "events:PutEvents"
STRING_OR_PLACEHOLDER = re.compile(r'"(?:\\.|[^"\\])*"|<[^<>]*>')
PLACEHOLDER = re.compile(r"<([^<>]*)>")


def look_up(record, path):
    """The value at a JSON path such as `$.dynamodb.NewImage.id.S`, or None."""
    for part in path.split(".")[1:]:
        record = record.get(part) if isinstance(record, dict) else None
    return record


def render(template, record):
    """The event's detail: the whole record without a template, else the template with its placeholders filled in.

    A placeholder in the place of a value becomes JSON; inside a string it becomes that string's text.
    """
    if not template:
        return record

    def in_string(match):
        value = look_up(record, match.group(1))
        text = value if isinstance(value, str) else json.dumps(value)
        return json.dumps(text)[1:-1]

    def token(match):
        text = match.group(0)
        if text.startswith('"'):
            return PLACEHOLDER.sub(in_string, text)
        return json.dumps(look_up(record, text[1:-1]))

    return json.loads(STRING_OR_PLACEHOLDER.sub(token, template))


def patterns(pipe):
    """The pipe's filter patterns."""
    criteria = (pipe.get("SourceParameters") or {}).get("FilterCriteria") or {}
    return [json.loads(one["Pattern"]) for one in criteria.get("Filters", [])]


def wanted(records, filters, matches):
    """The records that match one of the filters; all of them when there is none."""
    return [record for record in records if not filters or any(matches(record, one) for one in filters)]


def entry(pipe, record):
    """The PutEvents entry of one record."""
    parameters = pipe.get("TargetParameters") or {}
    bus = parameters.get("EventBridgeEventBusParameters") or {}
    return {
        "Source": bus.get("Source") or f"Pipe {pipe['Name']}",
        "DetailType": bus.get("DetailType") or "Event from aws:dynamodb",
        "Resources": bus.get("Resources") or [],
        "EventBusName": pipe["Target"],
        "Detail": json.dumps(render(parameters.get("InputTemplate"), record)),
    }


def accepted(answer):
    """Whether a PutEvents answer took every entry."""
    status, _headers, body = answer
    return status < 400 and not json.loads(body).get("FailedEntryCount")


def may_deliver(pipe):
    """Whether the pipe's role may read its source and write to its target."""
    role, source = pipe.get("RoleArn", ""), pipe.get("Source", "")
    reads = all(permissions.role_may(role, action, source) for action in READS)
    return reads and permissions.role_may(role, WRITES, pipe["Target"])


def remembering(stock, position, pipes):
    """A create or update handler that also keeps the properties the emulator drops."""

    def handler(*arguments, **named):
        result = stock(*arguments, **named)
        pipe = pipes._pipes.get(result[0])
        if pipe is not None:
            properties = arguments[position]
            for name in ("SourceParameters", "TargetParameters"):
                pipe[name] = properties.get(name) or {}
        return result

    return handler


def close():
    """Replaces the delivery and the polling, and keeps the pipe's parameters."""
    from ministack.services import eventbridge, pipes
    from ministack.services.cloudformation import provisioners
    from ministack.services.lambda_svc import _match_esm_filter

    stock = pipes._deliver_batch

    def deliver(pipe, batch):
        records = wanted(batch, patterns(pipe), _match_esm_filter)
        if pipes._arn_service(pipe.get("Target", "")) != "events":
            return stock(pipe, records) if records else True
        if records and not may_deliver(pipe):
            pipes.logger.warning("pipe %s: its role may not read its source or write to its target", pipe["Name"])
            return False
        for start in range(0, len(records), BATCH):
            entries = [entry(pipe, record) for record in records[start : start + BATCH]]
            answer = eventbridge._put_events({"Entries": entries})
            if not accepted(answer):
                pipes.logger.warning("pipe %s: %s", pipe["Name"], answer[2])
                return False
        return True

    def poll_loop():
        while True:
            try:
                pipes._poll_once()
            except Exception as error:
                pipes.logger.error("pipe: %s", error)
            time.sleep(POLL_SECONDS)

    pipes._deliver_batch = deliver
    pipes._poll_loop = poll_loop
    handlers = provisioners._RESOURCE_HANDLERS
    kept = dict(handlers["AWS::Pipes::Pipe"])
    kept["create"] = remembering(kept["create"], 1, pipes)
    kept["update"] = remembering(kept["update"], 2, pipes)
    handlers["AWS::Pipes::Pipe"] = kept
