//! Tampering with a finished run: a verification that does not notice is worth nothing.

use super::plan::{Expect, Plan, body_hash};
use super::verify::{Evidence, Finding, Letter};
use super::{DemoError, Field, collect};

/// Injects one duplicate effect and deletes one message. The message is poison, so that the dead-letter
/// queue was the only place that knew of it.
pub(super) async fn tamper(
    field: &Field<'_>,
    plan: &Plan,
    evidence: &Evidence,
) -> Result<(), DemoError> {
    let completed = |pk: &String| {
        evidence
            .ledger
            .get(pk)
            .is_some_and(|record| record.status == "COMPLETED")
    };
    let doubled = plan.requests.iter().find(|request| {
        request.expect == Expect::Delivered && request.pk.as_ref().is_some_and(completed)
    });
    let doubled = doubled.ok_or(DemoError::SelfCheck("nothing was delivered"))?;
    if !field.fakes.duplicate(&doubled.marker) {
        return Err(DemoError::SelfCheck(
            "the vendor has no effect to count twice",
        ));
    }
    let buried = |hash: &String| {
        evidence
            .letters
            .iter()
            .any(|letter: &Letter| letter.hash == *hash)
    };
    let poison = plan
        .requests
        .iter()
        .find(|request| request.pk.is_none() && buried(&request.hash));
    let poison = poison.ok_or(DemoError::SelfCheck("no poison in the dead-letter queues"))?;
    let lane = field
        .lanes
        .iter()
        .find(|lane| lane.provider == poison.provider);
    let dlq_url = &lane.ok_or(DemoError::SelfCheck("no such lane"))?.dlq_url;
    let mut letters = collect::hidden_letters(field, dlq_url).await?;
    for id in letters.keys().cloned().collect::<Vec<_>>() {
        let hit = letters
            .get(&id)
            .is_some_and(|letter| body_hash(letter.body().unwrap_or_default()) == poison.hash);
        let Some(letter) = hit.then(|| letters.remove(&id)).flatten() else {
            continue;
        };
        let call = field
            .sqs
            .delete_message()
            .queue_url(dlq_url)
            .set_receipt_handle(letter.receipt_handle);
        call.send()
            .await
            .map_err(DemoError::stack("deleting a letter"))?;
    }
    collect::put_back(field, dlq_url, letters.values()).await
}

/// Whether `findings` are exactly what [`tamper`] did.
pub(super) fn noticed(findings: &[Finding]) -> bool {
    let effects = findings.iter().filter(|finding| {
        matches!(
            finding,
            Finding::Effects {
                effects: 2,
                most: 1,
                ..
            }
        )
    });
    let lost = findings
        .iter()
        .filter(|finding| matches!(finding, Finding::Lost { .. }));
    findings.len() == 2 && effects.count() == 1 && lost.count() == 1
}
