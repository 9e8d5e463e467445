//! `causeway send`: requests from a file or a pipe to ingest.
//!
//! A thread reads and cuts; at most a few batches are in memory, however long the input is. A process that dies has
//! sent some, all or none: the same input again has the same idempotency keys, and the ledger makes one request of the
//! copies.

pub mod batch;
pub mod call;
pub mod end;
pub mod input;
mod progress;
pub mod report;
pub mod signer;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use causeway::clock::SystemClock;
use causeway::http_client::ReqwestClient;
use clap::Args;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::context::{Context, Done};
use crate::error::Error;
use crate::stack::Stack;
use batch::Batches;
use call::{Authorise, Sender};
use input::{Item, Items};
use progress::Progress;
use report::Report;
use signer::{Bearer, Signer};

/// Batches that wait for their turn. Each has at most 5 MB.
const WAITING: usize = 2;

/// A token for an API that asks for one instead of a signature.
const TOKEN: &str = "CAUSEWAY_TOKEN";

/// Send requests to the stack's HTTP API.
///
/// The input is one request, a JSON array of them, `{"requests": [...]}`, or one request a line (JSON lines, of any
/// number). A call that fails is repeated; sending the same input again is safe: a request with the same idempotency
/// key takes effect once. Calls are signed with your AWS credentials, or carry the token in CAUSEWAY_TOKEN.
///
/// With --json one line a request is printed: its line, and its id and idempotency key or why it was refused. Exit
/// status 3: some were refused.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The file; `-` or none: standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Calls at once; each carries up to 100 requests.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    concurrency: u8,
    /// Write the requests that were not accepted to this file, as JSON lines, to be sent again.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When the input cannot be read or is no JSON, or ingest cannot be reached or lets nobody in.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let read = Arc::new(AtomicU64::new(0));
    let (input, length) = open(&arguments.file, Arc::clone(&read))?;
    let mut report = Report::new(rejects(arguments)?, context.global.json);
    let stack = Stack::connect(&context.global).await?;
    let authorise = authorise(&stack)?;
    let http =
        ReqwestClient::new().map_err(|error| Error::new(format!("cannot set up TLS: {error}")))?;
    let sender = Sender {
        url: stack.ingest_url()?.trim_end_matches('/'),
        http: &http,
        authorise: authorise.as_ref(),
        clock: &SystemClock,
    };
    let batches = batches(input)?;
    let progress = Progress::new(length);
    let sent = send_all(
        &sender,
        batches,
        usize::from(arguments.concurrency),
        |sent| {
            report.add(sent)?;
            progress.show(
                read.load(Ordering::Relaxed),
                report.accepted(),
                report.refused(),
            );
            Ok(())
        },
    );
    let sent = sent.await;
    progress.clear();
    // What was accepted is told also where the rest failed.
    let done = report.finish()?;
    sent?;
    Ok(done)
}

/// How the API's calls are authorised: by a token from the environment, else by the operator's own credentials.
///
/// # Errors
/// When the token cannot stand in a header, or there are no credentials.
pub fn authorise(stack: &Stack) -> Result<Box<dyn Authorise>, Error> {
    Ok(match std::env::var(TOKEN) {
        Ok(token) => Box::new(Bearer::new(&token)?),
        Err(_) => Box::new(Signer::of(stack)?),
    })
}

/// Sends batch after batch, `at_once` of them side by side, and tells of each in the input's order.
async fn send_all(
    sender: &Sender<'_>,
    mut batches: mpsc::Receiver<Result<Vec<Item>, Error>>,
    at_once: usize,
    mut tell: impl FnMut(Vec<end::Sent>) -> Result<(), Error>,
) -> Result<(), Error> {
    let batches = stream::poll_fn(move |context| batches.poll_recv(context));
    let sent = batches.map(|batch| async { sender.send(batch?).await });
    let mut sent = std::pin::pin!(sent.buffered(at_once));
    while let Some(batch) = sent.next().await {
        tell(batch?)?;
    }
    Ok(())
}

/// Batches of `input`, cut by a thread of their own: reading a pipe may block for as long as its writer likes. Nobody
/// waits for that thread; it ends with the input or with the process.
fn batches(
    input: Box<dyn BufRead + Send>,
) -> Result<mpsc::Receiver<Result<Vec<Item>, Error>>, Error> {
    let (tell, told) = mpsc::channel(WAITING);
    let read = move || {
        let mut batches = match Items::new(input) {
            Ok(items) => Batches::of(items),
            Err(error) => {
                let _ = tell.blocking_send(Err(error));
                return;
            }
        };
        while let Some(batch) = batches.cut_next().transpose() {
            let failed = batch.is_err();
            if tell.blocking_send(batch).is_err() || failed {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("reading".to_owned());
    thread.spawn(read).map_err(Error::io("start a thread"))?;
    Ok(told)
}

/// The input and, where it is a file, its length.
fn open(
    path: &Path,
    read: Arc<AtomicU64>,
) -> Result<(Box<dyn BufRead + Send>, Option<u64>), Error> {
    if path == Path::new("-") {
        let counted = Counted {
            inner: io::stdin(),
            read,
        };
        return Ok((Box::new(BufReader::new(counted)), None));
    }
    let file = File::open(path)
        .map_err(|error| Error::usage(format!("cannot read {}: {error}", path.display())))?;
    let length = file.metadata().ok().map(|data| data.len());
    let counted = Counted { inner: file, read };
    Ok((Box::new(BufReader::new(counted)), length))
}

fn rejects(arguments: &Arguments) -> Result<Option<File>, Error> {
    let Some(path) = &arguments.rejects else {
        return Ok(None);
    };
    let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    };
    if same(path, &arguments.file) {
        return Err(Error::usage("--rejects: is the file that is read"));
    }
    let file = File::create(path).map_err(|error| {
        Error::usage(format!(
            "--rejects: cannot write {}: {error}",
            path.display()
        ))
    });
    file.map(Some)
}

/// Counts what is read of it.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}
