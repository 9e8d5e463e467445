use super::*;
use proptest::prelude::*;
use serde_json::json;

const ID: &str = "0199a3c1-7d2e-7abc-8def-0123456789ab";

fn minimal() -> Value {
    json!({
        "provider": "stripe", "operation": "customers.create", "created_at": "2026-11-22T10:00:00Z",
        "payload": {"email": "a@b.example", "name": "Ada", "metadata": {"order": "1712"}},
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut request = minimal();
    request[field] = value;
    request
}

fn without(mut request: Value, field: &str) -> Value {
    request.as_object_mut().expect("an object").remove(field);
    request
}

fn decoded(body: &Value) -> Request {
    decode(&body.to_string()).expect("a request")
}

fn refused(body: &str) -> (&'static str, String) {
    let error = decode(body).expect_err("no request");
    (error.code(), error.detail())
}

#[test]
fn every_field_is_read() {
    let body = json!({
        "id": ID, "provider": "stripe", "operation": "customers.create", "connection": "eu",
        "idempotency_key": "order#1", "created_at": "2026-11-22T12:00:00.5+02:00", "payload": {"a": 1.0},
        "mapping": "pms-guest", "deadline": "2026-11-22T22:00:00Z",
    });
    let request = decoded(&body);
    assert_eq!(request.id.as_deref(), Some(ID));
    assert_eq!(request.operation, "customers.create");
    assert_eq!(request.ledger_key().as_str(), "stripe#eu#order#1");
    let created_at = request.created_at.map(|at| at.to_string());
    assert_eq!(created_at.as_deref(), Some("2026-11-22T10:00:00.5Z"));
    assert_eq!(request.payload, json!({"a": 1.0}));
    assert_eq!(request.mapping.as_deref(), Some("pms-guest"));
    assert_eq!(
        request.deadline.map(|at| at.to_string()).as_deref(),
        Some("2026-11-22T22:00:00Z")
    );
}

/// Computed with Python's hashlib over `json.dumps(…, sort_keys=True, separators=(",", ":"))`. A change would
/// carry out again what was carried out under the old key.
#[test]
fn derived_keys_and_payload_hashes_are_fixed_for_ever() {
    let plain = decoded(&minimal());
    assert_eq!(plain.connection, Name::default_connection());
    assert_eq!(
        plain.key.as_str(),
        "ba9acb36d95c1d5a8fa767e48c33df35311ac181744c5e78730ad499985e148e"
    );
    assert_eq!(
        plain.payload_hash.as_str(),
        "b8526924de704fc2faa1913ccbf68c08700fe7766bc195ce75dadcca6f68950d"
    );
    let mapped = decoded(&with("mapping", json!("pms-guest")));
    assert_eq!(
        mapped.key.as_str(),
        "62971c68ab33b5473fd6c19b52101c071457558547f5582bf601a6ad863e4c02"
    );
    assert_eq!(
        mapped.payload_hash.as_str(),
        "7e79a184e1880c649597f5e293f0626e597c3b9a4775296e062fac4fa010b0c1"
    );
}

#[test]
fn a_derived_key_does_not_depend_on_id_deadline_or_a_spelt_out_default() {
    let plain = decoded(&minimal()).key;
    assert_eq!(decoded(&with("connection", json!("default"))).key, plain);
    assert_eq!(decoded(&with("id", json!(ID))).key, plain);
    assert_eq!(
        decoded(&with("deadline", json!("2026-11-23T00:00:00Z"))).key,
        plain
    );
    assert_ne!(decoded(&with("connection", json!("eu"))).key, plain);
    assert_ne!(
        decoded(&with("created_at", json!("2026-11-22T10:00:00.0Z"))).key,
        plain
    );
}

#[test]
fn a_given_key_changes_nothing_about_the_payload_hash() {
    let request = decoded(&with("idempotency_key", json!("order-1712")));
    assert_eq!(request.key.as_str(), "order-1712");
    assert_eq!(request.payload_hash, decoded(&minimal()).payload_hash);
}

#[test]
fn required_fields_must_be_given() {
    let time = "must be given where no idempotency_key is";
    for (field, rule) in [
        ("provider", "must be given"),
        ("operation", "must be given"),
        ("created_at", time),
        ("payload", "must be given"),
    ] {
        assert_eq!(
            refused(&without(minimal(), field).to_string()),
            ("missing_field", format!("{field}: {rule}"))
        );
    }
}

/// It makes two requests of two equal payloads only where the key is derived: elsewhere producers were asked for a
/// time that nobody used.
#[test]
fn a_request_with_a_key_of_its_own_needs_no_time() {
    let keyed = with("idempotency_key", json!("order-1712"));
    let (timed, timeless) = (decoded(&keyed), decoded(&without(keyed, "created_at")));
    assert_eq!(timeless.created_at, None);
    assert_eq!(timeless.ledger_key(), timed.ledger_key());
    assert_eq!(timeless.payload_hash, timed.payload_hash);
}

#[test]
fn each_field_is_held_to_its_rule_and_its_value_is_never_told() {
    let name = "must match [A-Za-z0-9._-]{1,64}";
    let key = "must be 1 to 255 printable ASCII characters";
    let time = "must be an RFC 3339 date-time";
    let cases = [
        ("provider", json!("se cret"), name),
        ("provider", json!(7), "must be text"),
        ("operation", json!("customers/create"), name),
        ("operation", json!(""), name),
        ("connection", json!("secret#1"), name),
        ("connection", json!(null), "must be text"),
        ("mapping", json!("../secret"), name),
        ("idempotency_key", json!(""), key),
        ("idempotency_key", json!("sécret"), key),
        ("idempotency_key", json!("k".repeat(256)), key),
        ("idempotency_key", json!(null), "must be text"),
        ("created_at", json!("yesterday"), time),
        ("created_at", json!("2026-11-22"), time),
        ("created_at", json!(1_795_341_600), "must be text"),
        ("deadline", json!("2026-13-22T10:00:00Z"), time),
        ("payload", json!([1]), "must be a JSON object"),
        ("payload", json!(null), "must be a JSON object"),
        (
            "id",
            json!("7d2e0199-a3c1-4abc-8def-0123456789ab"),
            "must be a UUIDv7",
        ),
        ("id", json!("0199"), "must be a UUIDv7"),
    ];
    for (field, value, rule) in cases {
        let body = with(field, value).to_string();
        assert_eq!(
            refused(&body),
            ("invalid_field", format!("{field}: {rule}")),
            "{body}"
        );
    }
}

#[test]
fn unknown_top_level_fields_are_refused_and_payloads_may_hold_any() {
    let body = with("idempotencyKey", json!("k")).to_string();
    assert_eq!(
        refused(&body),
        (
            "unknown_field",
            "idempotencyKey: is not a field of a request".to_owned()
        )
    );
    decoded(&with("payload", json!({"anything": {"goes": [null]}})));
}

#[test]
fn duplicates_are_refused_wherever_they_stand() {
    let top = r#"{"provider":"stripe","pro\u0076ider":"slack"}"#;
    assert_eq!(
        refused(top),
        (
            "duplicate_field",
            "provider: is given more than once".to_owned()
        )
    );
    let body = minimal()
        .to_string()
        .replace("\"order\"", "\"order\":\"1\",\"order\"");
    assert_eq!(
        refused(&body),
        (
            "duplicate_field",
            "payload.metadata.order: is given more than once".to_owned()
        )
    );
}

#[test]
fn inexact_numbers_are_refused_even_those_that_serde_json_cannot_hold() {
    for number in [
        "0.10000000000000000001",
        "9007199254740993",
        "1e20",
        "1e400",
        "1e999999999999999999999",
    ] {
        let body = with("payload", json!({"amount": "@"}))
            .to_string()
            .replace("\"@\"", number);
        let detail = format!("payload.amount: {number} is not exact as a double");
        assert_eq!(refused(&body), ("number_not_exact", detail));
    }
    decoded(&with(
        "payload",
        json!({"amount": 19.99, "cents": 9_007_199_254_740_991_i64}),
    ));
}

#[test]
fn what_is_not_one_json_object_is_malformed() {
    let deep = format!(
        "{{\"payload\":{}{}}}",
        "[".repeat(MAX_DEPTH),
        "]".repeat(MAX_DEPTH)
    );
    let bodies = [
        "",
        " ",
        "{",
        "[]",
        "\"text\"",
        "7",
        "{} {}",
        "{'a':1}",
        "{\"a\":\"\\ud800\"}",
        "\u{feff}{}",
        &deep,
    ];
    for body in bodies {
        let (code, detail) = refused(body);
        assert_eq!(code, "malformed_json", "{body}");
        assert!(
            detail.starts_with("the body must be one JSON object: "),
            "{detail}"
        );
    }
    assert_eq!(
        refused(&deep).1,
        "the body must be one JSON object: nested deeper than 127 levels"
    );
    let (_, detail) = refused("{\"api_key\":\"sk_live_1\" \"x\":1}");
    assert_eq!(
        detail,
        "the body must be one JSON object: expected `,` or `}` at line 1 column 24"
    );
}

#[test]
fn a_request_has_at_most_256_kib_whatever_they_hold() {
    let body = minimal().to_string();
    let filled = format!("{body}{}", " ".repeat(MAX_REQUEST_BYTES - body.len()));
    assert!(decode(&filled).is_ok());
    let detail = "the body has 262145 bytes; a request has at most 262144".to_owned();
    assert_eq!(
        refused(&format!("{filled} ")),
        ("request_too_large", detail)
    );
}

#[test]
fn debug_shows_no_payload() {
    let shown = format!("{:?}", decoded(&minimal()));
    assert!(
        !shown.contains("Ada") && shown.contains("payload_hash"),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn any_text_is_answered_in_bounded_words(text in any::<String>(), json_like in "[\\[\\]{}:,\"\\\\ a-z0-9.é-]{0,60}") {
        for body in [text, json_like] {
            if let Err(error) = decode(&body) {
                prop_assert!(error.detail().len() <= 1024);
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_field_may_hold_anything_without_a_panic_or_a_long_detail(
        field in prop_oneof![prop::sample::select(&FIELDS[..]).prop_map(str::to_owned), any::<String>()],
        value in prop_oneof![any::<String>().prop_map(Value::from), any::<f64>().prop_map(Value::from)],
    ) {
        if let Err(error) = decode(&with(&field, value).to_string()) {
            prop_assert!(error.detail().len() <= 1024);
        }
    }
}

#[test]
fn the_order_of_fields_makes_no_other_request() {
    let decoded = |payload: &str| {
        let body = format!(
            r#"{{"provider":"acme","operation":"a.b","created_at":"2026-11-22T10:00:00Z","payload":{payload}}}"#
        );
        let request = Request::decode(&body).expect("a good request");
        (request.key.clone(), request.payload.to_string())
    };
    let one = decoded(r#"{"b":[{"z":1,"y":2}],"a":1}"#);
    assert_eq!(one, decoded(r#"{"a":1,"b":[{"y":2,"z":1}]}"#));
    assert_eq!(one.1, r#"{"a":1,"b":[{"y":2,"z":1}]}"#);
}
