//! Requests of a lane and answers of its fake, held against the vendor's published document.

mod faults;
mod recorded;

use std::collections::BTreeSet;
use std::path::Path;

use causeway::provider::{Answer, Operation, Verdict, Wire};
use causeway_fakes::Server;
use tokio::task::JoinSet;

use crate::Error;
use crate::fields::Fields;
use crate::lane::Lane;
use crate::prism::{Prism, violations};
use crate::relay::Relay;
use crate::report::Row;
use crate::run::Run;
use crate::steps::{End, Prepared};
use crate::vendor::{Document, Vendor};

/// The check's name in the report, where it could not be made.
pub const CHECK: &str = "requests and answers / published contract";
const REQUESTS: &str = "lane's requests / published contract";
const ANSWERS: &str = "fake's answers / published contract";
const RECORDED: &str = "fixtures' answers / published contract";
const FAULTS: &str = "seeded faults / published contract";

/// A vendor's lane, its fake, and Prism between them. The relay behind Prism can spoil the fake's answers.
struct Bench {
    vendor: &'static Vendor,
    document: &'static Document,
    fields: Fields,
    lane: Lane,
    prism: Prism,
    relay: Relay,
    fakes: Server,
    requests: Row,
    answers: Row,
    recorded: Row,
    faults: Row,
    /// Known differences that were met, by place in the list.
    met: BTreeSet<usize>,
    /// Calls that were found not to be in the document.
    outside: BTreeSet<String>,
    /// Operations that the document has, and whose success it has judged.
    succeeded: BTreeSet<&'static str>,
}

/// Whose a violation is.
#[derive(Clone, Copy)]
enum Side {
    Request,
    Answer,
    Recorded,
}

/// Makes the check.
///
/// # Errors
/// When Prism does not start, or a call gets no answer.
pub async fn check(
    run: &Run,
    vendor: &'static Vendor,
    document: &'static Document,
    path: &Path,
) -> Result<Vec<Row>, Error> {
    let mut bench = Bench::set_up(run, vendor, document, path).await?;
    bench.fixtures().await?;
    bench.recorded().await?;
    bench.lies().await?;
    bench.probes().await?;
    bench.start_anew().await?;
    bench.steps().await?;
    Ok(bench.finish())
}

impl Bench {
    async fn set_up(
        run: &Run,
        vendor: &'static Vendor,
        document: &'static Document,
        path: &Path,
    ) -> Result<Self, Error> {
        let name = vendor.name;
        let copy = run.file(document.file);
        let fields = Fields::of(crate::document::write_copy(path, &copy)?);
        let fakes = Server::start(([127, 0, 0, 1], 0).into())
            .await
            .map_err(Error::io("start the fakes"))?;
        let relay = Relay::start(&format!("{}/{name}", fakes.base_url())).await?;
        let prism = Prism::start(&run.processes, &run.toolbox, &copy, relay.base_url()).await?;
        Ok(Self {
            vendor,
            document,
            fields,
            lane: Lane::new(vendor.provider()?, vendor.secret)?,
            prism,
            relay,
            fakes,
            requests: Row::new(name, REQUESTS),
            answers: Row::new(name, ANSWERS),
            recorded: Row::new(name, RECORDED),
            faults: Row::new(name, FAULTS),
            met: BTreeSet::new(),
            outside: BTreeSet::new(),
            succeeded: BTreeSet::new(),
        })
    }

    /// The fake forgets what it has counted: no part meets a limit that another has used up.
    async fn start_anew(&self) -> Result<(), Error> {
        let reset = Wire::post("/_control/reset");
        self.lane.send(self.fakes.base_url(), &reset).await?;
        Ok(())
    }

    /// Every payload of the wire fixtures, and the question after what it made.
    async fn fixtures(&mut self) -> Result<(), Error> {
        for case in self.lane.cases()? {
            let wire = self.lane.wire(case.operation, &case.payload)?;
            let name = case.operation.name;
            let answer = self.ask(name, &case.what, &wire).await?;
            self.judge(case.operation, &answer);
            if let Some(wire) = self.lane.look_up(case.operation, &case.payload)? {
                let what = format!("{}, its lookup", case.what);
                self.ask(&format!("look up {name}"), &what, &wire).await?;
            }
        }
        Ok(())
    }

    async fn steps(&mut self) -> Result<(), Error> {
        let mut made = String::new();
        for (at, step) in self.document.steps.iter().enumerate() {
            let what = format!("{}, step {}", step.operation, at + 1);
            // Without the id that an earlier step should have given, there is no such call.
            let verdicts = match step.prepare(&self.lane, &made, "") {
                Ok(prepared) => self.take(prepared, &what).await?,
                Err(error) => {
                    self.answers.violation(format!("{what}: {error}"));
                    continue;
                }
            };
            if let Some(Verdict::Delivered {
                object_id: Some(id),
            }) = verdicts.first()
            {
                made.clone_from(id);
            }
            if !verdicts.iter().any(|verdict| step.end.is(verdict)) {
                let seen = verdicts.first();
                let text = format!("{what}: it should end {:?}, not {seen:?}", step.end);
                self.answers.violation(text);
            }
        }
        Ok(())
    }

    /// Takes a step as often as it says, at once.
    async fn take(&mut self, prepared: Prepared, what: &str) -> Result<Vec<Verdict>, Error> {
        let operation = prepared.operation;
        let mut calls = JoinSet::new();
        for wire in prepared.wires {
            let lane = self.lane.with_secret(self.vendor.secret)?;
            let base_url = self.prism.base_url().to_owned();
            calls.spawn(async move { (lane.send(&base_url, &wire).await, wire) });
        }
        let mut verdicts = Vec::new();
        while let Some(joined) = calls.join_next().await {
            let (answer, wire) = joined.map_err(|error| Error::data(what, error))?;
            let answer = answer?;
            self.heard(operation.name, what, &wire, &answer)?;
            verdicts.push(self.judge(operation, &answer));
        }
        Ok(verdicts)
    }

    async fn ask(&mut self, call: &str, what: &str, wire: &Wire) -> Result<Answer, Error> {
        let answer = self.lane.send(self.prism.base_url(), wire).await?;
        self.heard(call, what, wire, &answer)?;
        Ok(answer)
    }

    /// Sorts what Prism says of a call, and what it keeps to itself.
    fn heard(&mut self, call: &str, what: &str, wire: &Wire, answer: &Answer) -> Result<(), Error> {
        self.requests.requests += 1;
        self.answers.requests += 1;
        for violation in violations(answer)? {
            if violation.is_unknown_call() && self.document.without.contains(&call) {
                self.outside.insert(call.to_owned());
                continue;
            }
            let side = if violation.is_of_answer() {
                Side::Answer
            } else {
                Side::Request
            };
            self.note(side, what, answer.status, &violation.text());
        }
        for text in self.fields.unknown(wire) {
            self.note(Side::Request, what, answer.status, &text);
        }
        Ok(())
    }

    fn note(&mut self, side: Side, what: &str, status: u16, text: &str) {
        let mut known = self.document.known.iter();
        if let Some(at) = known.position(|known| known.covers(status, text)) {
            self.met.insert(at);
            return;
        }
        let row = match side {
            Side::Request => &mut self.requests,
            Side::Answer => &mut self.answers,
            Side::Recorded => &mut self.recorded,
        };
        // A flood of one violation says no more than one of it.
        let text = format!("{what}: {status} {text}");
        if !row.violations.contains(&text) {
            row.violation(text);
        }
    }

    fn judge(&mut self, operation: &'static Operation, answer: &Answer) -> Verdict {
        let verdict = self.lane.classify(operation, answer);
        if End::Delivered.is(&verdict) {
            self.succeeded.insert(operation.name);
        }
        verdict
    }

    fn finish(mut self) -> Vec<Row> {
        for operation in self.lane.operations().unwrap_or_default() {
            let name = operation.name;
            if !self.succeeded.contains(name) && !self.document.without.contains(&name) {
                let text = format!("{}: no call was delivered", operation.name);
                self.answers.violation(text);
            }
        }
        for call in self.document.without {
            if self.outside.contains(*call) {
                let text = format!("left out: {call} is not in the document");
                self.requests.remarks.push(text);
            } else {
                let text = format!("{call} is in the document: take it off the list `without`");
                self.requests.violation(text);
            }
        }
        for (at, known) in self.document.known.iter().enumerate() {
            if self.met.contains(&at) {
                let text = format!("known: {} ({})", known.violation, known.why);
                self.answers.remarks.push(text);
            } else {
                let text = format!("gone: take it off the list `known`: {}", known.violation);
                self.answers.violation(text);
            }
        }
        let found = self.faults.requests - self.faults.violations.len();
        let text = format!("{found} of {} found", self.faults.requests);
        self.faults.remarks.push(text);
        vec![self.requests, self.answers, self.recorded, self.faults]
    }
}
