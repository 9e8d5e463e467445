//! A connection's secret, from a file or standard input: never from the command line, which shells keep and processes show.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use causeway::provider::{Provider, Secret, Spec};
use causeway_ingest::catalogue;
use clap::Args;
use serde::Serialize;

use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Stack;
use crate::target::Target;
use crate::text::CommandLine;

/// The longest secret that Secrets Manager keeps, in bytes.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
const SECRET_MAX: u64 = 65_536;

/// Make a connection's secret.
///
/// The secret is a JSON object of texts; `causeway providers PROVIDER` names its fields. One that lacks a field, has an
/// unknown one or holds what cannot stand where it belongs is refused.
#[derive(Args, Debug)]
pub struct Add {
    /// The connection; `default` where none is named.
    #[arg(value_name = "PROVIDER[/CONNECTION]")]
    target: Target,
    /// The file that holds it; standard input otherwise.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Put it in the place of one that there is.
    #[arg(long)]
    replace: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Added {
    provider: String,
    connection: String,
    /// The secret's name.
    secret: String,
    /// The names of its fields.
    fields: Vec<String>,
    /// Whether there was one before.
    replaced: bool,
}

/// Makes the secret.
///
/// # Errors
/// When it cannot be what its provider wants, there is one already, or AWS refuses.
pub async fn run(add: &Add, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let provider = stack.lane(add.target.provider.as_str())?.provider.clone();
    let connection = super::connection(&add.target);
    let spec = catalogue::pack(&provider)
        .map(Provider::spec)
        .ok_or_else(|| {
            Error::new(format!("this release does not know {provider}"))
                .hint("use the command of the release that is deployed")
        })?;
    let text = read(add.from.as_deref())?;
    let fields = checked(spec, &text)?;
    let name = stack.secret(&provider, &connection);
    let replaced = put(&Client::new(&stack.config), &name, &text, add.replace).await?;
    let added = Added {
        provider,
        connection,
        secret: name,
        fields,
        replaced,
    };
    if context.global.json {
        output::json(Kind::ConnectionAdded, &added)?;
    } else {
        output::line(&added.text())?;
    }
    Ok(Done::All)
}

impl Added {
    fn text(&self) -> String {
        let verb = if self.replaced { "replaced" } else { "made" };
        let fields = self.fields.join(", ");
        let target = format!("{}/{}", self.provider, self.connection);
        let test = CommandLine::new("connection test").argument(&target);
        format!("{}: {verb}, with {fields}\nNext: {test}", self.secret)
    }
}

fn read(from: Option<&Path>) -> Result<String, Error> {
    let name = from.map_or("standard input".to_owned(), |path| {
        path.display().to_string()
    });
    let failed = || Error::io(format!("read {name}"));
    let input: Box<dyn Read> = match from {
        Some(path) => Box::new(File::open(path).map_err(failed())?),
        None if io::stdin().is_terminal() => {
            return Err(Error::usage(
                "the secret is read from --from FILE, or from standard input",
            )
            .hint("not typed here: a terminal would show it"));
        }
        None => Box::new(io::stdin()),
    };
    let mut text = String::new();
    let read = input.take(SECRET_MAX + 1).read_to_string(&mut text);
    read.map_err(failed())?;
    if text.len() as u64 > SECRET_MAX {
        return Err(Error::usage(format!(
            "{name}: a secret has at most {SECRET_MAX} bytes"
        )));
    }
    Ok(text)
}

/// The names of the fields of `text`, where it is what a connection of the provider wants. No value is ever told.
fn checked(spec: &Spec, text: &str) -> Result<Vec<String>, Error> {
    let no_object = || Error::usage("the secret must be a JSON object whose values are texts");
    let fields: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| no_object())?;
    let has = |name: &&str| fields.contains_key(*name);
    let ways = spec.secret_fields();
    // As lanes choose: the way that has most of its fields there, then the one that lacks fewest.
    let fit = |way: &&Vec<&str>| {
        let there = way.iter().filter(|name| has(name)).count();
        (std::cmp::Reverse(there), way.len() - there)
    };
    let way = ways.iter().min_by_key(fit).cloned().unwrap_or_default();
    let is_optional = |name: &str| {
        spec.placeholders
            .iter()
            .any(|one| one.field() == name && one.is_optional())
    };
    let missing = way.iter().filter(|name| !has(name) && !is_optional(name));
    let missing: Vec<_> = missing.map(|name| format!("`{name}` is missing")).collect();
    let unknown = fields.keys().filter(|name| !way.contains(&name.as_str()));
    let unknown: Vec<_> = unknown.map(|name| format!("`{name}` is unknown")).collect();
    let empty = fields.iter().filter(|(_, value)| value.trim().is_empty());
    let empty: Vec<_> = empty
        .map(|(name, _)| format!("`{name}` is empty"))
        .collect();
    let wrong = [missing, unknown, empty].concat();
    if !wrong.is_empty() {
        let told: Vec<_> = ways.iter().map(|way| way.join(", ")).collect();
        return Err(
            Error::usage(format!("the secret's fields: {}", wrong.join(", "))).hint(format!(
                "{} wants {}",
                spec.name,
                told.join("; or ")
            )),
        );
    }
    let secret = Secret::parse(text).map_err(|_| no_object())?;
    usable(spec, &secret)?;
    Ok(fields.into_keys().collect())
}

/// Whether every field can stand where it belongs: in a header, in an address.
fn usable(spec: &Spec, secret: &Secret) -> Result<(), Error> {
    let refused = |error: causeway::provider::SecretError| Error::usage(error.to_string());
    spec.auth.check(secret).map_err(refused)?;
    let all = spec.placeholders.iter();
    let template: String = all.map(|one| format!("{{{}}}", one.field())).collect();
    spec.fill(template, secret).map_err(refused)?;
    Ok(())
}

/// Makes the secret, or replaces it where that is asked for; whether it did.
async fn put(client: &Client, name: &str, text: &str, replace: bool) -> Result<bool, Error> {
    let created = client.create_secret().name(name).secret_string(text);
    let error = match created.send().await {
        Ok(_) => return Ok(false),
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(CreateSecretError::ResourceExistsException(_)) if replace => {}
        Some(CreateSecretError::ResourceExistsException(_)) => {
            return Err(Error::usage(format!("there is a secret {name} already"))
                .hint("--replace puts this one in its place"));
        }
        // Its name is taken until it is gone.
        // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
        Some(CreateSecretError::InvalidRequestException(_)) => {
            return Err(Error::aws("make the secret")(error).hint(format!(
                "where it is scheduled for deletion: aws secretsmanager restore-secret --secret-id {name}"
            )));
        }
        _ => return Err(Error::aws("make the secret")(error)),
    }
    let replaced = client
        .put_secret_value()
        .secret_id(name)
        .secret_string(text);
    replaced
        .send()
        .await
        .map_err(Error::aws("replace the secret"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(provider: &str, secret: &serde_json::Value) -> Result<Vec<String>, Error> {
        let pack = catalogue::pack(provider).expect("a provider");
        checked(pack.spec(), &secret.to_string())
    }

    #[test]
    fn a_secret_with_its_fields_is_taken_in_either_way_of_connecting() {
        let taken = of("stripe", &json!({"api_key": "sk_test_1"})).expect("it is whole");
        assert_eq!(taken, ["api_key"]);
        for way in catalogue::pack("hubspot")
            .expect("it")
            .spec()
            .secret_fields()
        {
            let secret = way.iter().map(|name| ((*name).to_owned(), json!("x1")));
            let secret = serde_json::Value::Object(secret.collect());
            assert!(of("hubspot", &secret).is_ok(), "{way:?}");
        }
    }

    #[test]
    fn fields_that_are_missing_unknown_or_empty_are_named_and_no_value_is() {
        let error = of(
            "twilio",
            &json!({"account_sid": "AC1", "key_sid": "", "token": "hush-hush"}),
        );
        let told = error.expect_err("it is not whole").to_string();
        for named in [
            "`key_secret` is missing",
            "`token` is unknown",
            "`key_sid` is empty",
        ] {
            assert!(told.contains(named), "{named}: {told}");
        }
        assert!(!told.contains("hush"), "{told}");
        for none in ["[]", "hush", r#"{"api_key": 1}"#] {
            let pack = catalogue::pack("stripe").expect("a provider");
            let told = checked(pack.spec(), none).expect_err(none).to_string();
            assert!(
                told.contains("JSON object") && !told.contains("hush"),
                "{told}"
            );
        }
    }

    #[test]
    fn what_cannot_stand_in_a_header_or_an_address_is_refused_before_a_lane_finds_out() {
        let told = of("stripe", &json!({"api_key": "two\nlines"})).expect_err("no header");
        assert!(told.to_string().contains("`api_key`"), "{told}");
        let shop = json!({"shop": "evil.example/x", "access_token": "t"});
        let told = of("shopify", &shop).expect_err("no host");
        assert!(told.to_string().contains("`shop`"), "{told}");
    }
}
