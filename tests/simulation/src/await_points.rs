//! Every `.await` of the production code, from its source; and which of them environments died in, from the stack.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::OnceLock;

/// Where the production code is.
pub const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/src");

/// One `.await`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Below [`SOURCE`].
    pub file: String,
    /// From 1 on.
    pub line: u32,
    /// File, function, which of the function's, and the line's text: stable while other lines move.
    pub name: String,
}

/// Adapters, fakes, edges and tests: the simulation stands in their place. The index is for people to look at; no lane
/// asks it.
fn is_story(file: &str) -> bool {
    let stands_in = [
        "dynamodb.rs",
        "sqs.rs",
        "aws.rs",
        "reqwest.rs",
        "system.rs",
        "memory.rs",
        "manual.rs",
        "tests.rs",
        "properties.rs",
        "watched.rs",
    ];
    let folders = ["dynamodb/", "lambda/", "ledger/index/", "telemetry/"];
    !stands_in.iter().any(|name| file.ends_with(name))
        && !folders.iter().any(|folder| file.starts_with(folder))
        && !file.contains("/tests/")
        && !file.contains("/properties/")
}

/// Every point of the source at `root`, in the order of files and lines.
///
/// # Panics
/// When the source cannot be read.
pub fn scan(root: &Path) -> Vec<Point> {
    let mut files = Vec::new();
    walk(root, root, &mut files);
    files.sort();
    let mut points = Vec::new();
    for file in files.iter().filter(|file| is_story(file)) {
        let text = std::fs::read_to_string(root.join(file)).expect("the production code");
        scan_file(file, &text, &mut points);
    }
    points
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the production code") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(root).unwrap_or(&path);
            files.push(below.to_string_lossy().into_owned());
        }
    }
}

fn scan_file(file: &str, text: &str, points: &mut Vec<Point>) {
    let mut function = String::new();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut statement = String::new();
    // Unit tests stand at a file's end.
    let code = text.split("#[cfg(test)]\nmod tests {").next();
    for (line, text) in (1..).zip(code.unwrap_or(text).lines()) {
        let text = text.trim();
        if text.starts_with("//") {
            continue;
        }
        if let Some(name) = function_name(text) {
            name.clone_into(&mut function);
        }
        // A lock inside one process is no trip to anywhere: who waits for it dies with the one who holds it.
        let trips = text.replace(".lock().await", "");
        for _ in 0..trips.matches(".await").count() {
            let number = seen.entry(function.clone()).or_default();
            *number += 1;
            // An await on a line of its own says nothing without what stands before it.
            let bare = text.starts_with(".await");
            let shown = if bare {
                format!("{statement} {text}")
            } else {
                text.to_owned()
            };
            points.push(Point {
                file: file.to_owned(),
                line,
                name: format!("{file} {function} #{number}: {shown}"),
            });
        }
        text.clone_into(&mut statement);
    }
}

fn function_name(text: &str) -> Option<&str> {
    let (before, rest) = text.split_once("fn ")?;
    let qualifiers = ["pub", "async", "const", "pub(super)", "pub(crate)"];
    let is_item = before
        .split_whitespace()
        .all(|word| qualifiers.contains(&word));
    let name = rest.split(['(', '<']).next()?;
    is_item.then_some(name)
}

fn points() -> &'static Vec<Point> {
    static POINTS: OnceLock<Vec<Point>> = OnceLock::new();
    POINTS.get_or_init(|| scan(Path::new(SOURCE)))
}

/// The number of points there are.
pub fn total() -> usize {
    points().len()
}

/// What this thread saw on its stacks.
#[derive(Default)]
struct Resolver {
    /// What an instruction belongs to: symbols are looked up once.
    known: HashMap<usize, Vec<usize>>,
    hits: Vec<u64>,
    index: HashMap<(&'static str, u32), Vec<usize>>,
}

thread_local! {
    static RESOLVER: RefCell<Resolver> = RefCell::default();
}

/// Marks every point that stands on this thread's stack.
pub fn hit() {
    RESOLVER.with_borrow_mut(|resolver| {
        if resolver.hits.is_empty() {
            resolver.hits = vec![0; total()];
            for (number, point) in points().iter().enumerate() {
                let here = resolver.index.entry((&point.file, point.line));
                here.or_default().push(number);
            }
        }
        let Resolver { known, hits, index } = resolver;
        backtrace::trace(|frame| {
            let ip = frame.ip() as usize;
            let found = known.entry(ip).or_insert_with(|| resolve(frame, index));
            for &point in found.iter() {
                hits[point] += 1;
            }
            true
        });
    });
}

fn resolve(
    frame: &backtrace::Frame,
    index: &HashMap<(&'static str, u32), Vec<usize>>,
) -> Vec<usize> {
    let mut found = Vec::new();
    backtrace::resolve_frame(frame, |symbol| {
        let Some((file, line)) = symbol.filename().zip(symbol.lineno()) else {
            return;
        };
        let file = file.to_string_lossy();
        let Some((_, below)) = file.rsplit_once("shared/src/") else {
            return;
        };
        let here = index
            .iter()
            .filter(|((name, at), _)| *name == below && *at == line);
        found.extend(here.flat_map(|(_, points)| points.iter().copied()));
    });
    found
}

/// Takes the number of hits of each point on this thread.
pub fn take() -> Vec<u64> {
    RESOLVER.with_borrow_mut(|resolver| std::mem::take(&mut resolver.hits))
}

/// The names of points without a hit.
pub fn missing(hits: &[u64]) -> Vec<&'static str> {
    let missed = |number: &usize| hits.get(*number).copied().unwrap_or(0) == 0;
    (0..total())
        .filter(missed)
        .map(|number| points()[number].name.as_str())
        .collect()
}
