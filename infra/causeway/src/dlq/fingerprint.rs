//! What makes letters "the same": a cause, without the ids and values that differ from one to the next.

use causeway::request::Hash;

use super::letter::Letter;

/// Hexadecimal digits of a fingerprint: with a thousand different causes two share one in 1 of 8,600 queues.
const DIGITS: usize = 8;

/// The letter's fingerprint: a short hash of code, operation, vendor status and [`pattern`].
pub fn of(letter: &Letter) -> String {
    let status = letter.said.provider_status.map_or(0, u32::from);
    let pattern = pattern(letter.said.detail.as_deref().unwrap_or_default());
    let text = format!(
        "{}\n{}\n{status}\n{pattern}",
        letter.said.code,
        letter.operation().unwrap_or_default()
    );
    let mut hash = Hash::of(text.as_bytes()).as_str().to_owned();
    hash.truncate(DIGITS);
    hash
}

/// Vendors' words for a cause: a number behind one of these is a cause, not an id (`code=21211`, `HTTP 422`).
const CAUSES: [&str; 5] = ["code=", "error=", "type=", "status=", "HTTP "];

/// Longest number that is kept as a cause: vendors' error codes have up to 5 digits (Twilio's), ids more.
const CAUSE_DIGITS: usize = 5;

/// `detail` without what differs between letters of one cause: quoted parts become `…`, words with a digit in them
/// (ids, numbers, times, hashes) become `#`, but for the numbers that [name a cause](CAUSES).
pub fn pattern(detail: &str) -> String {
    let mut pattern = String::with_capacity(detail.len());
    let mut rest = detail;
    while let Some(next) = rest.chars().next() {
        if matches!(next, '"' | '\'' | '`') {
            let inside = &rest[next.len_utf8()..];
            if let Some(end) = inside.find(next) {
                pattern += "…";
                rest = &inside[end + next.len_utf8()..];
                continue;
            }
        }
        if !is_of_word(next) {
            pattern.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        }
        let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let has_digit = word.contains(|c: char| c.is_ascii_digit());
        pattern += if has_digit && !is_cause(&pattern, word) {
            "#"
        } else {
            word
        };
        rest = &rest[end..];
    }
    pattern
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

fn is_cause(before: &str, word: &str) -> bool {
    let is_code = word.len() <= CAUSE_DIGITS && word.bytes().all(|byte| byte.is_ascii_digit());
    is_code && CAUSES.iter().any(|cause| before.ends_with(cause))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dlq::letter::tests::letter;

    #[test]
    fn ids_numbers_times_and_quotes_go_and_causes_stay() {
        for (detail, expected) in [
            ("", ""),
            ("HTTP 422", "HTTP 422"),
            ("code=21211", "code=21211"),
            ("code=123456789", "code=#"),
            (
                "type=card_error code=card_declined param=",
                "type=card_error code=card_declined param=",
            ),
            (
                "payload.items[3].sku: must be given",
                "payload.items[#].sku: must be given",
            ),
            (
                "no such customer: cus_9s6XKzkNRiz8i3",
                "no such customer: #",
            ),
            ("'ada@example.com' is taken", "… is taken"),
            ("the word \"a b\" and `c`", "the word … and …"),
            ("don't know", "don't know"),
            (
                "since 2026-11-22T10:00:00Z, 3 times",
                "since #:#:#, # times",
            ),
            ("device 6f1c2d3e-0000-4000-8000-000000000000", "device #"),
            ("deadline 12.5 s", "deadline #.# s"),
        ] {
            assert_eq!(pattern(detail), expected, "{detail}");
        }
    }

    #[test]
    fn letters_of_one_cause_share_a_fingerprint_and_others_do_not() {
        let of = |code, status, detail| {
            of(&letter(
                "{}",
                &[
                    ("code", code),
                    ("provider_status", status),
                    ("detail", detail),
                ],
            ))
        };
        let one = of("provider_rejected", "404", "no such customer: cus_1");
        assert_eq!(one.len(), DIGITS);
        assert_eq!(
            one,
            of("provider_rejected", "404", "no such customer: cus_2")
        );
        assert_ne!(
            one,
            of("provider_rejected", "402", "no such customer: cus_1")
        );
        assert_ne!(one, of("attempts_spent", "404", "no such customer: cus_1"));
        assert_ne!(one, of("provider_rejected", "404", "no such price: p_1"));
    }

    proptest! {
        #[test]
        fn a_pattern_is_its_own_pattern_and_any_text_has_one(detail in "\\PC{0,200}") {
            let once = pattern(&detail);
            prop_assert!(!once.contains(char::is_control) || detail.contains(char::is_control));
            prop_assert_eq!(pattern(&once), once);
        }
    }
}
