//! The AWS calls that stand in the source, function by function of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use causeway_local::stack::root;
use serde_json::Value;

/// Prefix of an AWS crate's actions in IAM.
const SERVICES: [(&str, &str); 8] = [
    ("aws-sdk-cloudformation", "cloudformation"),
    ("aws-sdk-cloudwatch", "cloudwatch"),
    ("aws-sdk-cloudwatchlogs", "logs"),
    ("aws-sdk-dynamodb", "dynamodb"),
    ("aws-sdk-lambda", "lambda"),
    ("aws-sdk-secretsmanager", "secretsmanager"),
    ("aws-sdk-sns", "sns"),
    ("aws-sdk-sqs", "sqs"),
];

/// Operations whose permission has another name.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html>
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html>
const RENAMED: [(&str, &str); 4] = [
    (
        "change_message_visibility_batch",
        "sqs:ChangeMessageVisibility",
    ),
    ("delete_message_batch", "sqs:DeleteMessage"),
    ("invoke", "lambda:InvokeFunction"),
    ("send_message_batch", "sqs:SendMessage"),
];

/// Operations whose permissions depend on what they carry: this test could not tell.
const OPAQUE: [&str; 5] = [
    "batch_execute_statement",
    "execute_statement",
    "execute_transaction",
    "transact_get_items",
    "transact_write_items",
];

/// IAM's action for each operation of the SDK's crates, by the name of the client's method.
static OPERATIONS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    // Of this platform alone: building for it never brings the crates of others. What the build of this package had
    // no need of, cargo fetches now.
    let asked = ["metadata", "--locked", "--filter-platform", "host-tuple"];
    let metadata = Command::new(env!("CARGO"))
        .args(asked)
        .args(["--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&metadata.stderr);
    assert!(metadata.status.success(), "{errors}");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("it is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let mut operations = BTreeMap::new();
    for (name, service) in SERVICES {
        let Some(package) = packages.iter().find(|one| one["name"] == name) else {
            continue;
        };
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        // One file an operation.
        let folder = manifest.with_file_name("src/client");
        for entry in fs::read_dir(folder).expect("the client's operations") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().and_then(|stem| stem.to_str());
            let name = name.expect("a name").to_owned();
            // What is changed about a call, and no call.
            if name == "customize" {
                continue;
            }
            let action = format!("{service}:{}", pascal(&name));
            let renamed = RENAMED.iter().find(|(from, _)| *from == name);
            let action = renamed.map_or(action, |(_, to)| (*to).to_owned());
            operations.insert(name, action);
        }
    }
    operations
});

fn pascal(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}

/// A function in the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Method {
    /// The file, from the project's folder.
    pub file: String,
    /// The type whose method it is; empty for a free function.
    pub owner: String,
    pub name: String,
    /// IAM's actions of what it calls itself.
    pub actions: BTreeSet<String>,
    /// Its code without comments and spaces.
    pub code: String,
}

/// All functions of the files under `folder` that are no tests.
pub fn methods(folder: &str) -> Vec<Method> {
    let mut paths = Vec::new();
    walk(&root().join(folder), &mut paths);
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let file = path.strip_prefix(root()).expect("inside").to_string_lossy();
        // Stores in memory and unit tests in files of their own.
        if file.contains("test") || file.contains("properties") || file.ends_with("memory.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("readable source");
        // Unit tests in the file stand at its end.
        let text = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        found.extend(split(&file, text));
    }
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|_| panic!("{}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Cuts a file at every `fn`.
fn split(file: &str, text: &str) -> Vec<Method> {
    let mut methods: Vec<(String, String, String)> = Vec::new();
    let mut owner = String::new();
    for line in text.lines() {
        if let Some(block) = line.strip_prefix("impl") {
            // `impl Queue for SqsQueue {`, `impl SqsQueue {`
            let words = block.trim_end_matches(['{', ' ']).split_whitespace();
            owner = words.last().unwrap_or_default().to_owned();
        } else if line.starts_with('}') {
            owner.clear();
        }
        let line = line.trim();
        if line.starts_with("//") {
            continue;
        }
        if let Some(name) = declared(line) {
            methods.push((owner.clone(), name.to_owned(), String::new()));
        }
        if let Some((_, _, code)) = methods.last_mut() {
            code.extend(line.split_whitespace());
        }
    }
    let methods = methods.into_iter().map(|(owner, name, code)| Method {
        file: file.to_owned(),
        owner,
        name,
        actions: actions(&code),
        code,
    });
    methods.collect()
}

/// What `method` calls, itself, through functions of its own file, and through those of a module beside it.
pub fn reached(method: &Method, all: &[Method]) -> BTreeSet<String> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![method]);
    let mut actions = BTreeSet::new();
    while let Some(one) = open.pop() {
        if !seen.insert(one) {
            continue;
        }
        actions.extend(one.actions.iter().cloned());
        let same_file = all.iter().filter(|other| other.file == one.file);
        open.extend(same_file.filter(|other| calls(&one.code, &other.name)));
        open.extend(all.iter().filter(|other| calls_beside(one, other)));
    }
    actions
}

/// Whether `one` calls `other`, a free function of the module of that name in the same folder: `cloudwatch::read(`.
fn calls_beside(one: &Method, other: &Method) -> bool {
    let (of, at) = (Path::new(&one.file), Path::new(&other.file));
    let module = at.file_stem().and_then(|stem| stem.to_str());
    let is_beside = one.file != other.file && of.parent() == at.parent();
    let call = format!("{}::{}(", module.unwrap_or_default(), other.name);
    is_beside && other.owner.is_empty() && one.code.contains(&call)
}

/// Whether `code` calls `name` as a free function or as a method of its own type.
fn calls(code: &str, name: &str) -> bool {
    let call = format!("{name}(");
    code.match_indices(&call).any(|(at, _)| {
        let before = &code[..at];
        let is_own = before.ends_with("self.") || before.ends_with("Self::");
        let is_free = !before.ends_with(|c: char| c.is_alphanumeric() || "_.:".contains(c));
        is_own || is_free
    })
}

/// The name of the function whose declaration begins on this line.
fn declared(line: &str) -> Option<&str> {
    let before = ["fn ", "async fn ", "const fn "];
    let visible = ["", "pub ", "pub(crate) ", "pub(super) "];
    let rest = visible
        .iter()
        .flat_map(|seen| before.iter().map(move |word| (seen, word)))
        .find_map(|(seen, word)| line.strip_prefix(seen)?.strip_prefix(word))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// IAM's actions for the operations that `code` names and sends: `.get_item()`, always without arguments.
fn actions(code: &str) -> BTreeSet<String> {
    let direct = DIRECT.iter().filter(|(call, _)| code.contains(call));
    let direct: BTreeSet<String> = direct.map(|(_, action)| (*action).to_owned()).collect();
    // `.query()` may be a URL's.
    if sends(code) == 0 {
        return direct;
    }
    let calls = code.split('.').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once("()")?;
        let action = OPERATIONS.get(name)?;
        assert!(!OPAQUE.contains(&name), "{name}: say what it may do");
        Some(action.clone())
    });
    calls.chain(direct).collect()
}

/// Calls of the way to DynamoDB that the stores share (`shared/src/dynamodb`), which knows the SDK's for when it fails.
const DIRECT: [(&str, &str); 3] = [
    ("self.dynamodb.get(", "dynamodb:GetItem"),
    ("self.dynamodb.put_if(", "dynamodb:PutItem"),
    ("self.dynamodb.update_if(", "dynamodb:UpdateItem"),
];

/// How often `code` puts a call of the SDK's on the wire.
pub fn sends(code: &str) -> usize {
    code.matches(".send()").count()
}

/// How often `code` puts a call on the wire that the stores share.
pub fn shared_sends(code: &str) -> usize {
    DIRECT
        .iter()
        .map(|(call, _)| code.matches(call).count())
        .sum()
}

#[test]
fn operations_are_found_whoever_has_the_client() {
    let text = "
        pub async fn one(&self) {
            // self.client.delete_item() is no call
            self.client
                .get_item()
                .send()
        }
        async fn two() {
            let call = client.send_message_batch();
            call.set_entries(None).send().await
        }
        fn none(map: &Map, url: &Url) { map.get(\"get_item()\"); url.query() }
    ";
    let methods = split("a.rs", text);
    let found: Vec<_> = methods
        .iter()
        .map(|one| {
            (
                one.name.as_str(),
                one.actions.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        })
        .collect();
    let expected = [
        ("one", vec!["dynamodb:GetItem"]),
        ("two", vec!["sqs:SendMessage"]),
        ("none", vec![]),
    ];
    assert_eq!(found, expected);
    assert!(OPERATIONS.len() > 250, "the SDK's operations were listed");
}
