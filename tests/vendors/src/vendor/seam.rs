//! Seam. Its document has the creation of access codes; the fake that it publishes has them all.

use super::{Document, JSON, Known, Peer, Probe, Vendor};
use crate::relay::Lie;
use crate::steps::{End, Finds, Step};

pub(super) static VENDOR: Vendor = Vendor {
    name: "seam",
    secret: r#"{"api_key": "seam_vendors"}"#,
    document: Some(Document {
        file: "seam.json",
        without: &[
            "look up access_codes.create",
            "access_codes.update",
            "access_codes.delete",
        ],
        known: &[
            Known {
                violation: "response: Unable to match the returned status code with those defined in the document: 200,400,401",
                statuses: &[404, 409, 429],
                why: "an unknown device is a 404, a duplicate a 409 at the fake that Seam publishes",
            },
            Known {
                violation: "response.body: Response body must have required property 'action_attempt'",
                statuses: &[200],
                why: "the fake that Seam publishes (1.86.0) answers without, as one of the fixtures shows",
            },
            Known {
                violation: "response.body.access_code: Response body property access_code must have required property 'pending_mutations'",
                statuses: &[200],
                why: "likewise",
            },
        ],
        steps: &[
            Step::new(
                "access_codes.create",
                r#"{"device_id": "a5036385-adcb-41b5-88c2-dd8a702a0730", "name": "Ada Example", "code": "1712",
                    "starts_at": "2026-12-01T15:00:00Z", "ends_at": "2026-12-03T11:00:00Z"}"#,
                End::Delivered,
            ),
            Step::new(
                "access_codes.update",
                r#"{"device_id": "a5036385-adcb-41b5-88c2-dd8a702a0730", "access_code_id": "{made}", "code": "1713"}"#,
                End::Delivered,
            ),
        ],
        probes: &[
            Probe {
                what: "a missing field",
                path: "/access_codes/create",
                media_type: JSON,
                body: r#"{"code": "1712"}"#,
                found: "request.body: Request body must have required property 'device_id'",
            },
            Probe {
                what: "a number for a text",
                path: "/access_codes/create",
                media_type: JSON,
                body: r#"{"device_id": "a5036385-adcb-41b5-88c2-dd8a702a0730", "code": 1712}"#,
                found: "request.body.code: Request body property code must be string",
            },
            Probe {
                what: "a misspelt name",
                path: "/access_codes/create",
                media_type: JSON,
                body: r#"{"device_id": "a5036385-adcb-41b5-88c2-dd8a702a0730", "cdoe": "1712"}"#,
                found: "request.body.cdoe: not in the document",
            },
            Probe {
                what: "a path that does not exist",
                path: "/access_codes/make",
                media_type: JSON,
                body: "{}",
                found: "request: Selected route not found",
            },
        ],
        lies: &[
            (
                Lie::Without("/access_code"),
                "required property 'access_code'",
            ),
            (Lie::With("/ok", "\"yes\""), "response.body.ok"),
        ],
    }),
    peer: Some(Peer {
        script: "@seamapi/fake-seam-connect/dist/server.js",
        arguments: &["--seed"],
        secret: r#"{"api_key": "seam_apikey1_token"}"#,
        places: ["august_device_1", "a5036385-adcb-41b5-88c2-dd8a702a0730"],
        steps: &[
            Step::new(
                "access_codes.create",
                r#"{"device_id": "{place}", "name": "Ada Example", "code": "1712",
                    "starts_at": "2026-12-01T15:00:00Z", "ends_at": "2026-12-03T11:00:00Z"}"#,
                End::Delivered,
            )
            .finds(Finds::Hit),
            // The same again: there already, and ours.
            Step::new(
                "access_codes.create",
                r#"{"device_id": "{place}", "name": "Ada Example", "code": "1712",
                    "starts_at": "2026-12-01T15:00:00Z", "ends_at": "2026-12-03T11:00:00Z"}"#,
                End::Exists,
            )
            .finds(Finds::Hit),
            // Another one's request for the same code.
            Step::new(
                "access_codes.create",
                r#"{"device_id": "{place}", "name": "Bo Example", "code": "1712"}"#,
                End::Exists,
            )
            .finds(Finds::Other),
            Step::new(
                "access_codes.create",
                r#"{"device_id": "unknown_device", "name": "Ada Example", "code": "1712"}"#,
                End::Rejected,
            ),
            Step::new(
                "access_codes.create",
                r#"{"device_id": "{place}", "name": "Ada Example", "code": "1714"}"#,
                End::Unauthorized,
            )
            .secret(r#"{"api_key": "seam_invalid"}"#),
            Step::new(
                "access_codes.delete",
                r#"{"device_id": "{place}", "access_code_id": "{made}"}"#,
                End::Delivered,
            ),
            // The code is free again.
            Step::new(
                "access_codes.create",
                r#"{"device_id": "{place}", "name": "Bo Example", "code": "1712"}"#,
                End::Delivered,
            )
            .finds(Finds::Hit),
            Step::new(
                "access_codes.update",
                r#"{"device_id": "{place}", "access_code_id": "{made}", "code": "1713"}"#,
                End::Delivered,
            ),
        ],
        lies: &[
            Lie::Status(200),
            Lie::Status(409),
            Lie::Without("/error/type"),
            Lie::Without("/access_codes"),
        ],
    }),
    sdk: None,
};
