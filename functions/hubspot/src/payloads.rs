//! The canonical payload, one for all objects: what producers send, what the lane checks, and what HubSpot gets.

use std::collections::BTreeMap;

use causeway::provider::{BatchPayload, Text, Wire};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can be written, as it stands in HubSpot's paths.
const OBJECTS: [&str; 3] = ["contacts", "companies", "deals"];

pub(crate) type Contact = Upsert<0>;
pub(crate) type Company = Upsert<1>;
pub(crate) type Deal = Upsert<2>;

/// A record by a property whose values are unique, and what it shall say.
/// <https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/batch/upsert-contacts>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upsert<const OBJECT: usize> {
    /// The property that tells records apart: `email` for contacts, or one of the account's own with unique values.
    id_property: Text<1, 100>,
    /// Its value: the record that has it is updated, and where none has it, one is created.
    id: Text<1, 255>,
    /// HubSpot takes every value as text; an empty one clears the property. 65,536 characters is the longest that a
    /// property holds: <https://knowledge.hubspot.com/properties/property-field-types-in-hubspot>
    properties: BTreeMap<String, Text<0, 65_536>>,
}

impl<const OBJECT: usize> BatchPayload for Upsert<OBJECT> {
    /// HubSpot takes addresses of any case for the same; of other properties that is our care.
    fn identity(&self) -> String {
        let (property, id) = (self.id_property.as_str(), self.id.as_str());
        format!("{property}={}", id.trim().to_lowercase())
    }

    fn wire(elements: &[Self]) -> Wire {
        let input = |element: &Self| Input {
            id_property: element.id_property.clone(),
            id: element.id.clone(),
            properties: element.properties.clone(),
            object_write_trace_id: element.identity(),
        };
        let inputs = elements.iter().map(input).collect();
        Wire::post(format!("/crm/v3/objects/{}/batch/upsert", OBJECTS[OBJECT]))
            .json(&Inputs { inputs })
    }
}

#[derive(Serialize)]
struct Inputs {
    inputs: Vec<Input>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    id_property: Text<1, 100>,
    id: Text<1, 255>,
    properties: BTreeMap<String, Text<0, 65_536>>,
    /// HubSpot gives it back with the record or the error.
    object_write_trace_id: String,
}
