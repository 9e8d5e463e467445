//! `causeway dlq explain`: what it means, whose move it is, what to do, and the exact next command.

use causeway::ledger::{Record, Status};
use causeway_insights::explain::{Entry, Redrive, entries, entry};
use clap::Args;
use serde_json::{Value, json};

use super::Reading;
use super::classify::Class;
use super::group::groups;
use super::look::{self, Judged, dead_letters, record_json, releasing};
use super::show::find;
use super::told::{Lanes, of_code, page};
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::{Lane, Stack};
use crate::status::{paragraphs, ruled, word};
use crate::text::CommandLine;

/// What a code means, whose move it is, what to do, and the exact next command.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The lane.
    provider: String,
    /// A code, or a letter (message id, request id, idempotency key); otherwise every code that lies in the queue.
    what: Option<String>,
    /// Explain every code that the lane can give; asks nobody.
    #[arg(long, conflicts_with = "what")]
    all: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Explains.
///
/// # Errors
/// When AWS refuses, or there is neither such a code nor such a letter.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let provider = &arguments.provider;
    if arguments.all {
        let known: Vec<_> = entries(page(provider)).collect();
        return print_codes(context, provider, &known);
    }
    let code = arguments
        .what
        .as_deref()
        .and_then(|what| entry(page(provider), what));
    if let Some(known) = code {
        return print_codes(context, provider, &[known]);
    }
    let stack = look::connect(context).await?;
    let lane = stack.lane(provider)?;
    match &arguments.what {
        Some(what) => one(&stack, lane, arguments, what, context).await,
        None => every_group(&stack, lane, arguments, context).await,
    }
}

fn print_codes(context: &Context, provider: &str, known: &[Entry<'_>]) -> Result<Done, Error> {
    if context.global.json {
        let told = known
            .iter()
            .filter_map(|known| of_code(provider, known.code));
        output::json(Kind::Codes, &told.collect::<Vec<_>>())?;
    } else {
        for known in known {
            output::line(&text(known))?;
            output::line(&format!("  next:    {}\n", next_of(provider, known.code)))?;
        }
    }
    Ok(Done::All)
}

async fn every_group(
    stack: &Stack,
    lane: &Lane,
    arguments: &Arguments,
    context: &Context,
) -> Result<Done, Error> {
    let mut letters = dead_letters(stack, lane, &arguments.reading);
    releasing(&mut letters, async |letters| {
        let read = letters.read(arguments.reading.limit(), |_| true).await?;
        let mut codes: Vec<(String, usize)> = Vec::new();
        for group in groups(&lane.provider, &read) {
            match codes.iter_mut().find(|(code, _)| *code == group.code) {
                Some((_, count)) => *count += group.count,
                None => codes.push((group.code, group.count)),
            }
        }
        if context.global.json {
            let all: Vec<Value> = codes
                .iter()
                .map(|(code, count)| {
                    json!({"code": code, "count": count, "explanation": of_code(&lane.provider, code)})
                })
                .collect();
            output::json(Kind::CodeCounts, &all)?;
            return Ok(Done::All);
        }
        if codes.is_empty() {
            output::line("No dead letters.")?;
        }
        for (code, count) in &codes {
            output::line(&format!("{count} letter(s):"))?;
            output::line(&text_of(&lane.provider, code))?;
            output::line(&format!("  next:    {}\n", next_of(&lane.provider, code)))?;
        }
        Ok(Done::All)
    })
    .await
}

async fn one(
    stack: &Stack,
    lane: &Lane,
    arguments: &Arguments,
    what: &str,
    context: &Context,
) -> Result<Done, Error> {
    let mut letters = dead_letters(stack, lane, &arguments.reading);
    releasing(&mut letters, async |letters| {
        let found = find(stack, lane, letters, &arguments.reading, what).await?;
        let mut lanes = Lanes::new(stack, &lane.provider);
        let zone = context.zone();
        if context.global.json {
            let mut all: Vec<Value> = Vec::with_capacity(found.len());
            for judged in &found {
                let told = lanes.explain(judged, &zone).await;
                let mut explanation =
                    of_code(&lane.provider, &judged.letter.said.code).unwrap_or_default();
                explanation["support"] = told.support.into();
                explanation["engineer"] = told.engineer.into();
                all.push(json!({
                    "message_id": judged.letter.message_id,
                    "code": judged.letter.said.code,
                    "detail": judged.letter.said.detail,
                    "explanation": explanation,
                    "ledger": judged.record.as_ref().map(record_json),
                    "redrive": judged.judgement,
                    "next": next(&lane.provider, judged),
                }));
            }
            output::json(Kind::ExplainedLetters, &all)?;
            return Ok(Done::All);
        }
        for judged in &found {
            let said = &judged.letter.said;
            output::line(&format!("letter {}", judged.letter.message_id))?;
            output::line(&text_of(&lane.provider, &said.code))?;
            output::line(&format!(
                "  detail:  {}",
                said.detail.as_deref().unwrap_or("-")
            ))?;
            output::line(&format!("  ledger:  {}", state(judged.record.as_ref())))?;
            output::line(&format!(
                "  redrive: {}: {}",
                judged.judgement.class.words(),
                judged.judgement.why
            ))?;
            output::line(&format!("  next:    {}\n", next(&lane.provider, judged)))?;
            output::line(&paragraphs(&lanes.explain(judged, &zone).await))?;
        }
        Ok(Done::All)
    })
    .await
}

fn text_of(provider: &str, code: &str) -> String {
    match entry(page(provider), code) {
        Some(known) => text(&known),
        None => format!(
            "{code}\n  meaning: This release of the command does not know the code; the lane may be newer."
        ),
    }
}

fn text(known: &Entry<'_>) -> String {
    format!(
        "{}\n  meaning: {}\n  move of: {}\n  do:      {}\n  redrive: {}",
        known.code,
        known.meaning,
        known.fault.words(),
        known.action,
        known.redrive.words()
    )
}

/// The command to type next for all letters of a code: no redrive where it cannot help.
pub(crate) fn next_of(provider: &str, code: &str) -> String {
    let redrive = entry(page(provider), code).map(|known| known.redrive);
    let command = match redrive {
        Some(Redrive::Never) => CommandLine::new("dlq drop"),
        _ => CommandLine::new("dlq redrive"),
    };
    // A letter of somebody else's making may say anything.
    let command = command.argument(provider).option("--code", code);
    command.flag("--dry-run").to_string()
}

/// What the ledger has, in a line.
fn state(record: Option<&Record>) -> String {
    let Some(record) = record else {
        return "no record".to_owned();
    };
    let doubt = if record.ambiguous {
        ", an attempt may have taken effect"
    } else {
        ""
    };
    let status = word(record.status);
    format!("{status} after {} attempt(s){doubt}", record.attempts)
}

/// The command to type next.
pub(crate) fn next(provider: &str, judged: &Judged) -> String {
    let id = &judged.letter.message_id;
    let of = |verb| CommandLine::new(verb).argument(provider);
    let is_unknown = judged.record.as_ref().is_some_and(|record| {
        record.status == Status::Unknown || record.status == Status::Rejected && record.ambiguous
    });
    match judged.judgement.class {
        Class::AlreadyDone | Class::Safe => of("dlq redrive").option("--letter", id).to_string(),
        Class::Ambiguous if is_unknown => {
            let pk = judged.letter.pk().unwrap_or_default();
            ruled(provider, &pk)
        }
        // The lane decides, and closes it UNKNOWN where it cannot.
        Class::Ambiguous => {
            let redrive = of("dlq redrive").option("--letter", id);
            redrive.option("--include", "ambiguous").to_string()
        }
        Class::Hopeless => {
            let drop = of("dlq drop").option("--letter", id);
            let drop = drop.option("--to", "FILE").option("--reason", "…");
            format!("mend and send it anew, then: {drop}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{ODD, taken, typed};
    use crate::dlq::classify::Judgement;
    use crate::dlq::letter::tests::letter;

    fn judged(class: Class) -> Judged {
        Judged {
            letter: letter("{}", &[]),
            record: None,
            judgement: Judgement {
                class,
                why: String::new(),
            },
        }
    }

    #[test]
    fn every_class_has_a_next_command() {
        for (class, expected) in [
            (
                Class::AlreadyDone,
                "causeway dlq redrive stripe --letter m-1",
            ),
            (Class::Safe, "causeway dlq redrive stripe --letter m-1"),
            (
                Class::Ambiguous,
                "causeway dlq redrive stripe --letter m-1 --include ambiguous",
            ),
            (
                Class::Hopeless,
                "mend and send it anew, then: causeway dlq drop stripe --letter m-1 --to FILE --reason '…'",
            ),
        ] {
            assert_eq!(next("stripe", &judged(class)), expected);
        }
    }

    #[test]
    fn no_redrive_is_offered_where_it_cannot_help() {
        for known in entries(page("stripe")) {
            let offered = next_of("stripe", known.code).contains("redrive");
            assert_eq!(offered, known.redrive != Redrive::Never, "{}", known.code);
        }
    }

    #[test]
    fn a_code_of_a_newer_lane_is_no_error() {
        assert!(text_of("stripe", "brand_new").contains("newer"));
        assert!(text_of("stripe", "stored_error").contains("Stripe"));
    }

    /// A letter of somebody else's making may say any code, and a key may look like an option.
    #[test]
    fn every_next_command_names_the_same_letter_code_and_key_whatever_they_are() {
        for odd in ODD {
            let (_, matches) = taken(&next_of("stripe", odd));
            assert_eq!(typed(&matches, "code"), Some(odd.to_owned()));
            let (verb, matches) = taken(&ruled("stripe", &format!("stripe#-x#{odd}")));
            assert_eq!(verb, "dlq resolve");
            assert_eq!(typed(&matches, "key"), Some(format!("stripe#-x#{odd}")));
            assert!(matches.get_flag("completed") && typed(&matches, "reason").is_some());
        }
        for class in [
            Class::AlreadyDone,
            Class::Safe,
            Class::Ambiguous,
            Class::Hopeless,
        ] {
            let (_, matches) = taken(&next("stripe", &judged(class)));
            assert_eq!(
                typed(&matches, "letter"),
                Some("m-1".to_owned()),
                "{class:?}"
            );
        }
    }
}
