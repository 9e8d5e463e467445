//! Lambda and its event source mapping: environments, invocations, acknowledgements.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};
use std::task::Poll;

use causeway::Timestamp;
use causeway::cache::FunctionMemory;
use causeway::lane_control::EventSource;
use causeway::pipeline::{Invocation, Lane, Report, Settings};
use causeway::queue::Message;

use super::Simulation;
use crate::executor::{Due, Task};
use crate::invariants::Invariant;
use crate::profile::{MINUTE, SECOND};
use crate::seat::Seat;
use crate::sqs;
use crate::world::{Environment, Event, World};

/// How long the function may run.
const FUNCTION_TIMEOUT: i64 = 30 * SECOND;

/// Six times the function's, as the template has it.
pub const VISIBILITY: i64 = 6 * FUNCTION_TIMEOUT;

/// A place in which one environment at a time runs.
#[derive(Default)]
pub(super) struct Slot {
    environment: Option<(usize, Arc<Lane>)>,
    pub running: Option<Running>,
}

pub(super) struct Running {
    task: Task<Report>,
    pub environment: usize,
    pub invocation: u64,
    began: i64,
    /// Message ids and receipts.
    batch: Vec<(String, String)>,
}

impl Simulation {
    /// Asks the queue when there is somebody to ask for.
    pub(super) fn plan_poll(&mut self) {
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
    pub(super) fn receive(&mut self) {
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

    fn cold_start(&self) -> (usize, Arc<Lane>) {
        let seat = self.seat();
        let world = self.shared.lock();
        let settings = Settings {
            base_url: "https://vendor.example".into(),
            environment: world.environments[seat.environment].name.clone(),
            max_in_flight: 10,
            memory: FunctionMemory::USUAL,
        };
        let provider = world.provider;
        drop(world);
        let environment = seat.environment;
        let lane = Lane::new(provider, seat.seams(), settings);
        (environment, Arc::new(lane))
    }

    /// A new environment's place in the world.
    pub(super) fn seat(&self) -> Seat {
        let mut world = self.shared.lock();
        let environment = world.environments.len();
        let skew = world.profile.skew;
        let own = Environment {
            name: format!("e{environment}"),
            skew: world.rng.between(-skew, skew),
            dead: false,
            invocation: 0,
            invoked_at: 0,
            secrets: HashMap::new(),
        };
        let (name, skew) = (own.name.clone(), own.skew);
        world.environments.push(own);
        world.note(None, || format!("{name} starts, its clock {skew} ms ahead"));
        Seat {
            shared: self.shared.clone(),
            environment,
        }
    }

    pub(super) fn poll_tasks(&mut self) {
        loop {
            let next = self
                .ready
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            match next {
                Some(slot) => self.poll_slot(slot),
                None => return,
            }
        }
    }

    pub(super) fn poll_slot(&mut self, slot: usize) {
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
    pub(super) fn bury_dead(&mut self, slot: usize) {
        let running = self.slots[slot].running.take();
        self.slots[slot].environment = None;
        let mut world = self.shared.lock();
        for (_, receipt) in running.iter().flat_map(|running| &running.batch) {
            if let Some((number, _)) = sqs::parse(receipt) {
                world.queue.messages[number].interrupted = true;
            }
        }
        // What its future holds goes with it, and that needs the world no more.
        drop(world);
        drop(running);
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
            let mut entries = report.entries.iter();
            let entry = entries.find(|entry| entry.message_id == *id);
            if let (Some(entry), Some((number, _))) = (entry, sqs::parse(receipt)) {
                world.see_put_off(number, &entry.outcome);
            }
        }
        let acknowledged: BTreeSet<&str> = report.acknowledged().collect();
        for (id, receipt) in &running.batch {
            if !acknowledged.contains(id.as_str()) {
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
