//! What a person has to decide.

use causeway::pack::page::Page;
use causeway::pack::{HAND, OperationLine};

use crate::refs::Documents;
use crate::route::Route;
use crate::select;

/// What a person has to decide.
pub(crate) fn open_points(
    page: &Page,
    docs: &Documents,
    lines: &[OperationLine],
    routes: &[Route<'_>],
) -> Vec<String> {
    let mut open = Vec::new();
    let none = page
        .document
        .as_ref()
        .is_some_and(|it| it.licence == "none stated");
    let from_documents = lines.iter().filter(|line| line.doc != HAND).count();
    if none && from_documents > 0 {
        open.push(format!(
            "no licence is stated: the {from_documents} operations from the documents are for your own use, not to be passed on"
        ));
    }
    let known = |line: &&OperationLine| {
        let mut rows = page.operation.iter().filter(|row| row.safety.is_some());
        rows.any(|row| {
            let own = row.name.as_deref() == Some(&line.op);
            own || !select::makes(row) && row.selectors.are(line)
        })
    };
    let unknown = lines.iter().filter(|line| !known(line)).count();
    if unknown > 0 {
        open.push(format!(
            "{unknown} of {} operations have no row with `safety`: they are `unsafe`",
            lines.len()
        ));
    }
    for it in &docs.0 {
        let base = page
            .address
            .base_of
            .get(&it.alias)
            .unwrap_or(&page.address.base);
        let prefix = page
            .address
            .prefix_of
            .get(&it.alias)
            .unwrap_or(&page.address.prefix);
        let whole = format!("{base}{prefix}");
        let same = |server: &String| server.trim_end_matches('/') == whole.trim_end_matches('/');
        if !it.facts.servers.is_empty() && !it.facts.servers.iter().any(same) {
            let servers: Vec<_> = it
                .facts
                .servers
                .iter()
                .take(3)
                .map(String::as_str)
                .collect();
            open.push(format!(
                "{}: the page says {whole}, the document {}",
                it.alias,
                servers.join(", ")
            ));
        }
    }
    let asked = page.document.as_ref().is_some_and(|it| it.limits.is_some());
    if asked {
        let without = lines
            .iter()
            .filter(|line| line.limits.is_empty() && line.doc != HAND)
            .count();
        if without > 0 {
            open.push(format!(
                "[document] limits finds nothing in {without} operations' descriptions"
            ));
        }
    } else {
        let speaks = |route: &&Route<'_>| speaks_of_limits(&route.text);
        let speaking: Vec<_> = routes.iter().filter(speaks).collect();
        if let Some(first) = speaking.first() {
            let (count, method, path) = (speaking.len(), first.method, &first.written);
            open.push(format!(
                "{count} descriptions may give limits in numbers, {method} {path} among them"
            ));
        }
    }
    open
}

/// Whether a description has a number beside a word for limits.
pub(crate) fn speaks_of_limits(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let words = [
        "rate limit",
        "requests per",
        "request per",
        "calls per",
        "req/s",
        "burst",
        "throttl",
        "per second",
    ];
    let line_speaks = |line: &str| {
        words.iter().any(|word| line.contains(word))
            && line.bytes().any(|byte| byte.is_ascii_digit())
    };
    text.lines().any(line_speaks)
}
