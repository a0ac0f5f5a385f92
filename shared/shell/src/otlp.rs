//! Spans in the JSON form of OpenTelemetry's protocol (OTLP specification 1.x, "JSON Protobuf Encoding"): ids in hexadecimal, 64-bit
//! numbers as text, enumerations as numbers.

use longshore_core::Timestamp;
use longshore_insight::{Span, SpanKind, TraceId};
use serde_json::{Map, Value, json};

/// `STATUS_CODE_ERROR` of `opentelemetry.proto.trace.v1.Status`.
const ERROR: u8 = 2;

/// The spans of one service: a `ResourceSpans`.
pub(crate) fn of_service(service: &str, trace: TraceId, spans: &[Span]) -> Value {
    let spans: Vec<Value> = spans.iter().map(|span| of_span(trace, span)).collect();
    json!({
        "resource": { "attributes": [attribute("service.name", service)] },
        "scopeSpans": [{ "scope": { "name": "longshore" }, "spans": spans }],
    })
}

fn of_span(trace: TraceId, span: &Span) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("traceId", format!("{:032x}", trace.0).into());
    set("spanId", format!("{:016x}", span.id.0).into());
    if let Some(parent) = span.parent {
        set("parentSpanId", format!("{:016x}", parent.0).into());
    }
    set("name", span.name.as_str().into());
    set("kind", kind(span.kind).into());
    set("startTimeUnixNano", nanoseconds(span.from).into());
    set("endTimeUnixNano", nanoseconds(span.to).into());
    if !span.attributes.is_empty() {
        let attributes = span.attributes.iter();
        let attributes = attributes.map(|(key, value)| attribute(key, value));
        set("attributes", attributes.collect());
    }
    if let Some(why) = span.error {
        set("status", json!({ "code": ERROR, "message": why }));
    }
    Value::Object(fields)
}

fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// The number of `opentelemetry.proto.trace.v1.Span.SpanKind`.
const fn kind(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
    }
}

fn nanoseconds(at: Timestamp) -> String {
    format!("{}000000", at.as_unix_ms())
}
