//! What Xero answers: each element with a status of its own, or one exception for the whole call.

use std::fmt;
use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::signal;
use causeway::provider::{Answer, Json, Verdict};
use serde::Deserialize;

use crate::payloads::folded;

/// How long to wait after a full minute where the answer has no `Retry-After`.
const MINUTE: Duration = Duration::from_secs(60);

/// How long to wait where too many calls are in progress, of which Xero says no time. Ours, not Xero's.
const IN_PROGRESS: Duration = Duration::from_secs(1);

/// How long a spent day parks the connection where the answer has no `Retry-After`. Ours, not Xero's.
const SPENT_DAY: Duration = Duration::from_secs(60 * 60);

/// What the gateway says of a token without the scope.
const LACKS_SCOPE: &str = "AuthorizationUnsuccessful";

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
    pub(crate) fn is(&self, number: &str) -> bool {
        let own = self.number.as_deref().map(folded);
        own.is_some_and(|own| own == number)
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

/// <https://developer.xero.com/documentation/api/accounting/responsecodes>
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Failed {
    error_number: u32,
    r#type: Option<String>,
    message: String,
    // Of what the gateway before the accounting API refuses.
    title: String,
    detail: String,
}

impl Failed {
    /// Whether it is Xero's at all, and no firewall's page.
    pub(crate) fn is_named(&self) -> bool {
        !self.title.is_empty() || self.r#type.is_some()
    }

    /// The one word that says that the credentials are good and may not do this.
    pub(crate) fn lacks_scope(&self) -> bool {
        self.detail == LACKS_SCOPE
    }

    /// The key is remembered with another request. Xero has no code for it.
    /// <https://developer.xero.com/documentation/guides/idempotent-requests/idempotency/>
    pub(crate) fn is_key_mismatch(&self) -> bool {
        self.message.contains("used with a different request")
    }
}

/// Type and number; Xero's messages quote the values.
impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !self.detail.is_empty() && is_word(&self.detail) {
            return write!(f, "detail={}", self.detail);
        }
        let kind = self.r#type.as_deref().unwrap_or_default();
        write!(f, "type={kind} number={}", self.error_number)
    }
}

/// `X-Rate-Limit-Problem` names the limit: `day` (in older texts `Daily`), `minute`, `appminute`, `concurrent`.
pub(crate) fn over_limit(answer: &Answer, now: Timestamp) -> Verdict {
    let problem = answer.header("x-rate-limit-problem").unwrap_or_default();
    let problem = problem.to_ascii_lowercase();
    if problem.starts_with("da") {
        let until = answer.header("retry-after");
        let until = until.and_then(|text| signal::retry_after(text, now));
        let until = until.unwrap_or(now + SPENT_DAY);
        return Verdict::QuotaSpent { until };
    }
    let wait = if problem.starts_with("concurrent") {
        IN_PROGRESS
    } else {
        MINUTE
    };
    Verdict::throttled_for(answer, now, wait)
}
