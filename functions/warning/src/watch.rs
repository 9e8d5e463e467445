//! One run: which lanes are due, what they did, what is said of them, who is told.
//!
//! Each look is one conditional write of the lane's item. Where the function dies before it, the next run looks again;
//! after it and before somebody was told, a later run tells (`Record`, in the insights); after that, nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use causeway::clock::Clock;
use causeway::lanes::{self, Known, StateStore};
use causeway::{StoreError, Timestamp};
use causeway_insights::warning::{Alert, Finding, Minute, Record, Said, key, text};
use futures_util::future::join_all;

use crate::seams::{Alerts, Measures};

/// Lanes that are looked at side by side. Each takes a read of its queue's depth and a write or three.
const SIDE_BY_SIDE: usize = 8;

/// For how many minutes it is remembered which lanes are active. CloudWatch takes up to 15 to list a new one anyway.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html>
const ACTIVE_FOR: u32 = 10;

/// What a run found and did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// The lanes that were looked at.
    pub visits: Vec<Visit>,
    /// What could not be read or written; the next minute tries again.
    pub failures: Vec<StoreError>,
}

/// What became of one lane in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Visit {
    /// The lane's provider.
    pub provider: String,
    /// The warning that is on.
    pub said: Option<Said>,
    /// Whether people were told of it in this run.
    pub told: bool,
}

#[derive(Debug, Default)]
struct Memory {
    records: BTreeMap<String, Known<Record>>,
    /// Who is active, and when that was asked.
    active: Option<(u32, BTreeSet<String>)>,
}

/// Watches lanes.
pub struct Watcher {
    /// Their names, by provider.
    lanes: BTreeMap<String, String>,
    lowers: bool,
    states: Arc<dyn StateStore>,
    measures: Arc<dyn Measures>,
    alerts: Arc<dyn Alerts>,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
}

impl Watcher {
    /// Watches `lanes` (names by provider); `lowers`: the gatekeeper is asked to lower those that are warned of.
    pub fn new(
        lanes: BTreeMap<String, String>,
        lowers: bool,
        states: Arc<dyn StateStore>,
        measures: Arc<dyn Measures>,
        alerts: Arc<dyn Alerts>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            lanes,
            lowers,
            states,
            measures,
            alerts,
            clock,
            memory: Mutex::default(),
        }
    }

    /// Looks at all lanes that are due. One lane's failure keeps nobody from the others.
    pub async fn run(&self) -> Run {
        let now = self.clock.now();
        let minute = minute_of(now);
        let mut run = Run::default();
        let active = self.active(minute, &mut run).await;
        self.recall(&active, &mut run).await;
        let due = self.due(&active, minute);
        let Some(from) = due.values().map(|(from, _)| *from).min() else {
            return run;
        };
        let to = due.values().map(|(_, to)| *to).max().unwrap_or(from);
        let providers: Vec<String> = due.keys().cloned().collect();
        let measured = match self.measures.read(&providers, from..=to).await {
            Ok(measured) => measured,
            Err(error) => {
                run.failures.push(error);
                return run;
            }
        };
        for some in providers.chunks(SIDE_BY_SIDE) {
            let looks = some.iter().map(|provider| {
                let minutes = measured.get(provider).map(Vec::as_slice);
                self.look(provider, minutes.unwrap_or_default(), due[provider].1)
            });
            for (visit, failures) in join_all(looks).await {
                run.visits.push(visit);
                run.failures.extend(failures);
            }
        }
        run
    }

    /// The lanes that are worth their price. All of them, where nobody can tell.
    async fn active(&self, minute: u32, run: &mut Run) -> BTreeSet<String> {
        let known = self.memory().active.clone();
        if let Some((asked, active)) = known
            && minute.saturating_sub(asked) < ACTIVE_FOR
        {
            return active;
        }
        match self.measures.active().await {
            Ok(active) => {
                self.memory().active = Some((minute, active.clone()));
                active
            }
            Err(error) => {
                run.failures.push(error);
                self.lanes.keys().cloned().collect()
            }
        }
    }

    /// Reads the items that this environment has not read yet.
    async fn recall(&self, active: &BTreeSet<String>, run: &mut Run) {
        let unknown: Vec<&String> = {
            let memory = self.memory();
            let lanes = self.lanes.keys();
            lanes
                .filter(|provider| active.contains(*provider))
                .filter(|provider| !memory.records.contains_key(*provider))
                .collect()
        };
        for some in unknown.chunks(SIDE_BY_SIDE) {
            let reads = some.iter().map(|provider| async {
                (
                    *provider,
                    lanes::read::<Record>(self.states.as_ref(), &key(provider)).await,
                )
            });
            for (provider, read) in join_all(reads).await {
                match read {
                    Ok(known) => {
                        self.memory().records.insert(provider.clone(), known);
                    }
                    Err(error) => run.failures.push(error),
                }
            }
        }
    }

    /// The lanes whose next look it is time for, with its first and last minute. A lane that fell silent is looked at
    /// until its warning is over.
    fn due(&self, active: &BTreeSet<String>, minute: u32) -> BTreeMap<String, (u32, u32)> {
        let memory = self.memory();
        let records = memory.records.iter();
        let watched = records
            .filter(|(provider, known)| active.contains(*provider) || known.value.said.is_some());
        let due = watched.filter_map(|(provider, known)| {
            let minutes = known.value.watch.due(minute)?;
            Some((provider.clone(), (*minutes.start(), *minutes.end())))
        });
        due.collect()
    }

    async fn look(&self, provider: &str, minutes: &[Minute], to: u32) -> (Visit, Vec<StoreError>) {
        let mut failures = Vec::new();
        let mut minutes = minutes.to_vec();
        minutes.retain(|minute| minute.at <= to);
        match self.measures.waiting(&self.lanes[provider]).await {
            Ok(waiting) => note_backlog(&mut minutes, to, waiting),
            Err(error) => failures.push(error),
        }
        let mut visit = Visit {
            provider: provider.to_owned(),
            ..Visit::default()
        };
        let known = self
            .memory()
            .records
            .get(provider)
            .cloned()
            .unwrap_or_default();
        let decide = |record: &Record, now| {
            // Another environment was here before: nothing is left to see, or to tell.
            if record.watch.seen_to() >= to {
                return (None, (Vec::new(), None));
            }
            let (next, found, alert) = record.look(provider, &minutes, to, self.lowers, now);
            (Some(next), (found, alert))
        };
        let done = lanes::update(
            self.states.as_ref(),
            self.clock.as_ref(),
            &key(provider),
            "warning",
            known,
            decide,
        )
        .await;
        match done {
            Ok(Some((known, (found, alert)))) => {
                visit.said.clone_from(&known.value.said);
                log(provider, &found);
                self.remember(provider, known.clone());
                if let Some(alert) = alert {
                    match self.tell(provider, known, &alert).await {
                        Ok(()) => visit.told = true,
                        Err(error) => failures.push(error),
                    }
                }
            }
            Ok(None) => failures.push(StoreError::new("PutItem", "others wrote faster")),
            Err(error) => {
                // Whether it was written is not known: the next run reads it.
                self.memory().records.remove(provider);
                failures.push(error);
            }
        }
        (visit, failures)
    }

    async fn tell(
        &self,
        provider: &str,
        known: Known<Record>,
        alert: &Alert,
    ) -> Result<(), StoreError> {
        self.alerts.tell(alert).await?;
        let (states, clock, key) = (self.states.as_ref(), self.clock.as_ref(), key(provider));
        let told = |record: &Record, _| (record.told(alert), ());
        let done = lanes::update(states, clock, &key, "warning", known, told).await?;
        if let Some((known, ())) = done {
            self.remember(provider, known);
        }
        Ok(())
    }

    fn remember(&self, provider: &str, known: Known<Record>) {
        self.memory().records.insert(provider.to_owned(), known);
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The depth is of now, and now is the last minute that is seen.
fn note_backlog(minutes: &mut Vec<Minute>, to: u32, waiting: u64) {
    match minutes.last_mut().filter(|last| last.at == to) {
        Some(last) => last.backlog = Some(waiting),
        None => minutes.push(Minute {
            at: to,
            backlog: Some(waiting),
            ..Minute::default()
        }),
    }
}

fn minute_of(now: Timestamp) -> u32 {
    u32::try_from(now.as_millis() / 60_000).unwrap_or(0)
}

fn log(provider: &str, found: &[Finding]) {
    for finding in found {
        let detail = text::evidence(finding);
        if finding.begins {
            tracing::warn!(provider, detail, "early warning");
        } else {
            tracing::info!(provider, detail, "early warning: one more signal");
        }
    }
}
