//! Kinds of fields and conversions that real shapes have, a small shape each.

use super::super::evidence::Sign;
use super::*;

fn shape(fields: Value) -> Value {
    json!({"type": "object", "properties": fields})
}

/// What the proposed mapping makes of each sample.
fn all_made(samples: &[Value], target: Value) -> Vec<Value> {
    let proposal = proposal(None, samples.to_vec(), target);
    samples
        .iter()
        .map(|sample| made(&proposal, sample))
        .collect()
}

#[test]
fn a_day_without_signs_between_is_a_day() {
    let target = shape(json!({"arrival_date": {"type": "string", "format": "date"}}));
    let made = all_made(&[json!({"ARRIVAL_DT": "20260705", "NO": "88213"})], target);
    assert_eq!(made, [json!({"arrival_date": "2026-07-05"})]);
}

#[test]
fn a_full_name_is_parted_at_its_comma_or_at_its_first_space() {
    let target = shape(json!({"first_name": text(), "last_name": text()}));
    let samples =
        ["Keller, Jonas", "Ada King Noel"].map(|name| json!({"guest_name": name, "pax": 2}));
    assert_eq!(
        all_made(&samples, target),
        [
            json!({"first_name": "Jonas", "last_name": "Keller"}),
            json!({"first_name": "Ada", "last_name": "King Noel"})
        ]
    );
}

#[test]
fn what_is_null_adds_nothing_to_a_sum() {
    let target = shape(json!({"guests_count": {"type": "integer"}}));
    let samples = [
        json!({"adults": 2, "children": 1}),
        json!({"adults": 2, "children": null}),
    ];
    assert_eq!(
        all_made(&samples, target),
        [json!({"guests_count": 3}), json!({"guests_count": 2})]
    );
}

#[test]
fn minor_units_are_written_with_as_many_decimals_as_the_currency_has() {
    let target = shape(json!({"price": text(), "currency": text()}));
    let samples = [("EUR", 1450), ("JPY", 1800), ("KWD", 12_500)]
        .map(|(currency, amount)| json!({"price": {"amount": amount, "currency": currency}}));
    let prices: Vec<Value> = all_made(&samples, target)
        .into_iter()
        .map(|made| made["price"].clone())
        .collect();
    assert_eq!(prices, ["14.50", "1800", "12.500"]);
}

#[test]
fn an_id_is_no_name_and_a_code_no_description() {
    let target = shape(json!({"name": text(), "description": text()}));
    let samples =
        [json!({"customer_id": "cus_8812", "customer_name": "Lind Ltd", "text": "Two chairs"})];
    assert_eq!(
        all_made(&samples, target),
        [json!({"name": "Lind Ltd", "description": "Two chairs"})]
    );
}

#[test]
fn a_number_of_things_is_their_count() {
    assert_eq!(words::words("numberOfGuests"), words::words("guest_count"));
    assert_eq!(
        words::words("name of customer"),
        words::words("customerName")
    );
}

#[test]
fn letters_that_are_left_of_a_word_are_like_it() {
    for (short, long) in [("eml", "email"), ("sts", "status"), ("prd", "period")] {
        assert!(words::alike(short, long) > 0.6, "{short} {long}");
    }
    for (short, other) in [("eml", "status"), ("ate", "date"), ("one", "phone")] {
        assert!(words::alike(short, other) < 0.5, "{short} {other}");
    }
}

#[test]
fn two_times_may_be_one_whatever_they_are_called() {
    let target = shape(json!({"time": {"type": "string", "format": "date-time"}}));
    let sample = json!({"processed_at": "2026-02-11T14:19:58Z", "colour": "red"});
    let proposal = proposal(None, vec![sample], target);
    let field = proposal.field("time").expect("the field");
    let from: Vec<String> = field
        .candidates
        .iter()
        .map(|it| it.from[0].to_string())
        .collect();
    assert_eq!(from, ["processed_at"], "a candidate, and no other");
}

/// Confidences of one field are shares of one whole, *nothing* included.
#[test]
fn likelihoods_add_up_to_one_at_most() {
    let weights = Weights::default();
    let mut sure = Evidence::none();
    sure.set(Sign::Likeness, 1.0);
    sure.set(Sign::OwnTarget, 1.0);
    for count in 0..4 {
        let likely = weights.likely(&vec![sure; count]);
        assert!(likely.iter().all(|share| (0.0..=1.0).contains(share)));
        assert!(likely.iter().sum::<f64>() <= 1.0 + 1e-9);
    }
    assert_eq!(
        Weights([0.0; COUNT]).likely(&[sure]),
        [0.5],
        "without weights, as likely as nothing"
    );
}

#[test]
fn every_sign_has_a_name_of_its_own() {
    let mut names = Weights::names().to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), COUNT);
    assert_eq!(Weights::names()[Sign::Bias as usize], "bias");
    assert_eq!(Weights::names()[Sign::Siblings as usize], "siblings");
}
