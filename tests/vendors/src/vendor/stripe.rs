//! Stripe. The published document is of API version 2020-03-02, the lane's calls name a later one.

use super::{Document, FORM, Known, Probe, Sdk, Vendor};
use crate::relay::Lie;
use crate::steps::{End, Step};

pub(super) static VENDOR: Vendor = Vendor {
    name: "stripe",
    secret: r#"{"api_key": "sk_test_vendors"}"#,
    document: Some(Document {
        file: "stripe.json",
        without: &["payment_intents.create"],
        known: &[Known {
            violation: "response.body: Response body must have required property 'sources'",
            statuses: &[200],
            why: "from version 2020-08-27 on a customer shows `sources` only where asked to \
                (https://docs.stripe.com/upgrades#2020-08-27)",
        }],
        steps: &[
            Step::new(
                "customers.create",
                r#"{"email": "ada@example.com", "name": "Ada Example", "preferred_locales": ["en", "de"],
                    "metadata": {"order": "1712"}}"#,
                End::Delivered,
            ),
            Step::new(
                "customers.create",
                r#"{"email": "no address"}"#,
                End::Rejected,
            ),
            Step::new(
                "refunds.create",
                r#"{"payment_intent": "pi_settled_1", "amount": 500, "reason": "requested_by_customer"}"#,
                End::Delivered,
            ),
            Step::new(
                "refunds.create",
                r#"{"payment_intent": "pi_settled_1"}"#,
                End::Rejected,
            ),
            Step::new("customers.create", "{}", End::Unauthorized)
                .secret(r#"{"api_key": "sk_test_invalid"}"#),
            // A sandbox takes 25 a second.
            Step::new("customers.create", "{}", End::Throttled).times(60),
        ],
        probes: &[
            Probe {
                what: "a text for a number",
                path: "/v1/refunds",
                media_type: FORM,
                body: "payment_intent=pi_settled_2&amount=much",
                found: "request.body.amount: Request body property amount must be integer",
            },
            Probe {
                what: "a value that is not in the list",
                path: "/v1/refunds",
                media_type: FORM,
                body: "payment_intent=pi_settled_3&reason=remorse",
                found: "request.body.reason: Request body property reason must be equal to one of the allowed values",
            },
            Probe {
                what: "a text for a map",
                path: "/v1/customers",
                media_type: FORM,
                body: "metadata=1712",
                found: "request.body.metadata: Request body property metadata must be object",
            },
            Probe {
                what: "JSON for a form",
                path: "/v1/customers",
                media_type: "application/json",
                body: "{}",
                found: "request: Supported content types: application/x-www-form-urlencoded",
            },
            Probe {
                what: "a misspelt name",
                path: "/v1/customers",
                media_type: FORM,
                body: "emial=ada%40example.com",
                found: "request.body.emial: not in the document",
            },
            Probe {
                what: "a path that does not exist",
                path: "/v1/customer",
                media_type: FORM,
                body: "",
                found: "request: Selected route not found",
            },
        ],
        lies: &[
            (
                Lie::Without("/id"),
                "response.body: Response body must have required property 'id'",
            ),
            (
                Lie::With("/created", "\"today\""),
                "response.body.created: Response body property created must be integer",
            ),
            (
                Lie::With("/preferred_locales", "\"en\""),
                "response.body.preferred_locales",
            ),
        ],
    }),
    peer: None,
    sdk: Some(Sdk {
        script: "check_stripe.py",
        lies: &[
            (Lie::Without("/id"), "create"),
            (Lie::With("/object", "\"charge\""), "create"),
            (Lie::Without("/error/code"), "validation error"),
            (Lie::Status(200), "auth error"),
            (Lie::Status(500), "throttle"),
        ],
    }),
};
