//! One sound payload, and others that break something.

use causeway::provider::{BatchPayload, Payload, Text, Wire};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sound one.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thing {
    name: Text<1, 20>,
    note: Option<Text<1, 5>>,
}

impl BatchPayload for Thing {
    fn identity(&self) -> String {
        self.name.as_str().to_owned()
    }

    fn wire(elements: &[Self]) -> Wire {
        Wire::post("/v1/things").json(&elements)
    }
}

/// No `deny_unknown_fields`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Lax {
    name: Text<1, 20>,
    note: Option<Text<1, 5>>,
}

/// The schema bounds what the type does not.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounded {
    #[schemars(length(min = 1, max = 20))]
    name: String,
    note: Option<Text<1, 5>>,
}

/// Checks the payload as a whole: what it says names no field.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    name: Text<1, 20>,
    note: Option<Text<1, 5>>,
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        let thing: Thing =
            serde_json::from_value(json).map_err(|_| serde::de::Error::custom("no"))?;
        Ok(Self {
            name: thing.name,
            note: thing.note,
        })
    }
}

/// Says what it did not expect.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chatty {
    #[schemars(length(min = 1, max = 20))]
    name: String,
    note: Option<Text<1, 5>>,
}

impl<'de> Deserialize<'de> for Chatty {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        let thing: Thing = serde_json::from_value(json.clone())
            .map_err(|_| serde::de::Error::custom(format!("no, expected anything but {json}")))?;
        Ok(Self {
            name: thing.name.as_str().to_owned(),
            note: thing.note,
        })
    }
}

/// Has not thought of long names.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fragile {
    name: Text<1, 20>,
    note: Option<Text<1, 5>>,
}

/// Sends a key that is not its business.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnKey {
    name: Text<1, 20>,
    note: Option<Text<1, 5>>,
}

macro_rules! posted {
    ($($payload:ty),*) => {$(
        impl Payload for $payload {
            fn wire(&self) -> Wire {
                Wire::post("/v1/things").json(self)
            }
        }
    )*};
}
posted!(Thing, Lax, Bounded, Whole, Chatty);

impl Payload for Fragile {
    fn wire(&self) -> Wire {
        assert!(self.name.as_str().len() < 20, "a long name");
        Wire::post("/v1/things").json(self)
    }
}

impl Payload for OwnKey {
    fn wire(&self) -> Wire {
        Wire::post("/v1/things?key=cw-0123456789abcdef0123456789abcdef01234567").json(self)
    }
}
