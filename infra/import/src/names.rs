//! Operations' names: the last import's, else the document's own, else what the route says.

use std::collections::{BTreeMap, BTreeSet};

use crate::route::Route;
use crate::select::nameless;
use causeway::pack::OperationLine;

/// The longest name.
const NAME_MAX: usize = 64;

/// Whether it can be a name in requests.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// A name for each route, none of `reserved`: those the page gives away itself.
pub(crate) fn names(
    routes: &[Route<'_>],
    aliases: &[&str],
    old: &[OperationLine],
    reserved: &BTreeSet<String>,
) -> Vec<String> {
    let mut names: Vec<Option<String>> = vec![None; routes.len()];
    let mut taken = reserved.clone();
    let incumbents = Incumbents::new(old, reserved);
    for (route, name) in routes.iter().zip(&mut names) {
        let alias = aliases.get(route.doc).copied().unwrap_or_default();
        if let Some(incumbent) = incumbents.of(alias, route)
            && taken.insert(incumbent.to_owned())
        {
            *name = Some(incumbent.to_owned());
        }
    }
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for id in routes.iter().filter_map(|route| route.id) {
        *ids.entry(id).or_default() += 1;
    }
    for (route, name) in routes.iter().zip(&mut names) {
        let Some(id) = route.id.filter(|id| is_name(id) && ids.get(id) == Some(&1)) else {
            continue;
        };
        if name.is_none() && taken.insert(id.to_owned()) {
            *name = Some(id.to_owned());
        }
    }
    let several = aliases.len() > 1;
    let fill = |(route, name): (&Route<'_>, Option<String>)| {
        name.unwrap_or_else(|| {
            let alias = aliases.get(route.doc).filter(|_| several);
            let name = first_free(route, alias.copied(), &taken);
            taken.insert(name.clone());
            name
        })
    };
    routes.iter().zip(names).map(fill).collect()
}

/// Names of the last import, by what they called.
struct Incumbents<'a> {
    routes: BTreeMap<(&'a str, &'a str, &'a str), &'a str>,
    /// As `routes`, with placeholders without their names.
    shapes: BTreeMap<(&'a str, &'a str, String), &'a str>,
    ids: BTreeMap<(&'a str, &'a str), &'a str>,
}

impl<'a> Incumbents<'a> {
    fn new(old: &'a [OperationLine], reserved: &BTreeSet<String>) -> Self {
        let mut all = Self {
            routes: BTreeMap::new(),
            shapes: BTreeMap::new(),
            ids: BTreeMap::new(),
        };
        for line in old.iter().filter(|line| !reserved.contains(&line.op)) {
            let (doc, method, path) = (line.doc.as_str(), line.method.as_str(), line.path.as_str());
            let name = line.op.as_str();
            // Two operations of one route differ by their ids.
            if all.routes.insert((doc, method, path), name).is_some() {
                all.routes.remove(&(doc, method, path));
            }
            all.shapes.insert((doc, method, nameless(path)), name);
            if let Some(id) = &line.id {
                all.ids.insert((doc, id), name);
            }
        }
        all
    }

    fn of(&self, alias: &str, route: &Route<'_>) -> Option<&'a str> {
        let by_route = self.routes.get(&(alias, route.method, route.path.as_str()));
        let by_id = || self.ids.get(&(alias, route.id?));
        let by_shape = || {
            self.shapes
                .get(&(alias, route.method, nameless(&route.path)))
        };
        by_route.or_else(by_id).or_else(by_shape).copied()
    }
}

/// The first of a route's names that nobody has.
fn first_free(route: &Route<'_>, alias: Option<&str>, taken: &BTreeSet<String>) -> String {
    let plain = from_route(route, Placeholders::None);
    let under = |name: &str| alias.map(|alias| shortened(&format!("{}.{name}", tidy(alias))));
    let mut names = Vec::new();
    for placeholders in [Placeholders::None, Placeholders::Last, Placeholders::All] {
        let name = from_route(route, placeholders);
        names.extend(under(&name));
        names.push(name);
        if placeholders == Placeholders::None {
            names.reverse();
        }
    }
    if let Some(free) = names.iter().find(|name| !taken.contains(*name)) {
        return free.clone();
    }
    let room = NAME_MAX - 8;
    let stem: String = plain.chars().take(room).collect();
    let mut number = 2_usize;
    loop {
        let name = format!("{stem}-{number}");
        if !taken.contains(&name) {
            return name;
        }
        number += 1;
    }
}

/// Which placeholders of a route its name says.
#[derive(Clone, Copy, PartialEq)]
enum Placeholders {
    None,
    Last,
    All,
}

/// Static segments and a verb: `customers.notes.create`.
fn from_route(route: &Route<'_>, placeholders: Placeholders) -> String {
    let segments = route.path.split('/').filter(|it| !it.is_empty());
    let last = route.path.split('/').rev().find(|it| it.contains('{'));
    let ends_in_placeholder = route.path.trim_end_matches('/').ends_with('}');
    let mut words = Vec::new();
    for segment in segments {
        let segment = segment.strip_suffix(".json").unwrap_or(segment);
        if is_version(segment) {
            continue;
        }
        let word = if !segment.contains('{') {
            tidy(segment)
        } else if placeholders == Placeholders::All
            || placeholders == Placeholders::Last && Some(segment) == last
        {
            format!("by_{}", tidy(&segment.replace(['{', '}'], "")))
        } else {
            // `{id}:cancel` and `{id}.cancel` say something beside the placeholder.
            tidy(&nameless(segment).replace("{}", ""))
                .trim_matches(['_', '.', '-'])
                .to_owned()
        };
        if !word.is_empty() {
            words.push(word);
        }
    }
    words.push(
        match (route.method, ends_in_placeholder) {
            ("POST", false) => "create",
            ("PUT", _) => "put",
            ("DELETE", _) => "delete",
            _ => "update",
        }
        .to_owned(),
    );
    // The end of a long route says most.
    while words.len() > 2 && words.iter().map(|word| word.len() + 1).sum::<usize>() > NAME_MAX + 1 {
        words.remove(0);
    }
    shortened(&words.join("."))
}

fn shortened(name: &str) -> String {
    name.chars().take(NAME_MAX).collect()
}

/// `v1`, `2.0`, `2010-04-01`.
fn is_version(segment: &str) -> bool {
    let number = segment.strip_prefix(['v', 'V']).unwrap_or(segment);
    let plain = |byte: u8| byte.is_ascii_digit() || b".-_".contains(&byte);
    number
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_digit())
        && number.bytes().all(plain)
}

fn tidy(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
    let tidy: String = text
        .chars()
        .map(|char| if plain(char) { char } else { '_' })
        .collect();
    tidy.trim_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_words() {
        assert!(
            ["v1", "V2.1", "2010-04-01", "3"]
                .iter()
                .all(|it| is_version(it))
        );
        assert!(
            !["version", "v", "v1beta", "2fa"]
                .iter()
                .any(|it| is_version(it))
        );
    }

    #[test]
    fn names_are_short_and_plain() {
        assert!(is_name("a.B_c-1") && is_name(&"x".repeat(64)));
        assert!(!is_name("") && !is_name("a b") && !is_name("a/b") && !is_name(&"x".repeat(65)));
    }
}
