//! What an answer means by the page's table: the first row that fits, then HTTP's own rules.

use std::time::Duration;

use super::page::{AnswerRow, Meaning, Page};
use super::place::Seen;
use super::{OperationLine, Place, Scene, test};
use crate::outcome::{Code, code};
use crate::provider::Verdict;

/// How long a spent quota parks a connection where neither the answer nor the page says: as long as the least wait that
/// is taken for one.
const PARKED: Duration = crate::provider::LONG_WAIT;

/// What a row of ambiguity or retry is called that gives no code.
const UNNAMED: &str = "unnamed";

impl Page {
    /// The row that an answer falls under; none where HTTP's own rules decide.
    #[must_use]
    pub fn row(&self, line: &OperationLine, scene: &Scene<'_>) -> Option<&AnswerRow> {
        self.answer.iter().find(|row| {
            row.status
                .as_ref()
                .is_none_or(|statuses| statuses.have(scene.status))
                && row
                    .op
                    .as_ref()
                    .is_none_or(|operations| operations.are(line))
                && test::all(&row.when, scene)
                && row.any.as_ref().is_none_or(|any| test::any(any, scene))
        })
    }

    /// What the answer means for a request of `line`'s operation.
    #[must_use]
    pub fn verdict(&self, line: &OperationLine, scene: &Scene<'_>) -> Verdict {
        match self.row(line, scene) {
            Some(row) => self.meant(row, scene),
            None => self.by_status(scene),
        }
    }

    fn meant(&self, row: &AnswerRow, scene: &Scene<'_>) -> Verdict {
        let now = scene.now;
        let after = || {
            let documented = row.after.as_ref().and_then(|wait| wait.read(scene, now));
            scene.hint().or(documented)
        };
        let named = || row.code.clone().map_or(Code::new(UNNAMED), Code::of);
        let detail = || match &row.detail {
            Some(detail) => detail.of(scene),
            None => format!("HTTP {}", scene.status),
        };
        match row.is {
            Meaning::Delivered | Meaning::Accepted => match &row.id {
                Some(places) => Verdict::delivered(first(places, scene)),
                None => self.made(scene),
            },
            Meaning::Rejected => Verdict::rejected(detail()),
            Meaning::Exists => Verdict::exists(detail()),
            Meaning::KeyInUse => Verdict::KeyInUse,
            Meaning::Retry => Verdict::Retry {
                code: named(),
                after: after(),
                fault: row.fault,
            },
            Meaning::Locked => Verdict::Retry {
                code: code::LOCKED,
                after: after(),
                fault: false,
            },
            Meaning::Throttled => Verdict::waiting(after(), now),
            Meaning::QuotaSpent => {
                let said = row.until.iter().find_map(|until| until.read(scene, now));
                let until = said.unwrap_or_else(|| now + scene.hint().unwrap_or(PARKED));
                Verdict::QuotaSpent { until }
            }
            Meaning::Ambiguous => Verdict::Ambiguous {
                code: named(),
                after: after(),
                resend_helps: !row.replayed,
                fault: row.fault,
            },
            Meaning::Unwell => Verdict::unwell(),
            Meaning::Unauthorised => Verdict::Unauthorized,
            Meaning::Forbidden => Verdict::forbidden(true, detail()),
            Meaning::Blocked => Verdict::forbidden(false, detail()),
            Meaning::Moved => Verdict::Moved,
            Meaning::ByStatus => self.by_status(scene),
        }
    }

    fn by_status(&self, scene: &Scene<'_>) -> Verdict {
        match scene.status {
            200..=299 => self.made(scene),
            _ => Verdict::by_status(scene.answer, scene.now),
        }
    }

    /// It took effect, if it is the vendor's answer at all.
    fn made(&self, scene: &Scene<'_>) -> Verdict {
        match first(&self.object_id, scene) {
            None if self.need_id => Verdict::unwell(),
            id => Verdict::delivered(id),
        }
    }
}

/// What names the thing that was made: text that is not empty, or a number.
fn first(places: &[Place], scene: &Scene<'_>) -> Option<String> {
    let read = places.iter().flat_map(|place| place.read(scene));
    let mut ids = read.filter_map(|seen| match &seen {
        Seen::Json(value) if value.is_boolean() => None,
        seen => seen.as_text().filter(|id| !id.is_empty()).map(String::from),
    });
    ids.next()
}
