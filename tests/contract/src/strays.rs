//! Files that belong to no operation: what a scaffold or a former name left behind.

use std::fs;
use std::path::Path;

use causeway::provider::Spec;

use crate::{Breach, Line};

/// Holds `folder`, of which each file is an operation's, against the operations.
pub fn check(spec: &Spec, manifest_dir: &str, folder: &str, line: Line, found: &mut Vec<Breach>) {
    // A missing folder is told of by each operation's missing file.
    let files = fs::read_dir(Path::new(manifest_dir).join(folder));
    let mut names: Vec<String> = files
        .into_iter()
        .flatten()
        .filter_map(|file| Some(file.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| {
            let operation = name.strip_suffix(".json");
            operation.is_none_or(|operation| spec.operation(operation).is_none())
        })
        .collect();
    names.sort();
    found.extend(names.iter().map(|name| {
        let problem = "no operation has this name: rename or delete it";
        Breach::new(line, format!("{folder}/{name}"), problem)
    }));
}
