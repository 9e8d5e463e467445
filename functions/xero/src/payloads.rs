//! The canonical payloads, in Xero's own names: what producers send, what the lane checks, and what Xero gets.

use causeway::provider::{BatchPayload, Payload, Text, Wire};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Each element of the answer tells of itself, in a 200:
/// <https://developer.xero.com/documentation/api/accounting/requests-and-responses>
const CONTACTS: &str = "/api.xro/2.0/Contacts?summarizeErrors=false";
/// Unit amounts with four decimals, which Xero would otherwise round to two.
const INVOICES: &str = "/api.xro/2.0/Invoices?summarizeErrors=false&unitdp=4";

/// The caller's number for a record: free in a new one, and what an upsert goes by.
pub(crate) trait Number: Serialize + DeserializeOwned + JsonSchema {
    fn is_absent(&self) -> bool;
}

impl<const MAX: usize> Number for Text<1, MAX> {
    fn is_absent(&self) -> bool {
        false
    }
}

impl<const MAX: usize> Number for Option<Text<1, MAX>> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

pub(crate) type NewContact = Contact<Option<Text<1, 50>>>;
pub(crate) type NumberedContact = Contact<Text<1, 50>>;
pub(crate) type NewInvoice = Invoice<Option<Text<1, 255>>>;
pub(crate) type NumberedInvoice = Invoice<Text<1, 255>>;

/// <https://developer.xero.com/documentation/api/accounting/contacts>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", bound = "N: Number")]
pub(crate) struct Contact<N: Number> {
    /// "Used to identify contacts in external systems".
    #[serde(skip_serializing_if = "Number::is_absent")]
    contact_number: N,
    /// Unique among active contacts.
    name: Text<1, 255>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<Text<1, 255>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<Text<1, 255>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_address: Option<Text<3, 255>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_number: Option<Text<1, 50>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phones: Option<Vec<Phone>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<Address>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Phone {
    phone_type: PhoneType,
    phone_number: Text<1, 50>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum PhoneType {
    Default,
    Ddi,
    Mobile,
    Fax,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Address {
    address_type: AddressType,
    address_line1: Text<1, 500>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<Text<1, 255>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Text<1, 255>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<Text<1, 50>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<Text<1, 50>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum AddressType {
    Pobox,
    Street,
}

/// A sales invoice: the numbers of bills are not unique, so that no upsert can go by them.
/// <https://developer.xero.com/documentation/api/accounting/invoices>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", bound = "N: Number")]
pub(crate) struct Invoice<N: Number> {
    /// "Unique alpha numeric code identifying invoice (when missing will auto-generate […])".
    #[serde(skip_serializing_if = "Number::is_absent")]
    invoice_number: N,
    contact: Customer,
    line_items: Vec<LineItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_amount_types: Option<LineAmountTypes>,
    /// As in 2026-11-22; today where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<Text<10, 10>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_date: Option<Text<10, 10>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Text<1, 255>>,
    /// ISO code; the organisation's own currency where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_code: Option<Text<3, 3>>,
    /// A draft where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

/// Whom it goes to: best by id or number, since an unknown name makes a new contact.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Customer {
    #[serde(rename = "ContactID", skip_serializing_if = "Option::is_none")]
    contact_id: Option<Text<36, 36>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_number: Option<Text<1, 50>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text<1, 255>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_address: Option<Text<3, 255>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct LineItem {
    description: Text<1, 4000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_amount: Option<f64>,
    /// Off the product of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_amount: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_code: Option<Text<1, 10>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_code: Option<Text<1, 30>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_type: Option<Text<1, 50>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum LineAmountTypes {
    Exclusive,
    Inclusive,
    NoTax,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Draft,
    Submitted,
    Authorised,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Contacts<'a, T> {
    contacts: &'a [T],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Invoices<'a, T> {
    invoices: Vec<Sale<'a, T>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sale<'a, T> {
    r#type: &'static str,
    #[serde(flatten)]
    invoice: &'a T,
}

impl<'a, T> From<&'a [T]> for Invoices<'a, T> {
    fn from(invoices: &'a [T]) -> Self {
        let r#type = "ACCREC";
        let sales = invoices.iter().map(|invoice| Sale { r#type, invoice });
        Self {
            invoices: sales.collect(),
        }
    }
}

impl Payload for NewContact {
    fn wire(&self) -> Wire {
        let contacts = std::slice::from_ref(self);
        Wire::put(CONTACTS).json(&Contacts { contacts })
    }
}

impl BatchPayload for NumberedContact {
    fn identity(&self) -> String {
        folded(self.contact_number.as_str())
    }

    fn wire(contacts: &[Self]) -> Wire {
        Wire::post(CONTACTS).json(&Contacts { contacts })
    }
}

impl Payload for NewInvoice {
    fn wire(&self) -> Wire {
        Wire::put(INVOICES).json(&Invoices::from(std::slice::from_ref(self)))
    }
}

impl BatchPayload for NumberedInvoice {
    fn identity(&self) -> String {
        folded(self.invoice_number.as_str())
    }

    fn wire(invoices: &[Self]) -> Wire {
        Wire::post(INVOICES).json(&Invoices::from(invoices))
    }
}

/// Whether Xero tells numbers apart by case is not written: two that differ by it alone never go in one call.
pub(crate) fn folded(number: &str) -> String {
    number.trim().to_lowercase()
}
