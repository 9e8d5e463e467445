//! A lane against the fake that its vendor publishes, and against ours: the same calls must end in the same way.

use std::time::Duration;

use causeway::provider::Verdict;
use causeway_fakes::Server;
use causeway_local::stack::free_port;

use crate::Error;
use crate::lane::Lane;
use crate::prism::listening;
use crate::relay::{Lie, Relay};
use crate::report::Row;
use crate::run::Run;
use crate::steps::Step;
use crate::vendor::{Peer, Vendor};

const THEIRS: &str = "lane / vendor's own fake";
const OURS: &str = "lane / our fake, same steps";
const FAULTS: &str = "seeded faults / vendor's own fake";
/// It listens after a second on an idle machine.
const START_MAX: Duration = Duration::from_secs(60);

/// Takes the steps at both fakes, and at the vendor's again with each lie.
///
/// # Errors
/// When the vendor's fake does not start, or a call gets no answer.
pub async fn check(run: &Run, vendor: &'static Vendor, peer: &Peer) -> Result<Vec<Row>, Error> {
    let name = vendor.name;
    let mut theirs = Row::new(name, THEIRS);
    theirs.violations = with_theirs(run, vendor, peer, None, &mut theirs.requests).await?;
    let mut ours = Row::new(name, OURS);
    ours.violations = with_ours(vendor, peer, &mut ours.requests).await?;

    let mut faults = Row::new(name, FAULTS);
    for lie in peer.lies {
        let lie = Some(lie.clone());
        let found = with_theirs(run, vendor, peer, lie.clone(), &mut faults.requests).await?;
        if found.is_empty() {
            faults.violation(format!("{lie:?} went unnoticed"));
        }
    }
    let found = peer.lies.len() - faults.violations.len();
    faults
        .remarks
        .push(format!("{found} of {} found", peer.lies.len()));
    Ok(vec![theirs, ours, faults])
}

async fn with_theirs(
    run: &Run,
    vendor: &'static Vendor,
    peer: &Peer,
    lie: Option<Lie>,
    requests: &mut usize,
) -> Result<Vec<String>, Error> {
    let port = free_port()?;
    let mut command = run.toolbox.node_script(&run.processes, peer.script);
    command.args(peer.arguments).env("PORT", port.to_string());
    // A process each: it keeps what was made.
    let log = run.file(format!("{}.{port}.log", vendor.name));
    listening(command, port, peer.script, &log, START_MAX).await?;
    let relay = Relay::start(&format!("http://127.0.0.1:{port}")).await?;
    relay.lie(lie);
    let lane = Lane::new(vendor.provider()?, peer.secret)?;
    let broken = broken_steps(&lane, relay.base_url(), peer.steps, peer.places[0]).await;
    *requests += relay.take_calls();
    broken
}

async fn with_ours(
    vendor: &'static Vendor,
    peer: &Peer,
    requests: &mut usize,
) -> Result<Vec<String>, Error> {
    let fakes = Server::start(([127, 0, 0, 1], 0).into())
        .await
        .map_err(Error::io("start the fakes"))?;
    let name = vendor.name;
    let relay = Relay::start(&format!("{}/{name}", fakes.base_url())).await?;
    let lane = Lane::new(vendor.provider()?, vendor.secret)?;
    let broken = broken_steps(&lane, relay.base_url(), peer.steps, peer.places[1]).await;
    *requests += relay.take_calls();
    broken
}

/// Every step that ends otherwise than it should.
async fn broken_steps(
    lane: &Lane,
    base_url: &str,
    steps: &[Step],
    place: &str,
) -> Result<Vec<String>, Error> {
    let mut broken = Vec::new();
    let mut made = String::new();
    for (at, step) in steps.iter().enumerate() {
        let what = format!("{}, step {}", step.operation, at + 1);
        // Without the id that an earlier step should have given, there is no such call.
        let prepared = match step.prepare(lane, &made, place) {
            Ok(prepared) => prepared,
            Err(error) => {
                broken.push(format!("{what}: {error}"));
                continue;
            }
        };
        for wire in &prepared.wires {
            let answer = lane.send(base_url, wire).await?;
            let verdict = lane.classify(prepared.operation, &answer);
            if !step.end.is(&verdict) {
                let status = answer.status;
                broken.push(format!(
                    "{what}: {status} is {verdict:?}, not {:?}",
                    step.end
                ));
            }
            if let Verdict::Delivered {
                object_id: Some(id),
            } = verdict
            {
                made = id;
            }
        }
        let Some(finds) = step.finds else { continue };
        let Some(wire) = lane.look_up(prepared.operation, &prepared.payload)? else {
            broken.push(format!("{what}: the lane has no lookup"));
            continue;
        };
        let answer = lane.send(base_url, &wire).await?;
        let found = lane.found(prepared.operation, &prepared.payload, &answer);
        if !finds.is(&found) {
            broken.push(format!("{what}: its lookup finds {found:?}, not {finds:?}"));
        }
    }
    Ok(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::{End, Finds};

    static STEPS: &[Step] = &[
        Step::new("customers.create", r#"{"name": "{place}"}"#, End::Delivered),
        Step::new(
            "payment_intents.create",
            r#"{"amount": 500, "currency": "eur", "customer": "{made}"}"#,
            End::Delivered,
        ),
        Step::new(
            "refunds.create",
            r#"{"payment_intent": "{made}"}"#,
            End::Delivered,
        ),
        Step::new("customers.create", "{}", End::Delivered).finds(Finds::Hit),
    ];

    #[tokio::test]
    async fn a_step_that_ends_otherwise_is_told_and_later_ones_see_what_was_made() {
        let fakes = Server::start(([127, 0, 0, 1], 0).into()).await;
        let fakes = fakes.expect("a free port");
        let base_url = format!("{}/stripe", fakes.base_url());
        let secret = r#"{"api_key": "sk_test_peer"}"#;
        let lane = Lane::new(
            causeway_ingest::catalogue::provider("stripe").expect("a pack"),
            secret,
        )
        .expect("a secret");

        let broken = broken_steps(&lane, &base_url, STEPS, "Ada Example").await;

        let broken = broken.expect("answers");
        // The intent was made for the new customer, and has no payment that could be given back.
        assert!(broken[0].starts_with("refunds.create, step 3: 404 is Rejected"));
        assert_eq!(
            broken[1],
            "customers.create, step 4: the lane has no lookup"
        );
        assert_eq!(broken.len(), 2, "{broken:?}");
    }
}
