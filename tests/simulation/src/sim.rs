//! One seed's run: Lambda, its event source mapping, producers and operators around the production pipeline.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};
use std::task::Poll;

use causeway::Timestamp;
use causeway::breaker::Scope;
use causeway::credentials::{CredentialState, Credentials};
use causeway::gatekeeper::{Cause, Gatekeeper, WatchedLane};
use causeway::lane_control::EventSource;
use causeway::pipeline::{Invocation, Lane, Report, Settings};
use causeway::queue::Message;

use crate::counts::Counts;
use crate::executor::{Due, Ready, Task};
use crate::invariants::{Invariant, Violation};
use crate::profile::{HOUR, MINUTE, Profile, SECOND};
use crate::rng::Rng;
use crate::seat::Seat;
use crate::sqs;
use crate::workload::Workload;
use crate::world::{Environment, Event, Shared, World};

/// How long the function may run.
const FUNCTION_TIMEOUT: i64 = 30 * SECOND;

/// Six times the function's, as the template has it.
const VISIBILITY: i64 = 6 * FUNCTION_TIMEOUT;

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

/// Everything that a seed's world emits: letters, records, reports; what it logs goes to the caller's subscriber.
#[derive(Debug)]
pub struct Emitted {
    /// All of it, as JSON and as `Debug` show it.
    pub text: String,
    /// Letters that were sent.
    pub letters: u64,
    /// How long it lasted, in virtual ms.
    pub lasted_ms: i64,
    /// Secrets that the lane was given to use.
    pub secrets_handed_out: u64,
}

/// Runs the world of `seed` and gathers what it emits.
pub fn emitted(seed: u64) -> Emitted {
    let mut simulation = Simulation::of_seed(seed, false);
    simulation.gathered = Some(String::new());
    simulation.play();
    let mut text = simulation.gathered.take().unwrap_or_default();
    let world = simulation.world();
    for dead in &world.queue.letters {
        let attributes = causeway::queue::attributes::of_letter(&dead.letter);
        text.push_str(&format!("{:?} {attributes:?}\n", dead.letter));
    }
    for record in world.ledger.records().values() {
        let json = serde_json::to_string(record).unwrap_or_default();
        text.push_str(&format!("{record:?} {json}\n"));
    }
    for (key, stored) in world.states.values() {
        // Where tokens are kept, encrypted; shown as the operators' command would.
        let debug = serde_json::from_value::<CredentialState>(stored.value.clone());
        let is_credentials = key.ends_with("#credentials");
        text.push_str(&if is_credentials {
            format!("{debug:?}\n")
        } else {
            format!("{key} {stored:?}\n")
        });
    }
    Emitted {
        text,
        letters: world.counts.letters,
        lasted_ms: world.now - crate::world::START,
        secrets_handed_out: world.counts.secrets,
    }
}

/// A place in which one environment at a time runs.
#[derive(Default)]
struct Slot {
    environment: Option<(usize, Arc<Lane>)>,
    running: Option<Running>,
}

struct Running {
    task: Task<Report>,
    environment: usize,
    invocation: u64,
    began: i64,
    /// Message ids and receipts.
    batch: Vec<(String, String)>,
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
        let workload = Workload::draw(&mut rng);
        let profile = Profile::draw(&mut rng, workload.ends - crate::world::START);
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
                world.vendor.tokens.spoil(&format!("c{number}"), what);
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
            Event::Reauthorise(number) => {
                world.note(None, || format!("a person authorises c{number} anew"));
                world.vendor.tokens.reauthorise(&format!("c{number}"));
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

    /// Asks the queue when there is somebody to ask for.
    fn plan_poll(&mut self) {
        let mut world = self.shared.lock();
        if !self.may_receive(&world.source) {
            return;
        }
        let now = world.now;
        let Some(at) = world.queue.next_visible(now) else {
            return;
        };
        if self
            .poll_at
            .is_some_and(|planned| planned <= at + self.fleet.window)
        {
            return;
        }
        let at = at.max(now) + world.rng.between(0, self.fleet.window);
        self.poll_at = Some(at);
        world.agenda.set(at, Due::Event(Event::Poll));
    }

    /// Whether the event source mapping would hand out another batch.
    fn may_receive(&self, source: &EventSource) -> bool {
        let running = self.slots.iter().filter(|slot| slot.running.is_some());
        let running = running.count();
        let most = source.maximum_concurrency.map_or(usize::MAX, usize::from);
        source.enabled && running < self.slots.len().min(most)
    }

    /// Hands messages to one idle slot.
    fn receive(&mut self) {
        if !self.may_receive(&self.shared.lock().source) {
            return;
        }
        let idle: Vec<usize> = (0..self.slots.len())
            .filter(|&slot| self.slots[slot].running.is_none())
            .collect();
        if idle.is_empty() {
            return;
        }
        let (slot, batch) = {
            let mut world = self.shared.lock();
            let World {
                queue,
                rng,
                profile,
                now,
                ..
            } = &mut *world;
            let slot = rng.pick(&idle);
            let most = if rng.chance(0.8) {
                self.fleet.batch
            } else {
                1 + rng.index(self.fleet.batch)
            };
            let (batch, expired) = queue.receive(most, VISIBILITY, profile.twice, *now, rng);
            world.counts.receives += batch.len() as u64;
            for number in expired {
                let request = world.queue.messages[number].request;
                world.violated(
                    Invariant::Lost,
                    format!("the queue gave up a message of r{request} by itself"),
                );
            }
            (slot, batch)
        };
        if !batch.is_empty() {
            self.invoke(slot, batch);
        }
    }

    fn invoke(&mut self, slot: usize, batch: Vec<Message>) {
        self.invocations += 1;
        let invocation = self.invocations;
        let (environment, lane) = match self.slots[slot].environment.take() {
            Some(warm) => warm,
            None => self.cold_start(),
        };
        let receipts = batch
            .iter()
            .map(|message| (message.id.clone(), message.receipt_handle.clone()))
            .collect();
        let mut world = self.shared.lock();
        let now = world.now;
        let own = &mut world.environments[environment];
        own.invocation = invocation;
        own.invoked_at = now;
        world.counts.invocations += 1;
        world.note(Some(environment), || {
            let ids: Vec<&str> = batch.iter().map(|message| message.id.as_str()).collect();
            format!("invocation i{invocation} with {}", ids.join(" "))
        });
        let deadline = now + FUNCTION_TIMEOUT;
        let timeout = Event::Timeout(slot, invocation);
        world.agenda.set(deadline, Due::Event(timeout));
        drop(world);
        let own_lane = lane.clone();
        let process = async move {
            let invocation = Invocation {
                id: format!("i{invocation}"),
                deadline: Timestamp::from_millis(deadline),
            };
            own_lane.process(batch, &invocation).await
        };
        self.slots[slot].environment = Some((environment, lane));
        self.slots[slot].running = Some(Running {
            task: Task::new(process, slot, &self.ready),
            environment,
            invocation,
            began: now,
            batch: receipts,
        });
        self.poll_slot(slot);
    }

    /// The gatekeeper's function runs.
    fn keep_gate(&mut self, cause: Cause) {
        let seat = self.seat();
        let provider = self.shared.lock().provider_name().to_owned();
        let lane = WatchedLane {
            provider,
            source: "source".to_owned(),
            maximum_concurrency: u16::try_from(self.slots.len()).unwrap_or(u16::MAX),
        };
        let arms = Arc::new(seat.clone());
        let gatekeeper = Gatekeeper::new(vec![lane], arms.clone(), arms.clone(), arms);
        self.command(seat.environment, async move {
            gatekeeper.run(&cause).await;
        });
    }

    /// `causeway connection resume`, for every connection.
    fn resume(&mut self) {
        let seat = self.seat();
        let (environment, provider) = (seat.environment, self.shared.lock().provider);
        let name = self.shared.lock().environments[environment].name.clone();
        let credentials = Credentials::new(Arc::new(provider), seat.seams(), String::new(), name);
        let work = async move {
            for connection in ["c0", "c1", "c2"] {
                let resumed = credentials.resume(connection).await;
                let text = || format!("operator resumes {connection}: {resumed:?}");
                seat.shared.lock().note(Some(environment), text);
            }
        };
        self.command(environment, work);
    }

    /// Something that runs in an environment of its own, once.
    fn command(&mut self, environment: usize, work: impl Future<Output = ()> + 'static) {
        let number = self.slots.len() + self.commands.len();
        let task = Task::new(work, number, &self.ready);
        self.commands.push((environment, Some(task)));
        self.commands_running += 1;
        self.poll_slot(number);
    }

    fn poll_command(&mut self, number: usize) {
        let Some((environment, command)) = self.commands.get_mut(number) else {
            return;
        };
        let Some(task) = command else { return };
        if task.poll().is_ready() || self.shared.lock().environments[*environment].dead {
            *command = None;
            self.commands_running -= 1;
        }
    }

    fn cold_start(&self) -> (usize, Arc<Lane>) {
        let seat = self.seat();
        let world = self.shared.lock();
        let settings = Settings {
            base_url: "https://vendor.example".into(),
            environment: world.environments[seat.environment].name.clone(),
            max_in_flight: 10,
        };
        let provider = world.provider;
        drop(world);
        let environment = seat.environment;
        let lane = Lane::new(provider, seat.seams(), settings);
        (environment, Arc::new(lane))
    }

    /// A new environment's place in the world.
    fn seat(&self) -> Seat {
        let mut world = self.shared.lock();
        let environment = world.environments.len();
        let skew = world.profile.skew;
        let own = Environment {
            name: format!("e{environment}"),
            skew: world.rng.between(-skew, skew),
            dead: false,
            invocation: 0,
            invoked_at: 0,
            instants: HashMap::new(),
        };
        let (name, skew) = (own.name.clone(), own.skew);
        world.environments.push(own);
        world.note(None, || format!("{name} starts, its clock {skew} ms ahead"));
        Seat {
            shared: self.shared.clone(),
            environment,
        }
    }

    fn poll_tasks(&mut self) {
        loop {
            let next = self
                .ready
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .pop_front();
            match next {
                Some(slot) => self.poll_slot(slot),
                None => return,
            }
        }
    }

    fn poll_slot(&mut self, slot: usize) {
        if let Some(command) = slot.checked_sub(self.slots.len()) {
            return self.poll_command(command);
        }
        let Some(running) = &mut self.slots[slot].running else {
            return;
        };
        let polled = running.task.poll();
        if self.shared.lock().environments[running.environment].dead {
            self.bury_dead(slot);
        } else if let Poll::Ready(report) = polled
            && let Some(running) = self.slots[slot].running.take()
        {
            if let Some(gathered) = &mut self.gathered {
                gathered.push_str(&format!("{report:?}\n"));
            }
            self.answer(running, &report);
            self.recycle(slot);
        }
    }

    /// The future of a dead environment is dropped where it stands; its messages come back by themselves.
    fn bury_dead(&mut self, slot: usize) {
        self.slots[slot].running = None;
        self.slots[slot].environment = None;
    }

    /// Lambda starts a fresh environment now and then.
    fn recycle(&mut self, slot: usize) {
        if self.shared.lock().rng.chance(0.03) {
            self.slots[slot].environment = None;
        }
    }

    /// The event source mapping deletes what the function did not keep.
    fn answer(&self, running: Running, report: &Report) {
        let mut world = self.shared.lock();
        for entry in &report.entries {
            let code = entry.outcome.code().unwrap_or("");
            let name = format!("{} {code}", entry.outcome.name());
            *world.counts.outcomes.entry(name).or_default() += 1;
            world.note(Some(running.environment), || {
                let (id, outcome) = (&entry.message_id, &entry.outcome);
                let request = entry.peek.id.as_deref().unwrap_or("?");
                format!("{id} ({request}): {outcome:?}")
            });
        }
        for (id, receipt) in &running.batch {
            if report.retained.contains(id) {
                continue;
            }
            let World { rng, profile, .. } = &mut *world;
            let (lost, haunts) = (
                rng.chance(profile.unacknowledged),
                rng.chance(profile.ghost),
            );
            if let Some((number, _)) = sqs::parse(receipt) {
                match report.entries.iter().find(|entry| entry.message_id == *id) {
                    Some(entry) => {
                        world.see_acknowledged(number, &entry.outcome, running.began);
                    }
                    None => world.violated(
                        Invariant::Lost,
                        format!("{id} is acknowledged without an outcome"),
                    ),
                }
            }
            if lost {
                world.counts.lost_acknowledgements += 1;
                continue;
            }
            let World {
                rng, queue, now, ..
            } = &mut *world;
            let deleted = queue.delete(receipt, rng);
            if let (Some(number), true) = (deleted, haunts) {
                let at = *now + rng.between(1, 20 * MINUTE);
                world.agenda.set(at, Due::Event(Event::Haunt(number)));
            }
        }
    }
}

fn redrive(world: &mut World) {
    let now = world.now;
    for number in 0..world.queue.letters.len() {
        if world.rng.chance(0.6)
            && let Some(code) = world.queue.redrive(number, now)
        {
            world.counts.redriven += 1;
            let request = world.queue.letters[number].request;
            world.note(None, || format!("operator redrives r{request} ({code})"));
        }
    }
}
