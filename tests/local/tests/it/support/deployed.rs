//! One deployed stack for all tests that can share one: bringing it up takes a minute or more.
//!
//! A test takes the lanes that it works with, and has them to itself until it is over:
//!
//! ```ignore
//! let deployed = Deployed::with(&["stripe"]).await;
//! deployed.stack().output("IngestUrl")?;
//! deployed.fakes().put_outage(outage)?;
//! ```
//!
//! It finds these lanes healthy: no outage at the fake, breaker closed, queues empty. What the fakes and the ledger
//! remember of other tests stays, so keys and markers carry the test's own name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

use aws_sdk_dynamodb::types::AttributeValue;
use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode, Outage};
use causeway_local::stack::{self, LocalStack, Processes, UpOptions};
use tokio::sync::OwnedMutexGuard;

use crate::shell::Shell;

/// Its folder under `target/local/`.
const NAME: &str = "test-deployed";

/// Lanes of the one deployed stack that nobody else works with until this is dropped.
pub struct Deployed {
    shared: &'static Shared,
    _lanes: Vec<OwnedMutexGuard<()>>,
}

struct Shared {
    stack: LocalStack,
    fakes: Server,
    /// Takes the stack down when this process is gone, however it ended: its standard input closes then. A static
    /// is never dropped, so nothing here could.
    _guard: Child,
}

static SHARED: OnceLock<Result<Shared, String>> = OnceLock::new();

impl Deployed {
    /// Waits until these lanes are free, and brings the stack up if this test is the first.
    ///
    /// # Panics
    /// When the stack does not come up: every test that wants it fails, with the reason.
    pub async fn with(lanes: &[&str]) -> Self {
        let shared = tokio::task::spawn_blocking(|| SHARED.get_or_init(start)).await;
        let shared = match shared.expect("it does not panic") {
            Ok(shared) => shared,
            Err(reason) => panic!("{reason}"),
        };
        let mut held = Vec::new();
        // In the order of their names, so that two tests cannot wait for each other.
        for lane in lanes.iter().copied().collect::<BTreeSet<_>>() {
            held.push(lock_of(lane).lock_owned().await);
            shared.heal(lane).await;
        }
        Self {
            shared,
            _lanes: held,
        }
    }

    /// The stack.
    pub fn stack(&self) -> &'static LocalStack {
        &self.shared.stack
    }

    /// The vendors' fakes that its lanes call.
    pub fn fakes(&self) -> &'static Server {
        &self.shared.fakes
    }
}

impl Shared {
    /// As if nobody had used the lane before.
    async fn heal(&self, provider: &str) {
        self.fakes.clear_outages_of(provider);
        let config = self.stack.sdk_config();
        let key = AttributeValue::S(format!("{provider}#*#breaker"));
        let forgotten = aws_sdk_dynamodb::Client::new(&config).delete_item();
        let table = self.stack.output("LanesTable").expect("an output");
        let forgotten = forgotten.table_name(table).key("pk", key);
        forgotten.send().await.expect("the table answers");
        let sqs = aws_sdk_sqs::Client::new(&config);
        let lane = pascal(provider);
        for queue in ["QueueUrl", "DlqUrl"] {
            let url = self.stack.output(&format!("{lane}{queue}"));
            let purged = sqs.purge_queue().queue_url(url.expect("an output"));
            purged.send().await.expect("the queue answers");
        }
    }
}

/// The lane's name in the template.
fn pascal(provider: &str) -> String {
    let (first, rest) = provider.split_at(1);
    first.to_ascii_uppercase() + rest
}

fn lock_of(lane: &str) -> Arc<tokio::sync::Mutex<()>> {
    static LANES: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>> =
        Mutex::new(BTreeMap::new());
    let mut lanes = LANES.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(lanes.entry(lane.to_owned()).or_default())
}

/// A test's runtime ends with it, so the fakes get one of their own, on a thread that lasts as long as the process.
fn start() -> Result<Shared, String> {
    let (tell, told) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let _ = tell.send(up().await);
            std::future::pending::<()>().await;
        });
    });
    told.recv().map_err(|error| error.to_string())?
}

async fn up() -> Result<Shared, String> {
    let guard = guard(NAME).map_err(|error| format!("cannot start the stack's guard: {error}"))?;
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let fakes = Server::start(any_port).await;
    let fakes = fakes.map_err(|error| error.to_string())?;
    let options = UpOptions {
        name: NAME.to_owned(),
        provider_base_url: fakes.base_url().to_owned(),
        parameters: Vec::new(),
        progress: Arc::new(|_| {}),
    };
    let stack = LocalStack::up(options).await;
    Ok(Shared {
        stack: stack.map_err(|error| error.report())?,
        fakes,
        _guard: guard,
    })
}

/// In a process group of its own, so that a Ctrl-C for the tests leaves it its work.
fn guard(name: &str) -> std::io::Result<Child> {
    Command::new(env!("CARGO_BIN_EXE_local"))
        .args(["guard", "--name", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_lane_finds_it_healthy() {
    let outage = Outage {
        provider: "pagerduty".to_owned(),
        faults: vec![Fault::new(Mode::Error503, 1.0)],
        for_ms: None,
        seed: 0,
    };
    let first = Deployed::with(&["pagerduty"]).await;
    let url = first.stack().output("PagerdutyDlqUrl").expect("an output");
    let sqs = aws_sdk_sqs::Client::new(&first.stack().sdk_config());
    let letter = sqs.send_message().queue_url(url).message_body("{}");
    letter.send().await.expect("it answers");
    first.fakes().put_outage(outage).expect("it is known");
    drop(first);

    let second = Deployed::with(&["pagerduty"]).await;
    let shell = Shell::of(second.stack(), "deployed");
    let outages = shell.must("curl -s $VENDORS_URL/_control/faults").await;
    assert!(!outages.contains("pagerduty"), "{outages}");
    let left = sqs.receive_message().queue_url(url).send().await;
    assert_eq!(left.expect("it answers").messages, None);
}

/// Whoever ends the tests' process, by whatever signal, closes the guard's standard input.
#[test]
fn the_guard_takes_a_stack_down_when_nobody_holds_its_standard_input() {
    let folder = stack::root().join("target/local/test-guard");
    let processes = Processes::owned_by(&folder);
    let mut sleeper = Command::new("sleep");
    let of_the_stack = processes.command("sleep");
    for (name, value) in of_the_stack.as_std().get_envs() {
        sleeper.env(name, value.expect("a mark"));
    }
    let mut sleeper = sleeper.arg("60").spawn().expect("sleep is everywhere");
    let mut guard = guard("test-guard").expect("it is built");
    assert_eq!(sleeper.try_wait().expect("it is ours"), None);

    drop(guard.stdin.take());

    assert!(guard.wait().expect("it is ours").success());
    assert!(!sleeper.wait().expect("it is ours").success());
}
