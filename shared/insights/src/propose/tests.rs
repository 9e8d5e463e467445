//! What every proposal keeps, whatever it is made of.

mod kinds;

use causeway::Timestamp;
use causeway::mapping::Mapping;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    Timestamp::from_millis(1_797_552_000_000)
}

fn proposal(source: Option<Value>, samples: Vec<Value>, target: Value) -> Proposal {
    let source = Source::new(source, samples).expect("a source");
    let target = Target::new("acme", "things.create", target).expect("a target");
    propose(&source, &target).expect("a proposal")
}

/// What the proposed mapping makes of the first sample.
fn made(proposal: &Proposal, sample: &Value) -> Value {
    let document = proposal.document("proposed", now()).expect("a document");
    let mapping = Mapping::parse(&document.to_string()).expect("a mapping");
    mapping.apply(sample, now()).expect("a payload")
}

fn text() -> Value {
    json!({"type": "string"})
}

fn customer() -> Value {
    json!({"type": "object", "required": ["email"], "properties": {
        "email": text(), "name": text(), "phone": text(), "total_cents": {"type": "integer"},
        "birth_date": {"type": "string", "format": "date"}, "tags": {"type": "array", "items": text()},
        "gender": {"enum": ["M", "F"]},
        "address": {"type": "object", "properties": {"city": text(), "postal_code": text(), "country": text()}},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": text(), "quantity": {"type": "integer"}}}}
    }})
}

fn order() -> Value {
    json!({
        "mail": "mara@example.com", "first_name": "Mara", "last_name": "Lind", "mobile": "+351910550142",
        "total": "19.99", "currency": "EUR", "dob": "24.12.1979", "labels": "new, vip", "sex": "female",
        "shipping": {"town": "Porto", "zip": "4050-262", "country": "PT"},
        "items": [{"item_code": "A-1", "qty": 2}, {"item_code": "B-2", "qty": 1}]
    })
}

#[test]
fn a_shape_becomes_another_with_all_that_lies_between() {
    let proposal = proposal(None, vec![order()], customer());
    assert_eq!(
        made(&proposal, &order()),
        json!({
            "email": "mara@example.com", "name": "Mara Lind", "phone": "+351910550142", "total_cents": 1999,
            "birth_date": "1979-12-24", "tags": ["new", "vip"], "gender": "F",
            "address": {"city": "Porto", "postal_code": "4050-262", "country": "PT"},
            "lines": [{"sku": "A-1", "quantity": 2}, {"sku": "B-2", "quantity": 1}]
        }),
        "{:#?}",
        proposal.expression()
    );
}

#[test]
fn what_the_source_does_not_have_stays_out() {
    let sparse = json!({"mail": "mara@example.com", "mobile": null, "shipping": {"town": null}, "items": []});
    let proposal = proposal(None, vec![order(), sparse.clone()], customer());
    assert_eq!(
        made(&proposal, &sparse),
        json!({"email": "mara@example.com"}),
        "{:#?}",
        proposal.expression()
    );
}

#[test]
fn nothing_fits_where_nothing_fits() {
    let target = json!({"type": "object", "required": ["voltage"], "properties": {"voltage": {"type": "number"}}});
    let proposal = proposal(
        None,
        vec![json!({"mail": "a@example.com", "town": "Porto"})],
        target,
    );
    assert_eq!(proposal.missing().count(), 1);
    assert_eq!(proposal.unused.len(), 2);
}

#[test]
fn the_only_value_that_is_allowed_needs_no_source() {
    let target = json!({"type": "object", "required": ["type", "email"], "properties": {
        "type": {"enum": ["profile"]}, "email": text()
    }});
    let sample = json!({"email": "a@example.com"});
    let proposal = proposal(None, vec![sample.clone()], target);
    assert_eq!(
        made(&proposal, &sample),
        json!({"type": "profile", "email": "a@example.com"})
    );
}

/// Names of a source are a stranger's: in an expression they are names, and no code.
#[test]
fn hostile_names_stay_names() {
    for name in [
        "a b",
        "e`mail",
        "e\"mail",
        "",
        "`) ~> $error(\"x\")",
        "and",
        "é-mail",
        "$",
        "1st",
        "e\\mail",
        "a.b[0]",
        "/*",
    ] {
        let schema = json!({"type": "object", "required": [name], "properties": {name: text()}});
        let sample = json!({name: "value"});
        let proposal = proposal(Some(schema.clone()), vec![sample.clone()], schema);
        assert_eq!(
            made(&proposal, &sample),
            sample,
            "{name:?}: {:#?}",
            proposal.expression()
        );
    }
}

#[test]
fn a_model_may_choose_among_candidates_and_nothing_else() {
    let mut proposal = proposal(None, vec![order()], customer());
    let before = proposal.expression();
    let verdict = |target: &str, choice| Verdict {
        target: target.to_owned(),
        choice,
    };
    let refused = proposal.rerank(&[verdict("phone", None), verdict("password", Some(0))]);
    assert_eq!(refused, Err(ChoiceError::NoField("password".to_owned())));
    let refused = proposal.rerank(&[verdict("phone", None), verdict("email", Some(99))]);
    assert!(
        matches!(refused, Err(ChoiceError::NoCandidate { number: 99, .. })),
        "{refused:?}"
    );
    assert_eq!(
        proposal.expression(),
        before,
        "one refused verdict refuses all"
    );
    proposal
        .rerank(&[verdict("phone", None)])
        .expect("a field without a source");
    assert!(
        proposal
            .field("phone")
            .is_some_and(|field| field.choice.is_none())
    );
    assert!(
        proposal
            .unused
            .iter()
            .any(|path| path.to_string() == "mobile")
    );
    proposal
        .choose("phone", 0)
        .expect("the candidate that it was");
    assert_eq!(proposal.expression(), before);
}

/// Questions leave the house: no value of a sample may be in one, whatever is asked.
#[test]
fn questions_hold_names_and_types_and_no_value() {
    let proposal = proposal(None, vec![order()], customer());
    let mut unsure = proposal.clone();
    unsure
        .fields
        .iter_mut()
        .for_each(|field| field.confidence = 0.0);
    let asked = serde_json::to_string(&questions(&unsure)).expect("JSON");
    assert!(asked.contains("total_cents"), "{asked}");
    let mut values = Vec::new();
    collect(&order(), &mut values);
    for value in values {
        assert!(!asked.contains(&value), "{value} is in {asked}");
    }
    assert!(questions(&unsure).len() <= MAX_QUESTIONS);
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        Value::Array(elements) => elements.iter().for_each(|value| collect(value, found)),
        Value::String(text) => found.push(text.clone()),
        _ => {}
    }
}

/// Keys that are data (an address, a number) are no names: they would leave the house as such.
#[test]
fn keys_that_are_data_are_no_names() {
    let sample = json!({"name": "x", "members": {"mara@example.com": {"name": "Mara"}, "100234": {"name": "Jon"}}});
    let proposal = proposal(None, vec![sample], customer());
    let told = serde_json::to_string(&proposal).expect("JSON");
    assert!(
        !told.contains("mara@") && !told.contains("100234"),
        "{told}"
    );
}

#[test]
fn bounds_are_kept_and_told() {
    assert_eq!(
        Source::new(None, Vec::new()).err(),
        Some(ProposeError::NothingGiven)
    );
    let many = vec![json!({}); MAX_SAMPLES + 1];
    assert_eq!(
        Source::new(None, many).err(),
        Some(ProposeError::TooManySamples(MAX_SAMPLES + 1))
    );
    assert!(matches!(
        Source::new(None, vec![json!([])]),
        Err(ProposeError::NoObject(_))
    ));
    let wide: serde_json::Map<String, Value> = (0..3 * MAX_FIELDS)
        .map(|index| (format!("field_{index}x"), text()))
        .collect();
    let wide = json!({"type": "object", "properties": wide});
    let proposal = proposal(Some(wide), Vec::new(), customer());
    assert!(proposal.cut);
    assert!(proposal.unused.len() <= MAX_FIELDS);
}

#[test]
fn a_schema_that_is_in_itself_has_an_end() {
    let tree = json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {
        "name": text(), "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
    }}}});
    let sample = json!({"name": "a", "children": [{"name": "b"}]});
    let proposal = proposal(Some(tree.clone()), vec![sample], tree);
    assert!(proposal.fields.len() < MAX_FIELDS);
}

fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("email".to_owned()),
        Just("amount".to_owned()),
        Just("items".to_owned()),
        "\\PC{0,6}"
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!("2026-02-30")),
        Just(json!("1.309,00")),
        Just(json!("EUR")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Schemas with some sense in them, and some nonsense.
fn any_schema() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("type"),
        Just("properties"),
        Just("items"),
        Just("required"),
        Just("enum"),
        Just("const"),
        Just("anyOf"),
        Just("allOf"),
        Just("$ref"),
        Just("format"),
        Just("pattern"),
        Just("maxLength"),
        Just("description"),
        Just("email")
    ];
    let leaf = prop_oneof![
        Just(json!("string")),
        Just(json!("object")),
        Just(json!("array")),
        Just(json!("number")),
        Just(json!("#")),
        Just(json!("#/properties/email")),
        Just(json!("date-time")),
        Just(json!("(")),
        Just(json!(3)),
        Just(json!([""])),
        Just(json!(null))
    ];
    leaf.prop_recursive(5, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// A stranger's schema and samples make a proposal or an error, twice the same, and never an expression that does
    /// not compile.
    #[test]
    fn whatever_comes_the_same_proposal_or_none(schema in prop::option::of(any_schema()), samples in prop::collection::vec(any_json(), 0..3), target in any_schema()) {
        let samples: Vec<Value> = samples.into_iter().filter(Value::is_object).collect();
        let source = Source::new(schema, samples);
        let target = Target::new("acme", "things.create", target);
        if let (Ok(source), Ok(target)) = (source, target) {
            let (once, twice) = (propose(&source, &target), propose(&source, &target));
            prop_assert_eq!(once.is_ok(), twice.is_ok());
            if let (Ok(once), Ok(twice)) = (once, twice) {
                prop_assert_eq!(once.expression(), twice.expression());
                let document = once.document("proposed", now());
                prop_assert!(document.is_ok(), "{:?}: {:#?}", document.err(), once.expression());
                prop_assert_eq!(document.ok(), twice.document("proposed", now()).ok());
            }
        }
    }

    /// A shape that is given for both ends is filled with itself.
    #[test]
    fn samples_of_any_shape_do_not_break_the_mapping(samples in prop::collection::vec(any_json(), 1..3)) {
        let samples: Vec<Value> = samples.into_iter().filter(Value::is_object).collect();
        if let Ok(source) = Source::new(None, samples.clone()) {
            let schema = infer::schema(&samples);
            let target = Target::new("acme", "things.create", schema).expect("an object");
            if let Ok(proposal) = propose(&source, &target) {
                let document = proposal.document("proposed", now());
                prop_assert!(document.is_ok(), "{:?}: {:#?}", document.err(), proposal.expression());
            }
        }
    }
}
