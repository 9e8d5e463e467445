//! `causeway dlq list`: letters by cause.

use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use causeway::gatekeeper::{Letters, letters_key};
use causeway::lanes;
use clap::Args;
use serde_json::json;

use super::Reading;
use super::group::{Group, groups};
use super::letter::Letter;
use super::look::{connect, dead_letters, releasing};
use super::queue::Counts;
use crate::breaker;
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::{Lane, Stack};
use crate::text::CommandLine;

/// Letters, grouped by code and cause.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The lane; all of them otherwise.
    provider: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// What was seen of one lane.
#[derive(Debug)]
struct Seen {
    groups: Vec<Group>,
    counts: Counts,
    letters: usize,
    cut: bool,
}

/// Lists the letters of one lane or of all.
///
/// # Errors
/// When AWS refuses, or there is no such lane.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = connect(context).await?;
    let lanes = match &arguments.provider {
        Some(provider) => vec![stack.lane(provider)?],
        None => stack.lanes().iter().collect(),
    };
    let mut all = Vec::new();
    for lane in lanes {
        let mut seen = None;
        let is_named = arguments.provider.is_some();
        let done = look(&stack, lane, &arguments.reading, is_named, &mut seen).await?;
        if done == Done::Interrupted {
            return Ok(done);
        }
        all.extend(seen.map(|seen| (lane, seen)));
    }
    if context.global.json {
        print_json(&all)?;
    } else {
        print(&all)?;
    }
    Ok(Done::All)
}

async fn look(
    stack: &Stack,
    lane: &Lane,
    reading: &Reading,
    is_named: bool,
    into: &mut Option<Seen>,
) -> Result<Done, Error> {
    let mut letters = dead_letters(stack, lane, reading);
    releasing(&mut letters, async |letters| {
        let counts = letters.counts().await?;
        // The estimate may be a minute old: a queue that is asked for by name is read all the same.
        let limit = if is_named || counts.visible > 0 {
            reading.limit()
        } else {
            0
        };
        let found = letters.read(limit, |_| true).await?;
        if limit > 0 && !letters.is_cut() && counts.in_flight == 0 {
            note(stack, lane, &found).await;
        }
        *into = Some(Seen {
            groups: groups(&lane.provider, &found),
            counts,
            letters: found.len(),
            cut: limit > 0 && letters.is_cut(),
        });
        Ok(Done::All)
    })
    .await
}

/// Tells the gatekeeper, which counts letters and never reads one, how old the oldest is: these are all. Where it cannot be
/// told it goes by its counts, which make a letter older than it is and never younger.
async fn note(stack: &Stack, lane: &Lane, letters: &[Letter]) {
    let Ok(states) = breaker::states(stack) else {
        return;
    };
    let seen = Letters::seen(letters.iter().map(|letter| letter.sent_at).min());
    let key = letters_key(&lane.provider);
    let decide = |known: &Letters, _| ((*known != seen).then(|| seen.clone()), ());
    if let Ok(known) = lanes::read::<Letters>(&states, &key).await {
        let _ = lanes::update(
            &states,
            &SystemClock,
            &key,
            &breaker::writer(),
            known,
            decide,
        )
        .await;
    }
}

fn print_json(all: &[(&Lane, Seen)]) -> Result<(), Error> {
    let lanes: Vec<_> = all
        .iter()
        .map(|(lane, seen)| {
            json!({
                "provider": lane.provider,
                "letters": seen.letters,
                "more": seen.cut,
                "in_flight_before": seen.counts.in_flight,
                "groups": seen.groups,
            })
        })
        .collect();
    output::json(Kind::LetterGroups, &lanes)
}

fn print(all: &[(&Lane, Seen)]) -> Result<(), Error> {
    let now = SystemClock.now();
    let mut table = output::table(&[
        "LANE",
        "CODE",
        "COUNT",
        "OPERATION",
        "HTTP",
        "DETAIL",
        "OLDEST",
        "NEWEST",
        "FINGERPRINT",
        "EXAMPLE",
    ]);
    for group in all.iter().flat_map(|(_, seen)| &seen.groups) {
        table.add_row([
            group.provider.clone(),
            group.code.clone(),
            group.count.to_string(),
            group.operation.clone().unwrap_or_default(),
            group
                .provider_status
                .map(|status| status.to_string())
                .unwrap_or_default(),
            group.detail.clone(),
            age(now, group.oldest),
            age(now, group.newest),
            group.fingerprint.clone(),
            group.example.clone(),
        ]);
    }
    let letters: usize = all.iter().map(|(_, seen)| seen.letters).sum();
    if letters == 0 {
        output::line("No dead letters.")?;
    } else {
        output::line(&table.to_string())?;
    }
    for (lane, seen) in all {
        if seen.cut {
            let read = seen.letters;
            output::line(&format!(
                "{}: only {read} were read (--limit)",
                lane.provider
            ))?;
        }
        if seen.counts.in_flight > 0 {
            output::line(&in_flight(&lane.provider, seen.counts))?;
        }
    }
    let first = all.iter().find_map(|(_, seen)| seen.groups.first());
    if let Some(group) = first {
        output::line(&format!("Next: {}", next(group)))?;
    }
    Ok(())
}

/// What to ask first: of the largest group.
pub(crate) fn next(group: &Group) -> String {
    let explain = CommandLine::new("dlq explain").argument(&group.provider);
    let redrive = CommandLine::new("dlq redrive").argument(&group.provider);
    format!(
        "{}, then {}",
        explain.argument(&group.code),
        redrive.flag("--dry-run")
    )
}

/// Letters that others hold are not seen; a person should know.
pub fn in_flight(provider: &str, counts: Counts) -> String {
    format!(
        "{provider}: about {} more are held by somebody else just now (another command, or a console redrive) and were not seen",
        counts.in_flight
    )
}

/// How long ago, in the largest unit that says enough.
pub fn age(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.since(at).as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{ODD, taken, typed};
    use crate::dlq::letter::tests::letter;

    #[test]
    fn ages_are_told_in_the_largest_unit_that_says_enough() {
        let now = Timestamp::from_millis(1_000_000_000);
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7_200, "2h"),
            (200_000, "2d"),
        ] {
            let at = now - std::time::Duration::from_secs(seconds);
            assert_eq!(age(now, at), text);
        }
    }

    #[test]
    fn the_next_commands_name_the_groups_lane_and_code() {
        for odd in ODD {
            let mut group = groups("stripe", &[letter("{}", &[("code", "x")])]).remove(0);
            group.code = odd.to_owned();
            let next = next(&group);
            let (explain, redrive) = next.rsplit_once(", then ").expect("two commands");
            let (verb, matches) = taken(explain);
            assert_eq!(
                (&*verb, typed(&matches, "what")),
                ("dlq explain", Some(odd.to_owned()))
            );
            assert_eq!(taken(redrive).0, "dlq redrive");
        }
    }
}
