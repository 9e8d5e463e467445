//! The formats of texts that a lane holds.
//!
//! Dates, times and UUIDs are what they are. Of e-mail and web addresses only what no vendor could take is refused: their
//! grammars admit more, and vendors less, than anybody checks. An empty one unsets the field in many vendors' forms.

/// What `text` must be instead, where `format` is held and `text` is not of it.
pub(super) fn instead(format: &str, text: &str) -> Option<&'static str> {
    let (holds, like) = match format {
        "date" => (is_date(text), "a date such as 2026-12-01"),
        "date-time" => (is_date_time(text), "a time such as 2026-12-01T15:00:00Z"),
        "uuid" => (is_uuid(text), "a UUID"),
        "email" => (text.is_empty() || is_email(text), "an e-mail address"),
        "uri" => (
            text.is_empty() || is_uri(text),
            "an address such as https://example.com/",
        ),
        _ => return None,
    };
    (!holds).then_some(like)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_date_time(text: &str) -> bool {
    crate::Timestamp::parse_rfc3339(text).is_ok()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Something, an `@`, and something: RFC 5321's least.
fn is_email(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty()) && has_no_gap(text)
}

/// A scheme, a colon, and something: RFC 3986's least. Letters beyond ASCII are let through.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_scheme = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme && !rest.is_empty() && has_no_gap(text)
}

fn has_no_gap(text: &str) -> bool {
    !text
        .chars()
        .any(|char| char.is_whitespace() || char.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_refused_only_where_nobody_could_take_them() {
        let held = [
            ("email", "ada@example.com"),
            ("email", "a.b+c@localhost"),
            ("email", "zo\u{eb}@b\u{fc}cher.example"),
            ("email", ""),
            ("uri", "https://example.com/a?b=c#d"),
            ("uri", "sip:ada@example.com"),
            ("uri", "com.example.app://done"),
            ("uri", "https://b\u{fc}cher.example/"),
            ("uri", ""),
            ("time", "anything"),
        ];
        for (format, text) in held {
            assert_eq!(instead(format, text), None, "{format} {text}");
        }
        let refused = [
            ("email", "ada at example"),
            ("email", "@example.com"),
            ("email", "ada@"),
            ("email", "ada@example.com "),
            ("uri", "example.com/done"),
            ("uri", "//example.com"),
            ("uri", "https:"),
            ("uri", "https://example.com/a b"),
            ("uri", "1https://example.com"),
        ];
        for (format, text) in refused {
            assert!(instead(format, text).is_some(), "{format} {text}");
        }
    }
}
