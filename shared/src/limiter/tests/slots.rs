//! When those who were refused ask again, as stories.

use super::*;

const DEVICE: ScopeKey = ScopeKey::Field("device_id");
const MINUTE: Duration = Duration::from_secs(60);
const CREATIONS: Limit = Limit::window("creations", 10, MINUTE, 3).scoped(DEVICE);
const UPDATES: Limit = Limit::window("updates", 10, MINUTE, 3).scoped(DEVICE);

#[test]
fn slots_go_on_where_the_last_batch_ended_and_take_nothing() {
    let mut state = LimitState::default();
    assert_eq!(
        take(&mut state, &[&PACED], NOON, 3).slots,
        [NOON + ms(1_000), NOON + ms(2_000)]
    );
    assert_eq!(
        take(&mut state, &[&PACED], NOON, 2).slots,
        [NOON + ms(3_000), NOON + ms(4_000)]
    );
    let mut asked = state.clone();
    assert_eq!(
        take(&mut asked, &[&PACED], NOON + ms(1_000), 1)
            .grants
            .len(),
        1
    );
}

/// Xero's limits: sixty a minute and 5,000 a day. Ninety messages that waited for the minute once got slots as far
/// apart as the day's limit alone would have them (34 s), though it had 2,400 calls left: they took an hour.
#[test]
fn a_days_limit_that_is_far_from_spent_holds_nobody_up() {
    let day = Limit::window("day", 5_000, Duration::from_secs(24 * 60 * 60), 2_500);
    let minute = Limit::window("minute", 60, Duration::from_secs(60), 20);
    let (limits, mut state) = ([&day, &minute], LimitState::default());
    let taken = take(&mut state, &limits, NOON, 100);
    let (first, last) = (taken.slots[0], *taken.slots.last().expect("slots"));
    let apart = minute.interval_us() / 1_000 * (taken.slots.len() as i64 - 1);
    assert_eq!(last.as_millis() - first.as_millis(), apart);

    // Who comes at a slot gets the token that it stands for.
    for slot in &taken.slots {
        assert_eq!(take(&mut state, &limits, *slot, 1).grants, [*slot]);
    }
    // When the day's burst is gone, its own interval counts.
    let many = take(&mut state, &[&day], last, 2_000);
    assert_eq!(many.grants.len(), 2_000);
    let rest = take(&mut state, &limits, last, 1_000);
    let [.., before, end] = rest.slots.as_slice() else {
        panic!("slots for all")
    };
    assert!(end.since(*before) >= ms(day.interval_us().unsigned_abs() / 1_000 - 1));
}

#[test]
fn slots_of_messages_that_never_came_are_forgotten() {
    let mut state = LimitState::default();
    take(&mut state, &[&PACED], NOON, 5_000);
    let later = NOON + Duration::from_secs(60);
    assert_eq!(
        take(&mut state, &[&PACED], later, 2).slots,
        [later + ms(1_000)]
    );
}

#[test]
fn slots_stay_within_ten_hours() {
    let mut state = LimitState::default();
    let slots = take(&mut state, &[&PACED], NOON, 10_000).slots;
    let more = [
        slots,
        (0..4)
            .flat_map(|_| take(&mut state, &[&PACED], NOON, 10_000).slots)
            .collect(),
    ]
    .concat();
    assert!(more.iter().all(|slot| slot.since(NOON) <= SLOT_HORIZON));
    let shared = more
        .iter()
        .filter(|slot| **slot == NOON + ms(5_000))
        .count();
    assert_eq!(
        shared, 2,
        "50,000 messages at one a second: some slots are shared"
    );
}

/// Seam counts a device's creations and updates apart. One cursor for both put the update of a door code behind five
/// hundred creations that were deferred before it: an hour for a device that had updates left.
#[test]
fn those_who_draw_on_other_limits_do_not_line_up_behind_each_other() {
    let mut state = LimitState::default();
    let creations = take(&mut state, &[&CREATIONS], NOON, 500).slots;
    assert!(creations[400] > NOON + MINUTE * 50);
    let updates = take(&mut state, &[&UPDATES], NOON, 5);
    assert_eq!(updates.grants.len(), 2, "they have a bucket of their own");
    let last = updates.slots.last().expect("three were refused");
    assert!(*last <= NOON + MINUTE / 2, "{last}");
    // And the creations' line goes on where it ended.
    let more = take(&mut state, &[&CREATIONS], NOON, 1).slots;
    assert!(Some(&more[0]) > creations.last());
}

/// An update on a device that had none for a while used to wipe out the slots of the creations that wait there.
#[test]
fn a_limit_that_rested_forgets_its_own_slots_only() {
    let mut state = LimitState::default();
    take(&mut state, &[&UPDATES], NOON, 1);
    let later = NOON + MINUTE * 30;
    let creations = take(&mut state, &[&CREATIONS], later, 500).slots;
    take(&mut state, &[&UPDATES], later, 1);
    let more = take(&mut state, &[&CREATIONS], later, 1).slots;
    assert!(Some(&more[0]) > creations.last());
}

/// What two operations share moves on by its own interval for each message that is deferred, not to where the slower
/// operation's own limit puts it.
#[test]
fn a_shared_limit_is_not_held_up_by_what_only_one_operation_draws_on() {
    const SHARED: Limit = Limit::paced("1/s", Duration::from_secs(1));
    const RARE: Limit = Limit::paced("1/min", MINUTE);
    let mut state = LimitState::default();
    let rare = take(&mut state, &[&SHARED, &RARE], NOON, 31).slots;
    assert_eq!(rare.last(), Some(&(NOON + MINUTE * 30)));
    let quick = take(&mut state, &[&SHARED], NOON, 1).slots;
    assert_eq!(quick, [NOON + Duration::from_secs(31)]);
}

/// Nobody takes a token of a spent quota, so that its tokens' age says nothing of those who wait for it.
#[test]
fn those_who_wait_for_a_quota_keep_their_slots_until_it_is_there() {
    let hour = Signals {
        remaining: vec![Remaining {
            limit: "1/s",
            left: 0,
            reset: Some(NOON + MINUTE * 60),
        }],
        ..Signals::default()
    };
    let mut state = LimitState::default()
        .correct(&[&PACED], &hour, NOON)
        .expect("news");
    let first = take(&mut state, &[&PACED], NOON, 100).slots;
    let later = take(&mut state, &[&PACED], NOON + MINUTE * 10, 1).slots;
    assert!(Some(&later[0]) > first.last());
}
