//! The mappings that are tried, by what they overdo.

use serde_json::Value;

use crate::payloads::{deep, long_text, many_empty, many_keys, many_lines, many_objects, small};

pub struct Case {
    pub name: &'static str,
    pub expression: String,
    pub payload: fn() -> Value,
    /// Whether it must come to an error: the others are harmless work that is merely large.
    pub fails: bool,
}

fn case(name: &'static str, expression: impl Into<String>) -> Case {
    Case {
        name,
        expression: expression.into(),
        payload: small,
        fails: true,
    }
}

/// One that takes its bounds from the data.
fn with(payload: fn() -> Value, name: &'static str, expression: impl Into<String>) -> Case {
    Case {
        payload,
        ..case(name, expression)
    }
}

fn harmless(case: Case) -> Case {
    Case {
        fails: false,
        ..case
    }
}

/// All of them.
pub fn all() -> Vec<Case> {
    let groups: [fn() -> Vec<Case>; 8] = [
        ranges,
        strings,
        patterns,
        lists,
        recursion,
        shared_values,
        sources,
        honest,
    ];
    groups.iter().flat_map(|group| group()).collect()
}

/// Ranges: literal, computed from data, nested, in a loop.
fn ranges() -> Vec<Case> {
    vec![
        case("range literal", "[1..10000000]"),
        case("range of ten million and more", "[0..99999999]"),
        case("range from data", "[1..n]"),
        case("range by arithmetic", "[1..n * n]"),
        case("ranges in ranges", "[1..10000].[1..10000]"),
        case("ranges kept", "[1..10000].{\"a\": [1..10000]}"),
        case(
            "range in a variable",
            "($r := [1..10000]; $map($r, function($v) { $map($r, function($w) { $v * $w }) }))",
        ),
    ]
}

/// Strings.
fn strings() -> Vec<Case> {
    vec![
        case("pad", "$pad(\"x\", 10000000)"),
        case("pad with wide characters", "$pad(\"x\", -250000, \"😀\")"),
        case("pads kept", "[1..10000].$pad(\"x\", 200000)"),
        case("pads kept by a native", "$map([1..10000], $pad(?, 200000))"),
        case(
            "doubling text",
            "($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $f(\"xx\", 60))",
        ),
        case(
            "doubling by reduce",
            "$reduce([1..64], function($s, $n) { $s & $s }, \"x\")",
        ),
        case(
            "long texts kept",
            "($s := $pad(\"x\", 100000); [1..10000].($s & $string($)))",
        ),
        case(
            "arrays of long strings",
            "($s := $pad(\"x\", 100000); {\"a\": [1..10000].{\"b\": $uppercase($s)}})",
        ),
        with(
            long_text,
            "a long field read many times",
            "[1..10000].{\"a\": $$.s}",
        ),
        with(
            long_text,
            "a long field in many cases",
            "$map([1..10000], function($v) { $uppercase($$.s) })",
        ),
        with(
            long_text,
            "substrings kept",
            "[1..10000].$substring($$.s, 1)",
        ),
        case(
            "replace blows up",
            "($s := $pad(\"x\", 200000, \"x\"); $replace($s, \"x\", $s))",
        ),
        with(
            long_text,
            "replace blows up by a pattern",
            "$replace(t, /a/, s)",
        ),
        with(long_text, "split to characters", "$split(s, \"\")"),
        with(
            long_text,
            "splits kept",
            "[1..n].{\"a\": $split($$.t, \"a\")}",
        ),
        case(
            "join blows up",
            "($s := $pad(\"x\", 200000); $join([1..10000].\"a\", $s))",
        ),
        case(
            "encodings kept",
            "($s := $pad(\"x\", 60000, \"é\"); [1..10000].$encodeUrlComponent($s))",
        ),
        case(
            "pretty text kept",
            "($o := {\"a\": [1..5000]}; [1..10000].$string($o, true))",
        ),
    ]
}

/// Regular expressions.
fn patterns() -> Vec<Case> {
    vec![
        with(long_text, "backtracking", "$match(t, /(a+)+b/)"),
        with(
            long_text,
            "backtracking by alternatives",
            "$contains(t, /^(a|a)*$/)",
        ),
        case("backtracking on a short text", "$contains(a, /^(a+)+$b/)"),
        with(long_text, "every character a match", "$match(t, /a/)"),
        with(
            long_text,
            "nested groups",
            "$match(t, /((((((((a*)*)*)*)*)*)*)*)!/)",
        ),
        case(
            "counted loops",
            "$contains(s, /(((x{1,500}){1,500}){1,500}){1,500}y/)",
        ),
        case(
            "a huge pattern",
            format!("$contains(s, /{}y/)", "(x|y{1,99})*".repeat(16)),
        ),
    ]
}

/// Lists and objects.
fn lists() -> Vec<Case> {
    vec![
        with(
            many_objects,
            "lists kept",
            "($l := [1..10000]; [1..n].{\"a\": [$l]})",
        ),
        with(
            many_objects,
            "lists kept by append",
            "($l := [1..9000]; [1..n].{\"a\": $append($l, 1)})",
        ),
        with(
            many_objects,
            "reversed lists kept",
            "[1..n].{\"a\": $reverse($$.items)}",
        ),
        with(
            many_objects,
            "sorted lists kept",
            "[1..n].{\"a\": $sort($$.items.k)}",
        ),
        with(
            many_objects,
            "sorting in a loop",
            "[1..n].$count($sort($$.items, function($l, $r) { $l.k < $r.k }))",
        ),
        with(many_objects, "distinct of many", "$distinct(items)"),
        with(many_keys, "keys kept", "[1..n].{\"a\": $keys($$.o)}"),
        with(many_keys, "spread kept", "[1..n].{\"a\": $spread($$.o)}"),
        with(
            many_keys,
            "spread of many",
            "($o := o; $spread([1..10000].$o))",
        ),
        with(
            many_keys,
            "merged in a loop",
            "[1..n].$merge([$$.o, {\"k\": $}])",
        ),
        with(
            many_keys,
            "each in a loop",
            "[1..n].$each($$.o, function($v) { $v })",
        ),
        with(
            many_objects,
            "zip",
            "($l := [1..10000]; $zip($l,$l,$l,$l,$l,$l,$l,$l,$l,$l,$l,$l,$l,$l,$l,$l).{\"a\": $})",
        ),
        with(
            many_objects,
            "a join",
            "items@$a.items@$b.{\"a\": $a, \"b\": $b}",
        ),
        with(
            many_objects,
            "positions",
            "items#$i.items#$j.items#$k.($i + $j + $k)",
        ),
        with(
            many_objects,
            "groups",
            "items{$string(k): $}.*{$string(k): [$, $]}",
        ),
        with(many_empty, "everything", "$count(**) + $count(**)"),
        with(many_empty, "wildcards kept", "[1..10000].{\"a\": $$.*}"),
        harmless(with(
            deep,
            "deep input",
            "{\"n\": $count(**), \"s\": $string(deep)}",
        )),
    ]
}

/// Recursion and loops.
fn recursion() -> Vec<Case> {
    vec![
        case(
            "recursion",
            "($f := function($n) { 1 + $f($n + 1) }; $f(0))",
        ),
        case(
            "an endless tail call",
            "($f := function($n) { $f($n + 1) }; $f(0))",
        ),
        case(
            "recursion by map",
            "($f := function($n) { $map([1, 2], function($v) { $f($v) }) }; $f(0))",
        ),
        case(
            "recursion that builds",
            "($f := function($n) { {\"a\": $f($n + 1), \"b\": $pad(\"x\", 10000)} }; $f(0))",
        ),
        case(
            "fibonacci",
            "($f := function($n) { $n < 2 ? $n : $f($n - 1) + $f($n - 2) }; $f(40))",
        ),
    ]
}

/// Values that hold another one many times: small in memory, endless when walked.
fn shared_values() -> Vec<Case> {
    let chained = |step: &str, times: usize| format!("{{\"l\": 1}}{}", step.repeat(times));
    vec![
        case(
            "a million laughs in objects",
            chained(".{\"l\": $, \"r\": $}", 40),
        ),
        case(
            "laughs as text",
            format!("$string({})", chained(".{\"l\": $, \"r\": $}", 40)),
        ),
        case(
            "laughs compared",
            format!(
                "($a := {0}; $b := {0}; $a = $b)",
                chained(".{\"l\": $, \"r\": $}", 40)
            ),
        ),
        case(
            "laughs in lists",
            format!("({} $a ? 1 : 2)", "$a := [[$a, 1], [$a, 1]];".repeat(60)),
        ),
        case(
            "laughs added",
            format!("({} $a + 1)", "$a := [[$a, 1], [$a, 1]];".repeat(60)),
        ),
        case(
            "laughs by reduce",
            "$reduce([1..60], function($a, $n) { {\"l\": $a, \"r\": $a} }, 1)",
        ),
        case(
            "laughs by map",
            format!(
                "($r := [1..1000]; {} $a ? 1 : 2)",
                "$a := $map($r, function($v) { $a ? $a : 1 });".repeat(6)
            ),
        ),
        case(
            "laughs looked into",
            format!(
                "($a := [{{\"x\": 1}}]; {} {{\"v\": $a.x}})",
                "$a := [[$a], [$a]];".repeat(60)
            ),
        ),
        case(
            "laughs in a filter",
            format!("({} [1, 2][$a])", "$a := [[$a, 1], [$a, 1]];".repeat(60)),
        ),
        case(
            "laughs as an argument",
            format!("({} $number($a))", "$a := [[$a, 1], [$a, 1]];".repeat(60)),
        ),
        case(
            "laughs by boolean",
            format!("({} $boolean($a))", "$a := [[$a, 1], [$a, 1]];".repeat(60)),
        ),
        case(
            "laughs as a key",
            format!("({} {{$a: 1}})", "$a := [[$a, 1], [$a, 1]];".repeat(60)),
        ),
        case(
            "laughs applied",
            format!("({} 1 ~> $a)", "$a := [[$a, 1], [$a, 1]];".repeat(60)),
        ),
        case(
            "laughs in an order",
            format!("({} [1, 2]^($a))", "$a := [[$a, 1], [$a, 1]];".repeat(60)),
        ),
    ]
}

/// Sources that are hard to read.
fn sources() -> Vec<Case> {
    vec![
        case(
            "nested lists",
            format!("{}1{}", "[".repeat(8000), "]".repeat(8000)),
        ),
        case(
            "nested blocks",
            format!("{}1{}", "(".repeat(8000), ")".repeat(8000)),
        ),
        case("signs", format!("{}1", "-".repeat(16_000))),
        case("a sum", format!("1{}", "+1".repeat(8000))),
        case("conditions", format!("{}1", "a?1:".repeat(4000))),
        case(
            "nested functions",
            format!("{}1{}", "function(){".repeat(1300), "}".repeat(1300)),
        ),
        case("a path", format!("a{}", ".a".repeat(8000))),
        case("predicates", format!("a{}", "[0]".repeat(5000))),
    ]
}

/// Honest work on a large payload must go through.
fn honest() -> Vec<Case> {
    vec![
        harmless(with(
            many_lines,
            "five hundred lines",
            "{\"n\": $count(lines), \"sum\": $sum(lines.(q * p)), \"l\": [lines[q > 1].{\"t\": sku & \"-\" & $string(q), \
             \"a\": $round(q * p, 2), \"tags\": tags}], \"by\": lines{kind: $count(sku)}, \"first\": lines^(>p)[0].sku, \
             \"kinds\": $distinct(lines.kind), \"all\": $join(lines.sku, \",\"), \
             \"m\": $count($filter(lines, function($l) { \"b\" in $l.tags }))}",
        )),
        case("a picture", "$fromMillis(0, $pad(\"\", 21000, \"[Y]\"))"),
        harmless(case(
            "digits",
            "$formatNumber(1e300, $pad(\"\", 5000, \"#\") & \"0\")",
        )),
        harmless(case("words", "$formatInteger(1e300, \"w\")")),
        harmless(case("roman", "$formatInteger(3000000, \"I\")")),
    ]
}
