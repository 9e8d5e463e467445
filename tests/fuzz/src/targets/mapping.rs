//! Mappings: whatever expression meets whatever payload, there is a result or an error.

use causeway::Timestamp;
use causeway::mapping::Mapping;
use serde_json::{Value, json};

/// Line one is a payload, the rest an expression. A result is a request's size, and the same the next time; an error is
/// at most 1 KiB and of a known code.
///
/// # Panics
/// Where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (payload, expression) = text.split_once('\n').unwrap_or(("{}", text));
    let payload: Value = serde_json::from_str(payload).unwrap_or_else(|_| json!({"text": payload}));
    let document = json!({
        "name": "fuzz", "version": 1, "provider": "acme", "operation": "things.create", "description": "d",
        "source": {}, "expression": expression, "examples": [{"name": "e", "input": {}, "output": {}}]
    })
    .to_string();
    let now = Timestamp::from_millis(1_795_348_800_000);
    let result = Mapping::parse(&document).and_then(|mapping| {
        let once = mapping.apply(&payload, now);
        // What ends by the clock may end elsewhere the next time.
        let is_late = once
            .as_ref()
            .is_err_and(|error| error.to_string().contains("D1012"));
        let again = mapping.apply(&payload, now);
        assert!(is_late || once == again, "{once:?} {again:?}");
        once
    });
    match result {
        Ok(output) => assert!(output.to_string().len() <= 2 * 256 * 1024),
        Err(error) => {
            let codes = [
                "mapping_document",
                "mapping_expression",
                "mapping_evaluation",
            ];
            assert!(codes.contains(&error.code()), "{}", error.code());
            assert!(error.to_string().len() <= 1024, "{error}");
        }
    }
}
