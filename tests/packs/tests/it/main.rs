//! The sweep, over a sample of every pack; `make packs` sweeps them all.

use std::collections::BTreeMap;

use causeway::provider::Provider;
use causeway_fakes::pack::{Behaviour, Routes};
use causeway_packs::planted::PLANTED;
use causeway_packs::raw;
use causeway_packs::shelf;
use causeway_packs::sweep;

/// Operations of each pack, all kinds of safety among them.
const SAMPLE: usize = 12;

/// Every `nth` operation of each kind, so that the sample is the same each time and comes from all over the pack.
fn sample(shelved: &shelf::Shelved) -> Vec<String> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in shelved.routes.lines() {
        let operation = shelved.pack.spec().operation(&line.op);
        let kind = operation.map_or("?", |operation| sweep::word(&operation.safety));
        kinds.entry(kind).or_default().push(&line.op);
    }
    let each = SAMPLE.div_ceil(kinds.len().max(1));
    let taken = kinds.values().flat_map(|names| {
        let step = names.len().div_ceil(each).max(1);
        names.iter().step_by(step).map(|name| (*name).to_owned())
    });
    taken.collect()
}

#[test]
fn whatever_is_lost_a_request_takes_effect_once_or_nobody_says_that_it_did() {
    let packs = shelf::folders().unwrap();
    let packs: Vec<shelf::Shelved> = packs
        .iter()
        .map(|folder| shelf::take(folder, None).unwrap())
        .collect();
    let samples: BTreeMap<&str, Vec<String>> = packs
        .iter()
        .map(|shelved| (shelved.name.as_str(), sample(shelved)))
        .collect();
    let done = sweep::all(&packs, |shelved, line| {
        samples[shelved.name.as_str()].contains(&line.op)
    });
    let found = done.into_iter().flat_map(|(_, swept)| swept.violations);
    let found: Vec<String> = found.map(|violation| violation.to_string()).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whatever is known of an operation, asked for by the raw call it goes out once.
#[test]
fn a_raw_call_takes_effect_once_or_nobody_says_that_it_did() {
    let (mut operations, mut found) = (0, Vec::new());
    for folder in shelf::folders().unwrap() {
        let shelved = shelf::take(&folder, None).unwrap();
        let mut own = 0;
        for line in shelved.routes.lines() {
            let swept = raw::of(&shelved, line);
            own += swept.operations;
            found.extend(swept.violations.iter().map(ToString::to_string));
        }
        let is_allowed = !shelved.pack.page().raw.is_empty();
        assert_eq!(own > 0, is_allowed, "{}: {own} are tried", shelved.name);
        operations += own;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(operations >= 10, "{operations}");
}

#[test]
fn wrong_judgements_that_are_planted_are_found() {
    let missed = PLANTED
        .iter()
        .filter(|planted| planted.sweep().unwrap().is_empty());
    let missed: Vec<&str> = missed.map(|planted| planted.name).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn every_pack_has_a_vendor_whose_facts_have_sources() {
    for folder in shelf::folders().unwrap() {
        let shelved = shelf::take(&folder, None).unwrap();
        let behaviour: &Behaviour = &shelved.behaviour;
        assert_eq!(behaviour.name, shelved.name);
        let unsourced = behaviour.says.iter().filter(|(_, said)| said.src.is_none());
        let unsourced: Vec<&String> = unsourced.map(|(name, _)| name).collect();
        assert!(
            unsourced.is_empty(),
            "{}: {unsourced:?} have no source",
            shelved.name
        );
        let routes: &Routes = &shelved.routes;
        let idle = behaviour
            .route
            .iter()
            .filter(|row| !routes.lines().any(|line| row.selectors.are(line)));
        let idle: Vec<String> = idle
            .flat_map(|row| row.selectors.texts().collect::<Vec<_>>())
            .collect();
        assert!(
            idle.is_empty(),
            "{}: there are no operations like {idle:?}",
            shelved.name
        );
    }
}
