//! What SQS carries, in bodies and in attributes: the characters of XML 1.0.
//!
//! Its documentation has had others refused (`InvalidMessageContents`) at some times and replaced by U+FFFD at others:
//! neither may happen to a request.
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>,
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>

use std::borrow::Cow;

/// Whether SQS carries `c`.
const fn is_carried(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// `text` for an attribute: what SQS would not carry becomes U+FFFD.
pub(super) fn carried(text: &str) -> String {
    let replaced = |c| if is_carried(c) { c } else { '\u{FFFD}' };
    text.chars().map(replaced).collect()
}

/// The JSON `text` for a body: the same value, in characters that SQS carries.
///
/// U+FFFE and U+FFFF are all that a JSON text can hold beside those, and only within strings, where an escape means the
/// same; control characters must be escaped anyway. What is no JSON stays none.
#[must_use]
pub fn carried_json(text: &str) -> Cow<'_, str> {
    if !text.contains(['\u{FFFE}', '\u{FFFF}']) {
        return Cow::Borrowed(text);
    }
    let escaped = text.replace('\u{FFFE}', "\\ufffe");
    Cow::Owned(escaped.replace('\u{FFFF}', "\\uffff"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_attribute_loses_what_sqs_does_not_carry() {
        assert_eq!(
            carried("a\u{0}\u{1b}\u{fffe}\t\u{85}\u{1fffe}é"),
            "a\u{fffd}\u{fffd}\u{fffd}\t\u{85}\u{1fffe}é"
        );
    }

    #[test]
    fn what_is_no_json_does_not_become_any() {
        let raw = "{\"a\":\"\u{1}\u{ffff}\"}";
        let escaped = carried_json(raw);
        assert!(
            serde_json::from_str::<Value>(&escaped).is_err(),
            "{escaped}"
        );
        assert!(serde_json::from_str::<Value>(&carried_json("\u{ffff}1")).is_err());
    }

    proptest! {
        #[test]
        fn any_json_is_carried_and_means_the_same(
            key in any::<String>(), text in any::<String>(), odd in "[\u{fffd}-\u{10001}\\\\\"\u{0}-\u{20}]{0,9}"
        ) {
            let value = serde_json::json!({key: [text, odd]});
            let written = value.to_string();
            let carried = carried_json(&written);
            prop_assert!(carried.chars().all(is_carried), "{}", carried);
            prop_assert_eq!(serde_json::from_str::<Value>(&carried).expect("JSON"), value);
        }
    }
}
