//! Any interleaving of a few environments that die anywhere, on stores that fail anywhere, before a vendor that loses
//! its answers: what is promised of token calls holds all the way.

mod world;

use proptest::prelude::*;

use self::world::{Act, Fate, Kind, World};
use super::{Reason, Refused};

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        30 => (0..4_usize).prop_map(Act::Poll),
        3 => (0..4_usize).prop_map(Act::Run),
        2 => (0..4_usize).prop_map(Act::Crash),
        2 => (1..40_u64).prop_map(Act::Advance),
        1 => (300..4_000_u64).prop_map(Act::Advance),
        1 => Just(Act::Revoke),
    ];
    prop::collection::vec(act, 20..250)
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        20 => Just(Fate::Sound),
        1 => Just(Fate::NotDone),
        1 => Just(Fate::ReplyLost),
    ];
    prop::collection::vec(fate, 0..80)
}

fn vendor_fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        4 => Just(Fate::Sound),
        1 => Just(Fate::NotDone),
        1 => Just(Fate::ReplyLost),
        1 => Just(Fate::Unwell),
        1 => Just(Fate::Firewalled),
    ];
    prop::collection::vec(fate, 0..30)
}

/// Runs `acts` and then lets everybody die; what is left to the next environment is the stored item.
fn run(kind: Kind, acts: &[Act], store: Vec<Fate>, vendor: Vec<Fate>) -> World {
    let mut world = World::new(kind, store, vendor);
    for act in acts {
        world.act(act);
    }
    world.end_of_faults();
    world
}

proptest! {
    /// Every step checks: no call beyond the budget, no two refreshers within a lease, no written refresh token lost.
    #[test]
    fn a_single_use_refresh_token_is_lost_only_by_a_death_before_the_write(
        acts in acts(), store in fates(), vendor in vendor_fates(),
    ) {
        let mut world = run(Kind::SingleUse, &acts, store, vendor);
        // Its access token has ended by now.
        world.act(&Act::Advance(3_700));
        // The lost one, or two deaths in a row that said nothing.
        let is_lost = !world.holds_live_token() || world.two_leases_lapsed();
        match world.settle() {
            Ok(_) => prop_assert!(!is_lost, "a dead token was accepted"),
            Err(Refused::Paused(paused)) => {
                prop_assert_eq!(paused.reason, Reason::ReauthoriseNeeded);
                prop_assert!(is_lost, "it gave up although the vendor would have taken the token");
                // A person authorises the connection anew.
                world.authorise_anew();
                prop_assert!(world.settle().is_ok());
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn with_a_vendor_that_takes_an_old_token_again_no_connection_is_lost(
        acts in acts(), store in fates(), vendor in vendor_fates(),
    ) {
        let mut world = run(Kind::Grace, &acts, store, vendor);
        prop_assert!(world.settle().is_ok());
    }

    #[test]
    fn client_credentials_stay_within_their_budget_and_always_come_back(
        acts in acts(), store in fates(), vendor in vendor_fates(),
    ) {
        let mut world = run(Kind::Budget, &acts, store, vendor);
        // Whatever was spent falls out of the window in time.
        world.act(&Act::Advance(3_700));
        prop_assert!(world.settle().is_ok());
    }
}

/// The runs above reach what they are about: deaths between the answer and the write, refusals, budgets spent, and
/// two who got tokens in the place of one.
#[test]
fn the_runs_reach_the_ends_that_they_are_about() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut draw = |kind| {
        let strategy = (acts(), fates(), vendor_fates());
        let tree = strategy.new_tree(&mut runner).expect("a value");
        let (acts, store, vendor) = tree.current();
        run(kind, &acts, store, vendor)
    };
    let (mut lost, mut kept, mut spent, mut rotated) = (0, 0, 0, 0);
    for _ in 0..100 {
        let world = draw(Kind::SingleUse);
        match world.holds_live_token() {
            true => kept += 1,
            false => lost += 1,
        }
        rotated += usize::from(world.rotations() > 1);
        spent += usize::from(draw(Kind::Budget).budget_was_spent());
    }
    assert!(
        [lost, kept, spent, rotated].iter().all(|runs| *runs > 10),
        "lost {lost}, kept {kept}, budget spent {spent}, rotated {rotated}"
    );
    let merged = (0..2_000).position(|_| draw(Kind::Grace).merged);
    assert!(merged.is_some(), "nobody came late");
}
