//! Where in a body something is wrong, in bounded words.

use std::borrow::Cow;

/// Longest path in an error, in characters: enough for every honest schema, little enough for an attribute.
const MAX_PATH_CHARS: usize = 200;

/// A path made presentable: `payload.items[3].sku`; keys that are no plain words stand as `["a key"]`, control
/// characters (which a message attribute may not hold) as `?`, and the end is cut.
pub(super) fn show_path<'s>(segments: impl IntoIterator<Item = &'s Segment<'s>>) -> String {
    let mut path = String::new();
    for segment in segments {
        // Each segment adds at least a character, so this also bounds the loop.
        if path.chars().count() > MAX_PATH_CHARS {
            break;
        }
        match segment {
            Segment::Index(index) => path.push_str(&format!("[{index}]")),
            Segment::Key(key) => push_key(&mut path, key),
        }
    }
    if path.chars().count() > MAX_PATH_CHARS {
        path = path.chars().take(MAX_PATH_CHARS - 1).chain(['…']).collect();
    }
    path
}

fn push_key(path: &mut String, key: &str) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if !key.is_empty() && key.chars().all(is_plain) {
        if !path.is_empty() {
            path.push('.');
        }
        path.extend(key.chars().take(MAX_PATH_CHARS + 1));
    } else {
        let is_shown = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
        path.push_str("[\"");
        path.extend(
            key.chars()
                .take(MAX_PATH_CHARS)
                .map(|c| if is_shown(c) { c } else { '?' }),
        );
        path.push_str("\"]");
    }
}

/// One step from a value to a value inside it.
#[derive(Clone)]
pub(super) enum Segment<'a> {
    /// Into an object.
    Key(Cow<'a, str>),
    /// Into an array.
    Index(usize),
}
