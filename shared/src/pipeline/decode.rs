//! From messages to jobs: each record on its own, so that poison stays one record.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use super::job::{Ended, Job, Known};
use super::{Lane, Run};
use crate::bugs::{self, Bug};
use crate::outcome::{Code, Outcome, Reason, code};
use crate::provider::Operation;
use crate::queue::Message;
use crate::request::{DecodeError, Request};

impl Lane {
    pub(super) fn decode(&self, batch: Vec<Message>, run: &Run<'_>) -> (Vec<Job>, Vec<Ended>) {
        let (mut jobs, mut poison) = (Vec::with_capacity(batch.len()), Vec::new());
        for message in batch {
            let read = catch_unwind(AssertUnwindSafe(|| self.read(&message.body)));
            match read.unwrap_or_else(|_| {
                Err(Reason::new(code::PANICKED, "decoding the request panicked"))
            }) {
                Ok((request, operation)) => jobs.push(self.job(message, request, operation, run)),
                Err(_) if bugs::is(Bug::DropRestAfterPoison) => break,
                Err(reason) => {
                    let peek = catch_unwind(|| Request::peek(&message.body)).unwrap_or_default();
                    poison.push(Ended {
                        message,
                        peek,
                        outcome: Outcome::Rejected(reason),
                        attempts: 0,
                        last_attempt: None,
                        sent_again: false,
                    });
                }
            }
        }
        (jobs, poison)
    }

    fn read(&self, body: &str) -> Result<(Request, &'static Operation), Reason> {
        let spec = self.provider.spec();
        let request = Request::decode(body).map_err(|error| refused(&error))?;
        if request.provider.as_str() != spec.name {
            return Err(Reason::new(
                code::UNKNOWN_PROVIDER,
                format!("provider: this lane serves `{}`", spec.name),
            ));
        }
        let Some(operation) = spec.operation(&request.operation) else {
            let known: Vec<_> = spec
                .operations
                .iter()
                .map(|operation| operation.name)
                .collect();
            let detail = format!("operation: must be one of {}", known.join(", "));
            return Err(Reason::new(code::UNKNOWN_OPERATION, detail));
        };
        Ok((request, operation))
    }

    fn job(
        &self,
        message: Message,
        request: Request,
        operation: &'static Operation,
        run: &Run<'_>,
    ) -> Job {
        let pk = request.ledger_key().to_string();
        let owner = format!(
            "{}/{}/{}",
            self.settings.environment, run.invocation.id, message.id
        );
        Job {
            message,
            request,
            operation,
            pk,
            owner,
            started: run.started,
            function_timeout: run.invocation.deadline.since(run.started),
            known: Known::Unread,
            mapped: OnceLock::new(),
        }
    }
}

fn refused(error: &DecodeError) -> Reason {
    Reason::new(Code::new(error.code()), error.to_string())
}
