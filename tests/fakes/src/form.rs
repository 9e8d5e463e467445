//! Stripe's form encoding: `metadata[order]=1712&preferred_locales[0]=en`.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

/// A decoded form: names with their brackets, values decoded, sorted by name so that two forms with
/// the same parameters are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form(Vec<(String, String)>);

/// Names and values of a form or a query, decoded, in their order.
pub(crate) fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    encoded
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = at.map_or((pair, &pair[pair.len()..]), |at| {
                (&pair[..at], &pair[at + 1..])
            });
            (decode(name), decode(value))
        })
        .collect()
}

impl Form {
    /// Decodes a body of type `application/x-www-form-urlencoded`; parts that are no UTF-8 are replaced.
    pub(crate) fn decode(body: &[u8]) -> Self {
        let mut pairs = pairs(body);
        pairs.sort();
        Self(pairs)
    }

    /// What a JSON body's texts would be as a form.
    pub(crate) fn of(fields: &Map<String, Value>) -> Self {
        let texts = fields.iter();
        let texts = texts.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.into())));
        Self(texts.collect())
    }

    /// The value of a plain parameter; an empty one counts as not given, as at Stripe.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(have, _)| have == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The entries of a map parameter: `map("metadata")` of `metadata[a]=b` is `a: b`.
    pub(crate) fn map(&self, name: &str) -> BTreeMap<String, String> {
        self.0
            .iter()
            .filter_map(|(have, value)| {
                let key = have
                    .strip_prefix(name)?
                    .strip_prefix('[')?
                    .strip_suffix(']')?;
                Some((key.to_owned(), value.clone()))
            })
            .collect()
    }

    /// The top-level names: `metadata` for `metadata[a]`.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .map(|(name, _)| name.split('[').next().unwrap_or(name))
    }
}

fn decode(part: &[u8]) -> String {
    let spaced: Vec<u8> = part
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_make_maps_whether_they_are_encoded_or_not() {
        let form = Form::decode(
            b"email=a%40b.c&metadata[k]=v+w&metadata%5Bl%5D=x&preferred_locales[0]=en&name=",
        );
        assert_eq!(form.get("email"), Some("a@b.c"));
        assert_eq!(form.get("name"), None, "an empty value is not given");
        let metadata: Vec<_> = form.map("metadata").into_iter().collect();
        assert_eq!(
            metadata,
            [("k".into(), "v w".into()), ("l".into(), "x".into())]
        );
        assert!(form.roots().any(|root| root == "preferred_locales"));
    }

    #[test]
    fn order_of_parameters_does_not_matter() {
        assert_eq!(Form::decode(b"a=1&b=2"), Form::decode(b"b=2&a=1"));
        assert_ne!(Form::decode(b"a=1&b=2"), Form::decode(b"a=1&b=3"));
    }
}
