//! References: within a document, and into another one that was given.

use serde_json::Value;

use crate::document::Document;

/// The longest chain of references that each are nothing but a reference.
const HOPS_MAX: usize = 32;

/// All documents of one import.
#[derive(Debug)]
pub(crate) struct Documents(pub Vec<Document>);

/// Where something stands: the document's number, and a JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub doc: usize,
    pub pointer: String,
}

impl Documents {
    /// Where `reference` points to, seen from document `doc`.
    pub fn resolve(&self, doc: usize, reference: &str) -> Result<Address, String> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let discovery = self
            .0
            .get(doc)
            .is_some_and(|it| it.root.get("discoveryVersion").is_some());
        if discovery {
            let pointer = format!(
                "/schemas/{}",
                reference.replace('~', "~0").replace('/', "~1")
            );
            return Ok(Address { doc, pointer });
        }
        let doc = if file.is_empty() {
            doc
        } else {
            self.file(doc, file)
                .ok_or_else(|| format!("`{reference}` is in a file that was not given"))?
        };
        let pointer = decoded(fragment);
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!("`{reference}` is no JSON pointer"));
        }
        Ok(Address { doc, pointer })
    }

    /// What stands there.
    pub fn at(&self, address: &Address) -> Option<&Value> {
        self.0.get(address.doc)?.root.pointer(&address.pointer)
    }

    /// The value that `value` is or refers to, and its document.
    pub fn follow<'a>(
        &'a self,
        doc: usize,
        value: &'a Value,
    ) -> Result<(usize, &'a Value), String> {
        let (mut doc, mut value) = (doc, value);
        for _ in 0..HOPS_MAX {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Ok((doc, value));
            };
            let address = self.resolve(doc, reference)?;
            doc = address.doc;
            value = self
                .at(&address)
                .ok_or_else(|| format!("`{reference}` is not in the document"))?;
        }
        let last = value
            .get("$ref")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Err(format!("`{last}` refers to itself"))
    }

    /// What `value` refers to, which may be a reference again.
    pub fn follow_one<'a>(
        &'a self,
        doc: usize,
        value: &Value,
    ) -> Result<(usize, &'a Value), String> {
        let reference = value
            .get("$ref")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let address = self.resolve(doc, reference)?;
        let target = self.at(&address);
        target
            .map(|target| (address.doc, target))
            .ok_or_else(|| format!("`{reference}` is not in the document"))
    }

    /// The document that `file` names, seen from `doc`: by its path there, else by its file name if only one has it.
    fn file(&self, doc: usize, file: &str) -> Option<usize> {
        let tidy = |path: &str| path.trim_end_matches(".gz").to_owned();
        let folder = self.0.get(doc)?.file.rsplit_once('/').map_or("", |it| it.0);
        let wanted = joined(folder, file);
        let exact = self.0.iter().position(|it| tidy(&it.file) == wanted);
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        exact.or_else(|| {
            let mut same = self.0.iter().enumerate();
            let mut same = same
                .by_ref()
                .filter(|(_, it)| name(&tidy(&it.file)) == name(file));
            let first = same.next()?.0;
            same.next().is_none().then_some(first)
        })
    }
}

/// `folder/file` without `.` and `..`.
fn joined(folder: &str, file: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in folder.split('/').chain(file.split('/')) {
        match step {
            "." | "" => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    let root = if folder.starts_with('/') { "/" } else { "" };
    format!("{root}{}", steps.join("/"))
}

/// Percent-decoded; what is no UTF-8 then stays as it is.
fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| (*byte as char).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (
            bytes[at],
            digit(bytes.get(at + 1)),
            digit(bytes.get(at + 2)),
        ) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_from_the_folder_of_the_other() {
        assert_eq!(joined("acme/v1", "../common.yaml"), "acme/common.yaml");
        assert_eq!(joined("", "./a.yaml"), "a.yaml");
    }

    #[test]
    fn percent_signs_are_decoded_where_they_mean_something() {
        assert_eq!(decoded("/paths/~1a~1%7Bid%7D"), "/paths/~1a~1{id}");
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%ff"), "%ff");
    }
}
