//! What a page tells the import, in the form in which it is asked.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value;

use crate::route::{Media, media};
use crate::select::{self, Subject};
use causeway::pack::CallPlace;
use causeway::pack::Style;
use causeway::pack::page::{FormArrays, OperationRow, Page, SafetyRow, Show, Strictness, Supply};

/// The most numbers of limits that a description is asked for.
const LIMITS_MAX: usize = 8;

/// A page's rules.
pub(crate) struct Rules<'p> {
    pub page: &'p Page,
    pub media: Option<Media>,
    limits: Option<Regex>,
    /// What no producer says, whatever the operation.
    supplied: Vec<CallPlace>,
}

/// What the page's rows change about one operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change<'p> {
    pub pick: Option<&'p [String]>,
    pub omit: Option<&'p [String]>,
    /// `omit` speaks of many operations, not all of which need to have the field.
    pub omit_is_pattern: bool,
    pub require: Option<&'p [String]>,
    pub patch: Option<&'p BTreeMap<String, Value>>,
    pub wrap: Option<&'p str>,
    pub fixed: BTreeMap<CallPlace, Value>,
    pub media: Option<Media>,
    /// Values of `each`, by field.
    pub each: BTreeMap<String, String>,
    /// Where the operation's safety puts a key or a reference.
    pub own: BTreeSet<CallPlace>,
}

impl<'p> Rules<'p> {
    /// Reads a page; what cannot be read goes to `mistakes`.
    pub fn new(page: &'p Page, mistakes: &mut Vec<String>) -> Self {
        let mut asked = |name: &str, what: &str| {
            let media = media(name);
            if media.is_none() {
                mistakes.push(format!("{what}: `{name}` is neither JSON nor a form"));
            }
            media
        };
        let media = page.encode.media.as_deref();
        let media = media.and_then(|name| asked(name, "[encode] media"));
        for row in &page.operation {
            if let Some(name) = &row.media {
                asked(name, "operation media");
            }
        }
        let document = page.document.as_ref();
        let limits = document.and_then(|it| it.limits.as_deref());
        let limits = limits.and_then(|pattern| {
            let built = RegexBuilder::new(pattern)
                .dot_matches_new_line(true)
                .build();
            built
                .map_err(|error| mistakes.push(format!("[document] limits: {error}")))
                .ok()
        });
        let mut supplied: Vec<_> = page.supply.keys().cloned().collect();
        supplied.extend(shown(page));
        Self {
            page,
            media,
            limits,
            supplied,
        }
    }

    pub fn strict(&self) -> bool {
        let document = self.page.document.as_ref();
        document.is_none_or(|it| it.unknown_fields == Strictness::Refuse)
    }

    pub fn enums(&self) -> bool {
        let document = self.page.document.as_ref();
        document.is_none_or(|it| it.enums == Strictness::Refuse)
    }

    /// How forms write lists where an operation says nothing of its own.
    pub fn form_style(&self) -> Option<Style> {
        match self.page.encode.form {
            FormArrays::Indexed => None,
            FormArrays::Repeated => Some(Style::Multi),
            FormArrays::Brackets => Some(Style::Brackets),
        }
    }

    /// Whether no producer says what stands there. `*` in a name stands for any text.
    pub fn supplies(&self, place: &CallPlace) -> bool {
        self.supplied.iter().any(|it| match (it, place) {
            (CallPlace::Query(pattern), CallPlace::Query(name)) => star(pattern, name),
            (CallPlace::Header(pattern), CallPlace::Header(name)) => star(pattern, name),
            (it, place) => it == place,
        })
    }

    /// Whether the page supplies a value there, which only operations that have the place carry.
    pub fn gives(&self, place: &CallPlace) -> bool {
        let here = matches!(place, CallPlace::Query(_) | CallPlace::Body(_));
        let supply = self.page.supply.get(place);
        here && supply.is_some_and(|it| !matches!(it, Supply::Drop))
    }

    /// Places inside the body that no producer says.
    pub fn supplied(&self) -> &[CallPlace] {
        &self.supplied
    }

    /// What rows without a name, and `row` with one, change.
    pub fn change(&self, subject: &Subject, row: Option<&'p OperationRow>) -> Change<'p> {
        let mut change = Change::default();
        for it in &self.page.operation {
            let own = row.is_some_and(|row| std::ptr::eq(row, it));
            if !own && (select::makes(it) || !select::fits(&it.selectors, subject)) {
                // A row with another name is another operation's, its safety too.
                continue;
            }
            change.pick = it.pick.as_deref().or(change.pick);
            if let Some(omit) = &it.omit {
                change.omit = Some(omit);
                change.omit_is_pattern = !it.selectors.texts().all(|text| select::is_exact(&text));
            }
            change.require = it.require.as_deref().or(change.require);
            change.patch = it.patch.as_ref().or(change.patch);
            change.wrap = it.wrap.as_deref().or(change.wrap);
            if let Some(fixed) = &it.fixed {
                change.fixed.clone_from(fixed);
            }
            if let Some(name) = &it.media {
                change.media = media(name);
            }
            if let Some(safety) = &it.safety {
                change.own = own_places(safety);
            }
        }
        change
    }

    /// Numbers of limits in a description.
    pub fn limits(&self, text: &str) -> Vec<u32> {
        let Some(captures) = self.limits.as_ref().and_then(|it| it.captures(text)) else {
            return Vec::new();
        };
        let numbers = captures.iter().skip(1).flatten().filter_map(|group| {
            let digits: String = group
                .as_str()
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            digits.parse().ok()
        });
        numbers.take(LIMITS_MAX).collect()
    }
}

fn star(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        }
    }
}

/// The places that ways of connecting show something in.
fn shown(page: &Page) -> Vec<CallPlace> {
    let place = |show: &Show| match show {
        Show::Header { name, .. } => Some(CallPlace::Header(name.to_ascii_lowercase())),
        Show::Query { name, .. } => Some(CallPlace::Query(name.clone())),
        Show::Body { name, .. } => Some(CallPlace::Body(vec![name.clone()])),
        Show::Token(token) => Some(CallPlace::Header(
            token.header.as_ref()?.to_ascii_lowercase(),
        )),
        Show::Bearer(_) | Show::Basic(_) => None,
    };
    page.auth
        .iter()
        .flat_map(|way| &way.show)
        .filter_map(place)
        .collect()
}

/// Where a key or a reference stands: the lane writes it.
fn own_places(safety: &SafetyRow) -> BTreeSet<CallPlace> {
    match safety {
        SafetyRow::Natural | SafetyRow::Unsafe => BTreeSet::new(),
        SafetyRow::Keyed { place, .. } => BTreeSet::from([place.clone()]),
        SafetyRow::Lookup { reference, .. } => reference.iter().cloned().collect(),
    }
}
