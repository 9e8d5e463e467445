//! One organisation's contacts and invoices.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::vendor::{Effect, marker};

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Contact,
    Invoice,
}

impl Kind {
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Contact => "Contacts",
            Self::Invoice => "Invoices",
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::Contact => "ContactID",
            Self::Invoice => "InvoiceID",
        }
    }

    /// The fields that tell one from another, the stronger first.
    fn unique(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["ContactID", "ContactNumber", "Name"],
            Self::Invoice => &["InvoiceID", "InvoiceNumber"],
        }
    }
}

/// The id of what was not made.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// What is in the books.
#[derive(Debug, Default)]
pub(super) struct Books {
    objects: Vec<Value>,
    /// Places in `objects` by kind, field and value, which Xero takes without regard to case (own assumption).
    index: BTreeMap<(Kind, &'static str, String), usize>,
}

impl Books {
    /// Creates `element`, or updates what it names; the element of the answer, and the effect where there is one.
    pub(super) fn write(
        &mut self,
        kind: Kind,
        element: &Value,
        creates_only: bool,
    ) -> (Value, Option<Effect>) {
        let found = self.find(kind, element);
        let fault = self.fault(kind, element).or(match found {
            Some(_) if creates_only => Some("It exists already; use POST to update it."),
            _ => None,
        });
        if let Some(message) = fault {
            let mut answer = element.clone();
            answer[kind.id()] = NO_ID.into();
            answer["StatusAttributeString"] = "ERROR".into();
            answer["ValidationErrors"] = json!([{ "Message": message }]);
            return (answer, None);
        }
        let (place, is_change) = self.put(kind, element, found);
        let mut answer = self.objects[place].clone();
        answer["StatusAttributeString"] = "OK".into();
        let effect = is_change.then(|| Effect {
            marker: marker(element),
            vendor_key: None,
            object_id: id_of(place),
        });
        (answer, effect)
    }

    fn put(&mut self, kind: Kind, element: &Value, found: Option<usize>) -> (usize, bool) {
        let place = found.unwrap_or(self.objects.len());
        if found.is_none() {
            self.objects.push(json!({}));
        }
        let object = &mut self.objects[place];
        let before = object.clone();
        if let (Some(object), Some(fields)) = (object.as_object_mut(), element.as_object()) {
            object.extend(fields.clone());
        }
        object[kind.id()] = id_of(place).into();
        if kind == Kind::Invoice && object["InvoiceNumber"].is_null() {
            object["InvoiceNumber"] = format!("INV-{:04}", place + 1).into();
        }
        for field in kind.unique() {
            if let Some(value) = object[*field].as_str() {
                let key = (kind, *field, value.trim().to_lowercase());
                self.index.insert(key, place);
            }
        }
        (place, self.objects[place] != before)
    }

    /// What `element` names by the first of its unique fields that is known. Bills are not told apart by number.
    fn find(&self, kind: Kind, element: &Value) -> Option<usize> {
        let is_bill = element["Type"] == "ACCPAY";
        let fields = kind.unique().iter().filter(|_| !is_bill);
        fields
            .copied()
            .find_map(|field| self.by(kind, field, element))
    }

    fn by(&self, kind: Kind, field: &'static str, element: &Value) -> Option<usize> {
        let value = element[field].as_str()?.trim().to_lowercase();
        self.index.get(&(kind, field, value)).copied()
    }

    /// What is wrong with it. The sentences are own assumptions, the rules are on the endpoints' pages.
    fn fault(&self, kind: Kind, element: &Value) -> Option<&'static str> {
        match kind {
            Kind::Contact => self.contact_fault(element),
            Kind::Invoice => self.invoice_fault(element),
        }
    }

    fn contact_fault(&self, element: &Value) -> Option<&'static str> {
        let name = element["Name"].as_str().unwrap_or_default();
        let email = element["EmailAddress"].as_str();
        let named = self.by(Kind::Contact, "Name", element);
        let meant = self.find(Kind::Contact, element);
        if name.is_empty() || name.contains(['<', '>']) {
            Some("The contact name must be specified.")
        } else if email.is_some_and(|email| !email.contains('@')) {
            Some("Email address must be valid.")
        } else if named.is_some() && named != meant {
            Some("The contact name is already assigned to another contact.")
        } else {
            None
        }
    }

    fn invoice_fault(&self, element: &Value) -> Option<&'static str> {
        let is_type = ["ACCREC", "ACCPAY"]
            .iter()
            .any(|known| element["Type"] == *known);
        let contact = &element["Contact"];
        let is_named = contact["Name"]
            .as_str()
            .is_some_and(|name| !name.is_empty());
        let lines = element["LineItems"].as_array().map_or(0, Vec::len);
        if !is_type {
            Some("Invoice not of valid type for creation")
        } else if !is_named && self.find(Kind::Contact, contact).is_none() {
            Some("A Contact must be specified for this type of transaction")
        } else if lines == 0 {
            Some("One or more line items must be specified")
        } else {
            None
        }
    }
}

/// Ids in Xero's shape, from the place.
fn id_of(place: usize) -> String {
    format!("7e4a9c00-0000-4000-8000-{:012x}", place + 1)
}
