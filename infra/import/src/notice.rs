//! `NOTICE`: where a pack's operations come from.

use std::collections::BTreeMap;

use crate::document::Facts;
use causeway::pack::page::Page;

/// What a collection of documents says of one, in its `INDEX.tsv`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Repository and path, or package.
    pub source: String,
    /// The revision there.
    pub revision: String,
    /// Its date.
    pub date: String,
    /// The licence as the source states it.
    pub licence: String,
    /// SHA-256 of what was published.
    pub sha256: String,
}

/// Reads an `INDEX.tsv`: what it says by file. A line that lacks a column is passed over.
#[must_use]
pub fn origins(index: &str) -> BTreeMap<String, Origin> {
    let mut lines = index.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| columns.iter().position(|it| *it == name);
    let read = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |name: &str| Some(cells.get(column(name)?)?.trim().to_owned());
        let file = cell("file")?.trim_end_matches(".gz").to_owned();
        let origin = Origin {
            source: cell("source")?,
            revision: cell("rev")?,
            date: cell("date")?,
            licence: cell("licence")?,
            sha256: cell("sha256")?,
        };
        Some((file, origin))
    };
    lines.filter_map(read).collect()
}

/// The text of `NOTICE`.
#[must_use]
pub fn notice(page: &Page, facts: &[Facts], origins: &BTreeMap<String, Origin>) -> String {
    let title = &page.title;
    let mut text = format!(
        "The operations of this pack describe the API of {title}. They are facts (names, types, bounds, addresses) taken \
         from\nthe documents below; no text or example of theirs is part of it. Causeway is not affiliated with the vendor, \
         nor\nendorsed by it; names and marks are their owners'.\n"
    );
    let read = page.document.as_ref().map(|it| it.read.as_str());
    for it in facts {
        let none = Origin::default();
        let origin = origins
            .get(it.file.trim_end_matches(".gz"))
            .unwrap_or(&none);
        let page_licence = page.document.as_ref().map(|it| it.licence.clone());
        let licence = [
            Some(origin.licence.clone()),
            it.licence.clone(),
            page_licence,
        ];
        let licence = licence.into_iter().flatten().find(|it| !it.is_empty());
        text.push_str(&format!("\n{}, {} {}\n", it.alias, it.title, it.version));
        let sha256 = if origin.sha256.is_empty() {
            &it.sha256
        } else {
            &origin.sha256
        };
        let mut put = |name: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!("  {name:<9} {value}\n"));
            }
        };
        put("file", &it.file);
        put("format", it.kind);
        put("source", &origin.source);
        put("revision", &origin.revision);
        put("date", &origin.date);
        put("read", read.unwrap_or_default());
        put("licence", licence.as_deref().unwrap_or("none stated"));
        put("copyright", it.copyright.as_deref().unwrap_or_default());
        put("sha256", sha256);
    }
    text
}
