//! Wrong judgements, planted on purpose: a sweep that does not find them finds nothing.

use std::path::PathBuf;

use crate::shelf::{self, ShelfError, Shelved};
use crate::sweep::{self, Violation};

/// A row that is not true, put into a page.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// What is wrong with it.
    pub name: &'static str,
    /// In whose page.
    pub provider: &'static str,
    /// The route of the operation that it is about, as in `operations.jsonl`.
    pub route: &'static str,
    /// The row: of `operation`, behind all others, or of `answer`, before them.
    row: Row,
    /// A table that goes with it.
    table: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Row {
    Safety(&'static str),
    Answer(&'static str),
}

const KEYED: &str = r#"{ keyed = "header:idempotency-key", retention = "24h" }"#;
const NATURAL: &str = r#""natural""#;

impl Planted {
    const fn safety(
        name: &'static str,
        provider: &'static str,
        route: &'static str,
        safety: &'static str,
    ) -> Self {
        let row = Row::Safety(safety);
        Self {
            name,
            provider,
            route,
            row,
            table: "",
        }
    }

    const fn answer(
        name: &'static str,
        provider: &'static str,
        route: &'static str,
        row: &'static str,
    ) -> Self {
        let row = Row::Answer(row);
        Self {
            name,
            provider,
            route,
            row,
            table: "",
        }
    }
}

/// All of them.
pub const PLANTED: &[Planted] = &[
    Planted::safety("a charge is natural", "stripe", "POST /v1/charges", NATURAL),
    Planted::safety(
        "the key stands in another header",
        "stripe",
        "POST /v1/payment_intents",
        r#"{ keyed = "header:x-idempotency-key", retention = "24h" }"#,
    ),
    Planted::safety(
        "the key stands in the body",
        "stripe",
        "POST /v1/refunds",
        r#"{ keyed = "body:/idempotency_key", retention = "24h" }"#,
    ),
    Planted::safety(
        "a message has a key",
        "twilio",
        "POST /2010-04-01/Accounts/{AccountSid}/Messages.json",
        KEYED,
    ),
    Planted {
        name: "messages are looked for among calls",
        provider: "twilio",
        route: "POST /2010-04-01/Accounts/{AccountSid}/Messages.json",
        row: Row::Safety(r#"{ lookup = "planted", settle = "30s" }"#),
        table: r#"
[lookup.planted]
get = "/2010-04-01/Accounts/{account_sid}/Calls.json"
items = "/calls"
ours = { "/to" = { same = "$payload:/To" } }
id = "/sid"
src = "ours: planted"
"#,
    },
    Planted::answer(
        "a 500 had no effect",
        "twilio",
        "POST /2010-04-01/Accounts/{AccountSid}/Messages.json",
        r#"{ status = 500, is = "retry", code = "planted", src = "ours: planted" }"#,
    ),
    Planted::safety(
        "a posted message is natural",
        "slack",
        "POST /chat.postMessage",
        NATURAL,
    ),
    Planted::answer(
        "a reaction that is there already is no success",
        "slack",
        "POST /reactions.add",
        r#"{ when = { "/error" = "already_reacted" }, is = "rejected", src = "ours: planted" }"#,
    ),
    Planted::safety(
        "sending a campaign has a key",
        "klaviyo",
        "POST /api/campaign-send-jobs",
        KEYED,
    ),
    Planted::safety(
        "a new list is natural",
        "klaviyo",
        "POST /api/lists",
        NATURAL,
    ),
    Planted::answer(
        "what is gone is refused",
        "klaviyo",
        "DELETE /api/catalog-items/{id}",
        r#"{ status = 404, is = "rejected", src = "ours: planted" }"#,
    ),
    Planted::safety(
        "a reservation has a key",
        "guesty",
        "POST /reservations-v3",
        KEYED,
    ),
    Planted::safety(
        "a new code is natural",
        "seam",
        "POST /access_codes/create",
        NATURAL,
    ),
    Planted::safety(
        "opening a door is natural",
        "seam",
        "POST /locks/unlock_door",
        NATURAL,
    ),
    Planted::safety(
        "a note is natural",
        "pagerduty",
        "POST /incidents/{id}/notes",
        NATURAL,
    ),
    Planted::safety(
        "PUT is natural",
        "xero",
        "PUT /Invoices/{InvoiceID}/History",
        NATURAL,
    ),
    Planted::safety(
        "a merge is natural",
        "hubspot",
        "POST /crm/v3/objects/contacts/merge",
        NATURAL,
    ),
    Planted::safety(
        "a deal has a key",
        "hubspot",
        "POST /crm/v3/objects/deals",
        KEYED,
    ),
    Planted::safety(
        "a payment has a key",
        "cloudbeds",
        "POST /postPayment",
        KEYED,
    ),
    Planted::safety("a payment is natural", "adyen", "POST /payments", NATURAL),
    Planted::safety(
        "a new webhook has a key",
        "adyen",
        "POST /merchants/{merchantId}/webhooks",
        KEYED,
    ),
    Planted::safety("an order is natural", "shopify", "orders.create", NATURAL),
];

impl Planted {
    /// What the sweep finds in the page that it is planted in.
    ///
    /// # Errors
    /// When the pack cannot be read, or has no such operation.
    pub fn sweep(&self) -> Result<Vec<Violation>, ShelfError> {
        let folder: PathBuf = shelf::root().join("functions").join(self.provider);
        let own = shelf::take(&folder, None)?;
        let Some(operation) = self.operation(&own) else {
            return Ok(Vec::new());
        };
        let page = shelf::text(&folder.join("provider.toml"))?;
        let changed = shelf::take(&folder, Some(&self.page(&page, &operation)))?;
        // What the page's own row is found for is not found for the planted one.
        let own = sweep::operation(&own, &operation).violations;
        let mut found = sweep::operation(&changed, &operation).violations;
        found.retain(|violation| {
            !own.iter()
                .any(|own| own.case == violation.case && own.promise == violation.promise)
        });
        Ok(found)
    }

    fn operation(&self, shelved: &Shelved) -> Option<String> {
        let mut lines = shelved.routes.lines();
        let line = lines.find(|line| {
            line.op == self.route || format!("{} {}", line.method, line.path) == self.route
        });
        line.map(|line| line.op.clone())
    }

    /// `page` with the row in it.
    fn page(&self, page: &str, operation: &str) -> String {
        let mut written = String::new();
        let mut is_in_operations = false;
        for line in page.lines() {
            is_in_operations |= line == "operation = [";
            if let (Row::Safety(safety), true, "]") = (self.row, is_in_operations, line) {
                written += &format!(
                    "  {{ for = \"{operation}\", safety = {safety}, class = \"reviewed\", src = \"ours: planted\" }},\n"
                );
                is_in_operations = false;
            }
            written += line;
            written.push('\n');
            if let (Row::Answer(row), "answer = [") = (self.row, line) {
                written += &format!("  {row},\n");
            }
        }
        written + self.table
    }
}
