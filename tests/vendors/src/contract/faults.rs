//! Faults on purpose: a check that misses one of them is blind.

use causeway::provider::{Answer, Wire};
use http::{HeaderValue, header};

use super::Bench;
use crate::Error;
use crate::prism::{Violation, violations};

impl Bench {
    /// Requests that no lane makes: each must be found wrong.
    pub(super) async fn probes(&mut self) -> Result<(), Error> {
        for probe in self.document.probes {
            let mut wire = Wire::post(probe.path).header(
                header::CONTENT_TYPE,
                HeaderValue::from_static(probe.media_type),
            );
            wire.body = probe.body.into();
            let signed = self.lane.signed(wire)?;
            let answer = self.lane.send(self.prism.base_url(), &signed).await?;
            let mut texts = texts(&answer)?;
            texts.extend(self.fields.unknown(&signed));
            self.must_find(probe.what, probe.found, &texts);
        }
        self.without_credentials().await
    }

    async fn without_credentials(&mut self) -> Result<(), Error> {
        let Some(step) = self.document.steps.first() else {
            return Ok(());
        };
        for mut wire in step.prepare(&self.lane, "", "")?.wires {
            wire.headers.remove(header::AUTHORIZATION);
            let answer = self.lane.send(self.prism.base_url(), &wire).await?;
            let found = "request: Invalid security scheme used";
            self.must_find("no credentials", found, &texts(&answer)?);
        }
        Ok(())
    }

    /// Answers that no fake gives: each must be found wrong.
    pub(super) async fn lies(&mut self) -> Result<(), Error> {
        let Some(step) = self.document.steps.first() else {
            return Ok(());
        };
        for (lie, found) in self.document.lies {
            // What is made once may be refused a second time.
            self.start_anew().await?;
            self.relay.lie(Some(lie.clone()));
            for wire in step.prepare(&self.lane, "", "")?.wires {
                let answer = self.lane.send(self.prism.base_url(), &wire).await?;
                self.must_find(&format!("{lie:?}"), found, &texts(&answer)?);
            }
        }
        self.relay.lie(None);
        Ok(())
    }

    fn must_find(&mut self, what: &str, wanted: &str, texts: &[String]) {
        self.faults.requests += 1;
        if !texts.iter().any(|text| text.contains(wanted)) {
            let text = format!("{what} went unnoticed: `{wanted}` is not among {texts:?}");
            self.faults.violation(text);
        }
    }
}

fn texts(answer: &Answer) -> Result<Vec<String>, Error> {
    Ok(violations(answer)?.iter().map(Violation::text).collect())
}
