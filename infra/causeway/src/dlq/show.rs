//! `causeway dlq show`: one letter, and what the ledger has of its request.

use clap::Args;
use serde_json::{Value, json};

use super::Reading;
use super::look::{self, Judged, dead_letters, judge, ledger, record_json, releasing, spec};
use super::queue::DeadLetters;
use super::told::Lanes;
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::{Lane, Stack};
use crate::status::paragraphs;

/// One letter: what its lane said of it, and what the ledger has.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The lane.
    provider: String,
    /// Message id, request id, idempotency key, or provider#connection#key.
    letter: String,
    /// Show the body as well: it may hold personal data.
    #[arg(long)]
    body: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Shows a letter.
///
/// # Errors
/// When AWS refuses, or there is no such letter among those that can be read.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = look::connect(context).await?;
    let lane = stack.lane(&arguments.provider)?;
    let mut letters = dead_letters(&stack, lane, &arguments.reading);
    releasing(&mut letters, async |letters| {
        let found = find(&stack, lane, letters, &arguments.reading, &arguments.letter).await?;
        let mut lanes = Lanes::new(&stack, &lane.provider);
        let zone = context.zone();
        let mut shown: Vec<Value> = Vec::with_capacity(found.len());
        for judged in &found {
            let told = lanes.explain(judged, &zone).await;
            if context.global.json {
                let mut described = describe(judged, arguments.body);
                described["explanation"] = json!(told);
                shown.push(described);
            } else {
                print(&describe(judged, arguments.body))?;
                output::line(&paragraphs(&told))?;
            }
        }
        if context.global.json {
            output::json(Kind::Letters, &shown)?;
        }
        Ok(Done::All)
    })
    .await
}

/// The letters that `wanted` means, judged.
///
/// # Errors
/// When AWS refuses, or there is none.
pub async fn find(
    stack: &Stack,
    lane: &Lane,
    letters: &mut DeadLetters,
    reading: &Reading,
    wanted: &str,
) -> Result<Vec<Judged>, Error> {
    // A message id means one letter; of one key there may be several.
    let is_found = |letter: &super::Letter| letter.message_id == wanted;
    let read = letters
        .read(reading.limit(), |seen| !seen.iter().any(is_found))
        .await?;
    let total = read.len();
    let meant: Vec<_> = read
        .into_iter()
        .filter(|letter| letter.is_meant_by(wanted))
        .collect();
    if meant.is_empty() {
        let counts = letters.counts().await?;
        let others = counts.in_flight.saturating_sub(total as u64);
        let what = format!(
            "no dead letter of {} is `{wanted}` ({total} were read)",
            lane.provider
        );
        return Err(Error::new(what).hint(format!(
            "about {others} are held by somebody else just now; `causeway status` asks the ledger"
        )));
    }
    judge(&ledger(stack)?, spec(lane)?, meant).await
}

/// Everything that may be shown of a letter.
fn describe(judged: &Judged, with_body: bool) -> Value {
    let letter = &judged.letter;
    let mut shown = json!({
        "message_id": letter.message_id,
        "sent_at": letter.sent_at.to_string(),
        "receives": letter.receives,
        "group_id": letter.group_id,
        "said": letter.said,
        "key": letter.pk(),
        "redrive": judged.judgement,
        "ledger": judged.record.as_ref().map(record_json),
    });
    let body: Option<Value> = serde_json::from_str(&letter.body).ok();
    let payload = body.as_ref().and_then(|body| body["payload"].as_object());
    if let Some(payload) = payload {
        shown["payload_fields"] = payload.keys().cloned().collect();
    }
    if with_body {
        shown["body"] = body.unwrap_or_else(|| Value::String(letter.body.clone()));
    }
    shown
}

/// One line a field; what is nested is indented by its path.
fn print(shown: &Value) -> Result<(), Error> {
    fn lines(path: &str, value: &Value, table: &mut comfy_table::Table) {
        match value {
            Value::Null => {}
            Value::Object(fields) if path != "body" => {
                for (name, value) in fields {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    lines(&path, value, table);
                }
            }
            Value::String(text) => {
                table.add_row([path, text]);
            }
            other => {
                table.add_row([path, &other.to_string()]);
            }
        }
    }
    let mut table = output::table(&["FIELD", "VALUE"]);
    lines("", shown, &mut table);
    output::line(&table.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlq::classify::{Class, Judgement};
    use crate::dlq::letter::tests::letter;

    #[test]
    fn a_body_is_shown_only_when_asked_for_and_its_fields_always() {
        let body =
            r#"{"provider":"stripe","payload":{"email":"ada@example.com","name":"Ada Example"}}"#;
        let judged = Judged {
            letter: letter(body, &[("code", "missing_field")]),
            record: None,
            judgement: Judgement {
                class: Class::Hopeless,
                why: "no".to_owned(),
            },
        };
        let shown = describe(&judged, false);
        assert!(!shown.to_string().contains("example.com"), "{shown}");
        assert_eq!(shown["payload_fields"], json!(["email", "name"]));
        let shown = describe(&judged, true);
        assert_eq!(shown["body"]["payload"]["email"], "ada@example.com");
    }
}
