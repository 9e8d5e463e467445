//! What data cannot say of Xero: a call carries up to fifty records, and its answer tells of each by itself. The rest
//! stands in `provider.toml`.

mod answers;

use causeway::Timestamp;
use causeway::pack::Judgement;
use causeway::provider::{Answer, Json, Operation, Verdict};

use answers::{Answered, Element};

/// Reads what became of each record of a call.
#[derive(Debug)]
pub struct Xero;

impl Judgement for Xero {
    /// Xero says no to single elements inside a 200, and names each by its number; an error of the whole call is the
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
        let told = answer.json::<Answered>()?.elements;
        let of = |element: &&Json| {
            let number = operation.identity(element).ok().flatten();
            let number = number.unwrap_or_default();
            let named = told.iter().filter(|it| it.is(&number));
            Verdict::of_element(named.filter_map(Element::verdict))
        };
        Some(elements.iter().map(of).collect())
    }
}
