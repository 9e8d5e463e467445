use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn document(expression: &str) -> String {
    json!({
        "name": "pms-guest", "version": 3, "provider": "acme", "operation": "guests.create",
        "description": "A guest.", "source": {"type": "object"}, "expression": expression,
        "examples": [{"name": "one", "input": {}, "output": {}}]
    })
    .to_string()
}

fn mapped(expression: &str, payload: &Value) -> Result<Value, MappingError> {
    Mapping::parse(&document(expression))?.apply(payload, NOW)
}

fn error(expression: &str, payload: &Value) -> String {
    mapped(expression, payload)
        .expect_err(expression)
        .to_string()
}

#[test]
fn a_reservation_becomes_a_payload() {
    let expression = r#"(
        $guest := guests[role = "primary"];
        {
            "name": $guest.given & " " & $guest.family,
            "email": $lowercase($guest.email),
            "status": $lookup({"OK": "confirmed"}, state) ? $lookup({"OK": "confirmed"}, state) : "inquiry",
            "cents": $round(total * 100),
            "items": [lines[kind != "tax"].{"title": label, "amount": quantity * price}],
            "code": $split(reference, "-")[1],
            "digits": $replace(phone, /[^0-9]/, ""),
            "made": $fromMillis($millis(), "[Y0001]-[M01]-[D01]")
        }
    )"#;
    let payload = json!({
        "guests": [
            {"role": "child", "given": "Cy"},
            {"role": "primary", "given": "Ada", "family": "Example", "email": "Ada@Example.com"}
        ],
        "state": "OK", "total": 19.99, "reference": "BDC-4711", "phone": "+351 900 000",
        "lines": [{"kind": "stay", "label": "2 nights", "quantity": 2, "price": 50}, {"kind": "tax"}]
    });
    assert_eq!(
        mapped(expression, &payload),
        Ok(json!({
            "name": "Ada Example", "email": "ada@example.com", "status": "confirmed", "cents": 1999,
            "items": [{"title": "2 nights", "amount": 100}], "code": "4711", "digits": "351900000",
            "made": "2026-11-22"
        }))
    );
}

#[test]
fn an_error_names_mapping_place_field_and_rule_and_never_a_value() {
    let payload =
        json!({"total": "secret", "list": [{"a": "secret"}], "guest": {"name": "secret"}});
    for (expression, told) in [
        (
            "{\n  \"money\": {\"cents\": total * 100}\n}",
            "mapping pms-guest@3: expression line 2, column 22, field `money.cents` (T2001): The left side of the `*` \
             operator must evaluate to a number",
        ),
        (
            "{\"n\": $number(total)}",
            "mapping pms-guest@3: expression line 1, column 7, field `n` (D3030): Unable to cast value to a number: \
             (not shown)",
        ),
        (
            "{\"a\": 1,",
            "mapping pms-guest@3: expression line 1, column 9 (S0203): Expected",
        ),
        (
            "nothing",
            "mapping pms-guest@3: the expression gives nothing",
        ),
        ("$error(total)", "(D3137): $error() was called"),
        (
            "guest * 2",
            "(limit): a list or an object stands where a number belongs",
        ),
        (
            "list + 1",
            "(limit): a list or an object stands where a number belongs",
        ),
        (
            "$sum(list)",
            "(limit): a list stands here that has more than texts and numbers",
        ),
        (
            "$uppercase(guest)",
            "(limit): a list or an object stands where a text or a number belongs",
        ),
    ] {
        let error = error(expression, &payload);
        assert!(error.contains(told), "{expression}\n{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn what_cannot_be_reviewed_repeated_or_metered_is_refused_when_the_document_is_read() {
    for (expression, told) in [
        ("$eval(total)", "$eval is not available"),
        ("{\"a\": $random()}", "$random is not available"),
        ("($f := $shuffle; $f(a))", "$shuffle is not available"),
        (
            "$map(a, $uppercase)",
            "$uppercase cannot be passed as a value: write function($v)",
        ),
        (
            "($u := $append(?, 1); $u(a))",
            "$append cannot be passed as a value",
        ),
        ("payload ~> |a|{\"b\": 1}|", "the transform operator"),
        (
            "($r := /a+/; $r(a))",
            "a regular expression stands in a call",
        ),
        (
            "($string := 1; $string)",
            "$string is a built-in function: choose another name",
        ),
        (
            "$match(a, /((((((((((((((((()))))))))))))))))/)",
            "at most 512 bytes and 16 groups",
        ),
        (
            "$zip(a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a)",
            "more than 16 arguments",
        ),
    ] {
        let error = Mapping::parse(&document(expression)).expect_err(expression);
        assert!(matches!(error, MappingError::Expression { .. }), "{error}");
        assert!(error.to_string().contains(told), "{expression}\n{error}");
    }
    for allowed in [
        "a ~> $uppercase",
        "$map(a, $number)",
        "$map(a, $pad(?, 3))",
        "$now()",
    ] {
        Mapping::parse(&document(allowed)).expect(allowed);
    }
}

#[test]
fn every_function_that_stands_in_for_a_built_in_has_its_signature() {
    // One whose signature did not parse would fail whatever it is given.
    for (expression, output) in [
        ("$contains(\"abc\", /B/i)", json!(true)),
        ("$contains(\"abc\", \"bc\")", json!(true)),
        (
            "$keys([{\"a\": 1}, {\"b\": 1, \"a\": 2}])",
            json!(["a", "b"]),
        ),
        (
            "$match(\"a1b22\", /[a-z]([0-9]+)/).groups",
            json!(["1", "22"]),
        ),
        ("$pad(\"7\", -3, \"0\")", json!("007")),
        (
            "$replace(\"265USD\", /([0-9]+)USD/, \"$$$1\")",
            json!("$265"),
        ),
        ("$replace(\"a.b.c\", \".\", \"-\", 1)", json!("a-b.c")),
        (
            "$replace(\"ab\", /b/, function($m) { $uppercase($m.match) })",
            json!("aB"),
        ),
        ("$split(\"a, b;c\", /[,;] ?/)", json!(["a", "b", "c"])),
        ("$spread({\"a\": 1, \"b\": 2})", json!([{"a": 1}, {"b": 2}])),
        (
            "$fromMillis(0, \"[Y] [Z]\", \"Asia/Kathmandu\")",
            json!("1970 +05:30"),
        ),
        ("$toMillis(\"1970-01-02\")", json!(86_400_000)),
        (
            "$zonedTime(\"2026-10-25\", \"01:30\", \"Europe/Lisbon\", \"later\")",
            json!("2026-10-25T01:30:00+00:00"),
        ),
        ("$minorUnits(\"KWD\")", json!(3)),
        ("$money(\"EUR\", 100, 0.35, 85, 0.01)", json!(29.75)),
        ("[$money(\"EUR\", 2, nothing)]", json!([])),
        ("$sumMoney(\"EUR\", [0.1, 0.2])", json!(0.3)),
        ("$sumMoney(\"JPY\", 1.5)", json!(2)),
        (
            "$escape(\"<a & b>\", \"slack\")",
            json!("&lt;a &amp; b&gt;"),
        ),
        ("$cut($escape(\"<<\", \"slack\"), 5)", json!("&lt;…")),
        ("$map([\"a\"], $escape(?, \"html\"))", json!("a")),
        ("$zip([1, 2], [3, 4])", json!([[1, 3], [2, 4]])),
    ] {
        assert_eq!(mapped(expression, &json!({})), Ok(output), "{expression}");
    }
}

/// A request's payload must be the same at every attempt, or a second call would be another call.
#[test]
fn the_time_is_the_requests_own() {
    let expression = "{\"now\": $now(), \"ms\": $millis(), \"day\": $fromMillis($millis(), \"[FNn]\", \"Asia/Tokyo\")}";
    let first = mapped(expression, &json!({})).expect("mapped");
    assert_eq!(first["now"], "2026-11-22T12:00:00.000Z");
    assert_eq!(first["ms"], NOW.as_millis());
    assert_eq!(first["day"], "Sunday");
    assert_eq!(mapped(expression, &json!({})), Ok(first));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let key = prop_oneof![
            Just("guests"),
            Just("lines"),
            Just("total"),
            Just("name"),
            Just("role")
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6).prop_map(|fields| {
                let fields = fields.into_iter();
                Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_gives_a_result_or_an_error(payload in any_json()) {
        let expression = r#"(
            $g := guests[role = "primary"][0];
            {
                "a": $g.name & lines.name, "b": $sum(lines.total), "c": $split(name, "e"), "d": $keys(guests),
                "e": lines{role: $count(name)}, "f": $sort(guests, function($l, $r) { $l.total > $r.total }),
                "g": $replace(total, /[0-9]/, "x"), "h": guests ? total / 2 : -total, "i": guests^(>total).name,
                "j": $merge($spread(guests)), "k": $distinct(**.name), "l": $join($map(lines, function($v, $i) { $string($v) & $i }))
            }
        )"#;
        // One expression stops at its first error: each field is tried alone, too.
        static ALONE: std::sync::LazyLock<Vec<Mapping>> = std::sync::LazyLock::new(|| {
            ["guests.name & total", "$sum(lines.total)", "$split(name, \"e\")", "$keys(guests)", "lines{role: $count(name)}",
             "guests^(>total).name", "$merge($spread(guests))", "$distinct(**.name)", "guests = lines", "-total + 1",
             "$map(lines, function($v, $i) { $string($v) & $i })", "$[guests].*", "guests#$i.{\"i\": $i, \"p\": %.total}"]
                .into_iter()
                .map(|expression| Mapping::parse(&document(expression)).expect(expression))
                .collect()
        });
        let once = mapped(expression, &payload);
        prop_assert_eq!(&once, &mapped(expression, &payload));
        for mapping in ALONE.iter() {
            if let Err(error) = mapping.apply(&payload, NOW) {
                prop_assert!(error.to_string().len() <= 1024);
            }
        }
    }
}
