//! Rounds: every contender in turn, a process of its own each time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;
use crate::contender::Contender;
use crate::process::{Process, Quota, Seen};
use crate::stub::{Driver, Latency, Stub};
use crate::work::{BATCH, CONNECTIONS, Message, Messages, event};

/// The cell whose CPU, writes and put-back messages count, and under which the first batch runs.
pub const USUAL: Latency = Latency {
    vendor_ms: 20,
    aws_ms: 5,
};

/// Time for the vendors' limits to fill again after the batches that warm up: the slowest of those that are used is
/// Stripe's, of 25 a second an operation.
const REFILL: Duration = Duration::from_secs(1);

/// How often what was put back is handed out again until all of it has ended.
const DRAIN_MAX: usize = 40;
/// How long it waits before.
const DRAIN_EVERY: Duration = Duration::from_millis(500);

/// How much is measured in a round.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Latencies, one after the other in the same process.
    pub cells: Vec<Latency>,
    /// Batches of a cell.
    pub batches: usize,
    /// A slow contender's cell ends after this long, with [`Plan::batches_min`] batches at least.
    pub cell_time: Duration,
    /// Fewest batches of a cell.
    pub batches_min: usize,
}

/// What one process did.
#[derive(Clone, Debug)]
pub struct Sample {
    /// From its start until it asked for its first event, in ms of CPU time.
    pub start_cpu_ms: f64,
    /// Its first batch, in ms of CPU time.
    pub first_batch_cpu_ms: f64,
    /// A request of the cell [`USUAL`] that took effect, in ms of CPU time.
    pub cpu_ms_record: f64,
    /// Most memory, in MiB.
    pub peak_mib: f64,
    /// Write units a request that took effect.
    pub write_units: f64,
    /// Reads of DynamoDB a batch.
    pub reads: f64,
    /// Messages of a batch that were put back.
    pub put_back: f64,
    /// Each batch's time in ms, by cell.
    pub wall_ms: BTreeMap<String, Vec<f64>>,
}

/// Runs `contender` once.
///
/// # Errors
/// When it ends, fails, or had another number of effects than there were messages.
pub async fn once(
    contender: &Contender,
    plan: &Plan,
    quota: Option<&Quota>,
    logs: &Path,
) -> Result<Sample> {
    let (stub, driver) = Stub::start().await?;
    let mut process = Process::start(contender, &stub, quota, logs)?;
    let measured = Measured {
        contender,
        plan,
        stub: &stub,
        driver,
        seen: process.seen,
        messages: Messages::of(contender.work),
        waiting: Vec::new(),
    };
    let sample = tokio::select! {
        sample = measured.sample() => sample,
        ended = process.ended() => Err(ended),
    };
    process.stop().await;
    sample.map_err(|error| format!("{}: {error}", contender.name).into())
}

struct Measured<'a> {
    contender: &'a Contender,
    plan: &'a Plan,
    stub: &'a Stub,
    driver: Driver,
    seen: Seen,
    messages: Messages,
    /// Put back.
    waiting: Vec<Message>,
}

/// What a cell came to.
struct Cell {
    walls: Vec<f64>,
    cpu_ms: f64,
    writes: u64,
    reads: u64,
    put_back: usize,
    effects: usize,
}

impl Measured<'_> {
    async fn sample(mut self) -> Result<Sample> {
        self.driver.asked().await?;
        let start = self.seen.cpu().await?;
        self.stub.set(USUAL);
        self.batch().await?;
        let first = self.seen.cpu().await? - start;
        self.stub.set(Latency::NONE);
        // Every connection once: its secret is read, its limits are known.
        for _ in 1..CONNECTIONS {
            self.batch().await?;
        }
        tokio::time::sleep(REFILL).await;
        let mut wall_ms = BTreeMap::new();
        let mut usual = None;
        for latency in &self.plan.cells {
            let cell = self.cell(*latency).await?;
            wall_ms.insert(latency.name(), cell.walls.clone());
            if *latency == USUAL {
                usual = Some(cell);
            }
        }
        let usual = usual.ok_or("no cell of the usual latency")?;
        let peak_mib = self.seen.peak_mib()?;
        self.drain().await?;
        self.check()?;
        let batches = usual.walls.len() as f64;
        // What was put back is nothing done, though it cost something.
        let records = usual.effects as f64;
        Ok(Sample {
            start_cpu_ms: ms(start),
            first_batch_cpu_ms: ms(first),
            cpu_ms_record: usual.cpu_ms / records,
            peak_mib,
            write_units: usual.writes as f64 / records,
            reads: usual.reads as f64 / batches,
            put_back: usual.put_back as f64 / batches,
            wall_ms,
        })
    }

    async fn cell(&mut self, latency: Latency) -> Result<Cell> {
        self.stub.set(latency);
        self.stub.take();
        let (begun, cpu) = (Instant::now(), self.seen.cpu().await?);
        let mut cell = Cell {
            walls: Vec::new(),
            cpu_ms: 0.0,
            writes: 0,
            reads: 0,
            put_back: 0,
            effects: 0,
        };
        let (before, _) = self.stub.effects();
        let is_over =
            |done: usize| done >= self.plan.batches_min && begun.elapsed() >= self.plan.cell_time;
        while cell.walls.len() < self.plan.batches && !is_over(cell.walls.len()) {
            let (wall, put_back) = self.batch().await?;
            cell.walls.push(ms(wall));
            cell.put_back += put_back;
        }
        cell.cpu_ms = ms(self.seen.cpu().await? - cpu);
        let done = self.stub.take();
        cell.effects = self.stub.effects().0 - before;
        cell.writes = done.counts.write_units;
        cell.reads = done.counts.reads;
        Ok(cell)
    }

    /// A batch of new messages: its time, and how many were put back.
    async fn batch(&mut self) -> Result<(Duration, usize)> {
        let batch = self.messages.batch();
        self.hand_out(batch).await
    }

    async fn hand_out(&mut self, batch: Vec<Message>) -> Result<(Duration, usize)> {
        let event = event(&batch, self.contender.work.provider());
        let invoked = self.driver.invoke(event).await?;
        let put_back = invoked.put_back.len();
        let back = batch
            .into_iter()
            .filter(|message| invoked.put_back.contains(&message.id));
        self.waiting.extend(back.map(Message::again));
        Ok((invoked.wall, put_back))
    }

    /// Hands out what was put back until nothing is left.
    async fn drain(&mut self) -> Result<()> {
        self.stub.set(Latency::NONE);
        for _ in 0..DRAIN_MAX {
            if self.waiting.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(DRAIN_EVERY).await;
            let waiting = std::mem::take(&mut self.waiting);
            for batch in waiting.chunks(BATCH) {
                self.hand_out(batch.to_vec()).await?;
            }
        }
        Err(format!("{} messages are put back for ever", self.waiting.len()).into())
    }

    /// Nobody is fast by doing less, or more.
    fn check(&self) -> Result<()> {
        let (effects, repeated) = self.stub.effects();
        let messages = self.messages.so_far();
        if effects as u64 != messages || repeated > 0 {
            let told =
                format!("{messages} messages had {effects} effects, and {repeated} more than once");
            return Err(told.into());
        }
        Ok(())
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
