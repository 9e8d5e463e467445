//! The commonest errors of each vendor have a row, but for those of a list that can only get shorter.

use std::collections::BTreeMap;

use causeway::provider::{Answer, Provider};
use serde::Deserialize;

use super::*;
use crate::explain::of_row;

/// What counts as the commonest.
const MOST: usize = 20;

#[derive(Deserialize)]
struct Vendor {
    src: String,
    missing: Vec<String>,
    errors: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    status: toml::Value,
    body: String,
    codes: Vec<String>,
}

/// A vendor's list, and which of it no row explains.
fn unexplained(name: &str, vendor: &Vendor) -> (usize, Vec<String>) {
    let pack = pack(name);
    let operations = pack.spec().operations.names();
    let operation = operations.first().expect("an operation");
    let (mut all, mut missing) = (0, Vec::new());
    for group in &vendor.errors {
        for code in &group.codes {
            let status = group.status.as_integer().map(|it| it.to_string());
            let status = status.unwrap_or_else(|| code.clone());
            let answer = Answer {
                status: status.parse().expect("a status"),
                headers: http::HeaderMap::new(),
                body: group.body.replace(['@', '#'], code).into(),
            };
            all += 1;
            let row = pack.row(operation, &answer, NOON);
            if row.and_then(of_row).is_none() {
                missing.push(format!("{status} {code}"));
            }
        }
    }
    (all, missing)
}

#[test]
fn the_commonest_errors_of_each_vendor_are_explained() {
    let text =
        std::fs::read_to_string(root().join("shared/insights/commonest.toml")).expect("the list");
    let vendors: BTreeMap<String, Vendor> = toml::from_str(&text).expect("TOML");
    let names: Vec<&String> = vendors.keys().collect();
    let ours = packs();
    assert_eq!(names, ours.iter().collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (name, vendor) in &vendors {
        let (all, missing) = unexplained(name, vendor);
        assert!((15..=MOST).contains(&all), "{name}: {all}");
        assert!(vendor.src.starts_with("https://"), "{name}");
        if missing != vendor.missing {
            wrong.push(format!("{name}: missing = {missing:?}"));
        }
    }
    assert!(wrong.is_empty(), "commonest.toml: {wrong:#?}");
}
