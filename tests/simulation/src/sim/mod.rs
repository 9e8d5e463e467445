//! One seed's run: Lambda, its event source mapping, producers and operators around the production pipeline.

mod commands;
mod emitted;
mod lambda;

use std::sync::MutexGuard;

use causeway::breaker::Scope;
use causeway::gatekeeper::Cause;

pub use self::emitted::{Emitted, emitted};
pub use self::lambda::VISIBILITY;

use self::commands::redrive;
use self::lambda::Slot;
use crate::counts::Counts;
use crate::executor::{Due, Ready, Task};
use crate::invariants::{Recovery, Violation};
use crate::mass_death;
use crate::profile::{HOUR, MINUTE, Profile};
use crate::rng::Rng;
use crate::workload::Workload;
use crate::world::{Event, Shared, World};

/// Once nothing fails any more everything must end within this: a retry series (24 h), a deferral (11 h), and some.
const PATIENCE: i64 = 40 * HOUR;

/// Things that may happen in one world; beyond it something turns in circles.
const MAX_STEPS: u64 = 200_000_000;

/// What a seed came to.
#[derive(Debug)]
pub struct Outcome {
    /// What was counted.
    pub counts: Counts,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// What happened, where that was asked for.
    pub trace: Option<String>,
}

/// Runs the world of `seed`.
pub fn run(seed: u64, traced: bool) -> Outcome {
    Simulation::of_seed(seed, traced).run()
}

/// How Lambda runs the lane.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// Environments at once (`MaximumConcurrency`).
    pub environments: usize,
    /// Messages in a batch.
    pub batch: usize,
    /// The longest that the event source mapping takes to ask the queue, in ms.
    pub window: i64,
}

impl Fleet {
    fn draw(rng: &mut Rng) -> Self {
        Self {
            environments: rng.pick(&[2, 2, 3, 5, 10]),
            batch: rng.pick(&[1, 5, 10, 10]),
            window: rng.pick(&[0, 200, 2_000]),
        }
    }
}

/// One world, running.
pub struct Simulation {
    shared: Shared,
    ready: Ready,
    slots: Vec<Slot>,
    /// Commands that operators gave: their environment, and what is left to do.
    commands: Vec<(usize, Option<Task<()>>)>,
    commands_running: usize,
    poll_at: Option<i64>,
    invocations: u64,
    fleet: Fleet,
    ends: i64,
    /// Reports as `Debug` shows them, where somebody gathers them.
    gathered: Option<String>,
}

impl Simulation {
    /// The world of `seed`.
    pub fn of_seed(seed: u64, traced: bool) -> Self {
        let mut rng = Rng::new(seed);
        if rng.chance(mass_death::SHARE) {
            let (workload, profile, fleet) = mass_death::draw(&mut rng);
            let simulation = Self::new(rng, profile, workload, fleet, traced);
            let calm_at = mass_death::CALM_AT;
            simulation.world().watch.recovery = Some(Recovery { calm_at });
            return simulation;
        }
        let workload = Workload::draw(&mut rng);
        let profile = Profile::draw(&mut rng, crate::world::START, workload.ends);
        let fleet = Fleet::draw(&mut rng);
        Self::new(rng, profile, workload, fleet, traced)
    }

    /// The world of `workload` under `profile`.
    pub fn new(rng: Rng, profile: Profile, workload: Workload, fleet: Fleet, traced: bool) -> Self {
        let slots = fleet.environments;
        let ends = workload.ends;
        let requests = workload.requests.len() as u64;
        let mut world = World::new(rng, profile, workload, traced);
        world.counts.requests = requests;
        world.note(None, || {
            let spec = causeway::provider::Provider::spec(&world.provider);
            format!("lane {}, {fleet:?}", spec.name)
        });
        Self {
            shared: Shared::new(world),
            ready: Ready::default(),
            slots: std::iter::repeat_with(Slot::default).take(slots).collect(),
            commands: Vec::new(),
            commands_running: 0,
            poll_at: None,
            invocations: 0,
            fleet,
            ends,
            gathered: None,
        }
    }

    /// Runs to the end, and judges it.
    pub fn run(mut self) -> Outcome {
        self.play();
        self.end()
    }

    /// The world as it is now.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.lock()
    }

    /// Runs until nothing is left to happen.
    pub fn play(&mut self) {
        for _ in 0..MAX_STEPS {
            self.poll_tasks();
            self.plan_poll();
            let due = {
                let mut world = self.shared.lock();
                if self.is_idle() && world.queue.is_empty() && world.now >= self.ends {
                    break;
                }
                let Some((at, due)) = world.agenda.take() else {
                    break;
                };
                if at > self.ends + PATIENCE {
                    break;
                }
                world.now = at;
                due
            };
            match due {
                Due::Wake(waker) => waker.wake(),
                Due::Event(event) => self.happen(event),
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.commands_running == 0 && self.slots.iter().all(|slot| slot.running.is_none())
    }

    /// Judges the end.
    pub fn end(mut self) -> Outcome {
        // Futures hold the world: they go first.
        self.slots.clear();
        self.commands.clear();
        let mut world = self.shared.lock();
        world.see_end();
        world.counts.messages = world.queue.messages.len() as u64;
        Outcome {
            counts: std::mem::take(&mut world.counts),
            violations: std::mem::take(&mut world.watch.violations),
            trace: world.take_trace(),
        }
    }

    fn happen(&mut self, event: Event) {
        let mut world = self.shared.lock();
        let now = world.now;
        match event {
            Event::Send(number) => {
                let body = world.requests[number].body.clone();
                world.note(None, || format!("producer sends r{number}: {body}"));
                world.queue.send(number, &body, now, None);
            }
            Event::Poll => {
                drop(world);
                if self.poll_at == Some(now) {
                    self.poll_at = None;
                    self.receive();
                }
            }
            Event::Timeout(slot, invocation) => {
                let running = self.slots[slot].running.as_ref();
                let running = running.filter(|running| running.invocation == invocation);
                if let Some(running) = running {
                    world.counts.timeouts += 1;
                    world.environments[running.environment].dead = true;
                    world.counts.crashes += 1;
                    let environment = running.environment;
                    world.note(Some(environment), || "DIES: its time is up".to_owned());
                    drop(world);
                    self.bury_dead(slot);
                }
            }
            Event::Haunt(message) => {
                world.counts.duplicates_delivered += 1;
                world.queue.haunt(message, now);
            }
            Event::Redrive => redrive(&mut world),
            Event::Spoil(number, what) => {
                world.note(None, || {
                    format!("the secret of c{number} is spoilt: {what}")
                });
                let connection = format!("c{number}");
                world.vendor.tokens.spoil(&connection, what);
                world.see_spoilt(&connection);
            }
            Event::Gatekeeper => {
                world.is_watched = true;
                let event = Due::Event(Event::Gatekeeper);
                world.agenda.set(now + MINUTE, event);
                drop(world);
                self.keep_gate(Cause::Schedule);
            }
            Event::Changed => {
                let provider = world.provider_name();
                drop(world);
                self.keep_gate(Cause::Changed(vec![Scope::Provider.key(provider, "")]));
            }
            Event::Paused(number) => {
                let key = causeway::credentials::key(world.provider_name(), &format!("c{number}"));
                drop(world);
                self.keep_gate(Cause::Changed(vec![key]));
            }
            Event::Reauthorise(number) => {
                world.note(None, || format!("a person authorises c{number} anew"));
                world.vendor.tokens.reauthorise(&format!("c{number}"));
            }
            Event::Help(number) => {
                let connection = format!("c{number}");
                if world.vendor.tokens.is_spoilt(&connection) || world.is_given_up(&connection) {
                    world.note(None, || format!("a person helps {connection}"));
                    world.vendor.tokens.reauthorise(&connection);
                }
            }
            Event::Resume => {
                drop(world);
                self.resume();
            }
            Event::Calm => {
                world.note(None, || "from now on nothing fails".to_owned());
                world.profile = Profile::calm();
            }
        }
    }
}
