//! Whether what a source field has can be what a target field takes, whatever the two are called.

use serde_json::Value;

use super::convert;
use super::enums;
use super::forms::Form;
use super::score::{Scores, alike_forms};
use super::vocabulary::OTHERS;

/// The same where each is held against a list's words: enough to tell.
const MAX_CONVERTED: usize = 12;

/// Longest list of allowed values that a value is brought into by its words: a longer one is a code's.
const MAX_LISTED: usize = 60;

/// What ids are called that another system gave.
const FOREIGN: &[&str] = &[
    "external",
    "unique",
    "reference",
    "merchant",
    "foreign",
    "customer",
    "tax",
    "vat",
    "crm",
    "custom",
    "document",
];

/// What a field is called that takes an id.
const IDS: &[&str] = &[
    "id",
    "key",
    "reference",
    "external",
    "unique",
    "handle",
    "uuid",
];

/// What is left of a score by each role.
const ROLES: [f64; 7] = [0.68, 0.4, 0.4, 0.85, 0.7, 0.6, 0.85];

/// How far two fields fit, by what.
pub(super) struct Fit {
    pub forms: f64,
    pub types: f64,
    pub pattern: f64,
    pub list: f64,
    pub roles: [bool; 7],
}

impl Fit {
    pub fn share(&self) -> f64 {
        let roles = ROLES.iter().zip(self.roles).filter(|(_, is)| *is);
        roles.map(|(share, _)| share).product::<f64>()
            * self.forms
            * self.types
            * self.pattern
            * self.list
    }
}

impl Scores<'_> {
    /// Whether what the source has can be what the target takes: 1 where it is, 0 where it never is.
    pub(super) fn fit(&self, target: usize, source: usize) -> Fit {
        let (wanted, given) = (&self.targets[target], &self.sources[source]);
        let (want, give) = (wanted.kind.types, given.kind.types);
        let nothing = Fit {
            forms: 1.0,
            types: 1.0,
            pattern: 1.0,
            list: 1.0,
            roles: [false; 7],
        };
        if want.unknown() || give.unknown() {
            return Fit {
                types: 0.95,
                roles: self.roles(target, source),
                ..nothing
            };
        }
        if want.object && !want.scalar() || give.object && !give.scalar() {
            let both = want.object && give.object;
            return Fit {
                types: f64::from(u8::from(both)),
                ..nothing
            };
        }
        let forms = self.forms_fit(target, source);
        let types = match () {
            () if want.text && give.text
                || want.numeric() && give.numeric()
                || want.boolean && give.boolean =>
            {
                1.0
            }
            () if want.text && give.numeric() => 0.92,
            () if want.text => 0.6,
            () if want.numeric() && give.text => match self.source.forms[source] {
                Form::Number | Form::Time(_) => 0.95,
                _ => 0.3,
            },
            () if want.boolean && self.source.forms[source] == Form::Truth => 0.9,
            () if want.boolean => 0.35,
            () => 0.3,
        };
        Fit {
            forms,
            types,
            pattern: self.pattern_fit(target, source),
            list: self.list_fit(target, source),
            roles: self.roles(target, source),
        }
    }

    fn forms_fit(&self, target: usize, source: usize) -> f64 {
        let (wanted, given) = (&self.target.forms[target], &self.source.forms[source]);
        match (wanted, given) {
            (a, b) if alike_forms(a, b) => 1.0,
            (Form::Text, Form::Truth) if !self.targets[target].allowed.is_empty() => 1.0,
            (Form::Text | Form::Unknown, Form::Truth) => 0.7,
            (
                Form::Text | Form::Unknown,
                Form::Time(_) | Form::Email | Form::Url | Form::Phone | Form::Zone,
            ) => 0.9,
            (Form::Text | Form::Unknown, _) | (_, Form::Unknown) => 1.0,
            (Form::Time(_), Form::Number) if self.sources[source].kind.types.text => 0.1,
            (Form::Phone, Form::Text) if !self.sources[source].values().is_empty() => 0.5,
            // Text of which no value is known may be anything.
            (Form::Truth, Form::Text) => 0.6,
            (_, Form::Text) if self.sources[source].values().is_empty() => 0.9,
            (Form::Country | Form::Language | Form::Currency | Form::Phone, Form::Text) => 0.8,
            (Form::Time(_), Form::Number) | (Form::Number, Form::Time(_)) => 0.4,
            (Form::Number, Form::Text) => 0.5,
            _ => 0.35,
        }
    }

    /// What is chosen from a list is met by what can be brought into it.
    fn list_fit(&self, target: usize, source: usize) -> f64 {
        let (wanted, given) = (&self.targets[target], &self.sources[source]);
        let long = wanted.allowed.len() > MAX_LISTED;
        if long || wanted.allowed.is_empty() || given.values().is_empty() || !wanted.kind.types.text
        {
            return 1.0;
        }
        let values = given.values();
        let fits = |value: &&Value| enums::meant(&wanted.allowed, value).is_some();
        let met = values.iter().take(MAX_CONVERTED).filter(fits).count();
        // One name is one thing, in whatever words its values are.
        let least = if self.own[0][target] == self.own[1][source] {
            0.8
        } else {
            0.45
        };
        least + (1.0 - least) * met as f64 / values.len().min(MAX_CONVERTED) as f64
    }

    /// Whose field it is: others' than the one that is meant, another system's ids.
    fn roles(&self, target: usize, source: usize) -> [bool; 7] {
        let (wanted, given) = (&self.said[0][target], &self.said[1][source]);
        let mut roles = [false; 7];
        let other = |word: &&String| OTHERS.contains(&word.as_str());
        if given
            .iter()
            .filter(other)
            .any(|word| !wanted.contains(word))
        {
            roles[0] = true;
        }
        let own = &self.own[0][target];
        let own_id = own.last().is_some_and(|last| last == "id")
            && !own.iter().any(|word| FOREIGN.contains(&word.as_str()));
        let theirs = given
            .iter()
            .any(|word| self.provider.contains(word.as_str()) && word.len() > 3);
        if own_id && !theirs {
            // The vendor gave it, and no other system knows it.
            roles[1] = true;
        }
        let from = &self.own[1][source];
        if from.as_slice() == ["object"] && !own.iter().any(|word| word == "object") {
            // What kind of thing the record is: the same in each.
            roles[2] = true;
        }
        let counts = |value: &Value| {
            value
                .as_f64()
                .is_some_and(|value| value.fract() == 0.0 && value.abs() < 100.0)
        };
        let values = &self.sources[source].seen;
        if convert::says_money(own) && !values.is_empty() && values.iter().all(counts) {
            // So few and so whole are pieces, not money.
            roles[3] = true;
        }
        let takes_id = own.iter().any(|word| IDS.contains(&word.as_str()));
        if from.last().is_some_and(|last| last == "id") && !takes_id {
            roles[4] = true;
        }
        let of_api = |text: &str| text.contains("://api.") || text.contains("/api/");
        if self.source.forms[source] == Form::Url && self.sources[source].texts().any(of_api) {
            // Where programs find the record, and nobody else does.
            roles[5] = true;
        }
        let again = given.iter().filter(|word| *word == "id").count() > 1;
        if again {
            // `tax_ids.id` is the record's, `tax_ids.value` the tax id.
            roles[6] = true;
        }
        roles
    }

    /// A vendor's own form of ids is not met by another's.
    fn pattern_fit(&self, target: usize, source: usize) -> f64 {
        let Some(pattern) = &self.patterns[target] else {
            return 1.0;
        };
        if self.target.forms[target].told().is_some() {
            return 1.0;
        }
        let mut texts = self.sources[source].texts().peekable();
        if texts.peek().is_none() {
            return 0.6;
        }
        if texts.any(|text| pattern.is_match(text) || pattern.is_match(&text.to_uppercase())) {
            1.0
        } else {
            0.2
        }
    }
}
