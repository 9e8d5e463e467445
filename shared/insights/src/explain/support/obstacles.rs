//! What holds a lane, or one connection of it, up, for support people.

use causeway::breaker::{Breaker, State};
use causeway::credentials::{Pause, Reason};

use super::Writer;
use crate::explain::facts::{Full, Stop};

impl Writer<'_> {
    /// What holds the lane up.
    pub(super) fn lane(&mut self) {
        let Some(lane) = self.facts.lane else {
            return;
        };
        let whom = self.title().to_owned();
        self.breaker(&lane.breaker, &format!("All requests to {whom}"));
        if let Some(own) = &lane.own_breaker {
            let whose = format!(
                "All requests to {whom} on the connection “{}”",
                self.facts.connection
            );
            self.breaker(own, &whose);
        }
        if let Some(pause) = &lane.pause {
            self.pause(pause);
        }
        let own = self.facts.operation.map(|line| line.op.as_str());
        for (operation, run) in lane.rights.paused() {
            if own.is_some_and(|own| own != operation) {
                continue;
            }
            let mut text = format!(
                "Since {} {whom} has refused requests of the kind “{operation}” on this connection, so that these wait",
                self.at(run.since)
            );
            if let Some(trial) = run.next_trial {
                text += &format!(", and the next test is due on {}", self.at(trial));
            }
            self.say(text + ".");
            if own.is_none() {
                self.say("If this request is of that kind, it waits too.");
            }
            self.say(format!(
                "Whoever administers the account at {whom} can grant the right that is missing."
            ));
        }
        if let Some(full) = &lane.limit {
            self.limit(full);
        }
    }

    fn breaker(&mut self, breaker: &Breaker, whose: &str) {
        let title = self.title().to_owned();
        let since = breaker
            .opened_at
            .map(|since| format!(" since {}", self.at(since)))
            .unwrap_or_default();
        let until = breaker.open_until;
        let text = match breaker.state {
            State::Closed => return,
            State::Open => match until.filter(|until| *until > self.facts.now) {
                Some(until) => format!(
                    "{whose} have been on hold{since} because calls failed; the next test is due on {}.",
                    self.at(until)
                ),
                None => format!(
                    "{whose} have been on hold{since} because calls failed; the next one to come is the test."
                ),
            },
            State::HalfOpen => format!(
                "{whose} have been on hold{since} because calls failed; single ones are being tested now, and the rest \
                 follows once these succeed."
            ),
            State::ForcedOpen => match until {
                Some(until) => format!(
                    "Whoever runs Causeway has put requests to {title} on hold{since}, until {} at the latest.",
                    self.at(until)
                ),
                None => {
                    format!("Whoever runs Causeway has put requests to {title} on hold{since}.")
                }
            },
        };
        self.say(text);
    }

    fn pause(&mut self, pause: &Pause) {
        let title = self.title().to_owned();
        let (since, trial) = (self.at(pause.since), self.at(pause.next_trial));
        let connection = self.facts.connection;
        let next = match pause.next_trial > self.facts.now {
            true => format!(" The next test is due on {trial}."),
            false => " The next request is the test.".to_owned(),
        };
        let text = match pause.reason {
            Reason::Unauthorised => format!(
                "Since {since} {title} has not accepted the credentials of the connection “{connection}”, so its requests \
                 wait.{next} Whoever administers the account at {title} can renew them."
            ),
            Reason::ReauthoriseNeeded => format!(
                "Since {since} the requests of the connection “{connection}” have waited, because the owner of the account \
                 at {title} must connect it again."
            ),
            Reason::SecretMissing => format!(
                "Since {since} the requests of the connection “{connection}” have waited, because Causeway has no usable \
                 credentials for it. Whoever runs Causeway can put them in place."
            ),
            Reason::RefreshBudget => format!(
                "Since {since} the requests of the connection “{connection}” have waited, because {title} hands out no more \
                 access for now; that ends by itself.{next}"
            ),
            Reason::Moved => format!(
                "Since {since} the requests of the connection “{connection}” have waited, because the account at {title} \
                 has another address now.{next} Whoever runs Causeway can enter the new one."
            ),
            Reason::Forbidden => format!(
                "Since {since} {title} has refused requests on the connection “{connection}”, so these wait.{next} Whoever \
                 administers the account at {title} can grant the right that is missing."
            ),
        };
        self.say(text);
    }

    fn limit(&mut self, full: &Full) {
        let (title, until) = (self.title().to_owned(), self.at(full.until));
        self.say(match full.by {
            Stop::Asked => format!("{title} wants no calls for this account before {until}, because there were too many."),
            Stop::Spent => format!("The account has used up what {title} allows it; it starts anew on {until}."),
            Stop::Line => format!(
                "All that {title} allows at once is used; more may go on {until}."
            ),
        });
    }
}
