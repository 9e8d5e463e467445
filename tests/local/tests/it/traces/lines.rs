//! What deployed functions print: log lines with known fields, metrics in CloudWatch's format, nothing that was planted.

use std::collections::BTreeSet;

use causeway::telemetry::{DIMENSION, LOG_FIELDS, METRICS, NAMESPACE};
use causeway_local::stack::LocalStack;
use serde_json::Value;

use super::TRACE;

#[path = "../../../../../shared/src/telemetry/emf/specification.rs"]
mod specification;

/// Metrics of single functions that have no dimension.
const WITHOUT_DIMENSION: [&str; 1] = ["GatekeeperHeartbeat"];

pub async fn every_line_keeps_to_its_form(stack: &LocalStack, planted: &str) {
    let mut series = BTreeSet::new();
    let mut outcomes = 0;
    for function in ["StripeFunctionName", "GatekeeperFunctionName"] {
        let function = stack.output(function).expect("an output");
        let lines = stack.logs(function).await.expect("a log");
        for line in &lines {
            for planted in [planted, "sk_test_local", "Ada Example"] {
                assert!(!line.contains(planted), "{function}: {line}");
            }
            let found = specification::series(line);
            series.extend(found.unwrap_or_else(|rule| panic!("{rule}: {line}")));
            // What the platform prints is its own business.
            let Ok(Value::Object(fields)) = serde_json::from_str(line) else {
                continue;
            };
            // Nor are warnings of the runtime and the SDK lines of ours.
            let target = fields.get("target").and_then(Value::as_str);
            if !target.is_some_and(|target| target.starts_with("causeway")) {
                continue;
            }
            for field in fields.keys() {
                let known = LOG_FIELDS.iter().any(|(known, _)| known == field);
                assert!(known, "{field} is no field of a log line: {line}");
            }
            if fields["message"] == "request ended"
                && fields.get("trace_id").is_some_and(|id| id == TRACE)
            {
                outcomes += 1;
            }
        }
    }
    assert_eq!(outcomes, 1, "the POST's outcome is found by its trace");
    assert!(
        series.iter().any(|series| series.name == "Delivered"),
        "{series:?}"
    );
    for series in series {
        assert_eq!(series.namespace, NAMESPACE);
        match series.dimensions.as_slice() {
            [] => assert!(
                WITHOUT_DIMENSION.contains(&series.name.as_str()),
                "{series:?}"
            ),
            [(name, provider)] => {
                assert_eq!((name.as_str(), provider.as_str()), (DIMENSION, "stripe"));
                assert!(
                    METRICS.iter().any(|(known, ..)| *known == series.name),
                    "{series:?}"
                );
            }
            _ => panic!("one dimension: {series:?}"),
        }
    }
}
