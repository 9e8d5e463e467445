//! The canonical payloads: what producers send, what the lane checks, and what Stripe gets.

use std::collections::BTreeMap;

use causeway::form::Arrays;
use causeway::provider::{Payload, Text, Whole, Wire};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Values of up to 500 characters; how many keys there may be, Stripe says: <https://docs.stripe.com/api/metadata>
type Metadata = BTreeMap<String, Text<0, 500>>;

/// <https://docs.stripe.com/api/customers/create>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCustomer {
    email: Option<Text<3, 512>>,
    name: Option<Text<1, 256>>,
    phone: Option<Text<1, 20>>,
    description: Option<Text<1, 350>>,
    preferred_locales: Option<Vec<Text<2, 16>>>,
    #[serde(default)]
    metadata: Metadata,
}

impl Payload for CreateCustomer {
    fn wire(&self) -> Wire {
        Wire::post("/v1/customers").form(self, Arrays::Indexed)
    }
}

/// <https://docs.stripe.com/api/payment_intents/create>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreatePaymentIntent {
    /// In the currency's smallest unit.
    amount: Whole<1, 99_999_999>,
    /// ISO code in lower case.
    currency: Text<3, 3>,
    customer: Option<Text<1, 255>>,
    payment_method: Option<Text<1, 255>>,
    confirm: Option<bool>,
    description: Option<Text<1, 1000>>,
    #[serde(default)]
    metadata: Metadata,
}

impl Payload for CreatePaymentIntent {
    fn wire(&self) -> Wire {
        Wire::post("/v1/payment_intents").form(self, Arrays::Indexed)
    }
}

/// <https://docs.stripe.com/api/refunds/create>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRefund {
    payment_intent: Text<1, 255>,
    /// In the currency's smallest unit; all that is left where it is not given.
    amount: Option<Whole<1, 99_999_999>>,
    reason: Option<RefundReason>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundReason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
}

impl Payload for CreateRefund {
    fn wire(&self) -> Wire {
        Wire::post("/v1/refunds").form(self, Arrays::Indexed)
    }
}
