//! Hostile mappings, each in a process of its own: how long it takes to stop them, and what they take until then.
//!
//! The program runs itself again for each case, tells the case in an argument, and reads the child's peak of resident
//! memory from `/proc/self/status` (`VmHWM`), before and after. It has no test harness, whose threads and buffers would
//! count as the mapping's.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use causeway::Timestamp;
use causeway::mapping::Mapping;
use serde_json::{Value, json};

/// What a mapping may take above a process that does nothing, in KiB: half of the smallest Lambda function.
const MAX_KIB: u64 = 64 * 1024;

/// What a mapping may take of the time. Twice the engine's own guard, for a machine that does other things too; unoptimised
/// code gets ten times that.
const MAX_TIME: Duration = if cfg!(debug_assertions) {
    Duration::from_secs(10)
} else {
    Duration::from_secs(1)
};

struct Case {
    name: &'static str,
    expression: String,
    payload: fn() -> Value,
    /// Whether it must come to an error: the others are harmless work that is merely large.
    fails: bool,
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

fn small() -> Value {
    json!({"n": 9_999_999, "m": 10_000, "s": "x".repeat(1000), "a": "a".repeat(30)})
}

/// One text of 250 KB.
fn long_text() -> Value {
    json!({"s": "ab".repeat(125_000), "t": "aaaaaaaaaaaaaaaaaaaaaaaa!".repeat(600), "n": 5000})
}

/// As many objects as a request can hold.
fn many_objects() -> Value {
    let items: Vec<Value> = (0..20_000).map(|n| json!({"k": n})).collect();
    json!({"items": items, "n": 5000})
}

fn many_keys() -> Value {
    let fields = (0..20_000).map(|n| (format!("k{n}"), Value::from(n)));
    json!({"o": Value::Object(fields.collect()), "n": 5000})
}

fn many_lines() -> Value {
    let line = |n: usize| json!({"sku": format!("sku-{n}"), "q": n % 5, "p": 1.25, "kind": format!("k{}", n % 7), "tags": ["a", "b"]});
    json!({"lines": (0..500).map(line).collect::<Vec<Value>>()})
}

fn many_empty() -> Value {
    let items: Vec<Value> = (0..80_000).map(|_| json!({})).collect();
    json!({"items": items})
}

fn deep() -> Value {
    let mut value = json!(1);
    for _ in 0..120 {
        value = json!({"d": [value]});
    }
    json!({"deep": value})
}

fn cases() -> Vec<Case> {
    let chained = |step: &str, times: usize| format!("{{\"l\": 1}}{}", step.repeat(times));
    vec![
        // Ranges: literal, computed from data, nested, in a loop.
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
        // Strings.
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
        // Regular expressions.
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
        // Lists and objects.
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
        // Recursion and loops.
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
        // Values that hold another one many times: small in memory, endless when walked.
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
        // Sources that are hard to read.
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
        // Honest work on a large payload must go through.
        harmless(with(
            many_lines,
            "five hundred lines",
            "{\"n\": $count(lines), \"sum\": $sum(lines.(q * p)), \"l\": [lines[q > 1].{\"t\": sku & \"-\" & $string(q), \
             \"a\": $round(q * p, 2), \"tags\": tags}], \"by\": lines{kind: $count(sku)}, \"first\": lines^(>p)[0].sku, \
             \"kinds\": $distinct(lines.kind), \"all\": $join(lines.sku, \",\"), \
             \"m\": $count($filter(lines, function($l) { \"b\" in $l.tags }))}",
        )),
        harmless(case(
            "a picture",
            "$fromMillis(0, $pad(\"\", 21000, \"[Y]\"))",
        )),
        harmless(case(
            "digits",
            "$formatNumber(1e300, $pad(\"\", 5000, \"#\") & \"0\")",
        )),
        harmless(case("words", "$formatInteger(1e300, \"w\")")),
        harmless(case("roman", "$formatInteger(3000000, \"I\")")),
    ]
}

/// `VmHWM` of this process, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.expect("VmHWM").parse().expect("a number")
}

/// In the child: one case, its verdict, time and memory on one line.
#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of this machine's time"
)]
#[expect(clippy::print_stdout, reason = "how the child answers")]
fn run(case: &Case) {
    let payload = (case.payload)();
    let document = json!({
        "name": "hostile", "version": 1, "provider": "acme", "operation": "things.create", "description": "Hostile.",
        "source": {}, "expression": case.expression, "examples": [{"name": "none", "input": {}, "output": {}}]
    })
    .to_string();
    // Idle: everything that a mapping needs has been used once.
    let warm = document.replace(&json!(case.expression).to_string(), "\"$pad('a', 3)\"");
    let warm = Mapping::parse(&warm).expect("a mapping");
    warm.apply(&json!({}), Timestamp::from_millis(0))
        .expect("mapped");
    let idle = peak();
    let started = Instant::now();
    let verdict = match Mapping::parse(&document)
        .and_then(|mapping| mapping.apply(&payload, Timestamp::from_millis(0)))
    {
        Ok(_) => "mapped".to_owned(),
        Err(error) => error.to_string(),
    };
    let taken = started.elapsed().as_micros();
    println!("{taken} {} {verdict}", peak().saturating_sub(idle));
}

/// The child's line, and what is wrong with it.
fn judge(case: &Case, program: &str) -> (String, Option<String>) {
    // A bound that fails must fail the test, not the machine: 2 GiB of addresses, a minute.
    let run = "ulimit -v 2097152; exec timeout 60 \"$0\" --case \"$1\"";
    let output = Command::new("sh")
        .args(["-c", run, program, case.name])
        .output()
        .expect("a child");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.trim().splitn(3, ' ');
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
    let (Some(micros), Some(kib)) = (number(), number()) else {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        return (
            format!("{}: died", case.name),
            Some(format!("{:?} {told}", output.status)),
        );
    };
    let verdict = words.next().unwrap_or_default();
    let line = format!(
        "{:6} ms {:6} KiB  {}: {verdict}",
        micros / 1000,
        kib,
        case.name
    );
    let problem = if kib > MAX_KIB {
        Some("takes too much memory")
    } else if Duration::from_micros(micros) > MAX_TIME {
        Some("takes too long")
    } else if case.fails == (verdict == "mapped") {
        Some("comes to another end")
    } else if verdict.len() > 1024 {
        Some("tells too much")
    } else {
        None
    };
    (line, problem.map(str::to_owned))
}

#[expect(clippy::print_stdout, reason = "a table for a person")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let cases = cases();
    if let [_, flag, name] = arguments.as_slice()
        && flag == "--case"
    {
        cases.iter().filter(|case| case.name == name).for_each(run);
        return ExitCode::SUCCESS;
    }
    // `cargo test -- NAME` and `--list` come to every test program.
    let filter = arguments
        .iter()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    for case in cases
        .iter()
        .filter(|case| filter.is_none_or(|filter| case.name.contains(filter.as_str())))
    {
        let (line, problem) = judge(case, &arguments[0]);
        println!("{line}");
        if let Some(problem) = problem {
            println!("       ^ {problem}");
            failed += 1;
        }
    }
    println!("{} hostile mappings, {failed} out of bounds", cases.len());
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
