//! A pack's lines where they stand: found by bisection, so that a lane reads those of the operations that it is asked
//! for, and nothing of the others.

use std::borrow::Cow;

use serde_json::Value;

/// Bytes that are read at once on the way to a line: most lines of operations fit, and a disk's page is as long.
const BLOCK: usize = 4096;

/// The text of `operations.jsonl`, wherever it stands.
pub trait Lines: Send + Sync {
    /// Its length in bytes.
    fn length(&self) -> usize;

    /// Fills `into` with the bytes from `from` on; both lie within the length. Where that cannot be done there is no
    /// pack any more: an implementation must not return.
    fn read(&self, from: usize, into: &mut [u8]);

    /// All of it: for tools, and for what is said of an operation that there is none of.
    fn whole(&self) -> Cow<'_, str> {
        let mut bytes = vec![0; self.length()];
        self.read(0, &mut bytes);
        match String::from_utf8(bytes) {
            Ok(text) => Cow::Owned(text),
            Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        }
    }
}

/// In memory.
impl Lines for &'static str {
    fn length(&self) -> usize {
        self.len()
    }

    fn read(&self, from: usize, into: &mut [u8]) {
        into.copy_from_slice(&self.as_bytes()[from..from + into.len()]);
    }

    fn whole(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

/// A line's text, by its kind and name: lines are sorted bytewise, so that it is found by bisection, whatever the
/// number of lines.
pub(super) fn find(lines: &dyn Lines, kind: &str, name: &str) -> Option<String> {
    let head = format!("{{\"{kind}\":{},", Value::from(name));
    let head = head.as_bytes();
    // `from` always begins a line, and `to` ends one.
    let (mut from, mut to) = (0, lines.length());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = start_of_line(lines, from, middle);
        let mut seen = vec![0; head.len().min(to - start)];
        lines.read(start, &mut seen);
        if seen == head {
            let mut line = vec![0; end_of_line(lines, middle, to) - start];
            lines.read(start, &mut line);
            return String::from_utf8(line).ok();
        }
        // A newline sorts before whatever stands in a line.
        if seen.as_slice() < head {
            from = end_of_line(lines, middle, to) + 1;
        } else {
            to = start;
        }
    }
    None
}

/// Where the line begins that `at` stands in, at `from` at the earliest.
fn start_of_line(lines: &dyn Lines, from: usize, at: usize) -> usize {
    let mut end = at;
    while end > from {
        let start = end.saturating_sub(BLOCK).max(from);
        let mut block = vec![0; end - start];
        lines.read(start, &mut block);
        if let Some(newline) = block.iter().rposition(|&byte| byte == b'\n') {
            return start + newline + 1;
        }
        end = start;
    }
    from
}

/// Where the line ends that `at` stands in: at its newline, or at `to`.
fn end_of_line(lines: &dyn Lines, at: usize, to: usize) -> usize {
    let mut start = at;
    while start < to {
        let mut block = vec![0; BLOCK.min(to - start)];
        lines.read(start, &mut block);
        if let Some(newline) = block.iter().position(|&byte| byte == b'\n') {
            return start + newline;
        }
        start += block.len();
    }
    to
}

/// The names of all operations, in the file's order. Only what starts as a line of an operation does counts.
pub(super) fn names(lines: &str) -> impl Iterator<Item = String> {
    lines.lines().filter_map(|line| {
        let name = line.strip_prefix("{\"op\":")?;
        let mut names = serde_json::Deserializer::from_str(name).into_iter::<String>();
        names.next()?.ok()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_line_is_found_and_no_other(names in prop::collection::btree_set("[a-z.]{1,6}", 0..40), other in "[a-z.]{1,6}", long in 0..9_000_usize) {
            let line = |name: &str| format!("{{\"op\":\"{name}\",\"x\":\"é{}\"}}", "x".repeat(if name.len().is_multiple_of(2) { long } else { 0 }));
            let mut lines: Vec<_> = names.iter().map(|name| line(name)).collect();
            lines.sort();
            for end in ["\n", ""] {
                let text: &'static str = (lines.join("\n") + end).leak();
                for name in &names {
                    prop_assert_eq!(find(&text, "op", name), Some(line(name)));
                }
                prop_assert_eq!(find(&text, "op", &other).is_some(), names.contains(&other));
                prop_assert_eq!(super::names(text).count(), names.len());
            }
        }
    }

    /// Text that counts what is read of it.
    struct Counted(&'static str, AtomicUsize);

    impl Lines for Counted {
        fn length(&self) -> usize {
            self.0.len()
        }

        fn read(&self, from: usize, into: &mut [u8]) {
            self.1.fetch_add(into.len(), Ordering::Relaxed);
            self.0.read(from, into);
        }
    }

    #[test]
    fn a_line_among_thousands_costs_a_few_blocks() {
        let lines: String = (0..10_000)
            .map(|at| format!("{{\"op\":\"a{at:05}\",\"x\":\"{}\"}}\n", "y".repeat(500)))
            .collect();
        let lines = Counted(lines.leak(), AtomicUsize::new(0));
        assert!(find(&lines, "op", "a07777").is_some());
        // 14 halvings, each at most a block back, the head, and a block on.
        assert!(
            lines.1.into_inner() < 15 * (2 * BLOCK + 100),
            "of {}",
            lines.0.len()
        );
    }
}
