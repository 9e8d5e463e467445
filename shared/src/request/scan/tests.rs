use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn found(text: &str) -> String {
    scan(text).expect_err("an offence").to_string()
}

#[test]
fn keys_are_compared_as_they_read_and_within_their_own_object() {
    assert_eq!(
        found(r#"{"a":1,"b":{"a":2,"\u0061":3}}"#),
        "b.a: is given more than once"
    );
    assert_eq!(
        found(r#"[{"x":1},{"x":1,"x":1}]"#),
        "[1].x: is given more than once"
    );
    assert_eq!(scan(r#"{"a":{"a":{"a":[{"a":1},{"a":1}]}}}"#), Ok(()));
    assert_eq!(scan(r#"{"a":1,"A":1,"\\u0061":1,"a\"":1,"":1}"#), Ok(()));
}

#[test]
fn the_path_leads_to_the_number() {
    let text = r#"{"payload": {"lines": [1, {"price net": 0.10000000000000000001}]}}"#;
    assert_eq!(
        found(text),
        r#"payload.lines[1]["price net"]: 0.10000000000000000001 is not exact as a double"#
    );
    assert_eq!(found("1e999"), "the body: 1e999 is not exact as a double");
}

#[test]
fn the_first_offence_in_the_text_is_the_one_that_is_told() {
    assert_eq!(
        found(r#"{"n":1e99,"a":1,"a":2}"#),
        "n: 1e99 is not exact as a double"
    );
    assert_eq!(found(r#"{"a":1,"a":1e99}"#), "a: is given more than once");
}

#[test]
fn what_is_in_a_string_is_text_only() {
    assert_eq!(scan(r#"{"a":"{\"b\":1e99,\"b\":1} \\","c":"\""}"#), Ok(()));
}

#[test]
fn paths_and_numbers_are_cut_and_hold_no_control_characters() {
    let long = format!(
        r#"{{"{}":{{"\u0000é":{}}}}}"#,
        "k".repeat(1000),
        "9".repeat(1000)
    );
    let detail = found(&long);
    assert!(
        detail.starts_with(&format!("{}…: {}…", "k".repeat(199), "9".repeat(40))),
        "{detail}"
    );
    assert_eq!(
        found(r#"{"\u0000é":1e99}"#),
        r#"["?é"]: 1e99 is not exact as a double"#
    );
    let deep = format!("{}1e99{}", r#"{"𝄞𝄞":"#.repeat(100), "}".repeat(100));
    assert!(found(&deep).len() < 1024);
}

#[test]
fn nesting_is_bounded_exactly_where_serde_json_bounds_it() {
    for depth in [MAX_DEPTH, MAX_DEPTH + 1] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(scan(&text).is_ok(), depth == MAX_DEPTH);
        assert_eq!(
            serde_json::from_str::<Value>(&text).is_ok(),
            depth == MAX_DEPTH
        );
    }
    assert_eq!(scan(&"[".repeat(100_000)), Err(DecodeError::TooDeep));
}

/// JSON as it is written, duplicates and spelling included.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Array(items) => format!(
                "[{}]",
                items.iter().map(Self::text).collect::<Vec<_>>().join(", ")
            ),
            Self::Object(members) => {
                let member =
                    |(key, value): &(String, Self)| format!("{} :{}", escaped(key), value.text());
                format!(
                    "{{ {}}}",
                    members.iter().map(member).collect::<Vec<_>>().join(",")
                )
            }
        }
    }

    /// Whether nothing is wrong anywhere inside, in the most simple-minded way.
    fn is_fine(&self) -> bool {
        match self {
            Self::Leaf(text) => {
                !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) || is_exact(text)
            }
            Self::Array(items) => items.iter().all(Self::is_fine),
            Self::Object(members) => {
                let twice = |key| members.iter().filter(|(other, _)| other == key).count() > 1;
                members
                    .iter()
                    .all(|(key, value)| !twice(key) && value.is_fine())
            }
        }
    }
}

/// Every other character as an escape, so that equal keys are spelt differently by position.
fn escaped(key: &str) -> String {
    let mut text = String::from("\"");
    for (position, unit) in key.encode_utf16().enumerate() {
        let plain = char::from_u32(u32::from(unit))
            .filter(|c| c.is_ascii_alphanumeric() && position % 2 == 0);
        match plain {
            Some(c) => text.push(c),
            None => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text.push('"');
    text
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        4 => "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?".prop_map(Tree::Leaf),
        1 => "[1-9][0-9]{14,17}(\\.[0-9]{1,3})?".prop_map(Tree::Leaf),
        2 => any::<String>().prop_map(|text| Tree::Leaf(Value::from(text).to_string())),
        1 => prop_oneof![Just("null"), Just("true"), Just("false")].prop_map(|word| Tree::Leaf(word.to_owned())),
    ];
    let key = prop_oneof!["[ab]{1,3}", any::<String>()];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::Array),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(Tree::Object),
        ]
    })
}

proptest! {
    #[test]
    fn the_scanner_agrees_with_a_naive_look_at_the_tree(tree in any_tree()) {
        let text = tree.text();
        prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
        prop_assert_eq!(scan(&text).is_ok(), tree.is_fine(), "{}", text);
    }

    #[test]
    fn any_text_is_answered(text in any::<String>(), json_like in "[\\[\\]{}:,\"\\\\ ue0-9a.é-]{0,60}") {
        let _ = scan(&text);
        let _ = scan(&json_like);
    }
}
