//! `causeway providers`: what this release can carry.

use causeway::breaker::Scope;
use causeway::limiter::{Limit, ScopeKey};
use causeway::provider::{Operation, Safety, Spec};
use causeway_ingest::{catalogue, entry};
use clap::Args;
use serde_json::{Value, json};

use crate::context::{Context, Done};
use crate::error::Error;
use crate::output;
use crate::when::span;

/// Show what this release can carry: providers, operations, limits, secrets, schemas.
///
/// It needs no stack: which of them a stack has deployed is what `causeway lanes` shows.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Only this provider, in full.
    provider: Option<String>,
    /// Only this operation of it, with its fields.
    operation: Option<String>,
}

/// Shows all providers, one, or one operation of it.
///
/// # Errors
/// When there is none of that name, or standard output is gone.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let json = context.global.json;
    let specs = || catalogue::providers().iter().map(|known| known.spec());
    let Some(name) = &arguments.provider else {
        match json {
            true => output::json(&specs().map(described).collect::<Vec<_>>())?,
            false => output::line(&list(specs()))?,
        }
        return Ok(Done::All);
    };
    let spec = specs().find(|spec| spec.name == name);
    let spec = spec.ok_or_else(|| {
        let known: Vec<_> = specs().map(|spec| spec.name).collect();
        Error::usage(format!("there is no provider `{name}`"))
            .hint(format!("known: {}", known.join(", ")))
    })?;
    let Some(name) = &arguments.operation else {
        match json {
            true => output::json(&described(spec))?,
            false => output::line(&provider(spec))?,
        }
        return Ok(Done::All);
    };
    let found = spec.operation(name).ok_or_else(|| {
        let known: Vec<_> = spec.operations.iter().map(|known| known.name).collect();
        Error::usage(format!("{} has no operation `{name}`", spec.name))
            .hint(format!("known: {}", known.join(", ")))
    })?;
    match json {
        true => output::json(&with_limits(found))?,
        false => output::line(&operation(found))?,
    }
    Ok(Done::All)
}

/// What producers are told by the API, and what operators want to know beyond it.
fn described(spec: &'static Spec) -> Value {
    let mut described = json!(entry(spec));
    let operations = spec.operations.iter().map(with_limits);
    described["operations"] = operations.collect();
    described["base_url"] = spec.base_url.into();
    described["secret_fields"] = json!(spec.secret_fields());
    described["limits"] = spec.limits.iter().map(limit_json).collect();
    described["breaker_scope"] = match spec.breaker.scope {
        Scope::Provider => "provider",
        Scope::Connection => "connection",
    }
    .into();
    described
}

fn with_limits(operation: &'static Operation) -> Value {
    json!({
        "name": operation.name,
        "safety": safety(operation.safety),
        "most_in_a_call": operation.most_in_a_call(),
        "timeout_s": operation.timeout.as_secs(),
        "limits": operation.limits.iter().map(limit_json).collect::<Vec<_>>(),
        "schema": operation.schema(),
    })
}

fn limit_json(limit: &Limit) -> Value {
    json!({
        "name": limit.name(),
        "scope": scope(limit),
        "burst": limit.burst(),
        "interval_s": limit.interval().as_secs_f64(),
        "in_cost": limit.counts_cost(),
        "permits": limit.permits(),
    })
}

fn list(specs: impl Iterator<Item = &'static Spec>) -> String {
    let mut table = output::table(&["PROVIDER", "OPERATIONS"]);
    for spec in specs {
        let operations: Vec<_> = spec.operations.iter().map(|known| known.name).collect();
        table.add_row([spec.name, &operations.join(", ")]);
    }
    table.to_string()
}

/// The fields that a secret has, in each way of connecting an account.
fn ways(spec: &Spec) -> String {
    let ways = spec.secret_fields().into_iter();
    let ways: Vec<_> = ways.map(|fields| fields.join(", ")).collect();
    ways.join("; or ")
}

fn provider(spec: &'static Spec) -> String {
    let whose = match spec.breaker.scope {
        Scope::Provider => "one for all connections",
        Scope::Connection => "one for each connection, and one for all of them above",
    };
    let mut lines = vec![
        spec.name.to_owned(),
        format!("  called at  {}", spec.base_url),
        format!(
            "  secret     causeway/{}/<connection>: {}",
            spec.name,
            ways(spec)
        ),
        format!("  breaker    {whose}"),
    ];
    lines.extend(
        spec.limits
            .iter()
            .map(|limit| format!("  limit      {}", sentence(limit))),
    );
    lines.extend(
        entry(spec)
            .mappings()
            .iter()
            .map(|name| format!("  mapping    {name}")),
    );
    let mut table = output::table(&["OPERATION", "IN DOUBT", "TIMEOUT", "IN A CALL"]);
    for operation in spec.operations {
        table.add_row([
            operation.name.to_owned(),
            in_doubt(operation.safety),
            span(operation.timeout),
            operation.most_in_a_call().to_string(),
        ]);
    }
    format!("{}\n\n{table}", lines.join("\n"))
}

fn operation(operation: &'static Operation) -> String {
    let mut lines = vec![
        operation.name.to_owned(),
        format!("  in doubt   {}", in_doubt(operation.safety)),
        format!("  timeout    {}", span(operation.timeout)),
    ];
    lines.extend(
        operation
            .limits
            .iter()
            .map(|limit| format!("  limit      {}", sentence(limit))),
    );
    let schema = operation.schema().to_value();
    let mut table = output::table(&["FIELD", "TYPE", "", "WHAT IT IS"]);
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let must = required.iter().any(|required| required == name);
        let what = field["description"].as_str().unwrap_or_default();
        let must = if must { "required" } else { "" };
        table.add_row([name, &kind(field), must, what]);
    }
    format!(
        "{}\n\n{table}\n\n--json prints the whole schema.",
        lines.join("\n")
    )
}

/// A field's type as its schema names it.
fn kind(field: &Value) -> String {
    match (&field["type"], &field["$ref"]) {
        (Value::String(one), _) => one.clone(),
        (Value::Array(several), _) => {
            let names = several.iter().filter_map(Value::as_str);
            let names: Vec<_> = names.filter(|name| *name != "null").collect();
            names.join(" or ")
        }
        (_, Value::String(reference)) => {
            let name = reference.rsplit('/').next();
            name.unwrap_or_default().to_owned()
        }
        _ => "several".to_owned(),
    }
}

const fn safety(safety: Safety) -> &'static str {
    match safety {
        Safety::Keyed { .. } => "keyed",
        Safety::Natural => "natural",
        Safety::Lookup { .. } => "lookup",
        Safety::Unsafe => "unsafe",
    }
}

/// What happens when nobody knows whether a call took effect.
fn in_doubt(safety: Safety) -> String {
    match safety {
        Safety::Keyed { retention, .. } => format!(
            "sent again under its key (remembered for {})",
            span(retention)
        ),
        Safety::Natural => "sent again: it changes nothing twice".to_owned(),
        Safety::Lookup { settle, .. } => {
            format!("looked up, {} after the last sending", span(settle))
        }
        Safety::Unsafe => "left to a person (UNKNOWN)".to_owned(),
    }
}

fn scope(limit: &Limit) -> String {
    match limit.scope() {
        ScopeKey::Account => "account".to_owned(),
        ScopeKey::Operation => "operation".to_owned(),
        ScopeKey::Field(name) => name.to_owned(),
    }
}

fn sentence(limit: &Limit) -> String {
    let (name, scope) = (limit.name(), scope(limit));
    if let Some(permits) = limit.permits() {
        return format!("{name}: {permits} calls at once for each {scope}");
    }
    let what = if limit.counts_cost() {
        "units"
    } else {
        "calls"
    };
    let every = limit.interval().as_secs_f64();
    let rate = match every {
        fast if fast < 1.0 => format!("{:.1} a second", 1.0 / fast),
        slow => format!("one every {slow:.1} s"),
    };
    let burst = limit.burst();
    format!("{name}: {burst} {what} at once, then {rate}, for each {scope}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target;

    #[test]
    fn every_provider_and_operation_can_be_shown() {
        for known in catalogue::providers() {
            let spec = known.spec();
            let text = provider(spec);
            for field in spec.secret_fields().into_iter().flatten() {
                assert!(text.contains(field), "{}: {field}", spec.name);
            }
            let described = described(spec);
            assert!(described["secret_fields"].is_array());
            for known in spec.operations {
                assert!(text.contains(known.name), "{text}");
                let shown = operation(known);
                let schema = known.schema().to_value();
                let required = schema["required"].as_array().map_or(0, Vec::len);
                let said = shown.matches(" required").count();
                assert!(said >= required, "{}: {shown}", known.name);
                assert!(with_limits(known)["schema"].is_object());
            }
        }
    }

    #[test]
    fn limits_and_doubts_are_sentences() {
        let stripe = target::spec("stripe").expect("it is known");
        let text = provider(stripe);
        assert!(text.contains("a second, for each account"), "{text}");
        let customers = stripe.operation("customers.create").expect("it is known");
        let text = operation(customers);
        assert!(
            text.contains("sent again under its key (remembered for"),
            "{text}"
        );
        assert!(text.contains("email"), "{text}");
    }
}
