//! What Xero answers of each element.

use causeway::provider::{Json, Verdict};
use serde::Deserialize;

/// The id of what was not made.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// <https://developer.xero.com/documentation/api/accounting/requests-and-responses>
#[derive(Deserialize)]
pub(crate) struct Answered {
    #[serde(alias = "Contacts", alias = "Invoices")]
    pub(crate) elements: Vec<Element>,
}

#[derive(Deserialize)]
pub(crate) struct Element {
    #[serde(alias = "ContactID", alias = "InvoiceID")]
    id: Option<String>,
    #[serde(alias = "ContactNumber", alias = "InvoiceNumber")]
    number: Option<String>,
    /// Only with `summarizeErrors=false`, as all our calls have it.
    #[serde(rename = "StatusAttributeString")]
    status: Option<String>,
    #[serde(default, rename = "ValidationErrors")]
    errors: Vec<Json>,
}

impl Element {
    /// Whether it is the one of this number, without case: whether Xero tells numbers apart by it is not written.
    pub(crate) fn is(&self, number: &str) -> bool {
        let own = self.number.as_deref();
        own.is_some_and(|own| own.trim().to_lowercase() == number)
    }

    /// None where it says nothing that counts.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let id = self.id.as_deref().filter(|id| *id != NO_ID);
        match (self.status.as_deref(), self.errors.len(), id) {
            (Some("ERROR"), count, _) | (None, count @ 1.., _) => {
                Some(Verdict::rejected(format!("status=ERROR errors={count}")))
            }
            (Some("OK" | "WARNING") | None, 0, Some(id)) => {
                Some(Verdict::delivered(Some(id.to_owned())))
            }
            _ => None,
        }
    }
}
