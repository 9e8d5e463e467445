//! Letters and codes in words, by the one table that explains.

use std::collections::HashMap;

use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use causeway::lanes::StateStore;
use causeway::ledger::Status;
use causeway::outcome::code;
use causeway::pack::page::Page;
use causeway::provider::Provider;
use causeway_ingest::catalogue;
use causeway_insights::explain::{
    Entry, Explanation, Facts, Lane, Seen, Zone, entry, explain, explain_code,
};
use serde_json::{Value, json};

use super::letter::{Letter, Said};
use super::look::Judged;
use crate::breaker;
use crate::stack::Stack;
use crate::status::lane;

/// The page of a provider that this release knows.
pub fn page(provider: &str) -> Option<&'static Page> {
    catalogue::pack(provider).map(causeway::pack::Pack::page)
}

/// What a code means on the lane of `provider`, for programs: the table's columns, and both paragraphs.
pub fn of_code(provider: &str, word: &str) -> Option<Value> {
    let page = page(provider);
    Some(joined(&entry(page, word)?, explain_code(page, word)?))
}

fn joined(known: &Entry<'_>, told: Explanation) -> Value {
    let mut all = json!(known);
    all["support"] = told.support.into();
    all["engineer"] = told.engineer.into();
    all
}

/// What holds a lane up, by connection; each is looked at once.
pub struct Lanes<'a> {
    stack: &'a Stack,
    provider: &'a str,
    seen: HashMap<String, Option<Lane>>,
}

impl<'a> Lanes<'a> {
    /// Nothing is looked at yet.
    pub fn new(stack: &'a Stack, provider: &'a str) -> Self {
        Self {
            stack,
            provider,
            seen: HashMap::new(),
        }
    }

    /// One connection's; none where it cannot be read: who may read letters may do no more.
    async fn of(&mut self, connection: &str) -> Option<&Lane> {
        let is_known = self.seen.contains_key(connection);
        if !is_known {
            let states = breaker::states(self.stack).ok();
            let states = states.as_ref().map(|states| states as &dyn StateStore);
            let seen = lane(states, self.provider, connection, SystemClock.now()).await;
            self.seen.insert(connection.to_owned(), seen);
        }
        self.seen.get(connection)?.as_ref()
    }

    /// Explains a letter by its record, and by what it says itself where there is none.
    pub async fn explain(&mut self, judged: &Judged, zone: &Zone) -> Explanation {
        let provider = self.provider;
        let lane = self.of(connection(&judged.letter)).await;
        explain(
            &facts(provider, judged, &seen(judged), lane, SystemClock.now()),
            zone,
        )
    }
}

fn connection(letter: &Letter) -> &str {
    let told = letter.said.connection.as_deref().unwrap_or("default");
    letter
        .request
        .as_ref()
        .map_or(told, |request| request.connection.as_str())
}

/// What the record says, else the letter.
fn seen(judged: &Judged) -> Seen<'_> {
    let said = &judged.letter.said;
    judged
        .record
        .as_ref()
        .map_or_else(|| of_letter(said), Seen::of)
}

fn of_letter(said: &Said) -> Seen<'_> {
    let time = |text: &Option<String>| Timestamp::parse_rfc3339(text.as_deref()?).ok();
    let is_unknown = said.code == code::OUTCOME_UNKNOWN.as_str();
    Seen {
        status: match is_unknown {
            true => Status::Unknown,
            false => Status::Rejected,
        },
        attempts: said.attempts,
        series: 1,
        ambiguous: is_unknown,
        first_seen: time(&said.first_seen),
        first_sent_at: None,
        last_attempt: time(&said.last_attempt),
        next_attempt_at: None,
        claimed_at: None,
        lease_until: None,
        closed_at: None,
        resolved_at: None,
        code: Some(&said.code),
        detail: said.detail.as_deref(),
        provider_status: said.provider_status,
        object_id: None,
    }
}

fn facts<'a>(
    provider: &'a str,
    judged: &'a Judged,
    seen: &'a Seen<'a>,
    lane: Option<&'a Lane>,
    now: Timestamp,
) -> Facts<'a> {
    let letter = &judged.letter;
    let request = letter.request.as_ref().ok();
    let pack = catalogue::pack(provider);
    let operation = letter.operation();
    let known = operation.and_then(|name| pack?.spec().operation(name));
    Facts {
        now,
        provider,
        connection: connection(letter),
        key: request.map(|request| request.key.as_str()),
        operation: operation.and_then(|name| pack?.line(name)),
        safety: known.map(|operation| operation.safety),
        deadline: request.and_then(|request| request.deadline),
        seen: Some(seen),
        lane,
        waiting: None,
        page: page(provider),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{ODD, taken, typed};
    use crate::dlq::classify::{Class, Judgement};
    use crate::dlq::letter::tests::letter;

    const BODY: &str = r#"{"provider":"stripe","operation":"customers.create","connection":"berlin",
        "idempotency_key":"order-1","created_at":"2026-11-22T10:00:00Z","payload":{"email":"ada@example.com"}}"#;

    fn told(body: &str, said: &[(&str, &str)]) -> Explanation {
        let judged = Judged {
            letter: letter(body, said),
            record: None,
            judgement: Judgement {
                class: Class::Safe,
                why: String::new(),
            },
        };
        let now = Timestamp::from_millis(1_795_348_800_000);
        explain(
            &facts("stripe", &judged, &seen(&judged), None, now),
            &Zone::utc(),
        )
    }

    #[test]
    fn a_letter_without_a_record_is_explained_by_what_it_says() {
        let declined = [
            ("code", "provider_rejected"),
            ("detail", "type=card_error code=card_declined param="),
            ("provider_status", "402"),
            ("attempts", "1"),
            ("last_attempt", "2026-11-22T10:00:05Z"),
        ];
        let Explanation { support, engineer } = told(BODY, &declined);
        assert!(
            support.contains("declined") && support.contains("“order-1”"),
            "{support}"
        );
        assert!(!support.contains("example.com") && !engineer.contains("example.com"));
        assert!(engineer.contains("2026-11-22T10:00:05+00:00"), "{engineer}");
    }

    #[test]
    fn a_letter_that_cannot_be_read_is_explained_all_the_same() {
        let Explanation { support, engineer } = told("not JSON", &[("code", "malformed_json")]);
        assert!(support.contains("cannot be read"), "{support}");
        assert!(engineer.contains("causeway dlq list stripe"), "{engineer}");
    }

    #[test]
    fn a_code_has_its_columns_and_both_paragraphs() {
        let known = of_code("stripe", "stored_error").expect("a code of Stripe's");
        for field in [
            "code", "meaning", "fault", "action", "redrive", "support", "engineer",
        ] {
            assert!(
                known[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}"
            );
        }
        assert_eq!(of_code("stripe", "brand_new"), None);
    }

    /// The paragraph's last command, between its marks.
    #[test]
    fn the_command_in_a_paragraph_is_one_that_a_shell_takes() {
        for odd in ODD {
            let mut body: Value = serde_json::from_str(BODY).expect("JSON");
            body["idempotency_key"] = odd.into();
            for code in ["provider_rejected", "outcome_unknown"] {
                let Explanation { engineer, .. } = told(&body.to_string(), &[("code", code)]);
                let (_, next) = engineer.rsplit_once("Next: `").expect("a command");
                let command = next
                    .rsplit_once("`, or `--rejected`")
                    .or(next.rsplit_once("`."));
                let (_, matches) = taken(command.expect("its end").0);
                let named = typed(
                    &matches,
                    if code == "outcome_unknown" {
                        "key"
                    } else {
                        "what"
                    },
                );
                assert_eq!(named, Some(format!("stripe#berlin#{odd}")), "{engineer}");
            }
        }
    }
}
