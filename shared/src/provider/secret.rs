//! What a connection's credentials are made of: the secret that a person keeps, and the tokens it is exchanged for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of a SHA-256 that tell two secrets apart: 8 bytes are 16 hex digits, and two of a thousand versions of one
/// secret collide with a chance of one in 10^13.
const FINGERPRINT_BYTES: usize = 8;

/// Fields that are told apart by themselves: of which token and of which client a secret is.
const PRINTED: [&str; 2] = ["refresh_token", "client_id"];

/// The fields of a connection's secret. Clones share them.
///
/// `Debug` prints field names only.
#[derive(Clone, Default)]
pub struct Secret(Arc<Kept>);

#[derive(Default)]
struct Kept {
    fields: BTreeMap<String, String>,
    /// Made once: every call asks for them.
    prints: OnceLock<[String; 3]>,
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.fields == other.0.fields
    }
}

impl Eq for Secret {}

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
    /// A field's value cannot stand in the address that it belongs into.
    #[error("the secret's field `{0}` holds something that cannot stand in an address")]
    NotAnAddress(&'static str),
    /// The credentials belong into a JSON body, and the call has none.
    #[error("the credentials belong into the body's field `{0}`, and the body is no JSON object")]
    NoBody(&'static str),
    /// The scheme shows a token, and there is none.
    #[error("the scheme needs an access token, and none was obtained")]
    NoToken,
}

impl Secret {
    /// Reads the JSON text stored in the secret.
    ///
    /// # Errors
    /// When it is no JSON object of strings.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let fields = serde_json::from_str(text).map_err(|_| SecretError::NotAnObject)?;
        let prints = OnceLock::new();
        Ok(Self(Arc::new(Kept { fields, prints })))
    }

    /// The value of one field.
    ///
    /// # Errors
    /// When the secret has no such field.
    pub fn field(&self, name: &'static str) -> Result<&str, SecretError> {
        let fields = &self.0.fields;
        fields
            .get(name)
            .map(String::as_str)
            .ok_or(SecretError::Missing(name))
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.0.fields.contains_key(name)
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let fields = self
            .0
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len());
        fields.map(|text| text + 2 * size_of::<String>()).sum()
    }

    /// Tells this secret from others without showing it: 16 hex digits of the SHA-256 of its fields. Spaces and the
    /// order of fields in the stored text make no difference.
    pub fn fingerprint(&self) -> String {
        print(self.0.fields.iter())
    }

    /// [`fingerprint`](Self::fingerprint) of one field alone; of nothing where there is no such field.
    pub fn fingerprint_of(&self, name: &str) -> String {
        print(self.0.fields.get_key_value(name).into_iter())
    }

    /// The fingerprints of all fields, of `refresh_token` and of `client_id`.
    pub(crate) fn prints(&self) -> &[String; 3] {
        self.0.prints.get_or_init(|| {
            let [token, client] = PRINTED.map(|name| self.fingerprint_of(name));
            [self.fingerprint(), token, client]
        })
    }
}

fn print<'a>(fields: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let mut hasher = Sha256::new();
    for part in fields.flat_map(|(name, value)| [name, value]) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    digest
        .iter()
        .take(FINGERPRINT_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.fields.keys()).finish()
    }
}

/// A token that a vendor gave: an access token, or a refresh token. It is serialised into the state store and nowhere
/// else; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A token with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the call that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// What a call shows the vendor.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The connection's secret.
    pub secret: &'a Secret,
    /// The access token, where the scheme has one.
    pub token: Option<&'a Token>,
}

impl<'a> From<&'a Secret> for Shown<'a> {
    fn from(secret: &'a Secret) -> Self {
        Self {
            secret,
            token: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::parse(text).expect("an object of strings")
    }

    #[test]
    fn a_secret_shows_its_field_names_and_never_its_values() {
        let secret = secret(r#"{"api_key":"sk_live_1"}"#);
        assert_eq!(format!("{secret:?}"), r#"{"api_key"}"#);
    }

    #[test]
    fn a_token_shows_nothing() {
        let token = Token::new("eyJhbGciOi");
        let shown = Shown {
            secret: &secret(r#"{"client_secret":"s3cret"}"#),
            token: Some(&token),
        };
        let printed = format!("{token:?} {shown:?}");
        assert!(!printed.contains("eyJ") && !printed.contains("s3cret"));
    }

    #[test]
    fn a_fingerprint_tells_values_apart_and_ignores_layout() {
        let one = secret(r#"{"a":"1","b":"2"}"#);
        assert_eq!(
            one.fingerprint(),
            secret(r#"{ "b": "2", "a": "1" }"#).fingerprint()
        );
        assert_eq!(one.fingerprint().len(), 16);
        for other in [r#"{"a":"1","b":"3"}"#, r#"{"a":"1b2"}"#, r#"{"a":"1"}"#] {
            assert_ne!(one.fingerprint(), secret(other).fingerprint(), "{other}");
        }
        assert_eq!(
            one.fingerprint_of("a"),
            secret(r#"{"a":"1"}"#).fingerprint()
        );
        assert_ne!(one.fingerprint_of("a"), one.fingerprint_of("none"));
    }
}
