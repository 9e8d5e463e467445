//! What runs beside the lane: the gatekeeper and operators.

use std::sync::Arc;

use causeway::credentials::Credentials;
use causeway::gatekeeper::{Cause, Gatekeeper, WatchedLane};

use super::Simulation;
use crate::executor::Task;
use crate::world::World;

impl Simulation {
    /// The gatekeeper's function runs.
    pub(super) fn keep_gate(&mut self, cause: Cause) {
        let seat = self.seat();
        let provider = self.shared.lock().provider_name().to_owned();
        let lane = WatchedLane {
            provider,
            source: "source".to_owned(),
            maximum_concurrency: u16::try_from(self.slots.len()).unwrap_or(u16::MAX),
        };
        let arms = Arc::new(seat.clone());
        let gatekeeper = Gatekeeper::new(vec![lane], arms.clone(), arms.clone(), arms)
            // Nobody asks here; that the ask is read is one more await to die at.
            .heeding_warnings(true);
        self.command(seat.environment, async move {
            gatekeeper.run(&cause).await;
        });
    }

    /// `causeway connection resume`, for every connection.
    pub(super) fn resume(&mut self) {
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

    pub(super) fn poll_command(&mut self, number: usize) {
        let Some((environment, command)) = self.commands.get_mut(number) else {
            return;
        };
        let Some(task) = command else { return };
        if task.poll().is_ready() || self.shared.lock().environments[*environment].dead {
            *command = None;
            self.commands_running -= 1;
        }
    }
}

/// An operator sends letters to the queue again.
pub(super) fn redrive(world: &mut World) {
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
