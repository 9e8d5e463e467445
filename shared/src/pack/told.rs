//! Which row of the page an answer fell under, told from what its record kept: the code, the status, the detail.
//!
//! The answer itself is gone. What is kept decides some of a row's conditions and leaves others open; a row is named only
//! where no other one can have been it, or all that can have been say the same.

use std::collections::BTreeMap;

use serde_json::Value;

use super::page::{AnswerRow, Meaning, Page};
use super::place::Seen;
use super::test::{Test, When};
use super::text::Piece;
use super::{OperationLine, Place, Scene};
use crate::outcome::code;

/// What a record, or a letter, kept of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept<'a> {
    /// The code that the request ended, or failed, with.
    pub code: &'a str,
    /// The vendor's HTTP status.
    pub status: Option<u16>,
    /// What the row said of the answer.
    pub detail: Option<&'a str>,
    /// The operation, where it is known.
    pub line: Option<&'a OperationLine>,
}

/// Whether a condition held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Yes,
    No,
    Open,
}

impl Held {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Open,
        }
    }
}

impl Page {
    /// The row that the answer of `kept` fell under; none where it fell under HTTP's own rules, or what was kept does not
    /// tell two rows apart that say different things.
    #[must_use]
    pub fn row_told(&self, kept: &Kept<'_>) -> Option<&AnswerRow> {
        // A row is of an answer: without one there was none.
        kept.status?;
        let mut open: Option<&AnswerRow> = None;
        for row in &self.answer {
            let held = row.held(kept);
            if held == Held::No {
                continue;
            }
            if open.is_some_and(|other| !says_the_same(other, row)) {
                return None;
            }
            if held == Held::Yes {
                return Some(open.unwrap_or(row));
            }
            open = Some(row);
        }
        None
    }
}

fn says_the_same(one: &AnswerRow, other: &AnswerRow) -> bool {
    let words = |row: &AnswerRow| (row.means.clone(), row.who, row.advice.clone());
    words(one) == words(other)
}

impl AnswerRow {
    fn held(&self, kept: &Kept<'_>) -> Held {
        let of_status = self.status.as_ref().zip(kept.status);
        if !self.gives(kept.code) || of_status.is_some_and(|(own, status)| !own.have(status)) {
            return Held::No;
        }
        let Some(known) = self.known(kept) else {
            return Held::No;
        };
        let of_operation = match (&self.op, kept.line) {
            (None, _) => Held::Yes,
            (Some(operations), Some(line)) => Held::of(operations.are(line)),
            (Some(_), None) => Held::Open,
        };
        let any = self.any.as_ref().map_or(Held::Yes, |any| {
            let each = any.iter().map(|when| all(when, &known));
            each.fold(Held::No, |before, one| match (before, one) {
                (Held::Yes, _) | (_, Held::Yes) => Held::Yes,
                (Held::No, Held::No) => Held::No,
                _ => Held::Open,
            })
        });
        of_operation.and(all(&self.when, &known)).and(any)
    }

    /// Whether an answer under this row can have come to `code`.
    fn gives(&self, word: &str) -> bool {
        if let Some(own) = &self.code {
            return own == word;
        }
        let by_status = [
            code::PROVIDER_REJECTED,
            code::REDIRECTED,
            code::FORBIDDEN,
            code::BLOCKED,
            code::TOO_EARLY,
            code::LOCKED,
            code::RATE_LIMITED,
            code::PROVIDER_TIMEOUT,
            code::PROVIDER_UNAVAILABLE,
        ];
        let given = match self.is {
            Meaning::Rejected => &[code::PROVIDER_REJECTED][..],
            Meaning::Exists => &[code::ALREADY_EXISTS],
            Meaning::Locked => &[code::LOCKED],
            Meaning::Throttled => &[code::RATE_LIMITED],
            Meaning::Unwell => &[code::PROVIDER_UNAVAILABLE],
            Meaning::Forbidden => &[code::FORBIDDEN],
            Meaning::Blocked => &[code::BLOCKED],
            Meaning::ByStatus => &by_status,
            _ => &[],
        };
        given.iter().any(|given| given.as_str() == word)
    }

    /// What the detail tells of places in the answer; none where this row would have written another one.
    fn known(&self, kept: &Kept<'_>) -> Option<BTreeMap<Place, String>> {
        let mut known = BTreeMap::new();
        // Only what ends a request keeps a row's detail.
        let keeps = matches!(
            self.is,
            Meaning::Rejected | Meaning::Forbidden | Meaning::Blocked
        );
        let Some(told) = kept.detail.filter(|_| keeps) else {
            return Some(known);
        };
        let told = told
            .strip_prefix(kept.code)
            .and_then(|rest| rest.strip_prefix(": "))
            .unwrap_or(told);
        let Some(detail) = &self.detail else {
            return (Some(told) == kept.status.map(|it| format!("HTTP {it}")).as_deref())
                .then_some(known);
        };
        let mut rest = told;
        let mut pieces = detail.pieces().iter().peekable();
        while let Some(piece) = pieces.next() {
            if let Piece::Literal(literal) = piece {
                rest = rest.strip_prefix(literal.as_str())?;
                continue;
            }
            let value = match pieces.peek() {
                Some(Piece::Literal(next)) => rest.split_once(next.as_str())?.0,
                // Two values side by side: nobody can tell where one ends.
                Some(_) => return Some(known),
                None => rest,
            };
            rest = &rest[value.len()..];
            // An empty value may be one that was not let through.
            if let (Piece::Value(place, _), false) = (piece, value.is_empty()) {
                known.insert(place.clone(), value.to_owned());
            }
        }
        rest.is_empty().then_some(known)
    }
}

fn all(when: &When, known: &BTreeMap<Place, String>) -> Held {
    let each = when
        .iter()
        .map(|(place, test)| known.get(place).map_or(Held::Open, |text| one(test, text)));
    each.fold(Held::Yes, Held::and)
}

/// Whether `test` holds of what was written down as `text`: text, or a number.
fn one(test: &Test, text: &str) -> Held {
    if test.needs_more_than_a_text() {
        return Held::Open;
    }
    let number: Option<Value> = text.parse::<serde_json::Number>().ok().map(Value::Number);
    Scene::of_payload(&Value::Null, |scene| {
        let as_text = test.holds(&[Seen::Text(text.into())], scene);
        let as_number = number
            .as_ref()
            .is_some_and(|number| test.holds(&[Seen::Json(number)], scene));
        match (as_text, as_number) {
            (false, true) | (true, false) if test.is_negative() && number.is_some() => Held::Open,
            (as_text, as_number) => Held::of(as_text || as_number),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pack::{Lookup, Pack};
    use crate::provider::{Answer, Verdict};
    use crate::timestamp::Timestamp;
    use http::HeaderMap;

    fn page(name: &str) -> Pack {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
        let file = |file: &str| {
            let path = root.join(name).join(file);
            std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()))
        };
        let operations = Box::leak(file("operations.jsonl").into_boxed_str());
        Pack::new(&file("provider.toml"), operations).expect("a pack")
    }

    /// Judges `body` as the lane does, keeps of it what a record keeps, and asks for the row.
    fn told_and_true(
        pack: &Pack,
        operation: &str,
        status: u16,
        body: &Value,
        knows_operation: bool,
    ) -> (Option<String>, Option<String>) {
        let line = pack.line(operation).expect(operation);
        let answer = Answer {
            status,
            headers: HeaderMap::new(),
            body: body.to_string().into(),
        };
        let at = Timestamp::from_millis(1_795_348_800_000);
        let lookup = Lookup {
            payload: &Value::Null,
            reference: "r",
            first_sent: at,
            last_sent: at,
        };
        let page = pack.page();
        Pack::seen(&answer, &lookup, at, |scene| {
            let words = |row: Option<&AnswerRow>| row.and_then(|row| row.means.clone());
            let (code, detail) = match page.verdict(line, scene) {
                Verdict::Rejected { detail } => (code::PROVIDER_REJECTED, Some(detail)),
                Verdict::Forbidden { detail } => (code::FORBIDDEN, Some(detail)),
                Verdict::Retry { code, .. } | Verdict::Ambiguous { code, .. } => (code, None),
                Verdict::Throttled { .. } => (code::RATE_LIMITED, None),
                Verdict::Exists { .. } => (code::ALREADY_EXISTS, None),
                _ => return (None, None),
            };
            let kept = Kept {
                code: code.as_str(),
                status: Some(status),
                detail: detail.as_deref(),
                line: knows_operation.then_some(line),
            };
            (words(page.row_told(&kept)), words(page.row(line, scene)))
        })
    }

    #[test]
    fn a_refusal_is_told_by_its_code_and_never_taken_for_another() {
        let stripe = page("stripe");
        let mut named = 0;
        let codes = [
            "card_declined",
            "resource_missing",
            "charge_already_refunded",
            "balance_insufficient",
            "livemode_mismatch",
            "parameter_missing",
            "email_invalid",
            "rate_limit",
            "lock_timeout",
            "idempotency_key_in_use",
            "api_key_expired",
            "payouts_not_allowed",
            "resource_already_exists",
        ];
        for status in [400, 402, 403, 404, 409, 422, 424, 429, 500] {
            for code in codes {
                for kind in ["invalid_request_error", "card_error", "idempotency_error"] {
                    let body = json!({"error": {"type": kind, "code": code, "param": "amount"}});
                    for knows in [true, false] {
                        let (told, is) =
                            told_and_true(&stripe, "customers.create", status, &body, knows);
                        assert!(told.is_none() || told == is, "{status} {code} {kind}");
                        named += usize::from(told.is_some() && knows);
                    }
                }
            }
        }
        let refused = json!({"error": {"type": "card_error", "code": "card_declined"}});
        let (told, _) = told_and_true(&stripe, "customers.create", 402, &refused, true);
        assert!(told.expect("a row").contains("declined"));
        assert!(named > 100, "{named}");
    }

    #[test]
    fn a_number_is_read_back_from_a_detail() {
        let twilio = page("twilio");
        for (code, part) in [
            (21610, "STOP"),
            (21211, "not valid"),
            (21608, "trial account"),
        ] {
            let (told, is) = told_and_true(
                &twilio,
                "messages.create",
                400,
                &json!({"code": code}),
                true,
            );
            assert_eq!(told, is);
            assert!(told.expect("a row").contains(part), "{code}");
        }
    }

    #[test]
    fn without_an_answer_there_is_no_row() {
        let stripe = page("stripe");
        let kept = Kept {
            code: "conflict",
            ..Kept::default()
        };
        assert!(stripe.page().row_told(&kept).is_none());
        let answered = Kept {
            status: Some(409),
            ..kept
        };
        assert!(stripe.page().row_told(&answered).is_some());
    }
}
