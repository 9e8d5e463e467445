//! A provider's place in the catalogue, which ingest and the operators' command read: a dependency and a line of the
//! list. Edited as text, so that comments stay.

/// The manifest with the provider among its dependencies, or nothing where there is no place for it.
pub fn with_dependency(manifest: &str, name: &str) -> Option<String> {
    let line = format!("causeway-{name} = {{ path = \"../{name}\" }}");
    sorted_in(manifest, "causeway-", " = { path = \"../", &line)
}

/// The catalogue with the provider in its list, or nothing where there is no place for it.
pub fn with_entry(catalogue: &str, snake: &str, pascal: &str) -> Option<String> {
    let line = format!("    &causeway_{snake}::{pascal},");
    sorted_in(catalogue, "    &causeway_", "::", &line)
}

/// What to do where there is no place.
pub fn by_hand(name: &str, snake: &str, pascal: &str) -> String {
    format!(
        "add `causeway-{name}` to the dependencies of functions/ingest/Cargo.toml, and `&causeway_{snake}::{pascal}` \
         to the list in functions/ingest/src/catalogue.rs"
    )
}

/// `text` with `line` among the lines that start with `head` and hold `mark`, which are in order.
fn sorted_in(text: &str, head: &str, mark: &str, line: &str) -> Option<String> {
    let mut at = 0;
    let mut place = None;
    for known in text.split_inclusive('\n') {
        let of_the_list = known.starts_with(head) && known.contains(mark);
        if of_the_list && known.trim_end() > line {
            place = Some(at);
            break;
        }
        at += known.len();
        if of_the_list {
            place = Some(at);
        }
    }
    let place = place?;
    let (before, after) = text.split_at_checked(place)?;
    Some(format!("{before}{line}\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_stands_among_its_neighbours_in_order() {
        let manifest = "[dependencies]\ncauseway.workspace = true\ncauseway-a = { path = \"../a\" }\n\
                        causeway-c = { path = \"../c\" }\nserde.workspace = true\n";
        for (name, before) in [("b", "causeway-c"), ("d", "serde")] {
            let with = with_dependency(manifest, name).expect("a place");
            let expected = format!("causeway-{name} = {{ path = \"../{name}\" }}\n{before}");
            assert!(with.contains(&expected), "{with}");
        }
        let list = "    &causeway_b::B,\n    &causeway_d::D,\n];\n";
        for (snake, pascal, expected) in [
            ("a", "A", "    &causeway_a::A,\n    &causeway_b::B,\n"),
            ("c_2", "C2", "    &causeway_c_2::C2,\n    &causeway_d::D,\n"),
            ("e", "E", "    &causeway_d::D,\n    &causeway_e::E,\n];"),
        ] {
            let with = with_entry(list, snake, pascal).expect("a place");
            assert!(with.contains(expected), "{with}");
        }
        assert_eq!(with_entry("nothing", "a", "A"), None);
    }
}
