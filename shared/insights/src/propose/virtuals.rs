//! Fields that a source does not have, and that can be made of what it has: a full name of its parts, the parts of a
//! full name, the length of a list.

use std::collections::BTreeMap;

use super::flatten::{Fields, Leaf};
use super::path::{Path, Step};
use super::words::words;

/// Where a source field comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    /// It is in the document.
    Plain,
    /// It is these fields, in order, with a space between.
    Joined(Vec<usize>),
    /// It is the first word of that field.
    FirstWord(usize),
    /// It is what follows the first word of that field.
    OtherWords(usize),
    /// It is the sum of these fields.
    Sum(Vec<usize>),
    /// It is how many elements that list has.
    Count(Path),
}

impl Origin {
    /// What is lost by making a field, of the score that it would have had.
    pub fn share(&self) -> f64 {
        match self {
            Self::Plain => 1.0,
            Self::Joined(_) | Self::Sum(_) => 0.97,
            Self::FirstWord(_) | Self::OtherWords(_) => 0.93,
            Self::Count(_) => 0.85,
        }
    }
}

/// Words of what has a person's name.
const PEOPLE: &[&str] = &[
    "customer",
    "guest",
    "contact",
    "person",
    "user",
    "buyer",
    "recipient",
    "employee",
    "owner",
    "lead",
    "billing",
    "shipping",
    "sender",
    "full",
    "display",
    "agent",
    "member",
    "booker",
    "traveller",
];

/// Adds what can be made of `fields` to them; tells where each field comes from.
pub(super) fn extend(fields: &mut Fields) -> Vec<Origin> {
    let mut origins = vec![Origin::Plain; fields.leaves.len()];
    let mut made: Vec<(Leaf, Origin)> = Vec::new();
    let mut by_parent: BTreeMap<Path, Vec<usize>> = BTreeMap::new();
    for (index, leaf) in fields.leaves.iter().enumerate() {
        let steps = leaf.path.steps();
        by_parent
            .entry(leaf.path.first(steps.len().saturating_sub(1)))
            .or_default()
            .push(index);
    }
    for (parent, inner) in &by_parent {
        names(fields, parent, inner, &mut made);
        guests(fields, parent, inner, &mut made);
    }
    for (list, required) in &fields.lists {
        if list
            .steps()
            .iter()
            .filter(|step| **step == Step::Each)
            .count()
            > 1
        {
            continue;
        }
        let path = Path::from(list.without_each().to_vec());
        let name = format!("{} count", path.name());
        let outer = path.first(path.steps().len().saturating_sub(1));
        let mut leaf = like(None, outer.key(&name));
        leaf.kind.types.integer = true;
        leaf.always = *required;
        made.push((leaf, Origin::Count(path)));
    }
    for (leaf, origin) in made {
        fields.leaves.push(leaf);
        origins.push(origin);
    }
    origins
}

fn like(leaf: Option<&Leaf>, path: Path) -> Leaf {
    let mut made = Leaf::new(path);
    if let Some(leaf) = leaf {
        made.kind.types = leaf.kind.types;
        made.required = leaf.required;
        made.always = leaf.always;
    }
    made
}

/// How many guests there are, where adults and children are counted apart.
fn guests(fields: &Fields, parent: &Path, inner: &[usize], made: &mut Vec<(Leaf, Origin)>) {
    let counted = |who: &str| {
        inner.iter().copied().find(|index| {
            let leaf = &fields.leaves[*index];
            let said = words(leaf.path.name());
            let only = said.iter().all(|word| {
                word == who || ["count", "number", "quantity"].contains(&word.as_str())
            });
            only && said.iter().any(|word| word == who) && leaf.kind.types.integer
        })
    };
    if let (Some(adults), Some(children)) = (counted("adult"), counted("child")) {
        let leaf = like(fields.leaves.get(adults), parent.key("guest count"));
        made.push((leaf, Origin::Sum(vec![adults, children])));
    }
}

/// A full name of the parts that `inner` has, or the parts of the full name.
fn names(fields: &Fields, parent: &Path, inner: &[usize], made: &mut Vec<(Leaf, Origin)>) {
    let named: Vec<(usize, Vec<String>)> = inner
        .iter()
        .map(|index| (*index, words(fields.leaves[*index].path.name())))
        .collect();
    let text = |index: usize| fields.leaves[index].kind.types.text;
    let part = |word: &str| -> Vec<(usize, Vec<String>)> {
        let parts = named
            .iter()
            .filter(|(index, words)| text(*index) && words.iter().any(|it| it == word));
        // `name.first`, `firstName`, `guest_first_name`: and no `first order date`.
        let own =
            parts.filter(|(_, words)| words.len() == 1 || words.iter().any(|word| word == "name"));
        own.cloned().collect()
    };
    let (firsts, lasts) = (part("first"), part("last"));
    for (first, first_words) in &firsts {
        let rest = |words: &[String], part: &str| -> Vec<String> {
            words.iter().filter(|word| *word != part).cloned().collect()
        };
        let whose = rest(first_words, "first");
        let Some((last, _)) = lasts.iter().find(|(_, words)| rest(words, "last") == whose) else {
            continue;
        };
        let around = words(parent.name());
        let name = match (whose.is_empty(), around.is_empty()) {
            (true, true) => "contact full name".to_owned(),
            (true, false) if around.iter().any(|word| word == "name") => "full".to_owned(),
            (true, false) => "name".to_owned(),
            (false, _) => format!("full {}", whose.join(" ")),
        };
        let mut leaf = like(fields.leaves.get(*first), parent.key(&name));
        leaf.always |= fields.leaves[*last].always;
        made.push((leaf, Origin::Joined(vec![*first, *last])));
    }
    if !firsts.is_empty() || !lasts.is_empty() {
        return;
    }
    for (index, own) in &named {
        let leaf = &fields.leaves[*index];
        if !text(*index)
            || own.last().is_none_or(|last| last != "name")
            || !is_person(leaf, parent, own)
        {
            continue;
        }
        let whose: Vec<&str> = own
            .iter()
            .map(String::as_str)
            .filter(|word| !["name", "full"].contains(word))
            .collect();
        for (part, origin) in [
            ("first", Origin::FirstWord(*index)),
            ("last", Origin::OtherWords(*index)),
        ] {
            let name = format!("{} {part} name", whose.join(" "));
            made.push((like(Some(leaf), parent.key(name.trim())), origin));
        }
    }
}

/// Whether what is called so has a person's name: by the word before it, by what it is in, or by its values.
fn is_person(leaf: &Leaf, parent: &Path, own: &[String]) -> bool {
    let says = |words: &[String]| words.iter().any(|word| PEOPLE.contains(&word.as_str()));
    let around = words(parent.name());
    let two = |text: &str| {
        (2..=4).contains(&text.split_whitespace().count())
            && !text.contains(|char: char| char.is_ascii_digit())
    };
    let spaced = leaf.texts().next().is_some() && leaf.texts().all(two);
    says(own) || (own.len() == 1 && says(&around)) || own.len() == 1 && spaced && around.is_empty()
}
