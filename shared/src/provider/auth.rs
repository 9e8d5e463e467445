//! Credentials of a connection, and how a vendor wants to be shown them.

use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderName, HeaderValue};

use super::Wire;

/// The fields of a connection's secret.
///
/// `Debug` prints field names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(BTreeMap<String, String>);

/// A secret that does not hold what the scheme needs. The text names the field, never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The secret is no JSON object of strings.
    #[error("the secret must be a JSON object whose values are strings")]
    NotAnObject,
    /// A field is missing.
    #[error("the secret has no field `{0}`")]
    Missing(&'static str),
    /// A field's value cannot stand in an HTTP header.
    #[error("the secret's field `{0}` holds characters that no HTTP header may carry")]
    NotAHeader(&'static str),
}

impl Secret {
    /// Reads the JSON text stored in the secret.
    ///
    /// # Errors
    /// When it is no JSON object of strings.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        serde_json::from_str(text)
            .map(Self)
            .map_err(|_| SecretError::NotAnObject)
    }

    fn field(&self, name: &'static str) -> Result<&str, SecretError> {
        self.0
            .get(name)
            .map(String::as_str)
            .ok_or(SecretError::Missing(name))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How the vendor is shown the credentials. Field names are those of the connection's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer <field>`.
    Bearer {
        /// The secret's field that holds the token.
        field: &'static str,
    },
    /// A header of the vendor's own, the bare value in it.
    Header {
        /// The header's name, in lower case.
        name: &'static str,
        /// The secret's field that holds the key.
        field: &'static str,
    },
}

impl Auth {
    /// Adds the credentials to `wire`.
    ///
    /// # Errors
    /// When the secret lacks a field, or its value cannot stand in a header.
    pub fn apply(self, secret: &Secret, wire: &mut Wire) -> Result<(), SecretError> {
        let (name, field, text) = match self {
            Self::Bearer { field } => (
                http::header::AUTHORIZATION,
                field,
                format!("Bearer {}", secret.field(field)?),
            ),
            Self::Header { name, field } => (
                HeaderName::from_static(name),
                field,
                secret.field(field)?.to_owned(),
            ),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| SecretError::NotAHeader(field))?;
        value.set_sensitive(true);
        wire.headers.insert(name, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_its_field_names_and_never_its_values() {
        let secret = Secret::parse(r#"{"api_key":"sk_live_1"}"#).expect("an object of strings");
        assert_eq!(format!("{secret:?}"), r#"{"api_key"}"#);
    }

    #[test]
    fn a_missing_or_unusable_field_is_named() {
        let secret = Secret::parse(r#"{"token":"a\nb"}"#).expect("an object of strings");
        let mut wire = Wire::post("/");
        assert_eq!(
            Auth::Bearer { field: "api_key" }.apply(&secret, &mut wire),
            Err(SecretError::Missing("api_key"))
        );
        assert_eq!(
            Auth::Header {
                name: "x-token",
                field: "token"
            }
            .apply(&secret, &mut wire),
            Err(SecretError::NotAHeader("token"))
        );
    }
}
