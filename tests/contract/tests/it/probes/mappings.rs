//! Mapping documents, a sound one and others that break their line.

use causeway::provider::Spec;
use causeway_contract::Line;

use super::acme::Acme;

macro_rules! document {
    ($operation:literal, $longest:literal, $expression:literal, $output:literal) => {
        concat!(
            r#"{"name": "shop-thing", "version": 1, "provider": "acme", "operation": ""#,
            $operation,
            r#"", "description": "A thing.", "source": {"type": "object", "required": ["title"], "properties":
                {"title": {"type": "string", "minLength": 1, "maxLength": "#,
            $longest,
            r#"}}}, "expression": ""#,
            $expression,
            r#"", "examples": [{"name": "one", "input": {"title": "red"}, "output": "#,
            $output,
            "}]}"
        )
    };
}

const SOUND: &str = document!(
    "things.create",
    "20",
    "{\\\"name\\\": title}",
    r#"{"name": "red"}"#
);
const ELSEWHERE: &str = document!(
    "things.delete",
    "20",
    "{\\\"name\\\": title}",
    r#"{"name": "red"}"#
);
const OTHERWISE: &str = document!(
    "things.create",
    "20",
    "{\\\"name\\\": title}",
    r#"{"name": "blue"}"#
);
/// Its example is good, and its source may send what the lane refuses.
const AT_TIMES: &str = document!(
    "things.create",
    "100000",
    "{\\\"name\\\": title}",
    r#"{"name": "red"}"#
);
/// It refuses whatever it is given.
const NEVER: &str = document!(
    "things.create",
    "20",
    "{\\\"name\\\": title = \\\"red\\\" ? title : $error()}",
    r#"{"name": "red"}"#
);
const REFUSED: &str = document!(
    "things.create",
    "20",
    "{\\\"nam\\\": title}",
    r#"{"nam": "red"}"#
);
const BROKEN: &str = document!(
    "things.create",
    "20",
    "{\\\"name\\\": ",
    r#"{"name": "red"}"#
);

fn mapped(name: &str, document: Option<&str>, list: fn(&mut Spec)) -> Acme {
    let mut acme = Acme::sound(name);
    acme.change_spec(list);
    if let Some(document) = document {
        acme.add_text("mappings/shop-thing.json", document);
    }
    acme
}

pub fn sound() -> Acme {
    mapped("sound_mapping", Some(SOUND), |spec| {
        spec.mappings = &[SOUND]
    })
}

pub fn broken() -> Vec<(Line, &'static str, Acme)> {
    let probe =
        |name, document, list: fn(&mut Spec)| (Line::Mappings, name, mapped(name, document, list));
    vec![
        probe("mapping_that_nobody_lists", Some(SOUND), |_| {}),
        probe("mapping_without_a_file", None, |spec| {
            spec.mappings = &[SOUND]
        }),
        probe("mapping_for_no_operation", Some(ELSEWHERE), |spec| {
            spec.mappings = &[ELSEWHERE]
        }),
        probe(
            "mapping_that_makes_something_else",
            Some(OTHERWISE),
            |spec| spec.mappings = &[OTHERWISE],
        ),
        probe("mapping_to_what_the_lane_refuses", Some(REFUSED), |spec| {
            spec.mappings = &[REFUSED]
        }),
        probe(
            "mapping_that_holds_for_its_examples_alone",
            Some(AT_TIMES),
            |spec| spec.mappings = &[AT_TIMES],
        ),
        probe("mapping_that_takes_next_to_nothing", Some(NEVER), |spec| {
            spec.mappings = &[NEVER]
        }),
        probe("mapping_that_is_no_jsonata", Some(BROKEN), |spec| {
            spec.mappings = &[BROKEN]
        }),
    ]
}
