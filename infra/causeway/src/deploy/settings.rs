//! `samconfig.toml`: what each environment deploys.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::error::Error;

/// The option of the SAM CLI that holds a stack's parameters.
const OVERRIDES: &str = "parameter_overrides";

/// The section of an environment that all of the SAM CLI's commands read, so that a build and a deployment agree.
const FOR_ALL: &str = "global";

/// One environment: a stack and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// The stack's name.
    pub stack: String,
    /// What it says of the parameters; the others have the template's defaults.
    pub overrides: BTreeMap<String, String>,
}

impl Environment {
    /// The environment `name` of the file's `text`.
    ///
    /// # Errors
    /// When the text is no TOML, has no such environment, or says parameters in two places.
    pub fn read(text: &str, name: &str) -> Result<Self, Error> {
        let file: Table = text
            .parse()
            .map_err(|error| Error::usage(format!("samconfig.toml: {error}")))?;
        let section = |verb: &str| file.get(name)?.get(verb)?.get("parameters")?.as_table();
        let all = section(FOR_ALL).ok_or_else(|| {
            let known = file.iter().filter(|(_, value)| value.is_table());
            let known: Vec<_> = known.map(|(name, _)| name.as_str()).collect();
            Error::usage(format!("samconfig.toml has no environment `{name}`"))
                .hint(format!("there are: {}", known.join(", ")))
        })?;
        for verb in ["build", "deploy"] {
            if section(verb).is_some_and(|own| own.contains_key(OVERRIDES)) {
                return Err(Error::usage(format!(
                    "samconfig.toml: [{name}.{verb}.parameters] has {OVERRIDES} of its own"
                ))
                .hint(format!(
                    "say them in [{name}.global.parameters] alone: built and deployed must be the same"
                )));
            }
        }
        let stack = all.get("stack_name").and_then(Value::as_str);
        let stack = stack.ok_or_else(|| {
            Error::usage(format!(
                "samconfig.toml: [{name}.global.parameters] has no stack_name"
            ))
        })?;
        Ok(Self {
            name: name.to_owned(),
            stack: stack.to_owned(),
            overrides: overrides(all.get(OVERRIDES))?,
        })
    }
}

/// `Name=value`, as a list or in one string with spaces between.
fn overrides(value: Option<&Value>) -> Result<BTreeMap<String, String>, Error> {
    let items: Vec<&str> = match value {
        None => Vec::new(),
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(_) => {
            let text = format!("samconfig.toml: {OVERRIDES} is neither list nor text");
            return Err(Error::usage(text));
        }
    };
    let pair = |item: &str| {
        let (name, value) = item.split_once('=').ok_or_else(|| {
            Error::usage(format!("samconfig.toml: {OVERRIDES}: `{item}` has no `=`"))
        })?;
        Ok((name.to_owned(), value.trim_matches('"').to_owned()))
    };
    items.into_iter().map(pair).collect()
}

/// The file's `text` with `name=value` among the environment's parameters, everything else as it is written.
///
/// # Errors
/// When the environment's parameters are no list with a line each.
pub fn with_override(
    text: &str,
    environment: &str,
    name: &str,
    value: &str,
) -> Result<String, Error> {
    let header = format!("[{environment}.{FOR_ALL}.parameters]");
    let (mut within, mut listed, mut done) = (false, false, false);
    let mut lines = Vec::new();
    for line in text.lines() {
        let bare = line.trim_start();
        if bare.starts_with('[') {
            within = bare.starts_with(&header);
        }
        if within && bare.starts_with(OVERRIDES) {
            listed = bare.trim_end().ends_with('[');
        } else if within && listed && !done {
            let own = bare.starts_with(&format!("\"{name}="));
            if own || bare.starts_with(']') {
                let rest = line.rsplit_once("\",").map_or("", |(_, rest)| rest);
                let comment = rest.split_once('#').filter(|_| own);
                let comment = comment.map_or(String::new(), |(_, why)| format!(" #{why}"));
                lines.push(format!("    \"{name}={value}\",{comment}"));
                done = true;
                if own {
                    continue;
                }
            }
        }
        lines.push(line.to_owned());
    }
    if !done {
        return Err(
            Error::usage(format!("samconfig.toml: {header} has no list {OVERRIDES}"))
                .hint(format!("write there: {OVERRIDES} = [ and a line for each")),
        );
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"version = 0.1

[default.global.parameters]
stack_name = "causeway"

[prod.global.parameters]
stack_name = "causeway-prod"
parameter_overrides = [
    "Lanes=Stripe,Slack", # both
    "LogLevel=info",
]

[text.global.parameters]
stack_name = "t"
parameter_overrides = "Lanes=Xero AlertEmail=\"\""

[twice.global.parameters]
stack_name = "t"

[twice.deploy.parameters]
parameter_overrides = "Lanes=Xero"
"#;

    #[test]
    fn an_environment_is_a_stack_and_its_parameters() {
        let prod = Environment::read(FILE, "prod").expect("it is there");
        assert_eq!(prod.stack, "causeway-prod");
        assert_eq!(prod.overrides["Lanes"], "Stripe,Slack");
        let text = Environment::read(FILE, "text").expect("it is there");
        assert_eq!(text.overrides["AlertEmail"], "");
        let bare = Environment::read(FILE, "default").expect("it is there");
        assert!(bare.overrides.is_empty());
        let none = Environment::read(FILE, "prd").expect_err("a slip");
        assert!(
            none.to_string().contains("default, prod, text, twice"),
            "{none}"
        );
        let twice = Environment::read(FILE, "twice").expect_err("two places");
        assert!(twice.to_string().contains("[twice.deploy.parameters]"));
    }

    #[test]
    fn one_parameter_is_written_and_every_other_line_stays() {
        let changed = with_override(FILE, "prod", "Lanes", "Slack").expect("a list");
        let expected = FILE.replace("\"Lanes=Stripe,Slack\", # both", "\"Lanes=Slack\", # both");
        assert_eq!(changed, expected);
        let added = with_override(FILE, "prod", "KeptLanes", "Stripe").expect("a list");
        let line = "    \"LogLevel=info\",\n    \"KeptLanes=Stripe\",\n]";
        assert!(added.contains(line), "{added}");
        for environment in ["default", "text"] {
            let error = with_override(FILE, environment, "Lanes", "Xero");
            assert!(error.is_err(), "{environment} has no list");
        }
    }
}
