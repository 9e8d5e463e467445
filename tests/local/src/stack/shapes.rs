//! What `docs/command.md` says of the command's JSON, and whether a result is so.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Map, Value};

use super::{Error, root};

/// The page.
const PAGE: &str = "docs/command.md";

/// The version of the JSON that the page is about.
const VERSION: u64 = 1;

/// The fields of one kind by their paths; whether each may be missing.
type Fields = BTreeMap<String, bool>;

/// The result within `document`, where that is as the page says.
///
/// # Errors
/// When it is something else: the text says what.
pub fn result_of(document: &Value) -> Result<Value, Error> {
    let page = fs::read_to_string(root().join(PAGE)).map_err(Error::io("read the page"))?;
    checked(&page, document).map_err(|rule| Error::Shape {
        problem: format!("{PAGE}: {rule}: {document}"),
    })
}

fn checked(page: &str, document: &Value) -> Result<Value, String> {
    let names = document.as_object().map(Map::keys).into_iter().flatten();
    let mut names: Vec<_> = names.map(String::as_str).collect();
    names.sort_unstable();
    if names != ["kind", "result", "version"] || document["version"] != VERSION {
        return Err(format!("no version {VERSION} of a result"));
    }
    let kind = document["kind"].as_str().unwrap_or_default();
    let fields = fields(page, kind).ok_or_else(|| format!("no section `{kind}`"))?;
    fits(&fields, "", &document["result"])?;
    Ok(document["result"].clone())
}

fn fields(page: &str, kind: &str) -> Option<Fields> {
    let section = page
        .split("\n## ")
        .find(|one| one.starts_with(&format!("`{kind}`\n")))?;
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let paths = rows.filter_map(|row| Some(row.split_once('`')?.0));
    let field = |path: &str| match path.strip_suffix('?') {
        Some(path) => (path.to_owned(), true),
        None => (path.to_owned(), false),
    };
    Some(paths.map(field).collect())
}

/// What stands under `path` is told nothing of where the page has no fields of it.
fn fits(fields: &Fields, path: &str, value: &Value) -> Result<(), String> {
    let element = format!("{path}[]");
    let is_below = |path: &str, other: &str| {
        let rest = other.strip_prefix(path);
        rest.is_some_and(|rest| path.is_empty() || rest.starts_with(['.', '[']))
    };
    match value {
        Value::Array(all) if fields.keys().any(|other| other.starts_with(&element)) => {
            all.iter().try_for_each(|one| fits(fields, &element, one))
        }
        Value::Object(object) => {
            let dot = if path.is_empty() { "" } else { "." };
            let before = format!("{path}{dot}");
            let below: Vec<_> = fields
                .iter()
                .filter(|(other, _)| is_below(path, other) && *other != path)
                .collect();
            if below.is_empty() {
                return Ok(());
            }
            for (name, value) in object {
                let path = format!("{before}{name}");
                if !fields
                    .keys()
                    .any(|other| *other == path || is_below(&path, other))
                {
                    return Err(format!("`{path}` is not told"));
                }
                fits(fields, &path, value)?;
            }
            for (other, is_optional) in below {
                let name = other.strip_prefix(&before).unwrap_or_default();
                let name = name.split(['.', '[']).next().unwrap_or_default();
                if !is_optional && !object.contains_key(name) {
                    return Err(format!("`{other}` is missing"));
                }
            }
            Ok(())
        }
        Value::Null | Value::Array(_) => Ok(()),
        _ if fields.contains_key(path) => Ok(()),
        _ => Err(format!("`{path}` is told otherwise")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SAMPLE: &str = "# JSON\n\n## `things`\n\n| field | |\n|---|---|\n| `all[].name` | its name |\n\
                          | `all[].more` | anything |\n| `note?` | where there is one |\n\n## `none`\n\ntext\n";

    fn told(result: &Value) -> Result<Value, String> {
        checked(
            SAMPLE,
            &json!({"version": 1, "kind": "things", "result": result}),
        )
    }

    #[test]
    fn a_result_that_the_page_does_not_tell_is_none() {
        let good = json!({"all": [{"name": "a", "more": {"x": 1}}], "note": "n"});
        assert_eq!(told(&good), Ok(good.clone()));
        assert!(told(&json!({"all": []})).is_ok());
        for (wrong, rule) in [
            (json!({"all": [{"name": "a"}]}), "`all[].more` is missing"),
            (json!({"all": [], "further": 1}), "`further` is not told"),
            (
                json!({"all": [{"name": "a", "more": 1, "b": 2}]}),
                "`all[].b` is not told",
            ),
            (json!({"note": "n"}), "`all[].more` is missing"),
            (json!(1), "`` is told otherwise"),
        ] {
            assert_eq!(told(&wrong), Err(rule.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn a_document_without_version_or_of_an_unknown_kind_is_none() {
        assert!(checked(SAMPLE, &json!({"all": []})).is_err());
        assert!(
            checked(
                SAMPLE,
                &json!({"version": 2, "kind": "things", "result": {"all": []}})
            )
            .is_err()
        );
        assert!(
            checked(
                SAMPLE,
                &json!({"version": 1, "kind": "others", "result": {}})
            )
            .is_err()
        );
    }
}
