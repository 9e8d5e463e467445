//! JSON as an HTML form (`application/x-www-form-urlencoded`), in the dialects that vendors made of it.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Number, Value};

/// What is not written as it is: everything but `A-Z a-z 0-9 * - . _`, as the URL standard has it
/// (<https://url.spec.whatwg.org/#application-x-www-form-urlencoded-percent-encode-set>). The space is left out
/// here since it becomes `+`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b' ');

/// How a vendor wants lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrays {
    /// `locales[0]=en&locales[1]=de`, as Stripe's official clients send them.
    Indexed,
    /// `locales=en&locales=de`, as Twilio wants them.
    Repeated,
    /// `locales[]=en&locales[]=de`, as PHP's and Rails' parsers want them.
    Brackets,
    /// `locales=en,de` (the comma encoded), where the elements are scalars; of others `null` and what has parts is left out.
    Joined,
}

/// Writes `value`, an object, as a form, its fields in alphabetical order: one payload is one text.
///
/// Objects inside are written as `metadata[order]=1712`, with the brackets as they are and those within a name
/// encoded; `true` and `false` as words, numbers as in JSON, but for the
/// `.0` of whole ones. Nothing is sent for `null`, an empty object or an empty
/// list. Anything but an object is an empty form. The recursion goes as deep as `value` does: a decoded request has
/// [at most 127 levels](crate::request::MAX_DEPTH).
pub fn encode(value: Value, arrays: Arrays) -> String {
    encode_each(value, |_| arrays)
}

/// The same, where fields differ in how their lists are written: `arrays` says it by the field's name.
pub fn encode_each(mut value: Value, arrays: impl Fn(&str) -> Arrays) -> String {
    value.sort_all_objects();
    let mut form = Form {
        text: String::new(),
        name: String::new(),
        arrays: Arrays::Indexed,
    };
    if let Value::Object(fields) = &value {
        for (field, value) in fields {
            form.arrays = arrays(field);
            push_encoded(&mut form.name, field);
            form.push(value);
            form.name.clear();
        }
    }
    form.text
}

/// One name or value as a form writes it.
pub fn encode_text(text: &str) -> String {
    let mut encoded = String::new();
    push_encoded(&mut encoded, text);
    encoded
}

/// A number where all is text. JSON's `5.0` is 5, and a vendor that reads a whole number from text wants it so.
pub(crate) fn number(number: &Number) -> String {
    let text = number.to_string();
    match text.strip_suffix(".0") {
        Some(whole) if number.is_f64() => whole.to_owned(),
        _ => text,
    }
}

/// A scalar's text; none of what is no scalar.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(self::number(number)),
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

struct Form {
    text: String,
    /// The encoded name of the value at hand.
    name: String,
    arrays: Arrays,
}

impl Form {
    fn push(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(truth) => self.pair(if *truth { "true" } else { "false" }),
            Value::Number(number) => self.pair(&self::number(number)),
            Value::String(text) => self.pair(text),
            Value::Array(items) if self.arrays == Arrays::Joined => {
                let items: Vec<String> = items.iter().filter_map(scalar).collect();
                if !items.is_empty() {
                    self.pair(&items.join(","));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    match self.arrays {
                        Arrays::Indexed => self.inside(&index.to_string(), item),
                        Arrays::Repeated | Arrays::Joined => self.push(item),
                        Arrays::Brackets => self.inside("", item),
                    }
                }
            }
            Value::Object(fields) => {
                for (field, value) in fields {
                    self.inside(field, value);
                }
            }
        }
    }

    fn inside(&mut self, name: &str, value: &Value) {
        let outside = self.name.len();
        self.name.push('[');
        push_encoded(&mut self.name, name);
        self.name.push(']');
        self.push(value);
        self.name.truncate(outside);
    }

    fn pair(&mut self, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.push_str(&self.name);
        self.text.push('=');
        push_encoded(&mut self.text, value);
    }
}

fn push_encoded(form: &mut String, text: &str) {
    for (index, part) in text.split(' ').enumerate() {
        if index > 0 {
            form.push('+');
        }
        // Writing to a String does not fail.
        let _ = write!(form, "{}", utf8_percent_encode(part, ENCODED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn each_field_may_have_a_way_of_its_own_with_lists() {
        let value =
            json!({"a": [1, "b,c", true], "b": [1, 2], "c": [3], "d": [], "e": {"f": [1, 2]}});
        let arrays = |name: &str| match name {
            "b" => Arrays::Repeated,
            "c" => Arrays::Brackets,
            _ => Arrays::Joined,
        };
        assert_eq!(
            encode_each(value, arrays),
            "a=1%2Cb%2Cc%2Ctrue&b=1&b=2&c[]=3&e[f]=1%2C2"
        );
    }

    #[test]
    fn objects_are_bracketed_and_lists_are_numbered_as_stripe_wants_them() {
        let customer = json!({
            "email": "a+b@c.example", "name": "Ada & Söhne", "tax_exempt": null, "livemode": false,
            "metadata": {"order": "1712", "no [1]": "x"},
            "preferred_locales": ["en", "de"], "lines": [{"price": 19.99, "tags": []}, {"price": 2}],
        });
        let pairs = [
            "email=a%2Bb%40c.example",
            "lines[0][price]=19.99",
            "lines[1][price]=2",
            "livemode=false",
            "metadata[no+%5B1%5D]=x",
            "metadata[order]=1712",
            "name=Ada+%26+S%C3%B6hne",
            "preferred_locales[0]=en",
            "preferred_locales[1]=de",
        ];
        assert_eq!(encode(customer.clone(), Arrays::Indexed), pairs.join("&"));
    }

    /// A payload may say 5.0 for 5, and `amount=5.0` was refused by vendors that read a whole number.
    #[test]
    fn whole_numbers_have_no_point() {
        let numbers = json!({"a": 5.0, "b": -0.5, "c": 1e300, "d": 7});
        let form = encode(numbers, Arrays::Indexed);
        assert_eq!(form, "a=5&b=-0.5&c=1e%2B300&d=7");
    }

    #[test]
    fn lists_are_repeated_where_the_vendor_wants_them_so() {
        let message = json!({"To": "+15005550006", "MediaUrl": ["https://a.example/1", "b"], "X": {"Y": [1, 2]}});
        assert_eq!(
            encode(message.clone(), Arrays::Repeated),
            "MediaUrl=https%3A%2F%2Fa.example%2F1&MediaUrl=b&To=%2B15005550006&X[Y]=1&X[Y]=2"
        );
    }

    #[test]
    fn every_ascii_character_is_written_as_the_url_standard_says() {
        let all: String = (' '..='~').collect();
        let text = "+%21%22%23%24%25%26%27%28%29*%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ\
                    %5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D%7E";
        assert_eq!(
            encode(json!({"a": all}), Arrays::Indexed),
            format!("a={text}")
        );
        assert_eq!(
            encode(json!({"a": "\r\n\0"}), Arrays::Indexed),
            "a=%0D%0A%00"
        );
    }

    #[test]
    fn what_is_no_object_is_an_empty_form() {
        for value in [
            json!(null),
            json!([1]),
            json!("a=b"),
            json!({}),
            json!({"a": {}, "b": [], "c": null}),
        ] {
            assert_eq!(encode(value.clone(), Arrays::Indexed), "");
        }
    }

    fn decoded(part: &str) -> String {
        percent_decode_str(&part.replace('+', " "))
            .decode_utf8()
            .expect("UTF-8")
            .into_owned()
    }

    /// Name as segments, and value: found by decoding.
    fn read(form: &str) -> Vec<(Vec<String>, String)> {
        let pairs = form.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').expect("a pair");
                let path = name
                    .split('[')
                    .map(|part| decoded(part.strip_suffix(']').unwrap_or(part)));
                (path.collect(), decoded(value))
            })
            .collect()
    }

    /// Name as segments, and value: found by walking.
    fn leaves(value: &Value, path: &[String], found: &mut Vec<(Vec<String>, String)>) {
        let inside = |segment: String| [path, &[segment]].concat();
        match value {
            Value::Null => {}
            Value::String(text) => found.push((path.to_vec(), text.clone())),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(at, item)| leaves(item, &inside(at.to_string()), found));
            }
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| leaves(value, &inside(key.clone()), found)),
            Value::Number(number) => found.push((path.to_vec(), super::number(number))),
            other => found.push((path.to_vec(), other.to_string())),
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn decoding_the_form_gives_the_pairs_back(
            fields in prop::collection::hash_map(any::<String>(), any_json(), 0..6),
        ) {
            let mut value = Value::Object(fields.into_iter().collect());
            value.sort_all_objects();
            let mut pairs = Vec::new();
            leaves(&value, &[], &mut pairs);
            let form = encode(value.clone(), Arrays::Indexed);
            prop_assert!(form.is_ascii() && !form.contains(' '));
            prop_assert_eq!(read(&form), pairs);
        }
    }
}
