//! CBOR as CloudWatch speaks it, to and from JSON. `{"$date": ms}` is a point in time, `"$NaN"` is no number, and every other
//! number that is to be one with a fraction is written with one.

use super::replay::Reply;
use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_types::DateTime;
use serde_json::{Map, Value, json};

/// An answer in CBOR.
pub(crate) fn answer(value: &Value) -> Reply {
    Reply::Cbor(200, encoded(value))
}

/// A refusal in CBOR.
pub(crate) fn refusal(status: u16, code: &str) -> Reply {
    let body = json!({ "__type": format!("com.amazonaws.cloudwatch#{code}"), "message": format!("{code} happened") });
    Reply::Cbor(status, encoded(&body))
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, value);
    encoder.into_writer()
}

fn write(encoder: &mut Encoder, value: &Value) {
    match value {
        Value::Null => {
            encoder.null();
        }
        Value::Bool(value) => {
            encoder.boolean(*value);
        }
        Value::Number(number) => {
            match number.as_i64() {
                Some(whole) => encoder.long(whole),
                None => encoder.double(number.as_f64().unwrap()),
            };
        }
        Value::String(text) if text == "$NaN" => {
            encoder.double(f64::NAN);
        }
        Value::String(text) => {
            encoder.str(text);
        }
        Value::Array(values) => {
            encoder.array(values.len());
            for value in values {
                write(encoder, value);
            }
        }
        Value::Object(object) => {
            if let Some(ms) = object.get("$date") {
                encoder.timestamp(&DateTime::from_millis(ms.as_i64().unwrap()));
                return;
            }
            encoder.map(object.len());
            for (key, value) in object {
                encoder.str(key);
                write(encoder, value);
            }
        }
    }
}

/// A body as it was sent.
pub(crate) fn decoded(bytes: &[u8]) -> Value {
    read(&mut Decoder::new(bytes))
}

fn read(decoder: &mut Decoder<'_>) -> Value {
    match decoder.datatype().unwrap() {
        Type::Bool => Value::Bool(decoder.boolean().unwrap()),
        Type::Null => {
            decoder.null().unwrap();
            Value::Null
        }
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64 => {
            json!(decoder.long().unwrap())
        }
        Type::F32 | Type::F64 => json!(decoder.double().unwrap()),
        Type::String => json!(decoder.string().unwrap()),
        Type::Tag => json!({ "$date": decoder.timestamp().unwrap().to_millis().unwrap() }),
        Type::Array | Type::ArrayIndef => {
            let count = decoder.list().unwrap();
            let mut values = Vec::new();
            while goes_on(decoder, count, values.len()) {
                values.push(read(decoder));
            }
            Value::Array(values)
        }
        Type::Map | Type::MapIndef => {
            let count = decoder.map().unwrap();
            let mut object = Map::new();
            while goes_on(decoder, count, object.len()) {
                let key = decoder.string().unwrap();
                object.insert(key, read(decoder));
            }
            Value::Object(object)
        }
        other @ (Type::Undefined
        | Type::Int
        | Type::F16
        | Type::Simple
        | Type::Bytes
        | Type::BytesIndef
        | Type::StringIndef
        | Type::Break
        | Type::Unknown(_)) => panic!("{other:?} is not expected in a question"),
    }
}

/// Whether a list or map goes on; the mark at the end of one without a length is passed.
fn goes_on(decoder: &mut Decoder<'_>, count: Option<u64>, read: usize) -> bool {
    if let Some(count) = count {
        return read < usize::try_from(count).unwrap();
    }
    let ends = decoder.datatype().unwrap() == Type::Break;
    if ends {
        decoder.skip().unwrap();
    }
    !ends
}
