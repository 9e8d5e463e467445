//! `PROVIDER[/CONNECTION]`, as commands take it.

use std::fmt;
use std::str::FromStr;

use causeway::breaker::Scope;
use causeway::provider::{Provider, Spec};
use causeway::request::{InvalidName, Name};
use causeway_ingest::catalogue;

use crate::error::Error;
use crate::stack::Stack;

/// A provider, or one connection of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The provider.
    pub provider: Name,
    /// The connection, where one is named.
    pub connection: Option<Name>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = |what: &str, text: &str| {
            let name = name(text);
            name.map_err(|rule| format!("the {what} {rule}"))
        };
        let (provider, connection) = match text.split_once('/') {
            None => (text, None),
            Some((provider, connection)) => (provider, Some(name("connection", connection)?)),
        };
        Ok(Self {
            provider: name("provider", provider)?,
            connection,
        })
    }
}

impl Target {
    /// Of this stack's lane: the provider by the name that requests and keys have, where the lane's own was given.
    ///
    /// # Errors
    /// When it is not deployed.
    pub fn deployed(&self, stack: &Stack) -> Result<Self, Error> {
        let lane = stack.lane(self.provider.as_str())?;
        let provider = Name::try_from(lane.provider.clone());
        let provider =
            provider.map_err(|rule| Error::new(format!("the lane's provider {rule}")))?;
        Ok(Self {
            provider,
            connection: self.connection.clone(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.provider.as_str())?;
        match &self.connection {
            Some(connection) => write!(f, "/{}", connection.as_str()),
            None => Ok(()),
        }
    }
}

/// Reads a provider's or connection's name: for clap.
///
/// # Errors
/// When it cannot be one.
pub fn name(text: &str) -> Result<Name, InvalidName> {
    Name::try_from(text.to_owned())
}

/// What this release knows of a provider; none of one that a newer release deployed.
#[must_use]
pub fn spec(provider: &str) -> Option<&'static Spec> {
    catalogue::provider(provider).map(Provider::spec)
}

/// Whom a provider's breakers stand for; of one that this release does not know, all its connections together, as is
/// the default.
#[must_use]
pub fn breaker_scope(provider: &str) -> Scope {
    spec(provider).map_or(Scope::Provider, |spec| spec.breaker.scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_provider_with_or_without_a_connection() {
        let both: Target = "stripe/berlin-1".parse().expect("both");
        assert_eq!(both.connection.as_ref().map(Name::as_str), Some("berlin-1"));
        assert_eq!(both.to_string(), "stripe/berlin-1");
        let one: Target = "stripe".parse().expect("one");
        assert_eq!(one.connection, None);
        let wrong = "stripe/a#b".parse::<Target>().expect_err("a wrong name");
        assert!(
            wrong.starts_with("the connection must be 1 to 64"),
            "{wrong}"
        );
        assert!("stripe/".parse::<Target>().is_err());
        assert!("/x".parse::<Target>().is_err());
    }
}
