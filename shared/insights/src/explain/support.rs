//! For support people: what happened, who can change it, what happens next and when. No word of the trade.

mod obstacles;

use causeway::Timestamp;
use causeway::ledger::Status;
use causeway::provider::Settling;

use super::codes::{Entry, Fault};
use super::facts::{Facts, Lane, Seen};
use super::zone::Zone;

/// The paragraph, sentence by sentence.
pub(super) struct Writer<'a> {
    facts: &'a Facts<'a>,
    zone: &'a Zone,
    sentences: Vec<String>,
}

/// The paragraph.
pub(super) fn paragraph(facts: &Facts<'_>, zone: &Zone) -> String {
    let mut writer = Writer {
        facts,
        zone,
        sentences: Vec::new(),
    };
    writer.whose();
    match facts.seen {
        None => writer.absent(),
        Some(seen) => match seen.status {
            Status::InProgress => writer.in_progress(seen),
            Status::Retrying => writer.retrying(seen),
            Status::Completed => writer.completed(seen),
            Status::Rejected => writer.rejected(seen),
            Status::Unknown => writer.unknown(seen),
        },
    }
    writer.zone_of_times();
    writer.sentences.join(" ")
}

/// A code alone, without a request: what it means, who can change it, what to do.
pub(super) fn of_entry(known: &Entry<'_>, title: &str) -> String {
    let mut sentences = vec![named(known.plain, title)];
    sentences.extend(who(known.fault, title).map(|who| named(&who, title)));
    sentences.push(named(known.remedy, title));
    sentences.join(" ")
}

/// `text` with the vendor's name in its place.
fn named(text: &str, title: &str) -> String {
    let text = text.replace("{vendor}", title);
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

/// Who can change it.
pub(super) fn who(fault: Fault, title: &str) -> Option<String> {
    let who = match fault {
        Fault::Producer => "Whoever sent the request".to_owned(),
        Fault::Vendor => title.to_owned(),
        Fault::Account => format!("Whoever administers the account at {title}"),
        Fault::Operator => "Whoever runs Causeway".to_owned(),
        Fault::Lane => "Whoever looks after the program of Causeway".to_owned(),
        Fault::Nobody => return None,
    };
    Some(format!("{who} can change that."))
}

/// Whether an advice is to do nothing, which is true only while Causeway itself goes on.
fn is_nothing(advice: &str) -> bool {
    advice.starts_with("Nothing")
}

impl Writer<'_> {
    fn say(&mut self, sentence: impl Into<String>) {
        self.sentences.push(sentence.into());
    }

    fn at(&self, at: Timestamp) -> String {
        self.zone.at(at)
    }

    fn title(&self) -> &str {
        self.facts.title()
    }

    fn whose(&mut self) {
        let (title, connection) = (self.title(), self.facts.connection);
        let text = match self.facts.key {
            Some(key) => format!(
                "This is about the request “{key}” to {title} on the connection “{connection}”."
            ),
            None => format!("This is about a request to {title} that cannot be read."),
        };
        self.say(text);
    }

    fn zone_of_times(&mut self) {
        let utc_or_name = self.zone.name().to_owned();
        let is_time =
            |text: &String| text.contains(':') && text.bytes().any(|byte| byte.is_ascii_digit());
        if self.sentences.iter().any(is_time) {
            self.say(format!("All times are in the time zone {utc_or_name}."));
        }
    }

    fn absent(&mut self) {
        self.say(
            "Nothing is written down about it yet: it waits for its turn, or it was never sent, or it ended more than \
             30 days ago.",
        );
        if let Some(waiting) = self.facts.waiting {
            let title = self.title().to_owned();
            self.say(format!(
                "The number of requests that wait for {title} is about {waiting}."
            ));
        }
        self.lane();
        if self.facts.lane.is_some_and(Lane::is_clear) {
            let title = self.title().to_owned();
            self.say(format!(
                "Nothing is known to hold up the requests to {title} at the moment."
            ));
        }
        self.deadline();
        self.say(
            "Whoever sent the request can send it again unchanged under the same reference, if that was less than 30 \
             days ago: it is still carried out once only.",
        );
    }

    fn in_progress(&mut self, seen: &Seen<'_>) {
        let is_over = seen
            .lease_until
            .is_some_and(|until| until <= self.facts.now);
        if is_over {
            let title = self.title().to_owned();
            let when = seen
                .lease_until
                .map(|until| format!(" before {}", self.at(until)));
            let when = when.unwrap_or_default();
            self.say(format!(
                "The work on it broke off without a word{when}, so that {title} may have received it or not."
            ));
            self.settled_how(seen, self.facts.now);
        } else {
            let since = seen
                .claimed_at
                .map(|since| format!(", since {}", self.at(since)));
            self.say(format!(
                "It is being worked on right now{}.",
                since.unwrap_or_default()
            ));
            self.tries(seen);
            if let Some(until) = seen.lease_until {
                let until = self.at(until);
                self.say(format!(
                    "Should the work break off, it is taken up again after {until}."
                ));
            }
        }
        self.lane();
        self.deadline();
    }

    fn retrying(&mut self, seen: &Seen<'_>) {
        match (seen.code, seen.last_attempt) {
            (None, None) => {
                let title = self.title().to_owned();
                self.say(format!("It has not been handed to {title} yet."));
            }
            (None, Some(last)) => {
                let text = format!(
                    "The call of {} is not over, or was put off, and does not count as a try.",
                    self.at(last)
                );
                self.say(text);
            }
            (Some(_), last) => {
                self.tries(seen);
                let when = last
                    .map(|last| format!(" of {}", self.at(last)))
                    .unwrap_or_default();
                self.say(format!("The last try{when} did not succeed."));
                self.cause_while_it_goes_on();
            }
        }
        if seen.ambiguous {
            self.say("It may have been carried out all the same.");
            self.settled_how(seen, seen.next_attempt_at.unwrap_or(self.facts.now));
        }
        if let Some(next) = seen.next_attempt_at {
            let text = match next > self.facts.now {
                true => format!("It is taken up again by itself on {}.", self.at(next)),
                false => format!(
                    "It has been due since {} and is taken up as soon as its turn comes.",
                    self.at(next)
                ),
            };
            self.say(text);
        }
        self.lane();
        self.deadline();
    }

    fn completed(&mut self, seen: &Seen<'_>) {
        let title = self.title().to_owned();
        let text = match (seen.resolved_at, seen.last_attempt) {
            (Some(ruled), _) => format!(
                "It was carried out: a person looked at {title} and confirmed that on {}.",
                self.at(ruled)
            ),
            (None, Some(last)) => format!(
                "It was carried out: {title} took it with the call of {}.",
                self.at(last)
            ),
            (None, None) => format!("It was carried out: {title} took it."),
        };
        self.say(text);
        if let Some(id) = seen.object_id {
            self.say(format!("{title} knows the result as “{id}”."));
        }
        self.tries(seen);
        self.say("Nothing is left to do.");
    }

    fn rejected(&mut self, seen: &Seen<'_>) {
        if let Some(ruled) = seen.resolved_at {
            let (title, ruled) = (self.title().to_owned(), self.at(ruled));
            self.say(format!(
                "A person looked at {title} and ruled on {ruled} that it was not carried out."
            ));
            self.say("Whoever runs Causeway can send it off again if it is still wanted.");
            return;
        }
        let when = seen
            .closed_at
            .map(|at| format!(" It ended on {}.", self.at(at)));
        let text = format!(
            "It was not carried out, and nothing more is tried by itself.{}",
            when.unwrap_or_default()
        );
        self.say(text);
        self.tries(seen);
        let Some(cause) = self.facts.cause() else {
            return self.say(
                "Why it ended is not known to this release; whoever runs Causeway can look it up.",
            );
        };
        self.say(named(cause.plain, self.title()));
        if let Some(inner) = self.facts.inner_cause() {
            self.say(format!(
                "What stood in its way at last: {}",
                lower(&named(inner.plain, self.title()))
            ));
        }
        if let Some(who) = who(cause.fault, self.facts.title()) {
            self.say(who);
        }
        if !is_nothing(cause.remedy) {
            self.say(named(cause.remedy, self.title()));
        }
    }

    fn unknown(&mut self, seen: &Seen<'_>) {
        let title = self.title().to_owned();
        let when = seen
            .last_attempt
            .map(|last| format!(" with the call of {}", self.at(last)));
        let when = when.unwrap_or_default();
        self.say(format!(
            "It may have been carried out{when} or not: {title} gave no answer that settles it."
        ));
        self.tries(seen);
        if let Some(inner) = self.facts.inner_cause() {
            self.say(named(inner.plain, self.title()));
        } else if let Some(cause) = self
            .facts
            .cause()
            .filter(|cause| cause.code != "outcome_unknown")
        {
            self.say(named(cause.plain, self.title()));
        }
        self.say("It is not sent again by itself, so that it cannot happen twice.");
        self.say(format!(
            "Somebody must look at {title} whether it is there and tell whoever runs Causeway, who writes that down."
        ));
    }

    fn tries(&mut self, seen: &Seen<'_>) {
        match seen.attempts {
            Some(0) | None => {}
            Some(attempts) => self.say(format!("The number of tries so far is {attempts}.")),
        }
    }

    fn cause_while_it_goes_on(&mut self) {
        let Some(cause) = self.facts.cause() else {
            return;
        };
        self.say(named(cause.plain, self.title()));
        // Whoever could act meanwhile; a vendor's fault passes, and what goes on by itself is said already.
        if matches!(cause.fault, Fault::Account | Fault::Operator) {
            if let Some(who) = who(cause.fault, self.facts.title()) {
                self.say(who);
            }
            if !is_nothing(cause.remedy) {
                self.say(named(cause.remedy, self.title()));
            }
        }
    }

    /// How a doubt is settled without a person.
    fn settled_how(&mut self, seen: &Seen<'_>, at: Timestamp) {
        let Some(safety) = self.facts.safety else {
            return self.say(
                "It is taken up again by itself where that cannot do it twice; otherwise a person will have to look.",
            );
        };
        let title = self.title().to_owned();
        self.say(match safety.settling(seen.first_sent_at, at) {
            Settling::Resend => format!("It is sent again in a way that {title} carries out once only."),
            Settling::LookUp => {
                format!("{title} is asked first whether it was done, and it is sent again only where it was not.")
            }
            Settling::Unknown => format!(
                "Sending it again could do it twice, so a person will have to look at {title}."
            ),
        });
    }

    fn deadline(&mut self) {
        if let Some(deadline) = self.facts.deadline {
            let at = self.at(deadline);
            self.say(match deadline > self.facts.now {
                true => format!("After {at} it is not sent any more, as the request itself says."),
                false => format!("The latest time that the request itself sets, {at}, has passed, so it is not sent any more."),
            });
        }
    }
}

/// `text` as it stands after a colon.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    let starts_plain =
        text.starts_with("The ") || text.starts_with("An ") || text.starts_with("A ");
    match chars.next() {
        Some(first) if starts_plain => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}
