//! What an environment does, step by step, and the shared item.

use std::sync::Arc;

use causeway::breaker::{Admission, BatchResults, Breaker, CallResult, State};

use super::{Bug, Environment, Fleet, LEASE_TICKS, Moment, NAMES, SPEC, Step, TICK, at};

impl Fleet {
    fn ask(&self, moment: &mut Moment, who: usize) {
        let mut seen = moment.item.as_ref().clone();
        if self.has(Bug::ForgetLease) && seen.state == State::HalfOpen {
            seen.probe_until = None;
        }
        if self.has(Bug::ForgetWindow) && seen.state == State::Open {
            seen.open_until = None;
        }
        let lease = TICK * u32::from(LEASE_TICKS);
        moment.environments[who] = match seen.admit(&SPEC, at(moment.tick), NAMES[who], lease) {
            Admission::All | Admission::Share { .. } => {
                let epoch = moment.item.epoch;
                moment.calls(epoch, None)
            }
            Admission::Probe { next } if self.has(Bug::ProbeUnelected) => {
                moment.calls(next.epoch, Some(moment.tick + LEASE_TICKS))
            }
            Admission::Probe { next } => Environment::Electing {
                next: Arc::new(*next),
                version: moment.version,
            },
            Admission::Refuse { .. } => Environment::Idle,
        };
    }

    fn write(&self, moment: &mut Moment, who: usize) {
        match moment.environments[who].clone() {
            Environment::Electing { next, version } => {
                if version != moment.version && !self.has(Bug::ForgetVersion) {
                    return self.ask(moment, who);
                }
                let epoch = next.epoch;
                let until = next.probe_until.map(|until| {
                    let ticks = until.since(at(0)).as_secs() / TICK.as_secs();
                    u8::try_from(ticks).unwrap_or(u8::MAX)
                });
                moment.put(next, false);
                moment.environments[who] = moment.calls(epoch, until);
            }
            Environment::Recording {
                results,
                epoch,
                next,
                version,
            } => {
                if version != moment.version && !self.has(Bug::ForgetVersion) {
                    return self.tell(moment, who, results, epoch);
                }
                if results.is_some() && epoch < moment.item.epoch {
                    moment.broken = Some("results of an older epoch were counted");
                }
                moment.put(next, false);
                moment.environments[who] = Environment::Idle;
            }
            Environment::Idle | Environment::Calling { .. } => {}
        }
    }

    /// Decides, on the item as it stands, what `results` make of it.
    fn tell(&self, moment: &mut Moment, who: usize, results: Option<CallResult>, epoch: u64) {
        let item = &moment.item;
        let next = match results {
            Some(result) => {
                let batch: BatchResults = [result].into_iter().collect();
                let believed = if self.has(Bug::ForgetEpoch) {
                    u64::MAX
                } else {
                    epoch
                };
                item.record(&SPEC, at(moment.tick), NAMES[who], believed, &batch, 0.5)
            }
            None => item.release_probe(NAMES[who]),
        };
        moment.environments[who] = next.map_or(Environment::Idle, |next| Environment::Recording {
            results,
            epoch,
            next: Arc::new(next),
            version: moment.version,
        });
    }

    pub(super) fn offer(&self, moment: &Moment, who: usize, steps: &mut Vec<Step>) {
        match &moment.environments[who] {
            Environment::Idle => {
                if moment.batches > 0 {
                    steps.push(Step::Ask(who));
                }
                return;
            }
            Environment::Electing { .. } | Environment::Recording { .. } => {
                steps.push(Step::Write(who));
            }
            Environment::Calling { probe_until, .. } => {
                steps.push(Step::End(who, CallResult::Success));
                steps.push(Step::End(who, CallResult::Fault));
                if probe_until.is_some() {
                    steps.push(Step::HandBack(who));
                }
            }
        }
        steps.push(Step::Crash(who));
    }

    pub(super) fn take(&self, moment: &mut Moment, step: Step) {
        match step {
            Step::Tick => moment.tick += 1,
            Step::Ask(who) => {
                moment.batches = moment.batches.saturating_sub(1);
                self.ask(moment, who);
            }
            Step::Write(who) => self.write(moment, who),
            Step::End(who, result) => {
                if let Environment::Calling { epoch, .. } = moment.environments[who] {
                    self.tell(moment, who, Some(result), epoch);
                }
            }
            Step::HandBack(who) => {
                if let Environment::Calling { epoch, .. } = moment.environments[who] {
                    self.tell(moment, who, None, epoch);
                }
            }
            Step::Crash(who) => moment.environments[who] = Environment::Idle,
            Step::ForceOpen => {
                moment.commands -= 1;
                let (now, until) = (at(moment.tick), at(moment.tick + 1));
                if let Ok(next) = moment.item.force_open(now, "drill", until) {
                    moment.put(Arc::new(next), true);
                }
            }
            Step::ForceClose => {
                moment.commands -= 1;
                let next = moment.item.force_close(at(moment.tick));
                moment.put(Arc::new(next), true);
            }
        }
    }
}

impl Moment {
    /// Starts calls. Whoever starts some while nobody may has broken a rule.
    fn calls(&mut self, epoch: u64, probe_until: Option<u8>) -> Environment {
        if self.is_open() {
            self.broken = Some("a call was admitted while open");
        }
        Environment::Calling { epoch, probe_until }
    }

    fn is_open(&self) -> bool {
        let ends_later = |until| at(self.tick) < until;
        matches!(self.item.state, State::Open | State::ForcedOpen)
            && self.item.open_until.is_some_and(ends_later)
    }

    /// Writes the item, and looks at what a transition must keep.
    fn put(&mut self, next: Arc<Breaker>, by_operator: bool) {
        let was = &self.item;
        if next.epoch < was.epoch {
            self.broken = Some("the epoch went back");
        }
        if (next.epoch == was.epoch) != (next.state == was.state) {
            self.broken = Some("the epoch changes with the state, and only with it");
        }
        if self.is_open() && !by_operator {
            self.broken = Some("an open window, forced or not, was cut short");
        }
        self.item = next;
        self.version += 1;
    }
}
