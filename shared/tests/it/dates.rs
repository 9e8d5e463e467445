//! Dates of the mapping language, against implementations that share nothing with it: chrono's calendar, and chrono-tz's
//! time zones.

use causeway::Timestamp;
use causeway::mapping::jsonata::Jsonata;
use causeway::mapping::{Fault, Mapper};
use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Instants whose zones every version of the tz database tells alike: 2000 to 2024.
const INSTANTS: std::ops::Range<i64> = 946_684_800_000..1_735_689_600_000;

fn run(engine: &Jsonata, input: &Value) -> Result<Value, Fault> {
    let found = engine.map(input, Timestamp::from_millis(1_795_348_800_000))?;
    Ok(found.expect("a date, or an error"))
}

fn made(expression: &str, input: &Value) -> Result<Value, Fault> {
    run(&Jsonata::compile(expression)?, input)
}

fn any_zone() -> impl Strategy<Value = Tz> {
    proptest::sample::select(&TZ_VARIANTS[..])
}

fn ordinal(day: u32) -> &'static str {
    match (day / 10, day % 10) {
        (1, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

/// A marker of the picture language, and what it stands for.
type Part = (&'static str, fn(&DateTime<Tz>) -> String);

/// Pictures, and the same in chrono's words.
const PARTS: [Part; 6] = [
    ("[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001]", |at| {
        at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
    }),
    ("[D] [MNn] [Y], [FNn] [h]:[m01] [PN]", |at| {
        at.format("%-d %B %Y, %A %-I:%M %p").to_string()
    }),
    ("[FN,*-3] [D01]/[M]/[Y0001] [h01].[m].[s]", |at| {
        let day = at.format("%a").to_string().to_uppercase();
        format!("{day} {}", at.format("%d/%-m/%Y %I.%M.%S"))
    }),
    ("[Y]-[d001] [H]h[m01]", |at| {
        at.format("%Y-%j %-Hh%M").to_string()
    }),
    ("[X0001]-W[W01]-[F1]", |at| {
        at.format("%G-W%V-%u").to_string()
    }),
    ("[MNn,*-3] [Mn] [Fn,*-2]", |at| {
        let month = at.format("%B").to_string().to_lowercase();
        let day = at.format("%A").to_string().to_lowercase();
        format!("{} {month} {}", at.format("%b"), &day[..2])
    }),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_instant_is_written_as_a_clock_in_the_zone_shows_it(ms in INSTANTS, zone in any_zone(), part in 0..PARTS.len()) {
        let at = Utc.timestamp_millis_opt(ms).single().expect("an instant").with_timezone(&zone);
        let picture = format!("{} [Z] [z] [Z0101t]|[D1o]", PARTS[part].0);
        let found = made("$fromMillis(ms, picture, zone)", &json!({"ms": ms, "picture": picture, "zone": zone.name()}));
        let offset = at.format("%:z").to_string();
        let short = at.format("%z").to_string();
        let short = if short == "+0000" { "Z".to_owned() } else { short };
        let day = at.day();
        let expected = format!("{} {offset} GMT{offset} {short}|{day}{}", PARTS[part].1(&at), ordinal(day));
        prop_assert_eq!(found, Ok(json!(expected)), "{}", zone);
        // By its offset the same as by its name.
        let by_offset = made("$fromMillis(ms, picture, zone)", &json!({"ms": ms, "picture": picture, "zone": offset}));
        prop_assert_eq!(by_offset, Ok(json!(expected)));
    }

    #[test]
    fn what_was_written_with_date_and_time_is_read_as_the_instant(ms in INSTANTS, zone in any_zone(), part in 0_usize..4) {
        let ms = ms - ms.rem_euclid(60_000);
        let at = Utc.timestamp_millis_opt(ms).single().expect("an instant").with_timezone(&zone);
        let picture = format!("{}[Z]", PARTS[part].0);
        let text = format!("{}{}", PARTS[part].1(&at), at.format("%:z"));
        let found = made("$toMillis(text, picture)", &json!({"text": text, "picture": picture}));
        // An hour of twelve without [P] is refused, and so is a time after the day of a year.
        if part >= 2 {
            prop_assert!(found.is_err());
        } else {
            prop_assert_eq!(found, Ok(json!(ms)), "{}", text);
        }
    }

    #[test]
    fn a_text_in_iso_8601_is_its_instant_or_refused(
        text in "[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,4})?(Z|[+-][0-2][0-9]:[0-6][0-9])"
    ) {
        let expected = DateTime::parse_from_rfc3339(&text).ok().filter(|_| &text[17..19] != "60");
        let found = made("$toMillis(text)", &json!({"text": text}));
        match expected {
            Some(at) => prop_assert_eq!(found, Ok(json!(at.timestamp_millis())), "{}", text),
            None => prop_assert!(found.is_err(), "{}: {:?}", text, found),
        }
    }

    #[test]
    fn a_day_is_its_midnight_in_utc_or_refused(year in 100_i32..=9999, month in 0_u32..=13, day in 0_u32..=32) {
        let text = format!("{year:04}-{month:02}-{day:02}");
        let expected = NaiveDate::from_ymd_opt(year, month, day);
        let expected = expected.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|at| at.and_utc().timestamp_millis());
        for expression in ["$toMillis(text)", "$toMillis(text, \"[Y0001]-[M01]-[D01]\")"] {
            let found = made(expression, &json!({"text": text}));
            match expected {
                Some(at) => prop_assert_eq!(found, Ok(json!(at)), "{}", text),
                None => prop_assert!(found.is_err(), "{}: {:?}", text, found),
            }
        }
    }

    #[test]
    fn a_local_time_is_the_instant_at_which_the_zones_clock_shows_it(ms in INSTANTS, zone in any_zone()) {
        let local = Utc.timestamp_millis_opt(ms - ms.rem_euclid(1000)).single().expect("an instant").naive_utc();
        let input = json!({
            "date": local.format("%Y-%m-%d").to_string(), "time": local.format("%H:%M:%S").to_string(), "zone": zone.name()
        });
        let ask = |which: &str| {
            let found = made(&format!("$zonedTime(date, time, zone{which})"), &input);
            found.ok().and_then(|found| DateTime::parse_from_rfc3339(found.as_str()?).ok())
        };
        let expected = zone.from_local_datetime(&local);
        let fixed = |at: Option<DateTime<Tz>>| at.map(|at| at.fixed_offset());
        prop_assert_eq!(ask(""), fixed(expected.single()), "{} {}", zone, local);
        if let Some(earlier) = expected.earliest() {
            prop_assert_eq!(ask(", \"earlier\""), fixed(Some(earlier)));
            prop_assert_eq!(ask(", \"later\""), fixed(expected.latest()));
        }
    }
}

/// Twice a year is seldom drawn: the hours around each change of a few zones, one by one.
#[test]
fn local_times_around_a_change_of_the_clock_are_right() {
    let engine = Jsonata::compile(
        "[$zonedTime(date, time, zone, \"earlier\"), $zonedTime(date, time, zone, \"later\")]",
    );
    let engine = engine.expect("an expression");
    let strict = Jsonata::compile("$zonedTime(date, time, zone)").expect("an expression");
    let (mut twice, mut never) = (0, 0);
    for zone in [
        Tz::Europe__Lisbon,
        Tz::America__New_York,
        Tz::Australia__Lord_Howe,
        Tz::America__Sao_Paulo,
    ] {
        let start = NaiveDate::from_ymd_opt(2018, 1, 1)
            .and_then(|day| day.and_hms_opt(0, 0, 0))
            .expect("a day");
        for quarter in 0..2 * 366 * 24 * 4 {
            let local = start + chrono::TimeDelta::minutes(15 * quarter);
            let expected = zone.from_local_datetime(&local);
            if expected.single().is_some() {
                continue;
            }
            let input = json!({
                "date": local.format("%Y-%m-%d").to_string(), "time": local.format("%H:%M").to_string(), "zone": zone.name()
            });
            assert!(run(&strict, &input).is_err(), "{zone} {local}");
            let found = run(&engine, &input).expect("two instants");
            let at = |index: usize| {
                DateTime::parse_from_rfc3339(found[index].as_str().unwrap_or_default())
                    .expect("a time")
            };
            match (expected.earliest(), expected.latest()) {
                (Some(earlier), Some(later)) => {
                    twice += 1;
                    assert_eq!(
                        (at(0), at(1)),
                        (earlier.fixed_offset(), later.fixed_offset()),
                        "{zone} {local}"
                    );
                }
                _ => {
                    never += 1;
                    // As far before the gap's end as the other is after its start: by the gap's own width.
                    let width = at(1) - at(0);
                    assert!(
                        at(0).naive_local() < local && local < at(1).naive_local(),
                        "{zone} {local}"
                    );
                    assert_eq!(
                        at(1).naive_local() - at(0).naive_local(),
                        width + width,
                        "{zone} {local}"
                    );
                }
            }
        }
    }
    assert!(twice > 20 && never > 20, "{twice} twice, {never} never");
}

/// What the engine's own functions answered, silently, before they were replaced.
#[test]
fn what_was_silently_wrong_is_right_or_refused() {
    let ms = json!({"ms": 1_795_348_800_000_i64});
    // One minute, and four and a half hours.
    assert_eq!(
        made("$fromMillis(ms, \"[H01]:[m01][Z]\", \"+01:00\")", &ms),
        Ok(json!("13:00+01:00"))
    );
    assert_eq!(
        made("$fromMillis(ms, \"[H01]:[m01][Z]\", \"-0330\")", &ms),
        Ok(json!("08:30-03:30"))
    );
    for (text, picture, became) in [
        ("18 Dez 2026", "[D] [MNn,*-3] [Y]", "18 January"),
        ("18 Smarch 2026", "[D] [MNn] [Y]", "18 January"),
        ("30.02.2026", "[D01].[M01].[Y0001]", "2 March"),
        ("32.01.2026", "[D01].[M01].[Y0001]", "1 February"),
        ("01.13.2026", "[D01].[M01].[Y0001]", "January 2027"),
        (
            "Monday, 18 December 2026",
            "[FNn], [D] [MNn] [Y]",
            "a Friday",
        ),
        (
            "2026-12-18 25:00",
            "[Y0001]-[M01]-[D01] [H01]:[m01]",
            "the day after",
        ),
        (
            "2026-12-18 13:00 pm",
            "[Y0001]-[M01]-[D01] [h]:[m01] [P]",
            "25:00",
        ),
        ("26-12-18", "[Y]-[M01]-[D01]", "1926"),
        ("tomorrow", "[Y]-[M01]-[D01]", "nothing at all"),
    ] {
        let found = made(
            "$toMillis(text, picture)",
            &json!({"text": text, "picture": picture}),
        );
        assert!(found.is_err(), "{text} became {became}, and now {found:?}");
    }
    // Leading zeros are nobody's guess.
    for text in ["2026-02-05", "2026-2-5", "2026-02-5"] {
        let found = made("$toMillis(text, \"[Y]-[M01]-[D]\")", &json!({"text": text}));
        assert_eq!(found, Ok(json!(1_770_249_600_000_i64)), "{text}");
    }
    // Two and a half hours.
    let west = made(
        "$toMillis(\"2026-12-18T10:00-03:30\", \"[Y0001]-[M01]-[D01]T[H01]:[m01][Z]\")",
        &ms,
    );
    assert_eq!(west, Ok(json!(1_797_600_600_000_i64)));
    for text in [
        "2026-02-30",
        "2026-13-01",
        "2026-12-18T24:30:00Z",
        "2026-12-18T10:00:00",
        "2026-12-18T10:00:00+29:00",
        "26-12-18",
        "2026-12-18Z",
        "2026-12-18T10:00:60Z",
        "3 PM",
        "",
    ] {
        assert!(
            made("$toMillis(text)", &json!({"text": text})).is_err(),
            "{text}"
        );
    }
    for zone in [
        "CEST",
        "5",
        "GMT+1",
        "+1:00",
        "+24:00",
        "+0160",
        "Europe/Lisboa",
        "",
    ] {
        assert!(
            made(
                "$fromMillis(ms, \"[H]\", zone)",
                &json!({"ms": 0, "zone": zone})
            )
            .is_err(),
            "{zone}"
        );
    }
    for ms in [-1e15, 1e15, 2.6e14] {
        assert!(made("$fromMillis(ms)", &json!({"ms": ms})).is_err(), "{ms}");
    }
}

#[test]
fn pictures_that_guess_are_refused_when_the_document_is_read() {
    for (expression, told) in [
        ("$toMillis(t, \"[H01]:[m01]\")", "with year, month and day"),
        ("$toMillis(t, \"[D01].[M01].[Y01]\")", "with all its digits"),
        (
            "$toMillis(t, \"[D01].[M01].[Y,2-2]\")",
            "with all its digits",
        ),
        ("$toMillis(t, \"[Y]-[M]-[D] [h]:[m]\")", "with [P]"),
        ("$toMillis(t, \"[Z] [Y]-[M]-[D]\")", "at the end"),
        (
            "$toMillis(t, \"[X]-[W]-[Y][M][D]\")",
            "that dates are not read by",
        ),
        ("$fromMillis(t, \"[s].[f]\")", "three digits"),
        ("$fromMillis(t, \"[H] [ZN]\")", "an offset is written"),
        ("$now(\"[H]\")", "$now takes no picture"),
    ] {
        let error = Jsonata::compile(expression).err().expect(expression);
        assert!(
            error.message.contains(told),
            "{expression}: {}",
            error.message
        );
    }
}
