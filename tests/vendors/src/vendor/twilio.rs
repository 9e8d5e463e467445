//! Twilio. The document has messages; calls are in none that is at hand.

use super::{Document, FORM, Known, Probe, Sdk, Vendor};
use crate::relay::Lie;
use crate::steps::{End, Step};

pub(super) static VENDOR: Vendor = Vendor {
    name: "twilio",
    secret: r#"{"account_sid": "AC0123456789abcdef0123456789abcdef", "key_sid": "SK0123456789abcdef0123456789abcdef", "key_secret": "token"}"#,
    document: Some(Document {
        file: "twilio.json",
        without: &["look up messages.create", "calls.create"],
        known: &[Known {
            violation: "response: Unable to match the returned status code with those defined in the document: 201,429",
            statuses: &[400, 401, 403],
            why: "the document lists no refusals (https://www.twilio.com/docs/usage/twilios-response)",
        }],
        steps: &[
            Step::new(
                "messages.create",
                r#"{"To": "+15005551712", "From": "+15005550006", "Body": "Order 1712 is paid"}"#,
                End::Delivered,
            ),
            Step::new(
                "messages.create",
                r#"{"To": "+1", "From": "+15005550006", "Body": "hi"}"#,
                End::Rejected,
            ),
            Step::new(
                "messages.create",
                r#"{"To": "+15005551712", "From": "+15005550006", "Body": "hi"}"#,
                End::Unauthorized,
            )
            .secret(r#"{"account_sid": "AC0123456789abcdef0123456789abcdef", "key_sid": "SK0123456789abcdef0123456789abcdef", "key_secret": "invalid"}"#),
            Step::new(
                "messages.create",
                r#"{"To": "+15005551712", "From": "+15005550006", "Body": "many"}"#,
                End::Throttled,
            )
            // The fake's account that is allowed little.
            .secret(
                r#"{"account_sid": "AC0123456789abcdef0123456789ab0429",
                    "key_sid": "SK0123456789abcdef0123456789abcdef", "key_secret": "token"}"#,
            )
            .times(40),
        ],
        probes: &[
            Probe {
                what: "a missing field",
                path: "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
                media_type: FORM,
                body: "From=%2B15005550006&Body=hi",
                found: "request.body: Request body must have required property 'To'",
            },
            Probe {
                what: "an account that is none",
                path: "/2010-04-01/Accounts/me/Messages.json",
                media_type: FORM,
                body: "To=%2B15005551712&From=%2B15005550006&Body=hi",
                found: "request.path.accountsid: Request path parameter accountsid must match pattern",
            },
            Probe {
                what: "a text for a number",
                path: "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
                media_type: FORM,
                body: "To=%2B15005551712&From=%2B15005550006&Body=hi&ValidityPeriod=long",
                found: "request.body.ValidityPeriod",
            },
            Probe {
                what: "a misspelt name",
                path: "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
                media_type: FORM,
                body: "To=%2B15005551712&From=%2B15005550006&Boyd=hi",
                found: "request.body.Boyd: not in the document",
            },
            Probe {
                what: "a path that does not exist",
                path: "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Message.json",
                media_type: FORM,
                body: "",
                found: "request: Selected route not found",
            },
        ],
        lies: &[
            (Lie::With("/sid", "\"SM1\""), "response.body.sid"),
            (Lie::With("/status", "\"sent away\""), "response.body.status"),
            (Lie::Status(200), "Unable to match the returned status code"),
        ],
    }),
    peer: None,
    sdk: Some(Sdk {
        script: "check_twilio.py",
        lies: &[
            (Lie::Without("/sid"), "create"),
            (Lie::With("/date_created", "7"), "create"),
            (Lie::Without("/code"), "validation error"),
            (Lie::Status(201), "auth error"),
        ],
    }),
};
