//! README's night on call, line by line: a thousand requests by HTTP, a vendor that breaks, the breaker, the letters,
//! and every request carried out once.

use std::time::{Duration, Instant};

use crate::deployed::Deployed;
use crate::documents::sections;
use crate::shell::{Said, Shell};

/// How a line of the story is run.
enum Step {
    /// Once; its answer holds these words.
    Once(&'static [&'static str]),
    /// Again and again until its answer holds these words, as a person would.
    Until(&'static [&'static str]),
    /// Again and again until nothing waits in the lane any more, nor lies in its dead-letter queue.
    Idle,
    /// On a terminal, until the screen holds these words; then `q` ends it.
    Screen(&'static [&'static str]),
}
use Step::{Idle, Once, Screen, Until};

/// Longest wait for a change. The slowest: a minute's window, the gatekeeper's next minute, the ramp's steps.
const CHANGE_MAX: Duration = Duration::from_secs(240);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The requests of the story, numbered from one.
const REQUESTS: usize = 1_100;

/// Commands by how they begin, in their order.
const STORY: &[(&str, Step)] = &[
    ("causeway lanes", Once(&["stripe", "Closed"])),
    ("seq 1000 | ", Once(&[])),
    ("causeway send requests.jsonl", Once(&["1000 accepted"])),
    (
        "causeway status stripe night-1000 --watch",
        Once(&["COMPLETED"]),
    ),
    ("causeway lanes", Idle),
    ("curl -s -X PUT ", Once(&["true"])),
    ("seq 1001 1005 | ", Once(&["5 accepted"])),
    (
        "causeway dlq list stripe",
        Until(&["provider_rejected", " 5 "]),
    ),
    (
        "causeway dlq explain stripe provider_rejected",
        Once(&["refused the request"]),
    ),
    ("curl -s -X PUT ", Once(&["true"])),
    ("seq 1006 1100 | ", Once(&["95 accepted"])),
    ("causeway breaker show stripe", Until(&["stripe: Open"])),
    ("causeway top", Screen(&["stripe", "Open"])),
    (
        "aws cloudwatch get-metric-statistics ",
        Until(&["\"Maximum\": 1.0"]),
    ),
    (
        "causeway breaker open stripe ",
        Once(&["now  stripe: ForcedOpen"]),
    ),
    ("curl -s -X DELETE ", Once(&["true"])),
    (
        "causeway breaker close stripe",
        Once(&["now  stripe: Closed"]),
    ),
    ("causeway dlq redrive stripe --dry-run", Once(&["safe"])),
    ("causeway dlq redrive stripe --yes", Once(&["5 sent again"])),
    ("causeway dlq list stripe", Once(&["No dead letters"])),
    ("causeway lanes", Once(&["stripe"])),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_night_on_call_goes_as_the_readme_tells_it() {
    let deployed = Deployed::with(&["stripe"]).await;
    let shell = Shell::of(deployed.stack(), "night");
    let commands: Vec<String> = sections("README.md")
        .into_iter()
        .filter(|section| section.heading == "A night on call")
        .flat_map(|section| section.commands)
        .collect();
    assert_eq!(commands.len(), STORY.len(), "{commands:#?}");

    for (command, (start, step)) in commands.iter().zip(STORY) {
        assert!(command.starts_with(start), "{command} is not {start}…");
        let began = Instant::now();
        match step {
            Once(words) => {
                let said = shell.run(command).await;
                assert!(said.status.success(), "{command}: {said:#?}");
                assert_eq!(said.lacks(words), None, "{command}: {said:#?}");
            }
            Until(words) => until(&deployed, &shell, command, |said| said.lacks(words)).await,
            Idle => until(&deployed, &shell, command, busy).await,
            Screen(words) => shell.watch(command, words, "q").await,
        }
        eprintln!("{:>6.1} s  {start}", began.elapsed().as_secs_f64());
    }
    each_request_took_effect_once(&deployed).await;
}

/// What stripe's row lacks: READY, HIDDEN, DELAYED and DEAD stand side by side.
fn busy(said: &Said) -> Option<&'static str> {
    let row = said
        .out
        .lines()
        .find(|line| line.trim_start().starts_with("stripe "));
    let row: Vec<_> = row.unwrap_or_default().split_whitespace().collect();
    let is_idle = row.windows(4).any(|cells| cells == ["0"; 4]);
    (!is_idle).then_some("four zeros")
}

async fn until<'w>(
    deployed: &Deployed,
    shell: &Shell,
    command: &str,
    lacks: impl Fn(&Said) -> Option<&'w str>,
) {
    let end = Instant::now() + CHANGE_MAX;
    loop {
        // Where a person looks on, `make demo-up` has a process that does so all the time.
        let forwarded = deployed.stack().forward_metrics().await;
        forwarded.expect("the emulator answers");
        let said: Said = shell.run(command).await;
        assert!(said.status.success(), "{command}: {said:#?}");
        let Some(lacks) = lacks(&said) else {
            return;
        };
        assert!(Instant::now() < end, "{command}: no {lacks}: {said:#?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Those that waited behind the breaker come back within its window, those that failed after their backoff.
async fn each_request_took_effect_once(deployed: &Deployed) {
    let end = Instant::now() + CHANGE_MAX;
    loop {
        let journal = deployed.fakes().journal();
        let effects = (1..=REQUESTS).map(|number| {
            let marker = format!("night-{number}");
            (journal.effects_of("stripe", &marker), marker)
        });
        let other: Vec<_> = effects.filter(|(effects, _)| *effects != 1).collect();
        let Some((effects, marker)) = other.first() else {
            return;
        };
        let twice = other.iter().any(|(effects, _)| *effects > 1);
        let late = Instant::now() > end;
        assert!(
            !twice && !late,
            "{} requests, such as {marker}: {effects}",
            other.len()
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
