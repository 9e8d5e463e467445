//! The lost-reply sweep: every operation, with every way in which an answer can go missing.
//!
//! A request takes effect once, or nobody says that it did. What the page says of an operation is held against a vendor
//! that behaves as its own documentation says, in a file that was written without looking at the page.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use causeway::ledger::Status;
use causeway::pack::example::Extent;
use causeway::pack::page::Class;
use causeway::pack::{OperationLine, Page};
use causeway::provider::{Provider, Safety};
use causeway_fakes::pack::{Does, Fake, Fault};
use serde_json::Value;

use crate::run::{self, Before, Run, run};
use crate::shelf::Shelved;
use crate::{payload, raw};

/// What is done to an operation's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name in reports.
    pub name: &'static str,
    pub(crate) faults: &'static [Fault],
    pub(crate) before: Before,
}

impl Case {
    const fn of(name: &'static str, faults: &'static [Fault]) -> Self {
        let before = Before::Nothing;
        Self {
            name,
            faults,
            before,
        }
    }

    /// Whether it leaves open whether a call took effect.
    fn is_ambiguous(self) -> bool {
        let open = |fault: &Fault| {
            !matches!(
                fault,
                Fault::NotSent | Fault::Refused | Fault::Throttled | Fault::Unauthorised
            )
        };
        self.faults.iter().any(open)
    }

    fn has(self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

/// Every case. The killed function's is the vendor's answer that nobody lives to write down.
pub const CASES: &[Case] = &[
    Case::of("clean", &[]),
    Case::of("refused", &[Fault::Refused]),
    Case::of("throttled", &[Fault::Throttled]),
    Case::of("unauthorised", &[Fault::Unauthorised]),
    Case::of("not sent", &[Fault::NotSent]),
    Case::of("lost after", &[Fault::LostAfter]),
    Case::of("lost after, twice", &[Fault::LostAfter, Fault::LostAfter]),
    Case::of("500 after", &[Fault::ErrorAfter]),
    Case::of("timeout after", &[Fault::TimeoutAfter]),
    Case::of("at work after", &[Fault::AtWorkAfter]),
    Case::of("killed after", &[Fault::KilledAfter]),
    Case::of("lost before", &[Fault::LostBefore]),
    Case::of("timeout before", &[Fault::TimeoutBefore]),
    Case {
        name: "lost before, beside a twin",
        faults: &[Fault::LostBefore],
        before: Before::Twin,
    },
];

/// What page and vendor do not agree about, or a promise that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The provider.
    pub provider: String,
    /// The operation.
    pub operation: String,
    /// What its page says of it.
    pub safety: &'static str,
    /// In which case.
    pub case: &'static str,
    /// Which promise.
    pub promise: Promise,
    /// What happened.
    pub text: String,
}

/// What holds of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// At most one effect.
    OneEffect,
    /// What is rejected had none.
    RejectedHasNone,
    /// What is completed had one.
    CompletedHasOne,
    /// What nobody has reviewed is not sent again after a byte went out.
    NeverTwice,
    /// What the page calls safe is settled.
    Settled,
    /// What the vendor refuses is rejected.
    RefusalEnds,
    /// It ends as the case lets it end.
    Ends,
    /// There is a payload that the operation takes, and the vendor knows its call.
    Called,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            provider,
            operation,
            safety,
            case,
            promise,
            text,
        } = self;
        write!(
            f,
            "{provider} {operation} ({safety}), {case}: {promise:?}: {text}"
        )
    }
}

/// What a sweep came to.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Operations.
    pub operations: usize,
    /// Requests that were carried out.
    pub cases: usize,
    /// What does not hold.
    pub violations: Vec<Violation>,
}

impl Swept {
    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.cases += other.cases;
        self.violations.extend(other.violations);
    }
}

/// Sweeps one operation.
#[must_use]
pub fn operation(shelved: &Shelved, name: &str) -> Swept {
    let mut swept = Swept {
        operations: 1,
        ..Swept::default()
    };
    let Some((subject, payloads)) = Subject::of(shelved, name) else {
        swept.violations.push(Violation {
            provider: shelved.name.clone(),
            operation: name.to_owned(),
            safety: "?",
            case: "clean",
            promise: Promise::Called,
            text: "no payload was found that its schema takes".to_owned(),
        });
        return swept;
    };
    let mut never_settled: Vec<Violation> = Vec::new();
    let mut settled = BTreeSet::new();
    for payload in &payloads {
        for case in CASES.iter().filter(|case| subject.takes(**case)) {
            swept.cases += 1;
            let request = run::Subject {
                operation: name,
                beset: name,
                payload,
                way: subject.way,
            };
            let run = run(shelved, request, case.faults, case.before);
            for violation in subject.judge(*case, &run) {
                match violation.promise {
                    // A question needs a field that only some payloads have: it must be answered for one of them.
                    Promise::Settled if payloads.len() > 1 => never_settled.push(violation),
                    _ => swept.violations.push(violation),
                }
            }
            let is_settled = run
                .record
                .as_ref()
                .is_some_and(|record| record.status == Status::Completed);
            if is_settled {
                settled.insert(case.name);
            }
        }
    }
    never_settled.retain(|violation| !settled.contains(violation.case));
    never_settled.dedup_by(|a, b| a.case == b.case);
    swept.violations.extend(never_settled);
    swept
}

/// Sweeps the operations of `packs` that `only` takes, a pack a core at a time; what came of each, in their order.
#[must_use]
pub fn all(
    packs: &[Shelved],
    only: impl Fn(&Shelved, &OperationLine) -> bool + Sync,
) -> Vec<(String, Swept)> {
    let next = Mutex::new(packs.iter());
    let done: Mutex<Vec<(String, Swept)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let sweep = || {
        loop {
            let shelved = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(shelved) = shelved else { return };
            let mut swept = Swept::default();
            for line in shelved.routes.lines().filter(|line| only(shelved, line)) {
                swept.add(operation(shelved, &line.op));
                swept.add(raw::of(shelved, line));
            }
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((shelved.name.clone(), swept));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(sweep);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by(|a, b| a.0.cmp(&b.0));
    done
}

/// Whether a row of the page has said with its source what may be done about `line`'s operation.
#[must_use]
pub fn is_reviewed(page: &Page, line: &OperationLine) -> bool {
    let rows = page.operation.iter().filter(|row| {
        let own = row.name.as_ref().is_none_or(|name| *name == line.op);
        row.safety.is_some() && row.selectors.are(line) && (own || row.each.is_some())
    });
    let mut rows = rows;
    rows.next_back()
        .is_some_and(|row| row.class == Some(Class::Reviewed))
}

/// What an operation is swept with: as little as it takes, and, where what is asked may depend on more, everything.
/// None where nothing was found that it takes.
#[must_use]
pub fn payloads(shelved: &Shelved, name: &str) -> Vec<Value> {
    let operation = shelved.pack.spec().operation(name);
    let (Some(operation), Some(line)) = (operation, shelved.routes.line(name)) else {
        return Vec::new();
    };
    let with = shelved.behaviour.demands(line);
    let of = |extent| payload::of(&shelved.pack, operation, extent, &with);
    let mut payloads: Vec<Value> = of(Extent::Minimal).into_iter().collect();
    if matches!(operation.safety, Safety::Lookup { .. } | Safety::Natural) {
        let whole = of(Extent::Full);
        payloads.extend(whole.filter(|whole| !payloads.contains(whole)));
    }
    payloads
}

/// The word for a safety.
#[must_use]
pub fn word(safety: &Safety) -> &'static str {
    match safety {
        Safety::Keyed { .. } => "keyed",
        Safety::Natural => "natural",
        Safety::Lookup { .. } => "lookup",
        Safety::Unsafe => "unsafe",
    }
}

/// The first way of connecting an account with which the operation can be called at all.
fn way(shelved: &Shelved, operation: &str, payload: &Value) -> usize {
    let works = |way: &usize| {
        let request = run::Subject {
            operation,
            beset: operation,
            payload,
            way: *way,
        };
        let run = run(shelved, request, &[], Before::Nothing);
        run.record
            .is_some_and(|record| record.status == Status::Completed)
    };
    match run::ways(shelved) {
        0 | 1 => 0,
        ways => (0..ways).find(works).unwrap_or_default(),
    }
}

/// An operation, and what page and vendor say of it.
pub(crate) struct Subject<'a> {
    shelved: &'a Shelved,
    line: &'a OperationLine,
    safety: &'static Safety,
    is_reviewed: bool,
    does: Does,
    says_busy: bool,
    pub(crate) way: usize,
}

impl<'a> Subject<'a> {
    /// With the payloads that it is swept with.
    pub(crate) fn of(shelved: &'a Shelved, name: &str) -> Option<(Self, Vec<Value>)> {
        let operation = shelved.pack.spec().operation(name)?;
        let line = shelved.routes.line(name)?;
        let payloads = payloads(shelved, name);
        let least = payloads.first()?;
        let fake = Fake::new(shelved.routes.clone(), shelved.behaviour.clone());
        let subject = Self {
            shelved,
            line,
            safety: &operation.safety,
            is_reviewed: is_reviewed(shelved.pack.page(), line),
            does: shelved.behaviour.does(line),
            says_busy: fake.says_busy(line),
            way: way(shelved, name, least),
        };
        Some((subject, payloads))
    }

    /// The same vendor's operation, asked for by the raw call: nobody has reviewed it.
    pub(crate) fn raw(self) -> Self {
        Self {
            safety: &Safety::Unsafe,
            is_reviewed: false,
            ..self
        }
    }

    /// Whether the case says something about it.
    pub(crate) fn takes(&self, case: Case) -> bool {
        let looks_up = matches!(self.safety, Safety::Lookup { .. });
        (!case.has(Fault::AtWorkAfter) || self.says_busy)
            && (case.before == Before::Nothing || looks_up)
    }

    /// Whether a second call is refused in words that do not say whether the first was done.
    fn tells_nothing(&self) -> bool {
        !self.shelved.behaviour.tells(self.line) && matches!(self.safety, Safety::Natural)
    }

    pub(crate) fn judge(&self, case: Case, run: &Run) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut say = |promise: Promise, text: String| {
            found.push(Violation {
                provider: self.shelved.name.clone(),
                operation: self.line.op.clone(),
                safety: word(self.safety),
                case: case.name,
                promise,
                text,
            });
        };
        let effects = run.made.len();
        let calls = run.calls;
        let status = run.record.as_ref().map(|record| record.status);
        let told = told(run);
        if effects > 1 {
            say(Promise::OneEffect, format!("{effects} effects; {told}"));
        }
        let strangers = run.seen.iter().filter(|seen| !seen.known);
        let strangers: BTreeSet<&str> = strangers.map(|seen| seen.call.as_str()).collect();
        if !strangers.is_empty() {
            let calls: Vec<&str> = strangers.into_iter().collect();
            say(
                Promise::Called,
                format!("the vendor's file knows nothing of {}", calls.join(", ")),
            );
        }
        if status == Some(Status::Rejected) && effects > 0 {
            say(Promise::RejectedHasNone, told.clone());
        }
        // Where the vendor takes it for the twin's own thing, the twin's is it.
        let is_twins = case.before == Before::Twin && self.shelved.behaviour.is_named(self.line);
        if status == Some(Status::Completed) && effects == 0 && self.does != Does::Read && !is_twins
        {
            say(Promise::CompletedHasOne, told.clone());
        }
        let may_repeat = self.is_reviewed && !matches!(self.safety, Safety::Unsafe);
        if case.is_ambiguous() && !may_repeat && calls > 1 {
            say(Promise::NeverTwice, format!("{calls} calls; {told}"));
        }
        let Some(status) = status.filter(|_| run.acknowledged) else {
            say(Promise::Ends, format!("it never ends; {told}"));
            return found;
        };
        let stored =
            case.has(Fault::ErrorAfter) && self.shelved.behaviour.replays_errors(self.line);
        match status {
            Status::Completed if case.has(Fault::Refused) => say(Promise::RefusalEnds, told),
            Status::Completed => {}
            Status::Rejected if case.has(Fault::Refused) => {}
            Status::Unknown if case.has(Fault::Refused) => say(Promise::RefusalEnds, told),
            // Refused like a name that is taken, beside a twin that has it.
            Status::Rejected if case.before == Before::Twin => {}
            Status::Unknown if case.is_ambiguous() && (!may_repeat || stored) => {}
            // The name is taken, by us or by somebody else: sending it again was safe, and told nothing.
            Status::Unknown if case.is_ambiguous() && self.tells_nothing() => {}
            Status::Unknown if case.before == Before::Twin => {}
            Status::Unknown if case.is_ambiguous() => say(Promise::Settled, told),
            _ => say(Promise::Ends, told),
        }
        found
    }
}

/// How a request ended, in a line.
fn told(run: &Run) -> String {
    let status = run.record.as_ref().map(|record| record.status);
    let calls: Vec<String> = run
        .seen
        .iter()
        .take(CALLS_TOLD)
        .map(|seen| {
            let status = seen
                .status
                .map_or_else(|| "-".to_owned(), |status| status.to_string());
            let mark = if seen.effect { "!" } else { "" };
            format!("{} → {status}{mark}", seen.call)
        })
        .collect();
    let letter = run
        .letter
        .as_ref()
        .map(|(code, detail)| format!(", {code} ({detail})"));
    let more = if run.seen.len() > CALLS_TOLD {
        ", …"
    } else {
        ""
    };
    format!(
        "{status:?}{}: {}{more}",
        letter.unwrap_or_default(),
        calls.join(", ")
    )
}

/// Calls that a violation lists.
const CALLS_TOLD: usize = 5;
