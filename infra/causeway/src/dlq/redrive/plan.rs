//! The dry run: which letters move, by cause, and why the others stay.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::dlq::classify::Class;
use crate::dlq::fingerprint;
use crate::dlq::group::{Group, groups};
use crate::dlq::look::Judged;

/// Different reasons that are shown of a group: the rest says the same in other words.
const MAX_REASONS: usize = 3;

/// Letters of one cause, and what a redrive of them would come to.
#[derive(Debug, Serialize)]
pub struct Planned {
    /// The cause.
    #[serde(flatten)]
    pub group: Group,
    /// How many of each class.
    pub classes: BTreeMap<Class, usize>,
    /// Why, for each class: the first few.
    pub reasons: Vec<String>,
    /// Places of the letters that a redrive would send again.
    #[serde(skip)]
    pub send: Vec<usize>,
    /// Places of the letters that a redrive would delete, since their requests took effect.
    #[serde(skip)]
    pub delete: Vec<usize>,
}

/// Plans a redrive of `letters`; of the risky classes only those in `include` move.
pub fn plan(provider: &str, letters: &[Judged], include: &[Class]) -> Vec<Planned> {
    let groups = groups(provider, letters.iter().map(|judged| &judged.letter));
    let mut planned: Vec<Planned> = groups.into_iter().map(Planned::new).collect();
    for (place, judged) in letters.iter().enumerate() {
        let fingerprint = fingerprint::of(&judged.letter);
        let of_cause = |planned: &&mut Planned| planned.group.fingerprint == fingerprint;
        if let Some(planned) = planned.iter_mut().find(of_cause) {
            planned.add(place, judged, include);
        }
    }
    planned
}

impl Planned {
    fn new(group: Group) -> Self {
        Self {
            group,
            classes: BTreeMap::new(),
            reasons: Vec::new(),
            send: Vec::new(),
            delete: Vec::new(),
        }
    }

    fn add(&mut self, place: usize, judged: &Judged, include: &[Class]) {
        let class = judged.judgement.class;
        *self.classes.entry(class).or_default() += 1;
        let reason = format!("{}: {}", class.words(), judged.judgement.why);
        if self.reasons.len() < MAX_REASONS && !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
        match class {
            Class::AlreadyDone => self.delete.push(place),
            Class::Safe => self.send.push(place),
            Class::Ambiguous | Class::Hopeless if include.contains(&class) => {
                self.send.push(place);
            }
            Class::Ambiguous | Class::Hopeless => {}
        }
    }

    /// How many of `class`.
    pub fn count(&self, class: Class) -> usize {
        self.classes.get(&class).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlq::classify::Judgement;
    use crate::dlq::letter::tests::letter;

    fn judged(code: &str, class: Class) -> Judged {
        Judged {
            letter: letter("{}", &[("code", code)]),
            record: None,
            judgement: Judgement {
                class,
                why: "so".to_owned(),
            },
        }
    }

    #[test]
    fn safe_ones_are_sent_done_ones_deleted_and_the_rest_stays_unless_included() {
        use Class::{AlreadyDone, Ambiguous, Hopeless, Safe};
        let letters =
            [AlreadyDone, Safe, Ambiguous, Hopeless, Safe].map(|class| judged("a", class));
        let moved = |include: &[Class]| {
            let planned = plan("stripe", &letters, include).remove(0);
            assert_eq!(planned.count(Safe), 2);
            (planned.delete, planned.send)
        };
        assert_eq!(moved(&[]), (vec![0], vec![1, 4]));
        assert_eq!(moved(&[Ambiguous]), (vec![0], vec![1, 2, 4]));
        assert_eq!(moved(&[Hopeless, Ambiguous]), (vec![0], vec![1, 2, 3, 4]));
    }

    #[test]
    fn causes_are_planned_apart_the_largest_first() {
        let letters = ["a", "b", "b"].map(|code| judged(code, Class::Safe));
        let planned = plan("stripe", &letters, &[]);
        let sends: Vec<_> = planned.iter().map(|planned| planned.send.clone()).collect();
        assert_eq!(sends, [vec![1, 2], vec![0]]);
    }
}
