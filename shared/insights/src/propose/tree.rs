//! The payload as far as it is filled: objects and lists around fields.

use std::collections::BTreeMap;

use super::path::Step;
use super::proposal::{Candidate, FieldProposal};

/// A target field, and what fills it.
#[derive(Clone, Copy)]
pub(super) struct Filled<'p> {
    pub field: &'p FieldProposal,
    pub candidate: &'p Candidate,
}

/// The payload, as far as it is filled.
pub(super) enum Node<'p> {
    Object(BTreeMap<&'p str, Node<'p>>),
    List(Option<Box<Node<'p>>>),
    Field(Filled<'p>),
}

impl<'p> Node<'p> {
    /// Puts a field where its target is.
    pub fn insert(&mut self, steps: &'p [Step], filled: Filled<'p>) {
        let Some((step, rest)) = steps.split_first() else {
            *self = Self::Field(filled);
            return;
        };
        let empty = match rest.first() {
            Some(Step::Each) => Self::List(None),
            _ => Self::Object(BTreeMap::new()),
        };
        match (step, &mut *self) {
            (Step::Key(key), Self::Object(inner)) => {
                inner.entry(key).or_insert(empty).insert(rest, filled)
            }
            (Step::Each, Self::List(inner)) => inner
                .get_or_insert_with(|| Box::new(empty))
                .insert(rest, filled),
            // A field and what would be inside of it: one of them is enough.
            _ => {}
        }
    }

    /// All fields inside.
    pub fn filled(&self, found: &mut Vec<Filled<'p>>) {
        match self {
            Self::Field(filled) => found.push(*filled),
            Self::List(inner) => inner.iter().for_each(|inner| inner.filled(found)),
            Self::Object(inner) => inner.values().for_each(|inner| inner.filled(found)),
        }
    }
}
