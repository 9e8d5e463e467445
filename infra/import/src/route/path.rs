//! Paths as documents write them, and as they are called.

use std::collections::BTreeMap;

use serde_json::Value;

use causeway::pack::CallPlace;

/// A path without what is not part of it.
#[derive(Debug, PartialEq)]
pub(super) struct Path {
    pub path: String,
    /// The names in its braces, in order.
    pub names: Vec<String>,
    /// Names as the document writes them, where they differ.
    pub renamed: BTreeMap<String, String>,
    pub fixed: BTreeMap<CallPlace, Value>,
}

/// Reads a path: a query in it is said by every call, a fragment never leaves, and braces hold nothing but a name.
pub(super) fn read(written: &str) -> Result<Path, String> {
    let path = written.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut fixed = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.contains('{') || value.contains('{') {
            // A placeholder there is the query parameter of that name, which the document also declares.
            continue;
        }
        fixed.insert(CallPlace::Query(name.to_owned()), Value::from(value));
    }
    let (mut out, mut names, mut renamed) = (String::new(), Vec::new(), BTreeMap::new());
    let mut rest = path.trim_start_matches('/');
    out.push('/');
    while let Some((before, after)) = rest.split_once('{') {
        let (inner, after) = after
            .split_once('}')
            .ok_or_else(|| format!("its path `{written}` has `{{` without `}}`"))?;
        if inner.starts_with('+') {
            return Err(format!(
                "its path's `{{{inner}}}` stands for several segments"
            ));
        }
        let inner = inner.trim();
        let name = inner.split([':', '*']).next().unwrap_or_default();
        if name.is_empty() || name.contains(['{', '/', '?']) {
            return Err(format!("its path `{written}` has braces without a name"));
        }
        if name != inner {
            renamed.insert(inner.to_owned(), name.to_owned());
        }
        if !names.iter().any(|it| it == name) {
            names.push(name.to_owned());
        }
        out.push_str(before);
        out.push_str(&format!("{{{name}}}"));
        rest = after;
    }
    out.push_str(rest);
    if out.contains('}') && out.matches('{').count() != out.matches('}').count() {
        return Err(format!("its path `{written}` has `}}` without `{{`"));
    }
    Ok(Path {
        path: out,
        names,
        renamed,
        fixed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(written: &str) -> String {
        read(written).expect("a path").path
    }

    #[test]
    fn a_path_is_called_without_what_is_not_part_of_it() {
        assert_eq!(path("v1/x"), "/v1/x");
        assert_eq!(path("/x/{id:[0-9]+}/{rest*}"), "/x/{id}/{rest}");
        assert_eq!(path("/x?a=1&b#c"), "/x");
        let fixed: Vec<_> = read("/x?a=1&b&c={c}")
            .expect("a path")
            .fixed
            .into_iter()
            .collect();
        let query =
            |name: &str, value: &str| (CallPlace::Query(name.to_owned()), Value::from(value));
        assert_eq!(fixed, [query("a", "1"), query("b", "")]);
    }

    #[test]
    fn a_path_whose_braces_say_nothing_is_refused() {
        for written in ["/{", "/{}", "/{a/b}", "/{+all}", "/a}"] {
            assert!(read(written).is_err(), "{written}");
        }
    }
}
