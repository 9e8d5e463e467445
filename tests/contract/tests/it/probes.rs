//! Negative probes: a provider that breaks one line of the contract, for each line. A suite that cannot fail proves
//! nothing.

mod acme;
mod mappings;
mod payloads;

use std::collections::BTreeSet;
use std::time::Duration;

use acme::Acme;
use causeway::limiter::Limit;
use causeway::provider::{
    Answer, Found, Json, KeyPlace, Operation, Operations, Placeholder, Safety, Verdict,
};
use causeway_contract::Line;
use serde_json::json;

/// Lines that no provider can break today, since the lane itself keeps them; unit tests beside them show that they
/// can fail.
const KEPT_BY_THE_LANE: [Line; 2] = [Line::Credentials, Line::SecretKept];

const SECOND: Duration = Duration::from_secs(1);

static KEYED: Safety = Safety::Keyed {
    place: KeyPlace::Header("idempotency-key"),
    retention: Duration::from_secs(3600),
    looks_up_first: true,
};

fn operation<P: causeway::provider::Payload + 'static>() -> Operation {
    Operation::new::<P>("things.create", KEYED)
}

#[test]
fn a_sound_provider_keeps_every_line() {
    assert_eq!(Acme::sound("sound").breaches(), []);
    assert_eq!(Acme::batching("sound_batches", judge_each).breaches(), []);
    assert_eq!(Acme::looking_up("sound_lookup", find).breaches(), []);
    assert_eq!(mappings::sound().breaches(), []);
}

#[test]
fn every_line_can_break() {
    let mut broken: BTreeSet<Line> = KEPT_BY_THE_LANE.into();
    for (line, name, probe) in probes() {
        let found = probe.breaches();
        assert!(
            found.iter().any(|breach| breach.line == line),
            "probe `{name}` should break {line:?}, found {found:#?}"
        );
        let shown = found
            .iter()
            .find(|breach| breach.line == line)
            .map(ToString::to_string);
        assert!(shown.is_some_and(|text| text.contains(line.rule())));
        broken.insert(line);
    }
    let all: BTreeSet<Line> = Line::ALL.into();
    assert_eq!(broken, all);
}

fn probes() -> Vec<(Line, &'static str, Acme)> {
    let mut probes = of_the_spec();
    probes.extend(of_the_files());
    probes.extend(of_the_payload());
    probes.extend(of_the_judgement());
    probes.extend(of_batches());
    probes.extend(of_lookups());
    probes.extend(mappings::broken());
    probes
}

/// What the answer says of an element's name; of a call that is refused as a whole, that each should go alone.
fn judge_each(elements: &[&Json], answer: &Answer) -> Option<Vec<Verdict>> {
    let body = answer.json::<Json>();
    let names = |field: &str, name: &Json| {
        let listed = body.as_ref().and_then(|body| body[field].as_array());
        listed.is_some_and(|names| names.contains(name))
    };
    let judge = |element: &&Json| match answer.status {
        200 if names("made", &element["name"]) => Some(Verdict::delivered(None)),
        200 if names("refused", &element["name"]) => Some(Verdict::rejected("refused")),
        200 if body.as_ref().is_some_and(|body| body["id"].is_string()) && elements.len() == 1 => {
            Some(Verdict::delivered(None))
        }
        200..=299 => Some(Verdict::unwell()),
        _ => None,
    };
    elements.iter().map(judge).collect()
}

fn find(answer: &Answer) -> Found {
    let made = answer.json::<Json>();
    let made = made.and_then(|body| body["id"].as_str().map(str::to_owned));
    match (answer.status, made) {
        (200, Some(id)) => Found::Hit {
            object_id: Some(id),
        },
        (404, _) => Found::Miss,
        _ => Found::Unclear,
    }
}

fn of_batches() -> Vec<(Line, &'static str, Acme)> {
    let batch = |name, judge| (Line::Batches, name, Acme::batching(name, judge));
    let silent = Acme::sound("batches_without_a_fixture");
    let operation = Operation::batch::<payloads::Thing>("things.create", Safety::Natural, 10);
    let probes = vec![
        batch("first_come_first_served", |elements, answer| {
            let mut verdicts = judge_each(elements, answer)?;
            verdicts.sort_by_key(|verdict| *verdict != Verdict::delivered(None));
            Some(verdicts)
        }),
        batch("a_200_is_good_for_all", |elements, answer| {
            let all = vec![Verdict::delivered(None); elements.len()];
            (answer.status == 200 && answer.json::<Json>().is_some()).then_some(all)
        }),
        batch("one_verdict_for_two", |elements, answer| {
            Some(judge_each(elements, answer)?.into_iter().take(1).collect())
        }),
        batch("all_forbidden_for_one", |elements, answer| {
            let all = vec![Verdict::forbidden(true, "403"); elements.len()];
            (answer.status == 403)
                .then_some(all)
                .or_else(|| judge_each(elements, answer))
        }),
        batch("all_rejected_for_one", |elements, answer| {
            let all = vec![Verdict::rejected("400"); elements.len()];
            (answer.status == 400)
                .then_some(all)
                .or_else(|| judge_each(elements, answer))
        }),
    ];
    let bare = (
        Line::Batches,
        "batches_without_a_fixture",
        silent.with(operation),
    );
    probes.into_iter().chain([bare]).collect()
}

fn of_lookups() -> Vec<(Line, &'static str, Acme)> {
    let lookup = |name, find| (Line::Lookup, name, Acme::looking_up(name, find));
    let safety = Safety::Lookup {
        place: None,
        settle: SECOND,
    };
    let operation = Operation::new::<payloads::Thing>("things.create", safety);
    let mute = Acme::sound("lookup_that_nobody_wrote").with(operation);
    vec![
        lookup("what_cannot_be_read_is_a_miss", |answer| {
            match find(answer) {
                Found::Unclear if answer.status == 200 => Found::Miss,
                told => told,
            }
        }),
        lookup("an_outage_is_a_miss", |answer| match find(answer) {
            Found::Unclear if answer.status == 503 => Found::Miss,
            told => told,
        }),
        (Line::Lookup, "lookup_that_nobody_wrote", mute),
    ]
}

fn of_the_spec() -> Vec<(Line, &'static str, Acme)> {
    let spec = |line, name, change: fn(&mut causeway::provider::Spec)| {
        let mut acme = Acme::sound(name);
        acme.change_spec(change);
        (line, name, acme)
    };
    vec![
        spec(Line::Names, "capital_letters", |spec| spec.name = "Acme"),
        spec(Line::Names, "header_in_capitals", |spec| {
            spec.headers = &[("X-Version", "1")];
        }),
        spec(Line::BaseUrl, "plain_http", |spec| {
            spec.base_url = "http://api.acme.example";
        }),
        spec(Line::BaseUrl, "one_breaker_for_many_hosts", |spec| {
            spec.base_url = "https://{host}.acme.example";
            spec.placeholders = const { &[Placeholder::host("host")] };
        }),
        spec(Line::BaseUrl, "trailing_slash", |spec| {
            spec.base_url = "https://api.acme.example/";
        }),
        spec(Line::Operations, "no_operations", |spec| {
            spec.operations = Operations::Listed(&[]);
        }),
        spec(Line::Operations, "one_name_twice", |spec| {
            let twice = vec![
                operation::<payloads::Thing>(),
                operation::<payloads::Thing>(),
            ];
            spec.operations = Operations::Listed(Vec::leak(twice));
        }),
        spec(Line::Timeout, "longer_than_the_function", |spec| {
            let slow = operation::<payloads::Thing>().timeout(Duration::from_secs(26));
            spec.operations = Operations::Listed(Vec::leak(vec![slow]));
        }),
        spec(Line::Limits, "limits_of_one_name", |spec| {
            spec.limits = const { &[Limit::paced("a", SECOND), Limit::paced("a", SECOND)] };
        }),
        spec(Line::Limits, "scope_that_may_be_missing", |spec| {
            use causeway::limiter::ScopeKey;
            spec.limits = const { &[Limit::paced("note", SECOND).scoped(ScopeKey::Field("note"))] };
        }),
        spec(Line::Limits, "dearer_than_the_bucket", |spec| {
            spec.limits = const { &[Limit::bucket("points", 1_000, 50, SECOND).in_cost()] };
            let dear = operation::<payloads::Thing>().cost(1_001);
            spec.operations = Operations::Listed(Vec::leak(vec![dear]));
        }),
        spec(Line::Limits, "cost_that_nobody_counts", |spec| {
            spec.operations =
                Operations::Listed(Vec::leak(vec![operation::<payloads::Thing>().cost(10)]));
        }),
        spec(Line::Key, "forgotten_in_a_second", |spec| {
            let safety = Safety::Keyed {
                place: KeyPlace::Header("idempotency-key"),
                retention: SECOND,
                looks_up_first: true,
            };
            spec.operations =
                Operations::Listed(Vec::leak(vec![Operation::new::<payloads::Thing>(
                    "things.create",
                    safety,
                )]));
        }),
        // The credentials are written over it.
        spec(
            Line::KeyPlaced,
            "key_in_the_place_of_the_credentials",
            |spec| {
                let safety = Safety::Keyed {
                    place: KeyPlace::Header("authorization"),
                    retention: Duration::from_secs(3600),
                    looks_up_first: true,
                };
                spec.operations = Operations::Listed(Vec::leak(vec![Operation::new::<
                    payloads::Thing,
                >(
                    "things.create", safety
                )]));
            },
        ),
        spec(Line::Request, "another_api_version", |spec| {
            spec.headers = &[("x-version", "2")];
        }),
    ]
}

fn of_the_files() -> Vec<(Line, &'static str, Acme)> {
    let file = |line, name, path: &str, change: &dyn Fn(String) -> Option<String>| {
        let acme = Acme::sound(name);
        acme.change_file(path, change);
        (line, name, acme)
    };
    let left_over = |line, folder: &'static str| {
        let acme = Acme::sound(&format!("left_over_in_{folder}"));
        acme.add_text(&format!("{folder}/things.make.json"), "{}");
        (line, folder, acme)
    };
    let fixture = "fixtures/things.create.json";
    vec![
        file(
            Line::Readme,
            "silent_about_the_secret",
            "README.md",
            &|text| Some(text.replace("api_key", "key")),
        ),
        left_over(Line::Fixture, "fixtures"),
        file(Line::Fixture, "misspelt_field", fixture, &|text| {
            Some(text.replace("\"status\"", "\"state\""))
        }),
        file(Line::Coverage, "no_throttle", fixture, &|text| {
            Some(text.replace("\"throttle\"", "\"slow_down\""))
        }),
        file(
            Line::Coverage,
            "full_payload_lacks_a_field",
            fixture,
            &|text| Some(text.replace("\"note\": \"red\"", "\"name\": \"red\"")),
        ),
        file(Line::Source, "hearsay", fixture, &|text| {
            Some(text.replace("https://docs.acme.example", "somewhere"))
        }),
        file(
            Line::GoodPayload,
            "payload_out_of_bounds",
            fixture,
            &|text| Some(text.replace("\"note\": \"red\"", "\"note\": \"crimson\"")),
        ),
        file(
            Line::Signals,
            "signals_that_nobody_hears",
            fixture,
            &|text| {
                Some(text.replace(
                    "\"verdict\": \"throttled 30s\"",
                    "\"verdict\": \"throttled 30s\", \"signals\": \"cost 3\"",
                ))
            },
        ),
        file(Line::Verdict, "another_verdict", fixture, &|text| {
            Some(text.replace("throttled 30s", "throttled 31s"))
        }),
    ]
}

fn of_the_payload() -> Vec<(Line, &'static str, Acme)> {
    vec![
        (
            Line::SchemaStrict,
            "takes_unknown_fields",
            Acme::of("takes_unknown_fields", operation::<payloads::Lax>()),
        ),
        (
            Line::Agreement,
            "schema_and_type_disagree",
            Acme::of("schema_and_type_disagree", operation::<payloads::Bounded>()),
        ),
        (
            Line::FieldNamed,
            "refusal_without_a_field",
            Acme::of("refusal_without_a_field", operation::<payloads::Whole>()),
        ),
        (
            Line::ValueKept,
            "refusal_quotes_the_value",
            Acme::of("refusal_quotes_the_value", operation::<payloads::Chatty>()),
        ),
        (
            Line::NoPanic,
            "panics_on_a_long_name",
            Acme::of("panics_on_a_long_name", operation::<payloads::Fragile>()),
        ),
        (
            Line::KeyPlaced,
            "key_of_its_own_in_the_body",
            Acme::of(
                "key_of_its_own_in_the_body",
                operation::<payloads::OwnKey>(),
            ),
        ),
    ]
}

fn of_the_judgement() -> Vec<(Line, &'static str, Acme)> {
    let judge = |line, name, classify: fn(&Answer) -> Option<Verdict>| {
        (line, name, Acme::judging(name, classify))
    };
    vec![
        judge(Line::Meaning, "throttle_taken_for_a_refusal", |answer| {
            (answer.status == 429).then(|| Verdict::rejected("too many"))
        }),
        judge(Line::Meaning, "outage_without_a_fault", |answer| {
            (answer.status >= 500).then_some(Verdict::Throttled { after: None })
        }),
        judge(Line::ProseKept, "repeats_the_vendors_prose", |answer| {
            let body = answer.json::<serde_json::Value>()?;
            (answer.status == 400).then(|| Verdict::rejected(body["message"].to_string()))
        }),
        judge(Line::NoPanic, "expects_json", |answer| {
            let body = answer
                .json::<serde_json::Value>()
                .expect("the vendor says JSON");
            (body == json!("never")).then(Verdict::unwell)
        }),
        judge(Line::Unreadable, "any_answer_below_500_is_good", |answer| {
            (answer.status < 400 && answer.json::<serde_json::Value>().is_none())
                .then(|| Verdict::delivered(None))
        }),
        // Errors come inside a 200, yet an unreadable 200 counts as success.
        judge(
            Line::Unreadable,
            "trusts_a_200_that_may_be_an_error",
            |answer| {
                let body = answer.json::<serde_json::Value>()?;
                (body["ok"] == json!(false)).then(|| Verdict::rejected("ok=false"))
            },
        ),
    ]
}
