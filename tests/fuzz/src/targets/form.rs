//! Forms: what a vendor decodes is what was encoded.

use causeway::form::{Arrays, encode};
use serde_json::Value;

/// Name, as its parts, and value.
type Pair = (Vec<String>, String);

/// Decoding the form gives exactly the leaves of the value, in order, and nothing but the form's own characters is on
/// the wire.
///
/// # Panics
/// Where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(mut value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    value.sort_all_objects();
    for arrays in [Arrays::Indexed, Arrays::Repeated] {
        let form = encode(value.clone(), arrays);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._+%&=[]".contains(&byte);
        assert!(form.bytes().all(plain), "{form}");
        let mut expected = Vec::new();
        if value.is_object() {
            leaves(&value, arrays, &mut Vec::new(), &mut expected);
        }
        assert_eq!(decode(&form), expected, "{form}");
    }
}

fn leaves(value: &Value, arrays: Arrays, path: &mut Vec<String>, found: &mut Vec<Pair>) {
    match value {
        Value::Null => {}
        Value::String(text) => found.push((path.clone(), text.clone())),
        Value::Bool(_) => found.push((path.clone(), value.to_string())),
        // Where all is text, 5.0 is 5.
        Value::Number(number) => {
            let text = number.to_string();
            let whole = text.strip_suffix(".0").filter(|_| number.is_f64());
            found.push((path.clone(), whole.unwrap_or(&text).to_owned()));
        }
        Value::Array(items) => {
            for (nth, item) in items.iter().enumerate() {
                let part = (arrays == Arrays::Indexed).then(|| nth.to_string());
                inside(part, item, arrays, path, found);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                inside(Some(key.clone()), value, arrays, path, found);
            }
        }
    }
}

fn inside(
    part: Option<String>,
    value: &Value,
    arrays: Arrays,
    path: &mut Vec<String>,
    found: &mut Vec<Pair>,
) {
    let outside = path.len();
    path.extend(part);
    leaves(value, arrays, path, found);
    path.truncate(outside);
}

/// A decoder of its own, byte by byte: brackets that are not percent-encoded part a name.
fn decode(form: &str) -> Vec<Pair> {
    if form.is_empty() {
        return Vec::new();
    }
    form.split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').expect("a pair has a value");
            let mut parts = name.split('[');
            let head = parts.next().map(unescape);
            let rest = parts.map(|part| unescape(part.strip_suffix(']').expect("it closes")));
            (head.into_iter().chain(rest).collect(), unescape(value))
        })
        .collect()
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let digit = rest.next().and_then(|byte| char::from(byte).to_digit(16));
                    digit.expect("two hexadecimal digits")
                };
                let value = digit() * 16 + digit();
                u8::try_from(value).expect("two digits are a byte")
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).expect("the form is UTF-8")
}
