"""Reads lines of OTLP/JSON with OpenTelemetry's own messages, and says for each trace whether its spans are one tree.

Run: python local/otlp_tree.py < lines. It prints one JSON object: trace id to root, spans and services; problems go to standard error
and end it with 1. It knows nothing of Longshore: what it takes any collector takes.
"""

import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

# OTLP/JSON writes ids in hexadecimal, protobuf's own JSON bytes in base64 (OTLP specification, "JSON Protobuf Encoding").
IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def with_base64_ids(value):
    """The same message with its ids as protobuf wants them; an id of another length is an error."""
    if isinstance(value, list):
        return [with_base64_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {}
    for name, inner in value.items():
        if name in IDS:
            number = bytes.fromhex(inner)
            if len(number) != IDS[name] or not any(number):
                raise ValueError(f"{name} is {inner}")
            changed[name] = base64.b64encode(number).decode()
        else:
            changed[name] = with_base64_ids(inner)
    return changed


def requests(lines):
    """Every line as an export request; receivers ignore fields that they do not know."""
    for line in lines:
        if line.strip():
            message = with_base64_ids(json.loads(line))
            yield json_format.ParseDict(message, ExportTraceServiceRequest(), ignore_unknown_fields=True)


def service_of(resource):
    """The name of the service that a resource is of."""
    return next(one.value.string_value for one in resource.attributes if one.key == "service.name")


def spans_by_trace(lines):
    """Trace id to span id to the span and its service."""
    traces = {}
    for request in requests(lines):
        for of_resource in request.resource_spans:
            for scope in of_resource.scope_spans:
                for span in scope.spans:
                    known = traces.setdefault(span.trace_id.hex(), {})
                    if span.span_id in known:
                        raise ValueError(f"the span {span.span_id.hex()} was told twice")
                    known[span.span_id] = (span, service_of(of_resource.resource))
    return traces


def root_of(spans):
    """The one root from which every span is reached; anything else is an error."""
    roots = [span for span, _ in spans.values() if not span.parent_span_id]
    if len(roots) != 1:
        raise ValueError(f"{len(roots)} roots")
    for span, _ in spans.values():
        if span.end_time_unix_nano < span.start_time_unix_nano or not span.start_time_unix_nano:
            raise ValueError(f"{span.name} ends before it begins")
        seen = set()
        while span.parent_span_id:
            if span.span_id in seen or span.parent_span_id not in spans:
                raise ValueError(f"{span.name} has no way to the root")
            seen.add(span.span_id)
            span, _ = spans[span.parent_span_id]
    return roots[0]


def main():
    """Prints what each trace is."""
    told = {}
    for trace, spans in spans_by_trace(sys.stdin).items():
        told[trace] = {
            "root": root_of(spans).name,
            "spans": sorted(span.name for span, _ in spans.values()),
            "services": sorted({service for _, service in spans.values()}),
        }
    print(json.dumps(told))


if __name__ == "__main__":
    try:
        main()
    except ValueError as problem:
        sys.exit(f"not one tree: {problem}")
