//! The answers that the wire fixtures show: written by hand from the vendor's pages, they must fit its document too.

use super::{Bench, Side};
use crate::Error;
use crate::prism::violations;
use crate::relay::Lie;

/// How verdicts of answers begin that the vendor itself gives on purpose. Outages, and what stands between it and us,
/// are in no document.
const ON_PURPOSE: [&str; 4] = ["delivered", "rejected", "throttled", "exists"];

impl Bench {
    pub(super) async fn recorded(&mut self) -> Result<(), Error> {
        for case in self.lane.cases()? {
            // Each operation's answers go back to the first of its payloads.
            if case.number > 0 || self.document.without.contains(&case.operation.name) {
                continue;
            }
            for recorded in &case.answers {
                let verdict = recorded.verdict.as_str();
                if !ON_PURPOSE.iter().any(|start| verdict.starts_with(start)) {
                    continue;
                }
                self.relay.lie(Some(Lie::Instead(recorded.answer.clone())));
                let wire = self.lane.wire(case.operation, &case.payload)?;
                let answer = self.lane.send(self.prism.base_url(), &wire).await?;
                self.recorded.requests += 1;
                let what = format!("{}, {}", case.operation.name, recorded.name);
                for violation in violations(&answer)? {
                    if violation.is_of_answer() {
                        let text = violation.text();
                        self.note(Side::Recorded, &what, answer.status, &text);
                    }
                }
            }
        }
        self.relay.lie(None);
        Ok(())
    }
}
