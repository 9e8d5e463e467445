//! Parts of an address that stand in the connection's secret: a shop's host, an account's number in the path.

use super::{Secret, SecretError};

/// `{name}` in [`Spec::base_url`](super::Spec::base_url) or in a call's path stands for the secret's field of that
/// name. What the field may hold is so narrow that it cannot lead the call to another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder {
    field: &'static str,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    HostLabel,
    Id {
        longest: usize,
    },
    /// What the secret may say, and what stands there then.
    Choice(&'static [(&'static str, &'static str)]),
}

/// The longest label of a host name: <https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4>.
const LONGEST_LABEL: usize = 63;

impl Placeholder {
    /// One label of a host name, as in `https://{shop}.example.com`: up to 63 lower-case letters, digits and, between
    /// them, `-`.
    pub const fn host(field: &'static str) -> Self {
        let rule = Rule::HostLabel;
        Self { field, rule }
    }

    /// An identifier, as in `/accounts/{account_sid}/messages`: 1 to `longest` ASCII letters, digits, `_` and `-`.
    pub const fn id(field: &'static str, longest: usize) -> Self {
        let rule = Rule::Id { longest };
        Self { field, rule }
    }

    /// One of a few, as in `https://{region}.example.com`: what the secret's field may say, and what stands there then. A
    /// secret without the field means the first.
    ///
    /// # Panics
    /// At compile time, where there is nothing to choose from.
    pub const fn choice(
        field: &'static str,
        choices: &'static [(&'static str, &'static str)],
    ) -> Self {
        assert!(!choices.is_empty(), "there is a first one");
        let rule = Rule::Choice(choices);
        Self { field, rule }
    }

    /// Whether it makes a host of the account's own.
    pub const fn is_host(&self) -> bool {
        matches!(self.rule, Rule::HostLabel)
    }

    /// Whether a secret may lack the field.
    pub const fn is_optional(&self) -> bool {
        matches!(self.rule, Rule::Choice(_))
    }

    /// The secret's field, and the name between the braces.
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// `template` with the secret's value in every place where it has this placeholder.
    ///
    /// # Errors
    /// When the secret lacks the field, or holds something there that the rule does not allow.
    pub fn fill(&self, template: String, secret: &Secret) -> Result<String, SecretError> {
        let mark = format!("{{{}}}", self.field);
        if !template.contains(&mark) {
            return Ok(template);
        }
        let value = match (self.rule, secret.field(self.field)) {
            (Rule::Choice([(first, _), ..]), Err(_)) => first,
            (_, said) => said?,
        };
        let text = self.rule.text_for(value);
        let text = text.ok_or(SecretError::NotAnAddress(self.field))?;
        Ok(template.replace(&mark, text))
    }
}

impl Rule {
    /// What stands in the address for the secret's `value`; none where the rule does not allow it.
    fn text_for(self, value: &str) -> Option<&str> {
        let bytes = value.as_bytes();
        let is_allowed = match self {
            Self::HostLabel => {
                let is_good = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
                (1..=LONGEST_LABEL).contains(&bytes.len())
                    && bytes.iter().all(is_good)
                    && !value.starts_with('-')
                    && !value.ends_with('-')
            }
            Self::Id { longest } => {
                let is_good =
                    |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                (1..=longest).contains(&bytes.len()) && bytes.iter().all(is_good)
            }
            Self::Choice(choices) => {
                let chosen = choices.iter().find(|(choice, _)| *choice == value);
                return chosen.map(|(_, text)| *text);
            }
        };
        is_allowed.then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(
        placeholder: Placeholder,
        template: &str,
        value: &str,
    ) -> Result<String, SecretError> {
        let text = serde_json::json!({"shop": value}).to_string();
        let secret = Secret::parse(&text).expect("an object of strings");
        placeholder.fill(template.to_owned(), &secret)
    }

    #[test]
    fn the_secrets_value_takes_its_place() {
        let host = Placeholder::host("shop");
        let template = "https://{shop}.example.com";
        assert_eq!(
            filled(host, template, "ada-1").as_deref(),
            Ok("https://ada-1.example.com")
        );
        assert_eq!(filled(host, "/v1/{id}", "Ada").as_deref(), Ok("/v1/{id}"));
        let id = Placeholder::id("shop", 4);
        assert_eq!(
            filled(id, "/a/{shop}/b", "A_-9").as_deref(),
            Ok("/a/A_-9/b")
        );
    }

    #[test]
    fn a_choice_has_a_first_one_and_knows_no_others() {
        const HOST: Placeholder = Placeholder::choice("shop", &[("us", "api"), ("eu", "api.eu")]);
        let (template, absent) = ("https://{shop}.example.com", Secret::default());
        let first = HOST.fill(template.to_owned(), &absent);
        assert_eq!(first.as_deref(), Ok("https://api.example.com"));
        let other = filled(HOST, template, "eu");
        assert_eq!(other.as_deref(), Ok("https://api.eu.example.com"));
        for bad in ["", "EU", "api.eu", "evil.example/"] {
            let refused = filled(HOST, template, bad);
            assert_eq!(refused, Err(SecretError::NotAnAddress("shop")), "{bad}");
        }
    }

    #[test]
    fn no_value_leads_to_another_place() {
        let long = "a".repeat(64);
        let hosts = [
            "",
            "-a",
            "a-",
            "A",
            "a.b",
            "evil.example/",
            "evil#",
            "evil?",
            "a@b",
            "a:1",
            "é",
            &long,
        ];
        for bad in hosts {
            let refused = filled(Placeholder::host("shop"), "https://{shop}.example.com", bad);
            assert_eq!(refused, Err(SecretError::NotAnAddress("shop")), "{bad}");
        }
        for bad in ["", "..", "a/b", "a%2Fb", "abcde", "a b", "{shop}"] {
            let refused = filled(Placeholder::id("shop", 4), "/{shop}", bad);
            assert_eq!(refused, Err(SecretError::NotAnAddress("shop")), "{bad}");
        }
        let none = Placeholder::host("shop").fill("{shop}".into(), &Secret::default());
        assert_eq!(none, Err(SecretError::Missing("shop")));
    }
}
