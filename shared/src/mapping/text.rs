//! What people wrote, made fit for where it goes.

use unicode_segmentation::UnicodeSegmentation;

/// What stands where a text was cut.
const ELLIPSIS: &str = "…";

/// Characters that mean something to a target, and what stands for them there.
type Escapes = &'static [(char, &'static str)];

/// The targets that texts are escaped for.
const TARGETS: [(&str, Escapes); 2] = [
    // "You must escape these three characters": <https://docs.slack.dev/messaging/formatting-message-text#escaping>
    ("slack", &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;")]),
    // Element content and quoted attribute values.
    (
        "html",
        &[
            ('&', "&amp;"),
            ('<', "&lt;"),
            ('>', "&gt;"),
            ('"', "&quot;"),
            ('\'', "&#39;"),
        ],
    ),
];

/// `text` without anything that `target` would take for more than text; none where nobody knows the target.
pub(super) fn escape(text: &str, target: &str) -> Option<String> {
    let (_, escapes) = TARGETS.iter().find(|(name, _)| *name == target)?;
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match escapes.iter().find(|(live, _)| *live == char) {
            Some((_, escape)) => escaped.push_str(escape),
            None => escaped.push(char),
        }
    }
    Some(escaped)
}

/// Longest that [`escape`] makes of a byte.
pub(super) const WIDEST_ESCAPE: usize = 6;

/// As much of `text` as has at most `limit` characters, an ellipsis included where something is missing. The cut is
/// between two grapheme clusters, and in no escape of [`TARGETS`].
///
/// Characters are counted as UTF-16 units: whoever counts code points counts no more.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if units(text) <= limit {
        return text.to_owned();
    }
    let Some(room) = limit.checked_sub(units(ELLIPSIS)) else {
        return String::new();
    };
    let (mut kept, mut used, mut atom_end) = (0, 0, 0);
    for (start, cluster) in text.grapheme_indices(true) {
        if start >= atom_end {
            atom_end = start + escape_at(&text[start..]);
        }
        used += units(cluster);
        if used > room {
            break;
        }
        let end = start + cluster.len();
        if end >= atom_end {
            kept = end;
        }
    }
    format!("{}{ELLIPSIS}", &text[..kept])
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Length of the escape that `text` begins with.
fn escape_at(text: &str) -> usize {
    let mut escapes = TARGETS.iter().flat_map(|(_, escapes)| *escapes);
    let found = escapes.find(|(_, escape)| text.starts_with(escape));
    found.map_or(0, |(_, escape)| escape.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_go_live_in_slack_is_text() {
        let written = "<!channel> Tom & Jerry <https://evil.example|click>";
        assert_eq!(
            escape(written, "slack").as_deref(),
            Some("&lt;!channel&gt; Tom &amp; Jerry &lt;https://evil.example|click&gt;")
        );
        assert_eq!(
            escape("a \"b\" 'c' <d>", "html").as_deref(),
            Some("a &quot;b&quot; &#39;c&#39; &lt;d&gt;")
        );
        assert_eq!(escape("a", "csv"), None);
        let mut escapes = TARGETS.iter().flat_map(|(_, escapes)| *escapes);
        assert!(escapes.all(|(_, escape)| escape.len() <= WIDEST_ESCAPE));
    }

    #[test]
    fn a_cut_is_between_clusters_and_in_no_escape() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        // A family is eleven units, one cluster.
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(cut(&format!("{family}!"), 11), "…");
        assert_eq!(cut(&format!("{family}!?"), 12), format!("{family}…"));
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 4), "e\u{301}…");
        assert_eq!(cut("a&amp;b&lt;", 6), "a…");
        assert_eq!(cut("a&amp;b&lt;", 7), "a&amp;…");
        assert_eq!(cut("a&amp;b&lt;", 8), "a&amp;b…");
        assert_eq!(cut("abc", 0), "");
    }

    proptest! {
        #[test]
        fn a_cut_keeps_the_limit_and_the_beginning(text in "[a&<>'\"e\u{301}\u{200d}👨👩\u{1F1E9}\u{1F1EA}\\PC]{0,60}", limit in 0_usize..80) {
            let escaped = escape(&text, "html").expect("a target");
            let cut = cut(&escaped, limit);
            prop_assert!(units(&cut) <= limit);
            let kept = cut.strip_suffix(ELLIPSIS).unwrap_or(&cut);
            prop_assert!(escaped.starts_with(kept));
            // Unescaped, what is left is the beginning of what was written: no escape was cut.
            let plain = kept.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
            prop_assert!(text.starts_with(&plain.replace("&amp;", "&")));
        }
    }
}
