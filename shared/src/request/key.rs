//! Names and keys: what makes two requests the same one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Hash;

/// Longest name of a provider, connection, operation or mapping.
pub const MAX_NAME_LEN: usize = 64;

/// Longest idempotency key, as most vendors have it; provider, connection and key together stay far below
/// DynamoDB's 2048 bytes of a partition key.
const MAX_KEY_LEN: usize = 255;

/// The connection of requests that name none.
const DEFAULT_CONNECTION: &str = "default";

/// A provider's or connection's name: `[A-Za-z0-9._-]{1,64}`, so that it needs no escaping in a ledger key, a
/// secret's name or a path.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// The text is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters, each a letter, a digit, `.`, `_` or `-`")]
pub struct InvalidName;

impl Name {
    /// Whether `text` can be a name. Operations and mappings keep the same pattern.
    pub const fn is_valid(text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if !(bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'.' | b'_' | b'-')) {
                return false;
            }
            at += 1;
        }
        !bytes.is_empty() && bytes.len() <= MAX_NAME_LEN
    }

    /// The connection of requests that name none: `default`.
    pub fn default_connection() -> Self {
        Self(DEFAULT_CONNECTION.to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        if Self::is_valid(&text) {
            Ok(Self(text))
        } else {
            Err(InvalidName)
        }
    }
}

/// What makes a request the same one when it comes again: 1 to 255 printable ASCII characters (0x20 to 0x7E).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdempotencyKey(String);

/// The text is no [`IdempotencyKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 printable ASCII characters")]
pub struct InvalidKey;

impl IdempotencyKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        let is_printable = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        if is_printable && (1..=MAX_KEY_LEN).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(InvalidKey)
        }
    }
}

/// The primary key of a request's record: `provider#connection#key`.
///
/// Names hold no `#`, keys may: only the first two separate.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LedgerKey {
    text: String,
    provider_end: usize,
    connection_end: usize,
}

impl LedgerKey {
    /// The key of what `provider` is asked in `connection`'s name under `key`.
    pub fn new(provider: &Name, connection: &Name, key: &IdempotencyKey) -> Self {
        let provider_end = provider.0.len();
        let connection_end = provider_end + 1 + connection.0.len();
        Self {
            text: format!("{}#{}#{}", provider.0, connection.0, key.0),
            provider_end,
            connection_end,
        }
    }

    /// Reads `provider#connection#key`; none where a part breaks its rule.
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, rest) = text.split_once('#')?;
        let (connection, key) = rest.split_once('#')?;
        Some(Self::new(
            &provider.parse().ok()?,
            &connection.parse().ok()?,
            &key.parse().ok()?,
        ))
    }

    /// The whole key.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whose API is called.
    pub fn provider(&self) -> &str {
        &self.text[..self.provider_end]
    }

    /// Which account there.
    pub fn connection(&self) -> &str {
        &self.text[self.provider_end + 1..self.connection_end]
    }

    /// The idempotency key.
    pub fn key(&self) -> &str {
        &self.text[self.connection_end + 1..]
    }

    /// The key to give the vendor: see [`vendor_key`].
    pub fn vendor_key(&self, series: u32) -> String {
        vendor_key(&self.text, series)
    }
}

impl fmt::Display for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The idempotency key that the vendor gets: `cw-` and 40 hexadecimal digits of the SHA-256 of
/// `<ledger key>#<series>`.
///
/// 43 characters, since some vendors take no more than 45; 160 bits of a hash collide for nobody. `series` counts
/// from 1 and advances only when all before ended without effect.
pub fn vendor_key(ledger_key: &str, series: u32) -> String {
    let hash = Hash::of(format!("{ledger_key}#{series}").as_bytes());
    format!("cw-{}", &hash.as_str()[..40])
}

/// What a request asks for, field by field as the hashes see it; absent fields are left out.
#[derive(Serialize)]
pub(super) struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mapping: Option<&'a str>,
    pub(super) operation: &'a str,
    pub(super) payload: &'a Value,
}

/// What a derived key is derived from: the content, for whom, and when the producer made it (its own text: two
/// spellings of one moment are two requests).
#[derive(Serialize)]
pub(super) struct Identity<'a> {
    pub(super) connection: &'a str,
    pub(super) created_at: &'a str,
    pub(super) provider: &'a str,
    #[serde(flatten)]
    pub(super) content: Content<'a>,
}

impl Identity<'_> {
    /// The key of a request that names none: the same request sent twice is still one.
    pub(super) fn derived_key(&self) -> Result<IdempotencyKey, serde_json::Error> {
        Ok(IdempotencyKey(Hash::of_json(self)?.as_str().to_owned()))
    }
}

macro_rules! text {
    ($($type:ident or $error:ident),*) => {$(
        impl FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                text.to_owned().try_into()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.0
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text!(Name or InvalidName, IdempotencyKey or InvalidKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_1_to_64_letters_digits_dots_underscores_and_dashes() {
        for text in ["a", "stripe", "Acct_1.eu-west", &"x".repeat(64)] {
            assert!(text.parse::<Name>().is_ok(), "{text}");
        }
        for text in ["", "a b", "a#b", "a/b", "é", "a\n", &"x".repeat(65)] {
            assert_eq!(text.parse::<Name>(), Err(InvalidName), "{text}");
        }
    }

    #[test]
    fn keys_are_1_to_255_printable_ascii_characters() {
        for text in [" ", "~", "order-1712", "a#b#c/%", &"k".repeat(255)] {
            assert!(text.parse::<IdempotencyKey>().is_ok(), "{text}");
        }
        for text in ["", "\t", "\u{7f}", "é", &"k".repeat(256)] {
            assert_eq!(text.parse::<IdempotencyKey>(), Err(InvalidKey), "{text}");
        }
    }

    #[test]
    fn only_the_first_two_hashes_of_a_ledger_key_separate() {
        let key = LedgerKey::parse("stripe#default#order#1712#").expect("a ledger key");
        assert_eq!(
            (key.provider(), key.connection(), key.key()),
            ("stripe", "default", "order#1712#")
        );
        assert_eq!(key.as_str(), "stripe#default#order#1712#");
        for text in [
            "",
            "stripe",
            "stripe#default",
            "stripe#default#",
            "#default#k",
            "stripe##k",
            "stripe#d e#k",
        ] {
            assert_eq!(LedgerKey::parse(text), None, "{text}");
        }
    }

    /// Computed by `printf '%s' 'stripe#default#order-1#1' | sha256sum`: a changed vendor key would repeat
    /// every request that was under way when it changed.
    #[test]
    fn a_vendor_key_is_fixed_for_ever_and_short_enough_for_everyone() {
        assert_eq!(
            vendor_key("stripe#default#order-1", 1),
            "cw-77909c7172ba29dc8a4de76361139c139a59f441"
        );
        assert_eq!(
            vendor_key("stripe#default#order-1", 2),
            "cw-e0f76d6443e732381df71619f5b7bef8dcd1a574"
        );
        assert!(vendor_key(&"x".repeat(500), u32::MAX).len() <= 45);
    }

    #[test]
    fn names_keep_their_rule_when_they_are_deserialized() {
        assert!(serde_json::from_str::<Name>("\"a b\"").is_err());
        assert!(serde_json::from_str::<IdempotencyKey>("\"\"").is_err());
        assert_eq!(
            serde_json::to_string(&Name::default_connection()).expect("JSON"),
            "\"default\""
        );
    }
}
