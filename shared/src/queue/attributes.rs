//! What a message says about itself in its attributes: the reason of a dead letter, the history of a message that was
//! sent again.

use super::text::carried;
use super::{Letter, Message, Post};
use crate::Timestamp;
use crate::outcome::{MAX_DETAIL_BYTES, truncate};

/// Format of the attributes that this release writes. What ingest accepted adds its pack's revision, and a letter, with
/// what is made of it, the end that it tells of: `2;pack=3;closing=7`, the end last, where earlier releases look for it.
/// All ten attributes that SQS allows are taken.
const FORMAT_VERSION: &str = "2";
const PACK: &str = ";pack=";
const CLOSING: &str = ";closing=";

/// The format before letters told which end they are of.
const UNMARKED: &str = "1";

/// An attribute's SQS data type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// A number, as text.
    Number,
}

impl Kind {
    /// SQS's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Number => "Number",
        }
    }
}

/// An attribute: name, type, text.
pub type Attribute = (&'static str, Kind, String);

/// What a letter says. The names are part of the project's contract with those who read dead letters.
pub fn of_letter(letter: &Letter) -> Vec<Attribute> {
    let reason = &letter.reason;
    // SQS refuses an empty attribute value.
    let mut detail = if reason.detail.is_empty() {
        "-".to_owned()
    } else {
        carried(&reason.detail)
    };
    // Replacements are longer than what they replace.
    truncate(&mut detail, MAX_DETAIL_BYTES);
    let status = reason.provider_status.map(|status| status.to_string());
    let last_attempt = reason.last_attempt.map(|at| at.to_string());
    let known = [
        (CODE, Kind::String, Some(reason.code.to_string())),
        ("detail", Kind::String, Some(detail)),
        ("attempts", Kind::Number, Some(reason.attempts.to_string())),
        (
            FIRST_SEEN,
            Kind::String,
            Some(letter.first_seen.to_string()),
        ),
        ("provider_status", Kind::Number, status),
        ("last_attempt", Kind::String, last_attempt),
        ("request_id", Kind::String, letter.request_id.clone()),
        ("connection", Kind::String, letter.connection.clone()),
        ("operation", Kind::String, letter.operation.clone()),
        (
            VERSION,
            Kind::String,
            Some(version(letter.revision, reason.closing)),
        ),
    ];
    known
        .into_iter()
        .filter_map(|(name, kind, text)| Some((name, kind, text?)))
        .collect()
}

const CODE: &str = "code";
const FIRST_SEEN: &str = "first_seen";
const VERSION: &str = "format_version";
const ORIGIN: &str = "origin";
const RECEIVES: &str = "receives";
const SENT_AT: &str = "sent_at";

/// The history that a message takes along when the lane sends it again.
pub fn of_again(message: &Message) -> Vec<Attribute> {
    vec![
        (ORIGIN, Kind::String, message.origin.clone()),
        (RECEIVES, Kind::Number, message.receive_count.to_string()),
        (SENT_AT, Kind::String, message.sent_at.to_string()),
        (FIRST_SEEN, Kind::String, message.first_seen.to_string()),
        (
            VERSION,
            Kind::String,
            version(message.revision, message.mark),
        ),
    ]
}

fn version(revision: Option<u32>, mark: Option<u64>) -> String {
    let revision = revision.map_or_else(String::new, |revision| format!("{PACK}{revision}"));
    let mark = mark.map_or_else(String::new, |mark| format!("{CLOSING}{mark}"));
    format!("{FORMAT_VERSION}{revision}{mark}")
}

/// The revision of the pack that accepted the request, where one is told.
pub fn revision<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<u32> {
    let (_, told) = attribute(VERSION)?.split_once(PACK)?;
    told.split(';').next()?.parse().ok()
}

/// The end that a letter, or a message made of one, tells of. A letter of the format that had no marks is of an end that
/// has none in its record either, which is 0.
pub fn mark<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<u64> {
    let version = attribute(VERSION)?;
    match version.split_once(CLOSING) {
        Some((_, closing)) => closing.parse().ok(),
        None => (version == UNMARKED && attribute(CODE).is_some()).then_some(0),
    }
}

/// What goes along with a request.
pub fn of_post(post: &Post) -> Vec<Attribute> {
    let first_seen = post.first_seen.map(|at| at.to_string());
    let first_seen = first_seen.map(|text| (FIRST_SEEN, Kind::String, text));
    let says_more = post.mark.is_some() || post.revision.is_some();
    let version = says_more.then(|| (VERSION, Kind::String, version(post.revision, post.mark)));
    first_seen.into_iter().chain(version).collect()
}

/// A message as SQS alone knows it, with the history that its attributes tell. `attribute` gives the text of one.
///
/// A letter that was put on the queue again tells when its request was first seen, and of which end it is.
pub fn with_history<'a>(message: Message, attribute: impl Fn(&str) -> Option<&'a str>) -> Message {
    let time = |name| Timestamp::parse_rfc3339(attribute(name)?).ok();
    let receives: Option<u32> = attribute(RECEIVES).and_then(|text| text.parse().ok());
    // Nobody's past lies in the future, whatever an attribute says.
    let first_seen = time(FIRST_SEEN)
        .unwrap_or(message.first_seen)
        .min(message.first_seen);
    let (mark, revision) = (mark(&attribute), revision(&attribute));
    let (Some(origin), Some(receives), Some(sent_at)) =
        (attribute(ORIGIN), receives, time(SENT_AT))
    else {
        return Message {
            first_seen,
            mark,
            revision,
            ..message
        };
    };
    Message {
        origin: origin.to_owned(),
        receive_count: message.receive_count.saturating_add(receives),
        sent_at: sent_at.min(message.sent_at),
        first_seen,
        mark,
        revision,
        ..message
    }
}

/// What a message counts for in SQS's limits: the body, and each attribute's name, type and value.
pub fn size(body: &str, attributes: &[Attribute]) -> usize {
    let attributes = attributes
        .iter()
        .map(|(name, kind, text)| name.len() + kind.as_str().len() + text.len());
    body.len() + attributes.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Reason, code};

    fn message() -> Message {
        Message {
            id: "m2".into(),
            origin: "m2".into(),
            receipt_handle: "r".into(),
            body: "{}".into(),
            receive_count: 1,
            sent_at: Timestamp::from_millis(9_000),
            first_seen: Timestamp::from_millis(9_000),
            mark: None,
            revision: None,
            group_id: None,
            trace_header: None,
        }
    }

    fn letter() -> Letter {
        Letter {
            body: "{}".into(),
            reason: Reason::new(code::PANICKED, ""),
            first_seen: Timestamp::from_millis(0),
            request_id: None,
            connection: None,
            operation: None,
            revision: None,
            group_id: None,
            trace_header: None,
        }
    }

    fn read(message: Message, attributes: &[Attribute]) -> Message {
        with_history(message, |wanted| {
            let found = attributes.iter().find(|(name, ..)| *name == wanted);
            found.map(|(_, _, text)| text.as_str())
        })
    }

    #[test]
    fn a_letter_always_says_why_and_since_when() {
        let attributes = of_letter(&letter()).into_iter();
        let names: Vec<_> = attributes.map(|(name, ..)| name).collect();
        assert_eq!(
            names,
            ["code", "detail", "attempts", "first_seen", "format_version"]
        );
    }

    /// It was counted before it grew: batches of such letters could be longer than SQS takes.
    #[test]
    fn a_detail_that_sqs_does_not_carry_is_replaced_and_stays_within_its_bound() {
        let letter = Letter {
            reason: Reason::new(code::PANICKED, "\u{1}".repeat(MAX_DETAIL_BYTES)),
            ..letter()
        };
        let attributes = of_letter(&letter);
        let detail = &attributes[1].2;
        assert_eq!(*detail, "\u{fffd}".repeat(MAX_DETAIL_BYTES / 3));
    }

    #[test]
    fn a_message_that_is_sent_again_keeps_its_past() {
        let before = Message {
            id: "m1".into(),
            origin: "m0".into(),
            receive_count: 41,
            sent_at: Timestamp::from_millis(1_000),
            first_seen: Timestamp::from_millis(500),
            ..message()
        };
        let expected = Message {
            id: "m2".into(),
            receive_count: 42,
            ..before.clone()
        };
        assert_eq!(read(message(), &of_again(&before)), expected);
    }

    #[test]
    fn a_redriven_letter_starts_anew_but_for_when_it_was_first_seen() {
        let attributes = [
            ("code", Kind::String, "attempts_spent".to_owned()),
            (
                FIRST_SEEN,
                Kind::String,
                "1970-01-01T00:00:00.500Z".to_owned(),
            ),
        ];
        let first_seen = Timestamp::from_millis(500);
        let expected = Message {
            first_seen,
            ..message()
        };
        assert_eq!(read(message(), &attributes), expected);
        let post = Post {
            body: String::new(),
            group_id: None,
            trace_header: None,
            first_seen: Some(first_seen),
            ..Post::default()
        };
        assert_eq!(read(message(), &of_post(&post)), expected);
        let future = [(FIRST_SEEN, Kind::String, "2970-01-01T00:00:00Z".to_owned())];
        assert_eq!(read(message(), &future), message());
    }

    #[test]
    fn a_letters_mark_goes_along_wherever_it_is_sent() {
        let marked = Letter {
            body: "{}".into(),
            reason: Reason {
                closing: Some(7),
                ..Reason::new(code::PANICKED, "")
            },
            first_seen: message().first_seen,
            request_id: None,
            connection: None,
            operation: None,
            revision: None,
            group_id: None,
            trace_header: None,
        };
        // By the console's redrive, which keeps the attributes.
        let letter = of_letter(&marked);
        assert!(letter.contains(&(VERSION, Kind::String, "2;closing=7".to_owned())));
        let redriven = read(message(), &letter);
        assert_eq!(redriven.mark, Some(7));
        // By the lane, when too many wait.
        assert_eq!(read(message(), &of_again(&redriven)).mark, Some(7));
        // By the operators' command.
        let post = Post {
            mark: Some(7),
            ..Post::default()
        };
        assert_eq!(read(message(), &of_post(&post)).mark, Some(7));
    }

    /// A lane that is older than ingest must know it of every message of the request's life.
    #[test]
    fn the_packs_revision_goes_along_wherever_the_request_is_sent() {
        let post = Post {
            revision: Some(3),
            ..Post::default()
        };
        let accepted = read(message(), &of_post(&post));
        assert_eq!((accepted.revision, accepted.mark), (Some(3), None));
        let again = of_again(&accepted);
        assert!(again.contains(&(VERSION, Kind::String, "2;pack=3".to_owned())));
        assert_eq!(read(message(), &again).revision, Some(3));
        let letter = of_letter(&Letter {
            revision: accepted.revision,
            reason: Reason {
                closing: Some(7),
                ..Reason::new(code::PANICKED, "")
            },
            ..letter()
        });
        // The release before looks for the end behind the first `;closing=`, and takes what follows for a number.
        assert!(letter.contains(&(VERSION, Kind::String, "2;pack=3;closing=7".to_owned())));
        let redriven = read(message(), &letter);
        assert_eq!((redriven.revision, redriven.mark), (Some(3), Some(7)));
        let post = Post {
            mark: Some(7),
            revision: Some(3),
            ..Post::default()
        };
        let redriven = read(message(), &of_post(&post));
        assert_eq!((redriven.revision, redriven.mark), (Some(3), Some(7)));
        for broken in [
            "2",
            "2;pack=",
            "2;pack=x;closing=7",
            "2;pack=-1",
            "2;pack=99999999999",
            ";pack",
        ] {
            let told = read(message(), &[(VERSION, Kind::String, broken.to_owned())]);
            assert_eq!(told.revision, None, "{broken}");
        }
    }

    #[test]
    fn only_a_letter_of_the_old_format_is_of_an_unmarked_end() {
        let of = |attributes: &[(&'static str, &str)]| {
            let attributes: Vec<Attribute> = attributes
                .iter()
                .map(|(name, text)| (*name, Kind::String, (*text).to_owned()))
                .collect();
            read(message(), &attributes).mark
        };
        assert_eq!(of(&[(VERSION, "1"), (CODE, "crash_loop")]), Some(0));
        assert_eq!(of(&[(VERSION, "1")]), None, "a message that was sent again");
        assert_eq!(of(&[(VERSION, "2"), (CODE, "idempotency_conflict")]), None);
        assert_eq!(of(&[(VERSION, "2;closing=x")]), None);
        assert_eq!(of(&[]), None);
    }
}
