//! What data cannot say of HubSpot: a call carries up to a hundred records, and its answer tells of each by itself. The
//! rest stands in `provider.toml`.

mod answers;

use causeway::Timestamp;
use causeway::pack::Judgement;
use causeway::provider::{Answer, Json, Operation, Verdict};

use answers::Upserted;

/// Reads what became of each record of a call.
#[derive(Debug)]
pub struct HubSpot;

impl Judgement for HubSpot {
    /// HubSpot names each element by the trace id that we gave it; an error of the whole call names none, and is the
    /// page's.
    fn of_each(
        &self,
        operation: &Operation,
        elements: &[&Json],
        answer: &Answer,
        _now: Timestamp,
    ) -> Option<Vec<Verdict>> {
        if !(200..=299).contains(&answer.status) || operation.most_in_a_call() == 1 {
            return None;
        }
        let told = answer.json::<Upserted>()?;
        Some(told.of(operation, elements))
    }
}
