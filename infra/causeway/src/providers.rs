//! `causeway providers`: what this release can carry.

use causeway::breaker::Scope;
use causeway::limiter::{Limit, ScopeKey};
use causeway::pack::Pack;
use causeway::pack::example::Extent;
use causeway::provider::{Operation, Provider, Safety, Spec};
use causeway_ingest::{catalogue, class, mappings, safety};
use clap::Args;
use serde_json::{Value, json};

use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::when::span;

/// Show what this release can carry: providers, operations, limits, secrets, schemas.
///
/// It needs no stack: which of them a stack has deployed is what `causeway lanes` shows.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Only this provider, in full.
    provider: Option<String>,
    /// Only this operation of it, with its fields and an example.
    operation: Option<String>,
    /// Only operations whose name or route has these words.
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Every operation, instead of the first of many.
    #[arg(long)]
    all: bool,
}

/// Operations that a list shows where nobody asks for all.
const SHOWN: usize = 40;

/// Shows all providers, one, or one operation of it.
///
/// # Errors
/// When there is none of that name, or standard output is gone.
pub fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let json = context.global.json;
    let packs = catalogue::packs();
    let most = if arguments.all { usize::MAX } else { SHOWN };
    let (Some(name), words) = (&arguments.provider, &arguments.search) else {
        let found = |words: &String| -> Vec<Offered> {
            let found = packs.iter().flat_map(|pack| searched(pack, Some(words)));
            found.collect()
        };
        match (json, &arguments.search) {
            (true, None) => output::json(
                Kind::Providers,
                &packs.iter().map(summary).collect::<Vec<_>>(),
            )?,
            (true, Some(words)) => output::json(
                Kind::Operations,
                &found(words).iter().map(Offered::json).collect::<Vec<_>>(),
            )?,
            (false, None) => output::line(&list(packs))?,
            (false, Some(words)) => output::line(&table(&found(words), most))?,
        }
        return Ok(Done::All);
    };
    let pack = catalogue::pack(name).ok_or_else(|| {
        let known: Vec<_> = packs.iter().map(|pack| pack.spec().name).collect();
        Error::usage(format!("there is no provider `{name}`"))
            .hint(format!("known: {}", known.join(", ")))
    })?;
    let Some(name) = &arguments.operation else {
        let found: Vec<_> = searched(pack, words.as_deref()).collect();
        match json {
            true => output::json(Kind::Provider, &described(pack, &found))?,
            false => output::line(&provider(pack, &found, most))?,
        }
        return Ok(Done::All);
    };
    let spec = pack.spec();
    let found = spec.operation(name).ok_or_else(|| {
        let rule = spec.operations.unknown(name);
        Error::usage(format!(
            "{} has no operation `{name}`: it {rule}",
            spec.name
        ))
        .hint(format!("causeway providers {} --search WORDS", spec.name))
    })?;
    let found = Offered {
        pack,
        operation: found,
    };
    match json {
        true => output::json(Kind::Operation, &found.whole())?,
        false => output::line(&operation(&found))?,
    }
    Ok(Done::All)
}

/// An operation of a pack.
struct Offered {
    pack: &'static Pack,
    operation: &'static Operation,
}

/// The operations of `pack` whose name or route has all of `words`, in any case; all of them without words.
fn searched(pack: &'static Pack, words: Option<&str>) -> impl Iterator<Item = Offered> + use<> {
    let words = words.unwrap_or_default().to_lowercase();
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let has_all = move |found: &Offered| {
        let text = format!("{} {}", found.operation.name, found.call()).to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let operations = pack.spec().operations.iter();
    operations
        .map(move |operation| Offered { pack, operation })
        .filter(has_all)
}

impl Offered {
    /// Method and route, as the vendor's document has them.
    fn call(&self) -> String {
        self.pack.route(self.operation.name)
    }

    /// Where its safety is known from: `reviewed`, `inferred`, or `default`, which is unsafe.
    fn class(&self) -> &'static str {
        class(self.pack, self.operation.name)
    }

    fn sources(&self) -> Vec<String> {
        let known = self.pack.provenance(self.operation.name);
        let src = known.and_then(|known| known.src);
        src.map_or_else(Vec::new, |src| self.pack.page().sources_of(src))
    }

    fn json(&self) -> Value {
        json!({
            "provider": self.pack.spec().name,
            "name": self.operation.name,
            "call": self.call(),
            "safety": safety(self.operation.safety),
            "class": self.class(),
        })
    }

    fn whole(&self) -> Value {
        let mut whole = with_limits(self.operation);
        whole["call"] = self.call().into();
        whole["class"] = self.class().into();
        whole["sources"] = json!(self.sources());
        whole["example"] = json!(self.pack.example(self.operation.name, Extent::Minimal));
        whole
    }
}

/// One line of the list of all providers.
fn summary(pack: &Pack) -> Value {
    let (page, spec) = (pack.page(), pack.spec());
    json!({
        "name": spec.name,
        "title": page.title,
        "about": page.about,
        "operations": spec.operations.names().len(),
        "secret_fields": spec.secret_fields(),
    })
}

/// What producers are told by the API, and what operators want to know beyond it.
fn described(pack: &'static Pack, operations: &[Offered]) -> Value {
    let spec = pack.spec();
    let mut described = summary(pack);
    described["operations"] = operations.iter().map(Offered::json).collect();
    described["mappings"] = json!(mappings(spec));
    described["base_url"] = spec.base_url.into();
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

fn list(packs: &[Pack]) -> String {
    let mut table = output::table(&["PROVIDER", "OPERATIONS", "WHAT IT IS"]);
    let mut all = 0;
    for pack in packs {
        let count = pack.spec().operations.names().len();
        all += count;
        let about = pack.page().about.clone().unwrap_or_default();
        table.add_row([pack.spec().name.to_owned(), count.to_string(), about]);
    }
    format!(
        "{table}\n\n{all} operations; `causeway providers --search WORDS` finds some, `causeway providers PROVIDER \
         OPERATION` shows one"
    )
}

/// The operations as a table, at most `most` of them.
fn table(operations: &[Offered], most: usize) -> String {
    let mut table = output::table(&["PROVIDER", "OPERATION", "CALL", "IN DOUBT", "KNOWN"]);
    for found in operations.iter().take(most) {
        table.add_row([
            found.pack.spec().name,
            found.operation.name,
            &found.call(),
            safety(found.operation.safety),
            found.class(),
        ]);
    }
    match operations.len().saturating_sub(most) {
        0 => table.to_string(),
        more => format!("{table}\n\n{more} more: --all shows them, --search WORDS fewer"),
    }
}

/// The fields that a secret has, in each way of connecting an account.
fn ways(spec: &Spec) -> String {
    let ways = spec.secret_fields().into_iter();
    let ways: Vec<_> = ways.map(|fields| fields.join(", ")).collect();
    ways.join("; or ")
}

fn provider(pack: &'static Pack, operations: &[Offered], most: usize) -> String {
    let (spec, page) = (pack.spec(), pack.page());
    let whose = match spec.breaker.scope {
        Scope::Provider => "one for all connections",
        Scope::Connection => "one for each connection, and one for all of them above",
    };
    let mut lines = vec![
        page.title.clone(),
        format!("  called at  {}", spec.base_url),
        format!("  secret     {}/<connection>: {}", spec.name, ways(spec)),
        format!("  breaker    {whose}"),
    ];
    let limits = spec.limits.iter();
    lines.extend(limits.map(|limit| format!("  limit      {}", sentence(limit))));
    lines.extend(
        mappings(spec)
            .iter()
            .map(|name| format!("  mapping    {name}")),
    );
    format!("{}\n\n{}", lines.join("\n"), table(operations, most))
}

fn operation(found: &Offered) -> String {
    let operation = found.operation;
    let mut lines = vec![
        operation.name.to_owned(),
        format!("  call       {}", found.call()),
        format!("  in doubt   {}", in_doubt(operation.safety)),
        format!("  known      {}", found.class()),
    ];
    let sources = found.sources();
    lines.extend(
        sources
            .iter()
            .map(|source| format!("  source     {source}")),
    );
    lines.push(format!("  timeout    {}", span(operation.timeout)));
    if operation.most_in_a_call() > 1 {
        lines.push(format!("  in a call  up to {}", operation.most_in_a_call()));
    }
    let limits = operation.limits.iter();
    lines.extend(limits.map(|limit| format!("  limit      {}", sentence(limit))));
    let schema = operation.schema().to_value();
    let mut table = output::table(&["FIELD", "TYPE", ""]);
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let must = required.iter().any(|required| required == name);
        let must = if must { "required" } else { "" };
        table.add_row([name, &kind(field), must]);
    }
    let example = found.pack.example(operation.name, Extent::Minimal);
    let example = serde_json::to_string_pretty(&example.unwrap_or_default()).unwrap_or_default();
    format!(
        "{}\n\n{table}\n\nThe least that it takes:\n{example}\n\n--json prints the whole schema.",
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
    match limit.per() {
        Some(per) => format!("{name}: {burst} {what} in any {per:?}, for each {scope}"),
        None => format!("{name}: {burst} {what} at once, then {rate}, for each {scope}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_can_be_shown() {
        for pack in catalogue::packs() {
            let spec = pack.spec();
            let all: Vec<_> = searched(pack, None).collect();
            assert_eq!(all.len(), spec.operations.names().len(), "{}", spec.name);
            let text = provider(pack, &all, SHOWN);
            for field in spec.secret_fields().into_iter().flatten() {
                assert!(text.contains(field), "{}: {field}", spec.name);
            }
            let first = &all[0];
            assert!(operation(first).contains(&first.call()), "{}", spec.name);
            assert!(first.whole()["schema"].is_object());
        }
    }

    #[test]
    fn words_find_operations_of_all_providers_by_name_and_route() {
        let packs = catalogue::packs().iter();
        let found: Vec<_> = packs
            .flat_map(|pack| searched(pack, Some("Refunds create")))
            .collect();
        assert!(
            found
                .iter()
                .any(|found| found.operation.name == "refunds.create")
        );
        let text = table(&found, 1);
        assert!(found.len() < 2 || text.contains("more: --all"), "{text}");
    }

    #[test]
    fn limits_doubts_and_sources_are_told() {
        let pack = catalogue::pack("stripe").expect("it is known");
        let text = provider(pack, &[], SHOWN);
        assert!(text.contains("calls in any 1s, for each account"), "{text}");
        let customers = pack
            .spec()
            .operation("customers.create")
            .expect("it is known");
        let text = operation(&Offered {
            pack,
            operation: customers,
        });
        for said in [
            "sent again under its key (remembered for",
            "email",
            "reviewed",
            "https://docs.stripe.com",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}
