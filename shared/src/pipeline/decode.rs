//! From messages to jobs: each record on its own, so that poison stays one record.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use futures_util::future::join_all;

use super::job::{Ended, Job, Subject};
use super::{Lane, Run, state};
use crate::ledger::state::Closing;
use crate::outcome::{Code, Deferral, Outcome, Reason, code};
use crate::provider::{Operation, Safety};
use crate::queue::Message;
use crate::request::Request;

impl Lane {
    pub(super) fn decode(&self, batch: Vec<Message>, run: &Run<'_>) -> (Vec<Job>, Vec<Ended>) {
        let (mut jobs, mut poison) = (Vec::with_capacity(batch.len()), Vec::new());
        for message in batch {
            let read = catch_unwind(AssertUnwindSafe(|| self.read(&message, run)));
            let unread = || Refused {
                outcome: rejected(code::PANICKED, "decoding the request panicked"),
                subject: None,
            };
            match read.unwrap_or_else(|_| Err(unread())) {
                Ok((request, operation, subject)) => jobs.push(Job {
                    message,
                    request,
                    operation,
                    subject,
                    known: None,
                    mapped: OnceLock::new(),
                }),
                Err(Refused { outcome, subject }) => {
                    let peek = catch_unwind(|| Request::peek(&message.body)).unwrap_or_default();
                    poison.push(Ended {
                        message,
                        peek,
                        subject: subject.map(|subject| *subject),
                        outcome: *outcome,
                        sent_again: false,
                    });
                }
            }
        }
        (jobs, poison)
    }

    /// Writes the ends of refused requests that could be read, so that whoever asks is answered.
    pub(super) async fn end_refused(&self, poison: Vec<Ended>, run: &Run<'_>) -> Vec<Ended> {
        let written = poison.into_iter().map(|mut ended| async {
            if let (Some(subject), Outcome::Rejected(reason)) = (&ended.subject, &ended.outcome) {
                let reason = Closing::new(reason.code.clone(), reason.detail.clone());
                ended.outcome = self.end(&ended.message, subject, &reason, run).await;
            }
            ended
        });
        join_all(written).await
    }

    fn read(
        &self,
        message: &Message,
        run: &Run<'_>,
    ) -> Result<(Request, &'static Operation, Subject), Refused> {
        let spec = self.provider.spec();
        let refused = |outcome| Refused {
            outcome,
            subject: None,
        };
        let request = Request::decode(&message.body)
            .map_err(|error| refused(rejected(Code::new(error.code()), error.to_string())))?;
        if request.provider.as_str() != spec.name {
            let detail = format!("provider: this lane serves `{}`", spec.name);
            return Err(refused(rejected(code::UNKNOWN_PROVIDER, detail)));
        }
        let operation = spec.operation(&request.operation);
        let subject = Subject {
            pk: request.ledger_key().to_string(),
            payload_hash: request.payload_hash.to_string(),
            owner: format!(
                "{}/{}/{}",
                self.settings.environment, run.invocation.id, message.id
            ),
            safety: operation.map_or(Safety::Unsafe, |operation| operation.safety),
        };
        let Some(operation) = operation else {
            let now = self.seams.clock.now();
            let outcome = if state::awaits_pack(message, spec.revision, now) {
                Box::new(Outcome::Deferred {
                    reason: Deferral::PackOlder,
                    until: now + state::PACK_WAIT,
                })
            } else {
                let detail = format!("operation: {}", spec.operations.unknown(&request.operation));
                rejected(code::UNKNOWN_OPERATION, detail)
            };
            return Err(Refused {
                outcome,
                subject: Some(Box::new(subject)),
            });
        };
        Ok((request, operation, subject))
    }
}

fn rejected(code: Code, detail: impl Into<String>) -> Box<Outcome> {
    Box::new(Outcome::Rejected(Reason::new(code, detail)))
}

/// Why a message is no job.
struct Refused {
    outcome: Box<Outcome>,
    /// The request, where it could be read.
    subject: Option<Box<Subject>>,
}
