//! Whether a connection's credentials work, without doing anything at the vendor.
//!
//! A token is got as a lane gets it: under the lease and into the item that all lanes share, since a refresh token may be
//! good for one exchange only, and the one that comes back must reach them.

use std::sync::Arc;
use std::time::Duration;

use causeway::clock::{Clock, SystemClock};
use causeway::credentials::{Access, Credentials, Refused};
use causeway::http_client::{CallError, ReqwestClient};
use causeway::lanes::MemoryStates;
use causeway::ledger::MemoryLedger;
use causeway::pack::Pack;
use causeway::provider::{Answer, Provider, Shown, Verdict, Wire};
use causeway::queue::MemoryQueue;
use causeway::seams::Seams;
use causeway::secrets::{AwsSecrets, SecretsError};
use causeway_ingest::catalogue;
use clap::Args;
use http::Method;
use serde::Serialize;
use serde_json::json;

use crate::breaker;
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Stack;
use crate::target::Target;

/// The longest wait for the vendor's answer to the read. Lanes give most operations 10 s.
const READ_MAX: Duration = Duration::from_secs(10);

/// How long from now a token call may take: longer than any scheme's own timeout, so that it is made.
const TOKEN_MAX: Duration = Duration::from_secs(120);

/// Test a connection's credentials: the secret, a token where there are tokens, and a harmless read.
///
/// The read is one that changes nothing (`check` of the provider's page); it is a call of the vendor's like any other and
/// is not counted in the lane's limits. A token is got, and kept, as a lane would. A pause is neither made nor ended by the
/// read. Exit status 3: they do not work, or that cannot be told.
#[derive(Args, Debug)]
pub struct Test {
    /// The connection; `default` where none is named.
    #[arg(value_name = "PROVIDER[/CONNECTION]")]
    target: Target,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// As it should.
    Good,
    /// It was not made, or does not tell.
    Untold,
    /// It failed: the credentials are at fault.
    Bad,
}

/// A step of the test.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Step {
    step: &'static str,
    standing: Standing,
    found: String,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Tested {
    provider: String,
    connection: String,
    /// The secret's name.
    secret: String,
    /// Whether the vendor took the credentials; none where nothing could tell.
    works: Option<bool>,
    steps: Vec<Step>,
}

/// Runs the test.
///
/// # Errors
/// When there is no such lane, or AWS cannot be reached; what the credentials are is no error.
pub async fn run(test: &Test, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let provider = stack.lane(test.target.provider.as_str())?.provider.clone();
    let connection = super::connection(&test.target);
    let pack = *catalogue::pack(&provider).ok_or_else(|| {
        Error::new(format!("this release does not know {provider}"))
            .hint("use the command of the release that is deployed")
    })?;
    let trial = Trial::new(&stack, pack)?;
    let mut steps = Vec::new();
    trial.carry_out(&connection, &mut steps).await?;
    let tested = Tested {
        secret: stack.secret(&provider, &connection),
        provider,
        connection,
        works: works(&steps),
        steps,
    };
    if context.global.json {
        output::json(Kind::ConnectionTest, &tested)?;
    } else {
        output::line(&tested.text())?;
    }
    Ok(match tested.works {
        Some(true) => Done::All,
        Some(false) | None => Done::InPart,
    })
}

/// What the steps say together: the vendor's word counts, a secret that is whole does not prove that it is right.
fn works(steps: &[Step]) -> Option<bool> {
    if steps.iter().any(|step| step.standing == Standing::Bad) {
        return Some(false);
    }
    let vendor = steps
        .iter()
        .any(|step| matches!(step.step, "token" | "read") && step.standing == Standing::Good);
    vendor.then_some(true)
}

/// What the test is made with.
struct Trial {
    pack: Pack,
    base_url: String,
    seams: Seams,
}

impl Trial {
    fn new(stack: &Stack, pack: Pack) -> Result<Self, Error> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let http = ReqwestClient::new()
            .map_err(|error| Error::new(format!("cannot set TLS up: {error}")))?;
        let client = aws_sdk_secretsmanager::Client::new(&stack.config);
        let seams = Seams {
            clock,
            http: Arc::new(http),
            states: Arc::new(breaker::states(stack)?),
            secrets: Arc::new(AwsSecrets::new(client, stack.secrets_prefix())),
            // Credentials ask none of these.
            ledger: Arc::new(MemoryLedger::default()),
            mappings: Arc::new(MemoryStates::default()),
            queue: Arc::new(MemoryQueue::default()),
        };
        let spec = pack.spec();
        let base_url = match stack.provider_base_url() {
            None => spec.base_url.to_owned(),
            Some(stand_in) => format!("{}/{}", stand_in.trim_end_matches('/'), spec.name),
        };
        Ok(Self {
            pack,
            base_url,
            seams,
        })
    }

    /// Step by step, until one is bad.
    async fn carry_out(&self, connection: &str, steps: &mut Vec<Step>) -> Result<(), Error> {
        let spec = self.pack.spec();
        let secret = match self.seams.secrets.get(spec.name, connection).await {
            Ok(secret) => secret,
            Err(SecretsError::Store(error)) => {
                return Err(Error::new(format!("the secret cannot be read: {error}"))
                    .hint("who may read secrets: infra/policies/connections.json"));
            }
            Err(error) => {
                steps.push(step("secret", Standing::Bad, error.to_string()));
                return Ok(());
            }
        };
        let address = spec.fill(self.base_url.clone(), &secret);
        let address = match spec.auth.check(&secret).and(address) {
            Ok(address) => address,
            Err(error) => {
                steps.push(step("secret", Standing::Bad, error.to_string()));
                return Ok(());
            }
        };
        steps.push(step(
            "secret",
            Standing::Good,
            "it can be read and is complete".to_owned(),
        ));
        let mut access = None;
        if spec.auth.token(&secret).is_some() {
            access = self.token(connection, steps).await?;
            if access.is_none() {
                return Ok(());
            }
        }
        let shown = match &access {
            Some(access) => access.shown(),
            None => Shown::from(&secret),
        };
        steps.push(self.read(&address, shown).await);
        Ok(())
    }

    /// An access token, as a lane gets it.
    async fn token(
        &self,
        connection: &str,
        steps: &mut Vec<Step>,
    ) -> Result<Option<Access>, Error> {
        let environment = breaker::writer();
        let provider = Arc::new(self.pack);
        let seams = self.seams.clone();
        let credentials = Credentials::new(provider, seams, self.base_url.clone(), environment);
        let latest = self.seams.clock.now() + TOKEN_MAX;
        match credentials.access(connection, latest).await {
            Ok(access) => {
                steps.push(step(
                    "token",
                    Standing::Good,
                    "the vendor gave one".to_owned(),
                ));
                Ok(Some(access))
            }
            Err(Refused::Paused(paused)) => {
                let found = format!(
                    "no token: the connection is paused (`{}`)",
                    paused.reason.code()
                );
                steps.push(step("token", Standing::Bad, found));
                Ok(None)
            }
            Err(Refused::Wait(until)) => {
                let found = format!("no token yet; the next is asked for at {until}");
                steps.push(step("token", Standing::Untold, found));
                Ok(None)
            }
            Err(Refused::Store(error)) => Err(Error::new(format!(
                "the shared state cannot be used: {error}"
            ))
            .hint("who may keep tokens: infra/policies/connections.json")),
        }
    }

    /// The page's harmless read.
    async fn read(&self, address: &str, shown: Shown<'_>) -> Step {
        let Some(wire) = read_of(&self.pack) else {
            let found = "no harmless read of this vendor is on record: nothing was asked";
            return step("read", Standing::Untold, found.to_owned());
        };
        let now = self.seams.clock.now();
        let wire = match self.pack.sign(wire, shown, now) {
            Ok(wire) => wire,
            Err(error) => return step("read", Standing::Bad, error.to_string()),
        };
        let answer = self.seams.http.call(address, &wire, READ_MAX).await;
        match answer {
            Ok(answer) => self.judge(&answer),
            Err(error @ CallError::Unreadable { .. }) => {
                step("read", Standing::Untold, error.to_string())
            }
            Err(error) => step("read", Standing::Untold, format!("the vendor: {error}")),
        }
    }

    /// What the answer says of the credentials, by the page's own rows.
    fn judge(&self, answer: &Answer) -> Step {
        let status = answer.status;
        let said = |standing, what: &str| step("read", standing, format!("HTTP {status}: {what}"));
        let operation = self.pack.spec().operations.iter().next();
        let now = self.seams.clock.now();
        let verdict = operation.map(|operation| self.pack.classify(operation, answer, now));
        match verdict {
            Some(Verdict::Unauthorized) => {
                said(Standing::Bad, "the vendor refuses these credentials")
            }
            Some(Verdict::Moved) => said(Standing::Bad, "the account has another address now"),
            Some(Verdict::Forbidden { .. }) => {
                said(Standing::Untold, "they are known and may not do this read")
            }
            Some(Verdict::Rejected { detail }) => said(Standing::Untold, &detail),
            _ if (200..300).contains(&status) => said(Standing::Good, "the vendor takes them"),
            Some(Verdict::Throttled { .. } | Verdict::QuotaSpent { .. }) => {
                said(Standing::Untold, "the vendor takes no calls just now")
            }
            _ => said(Standing::Untold, "the vendor does not say"),
        }
    }
}

/// The call that the page names, as an operation's own call would be addressed.
fn read_of(pack: &Pack) -> Option<Wire> {
    let (method, path) = pack.page().check.as_deref()?.split_once(' ')?;
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    let prefix = &pack.page().address.prefix;
    let wire = Wire::new(method.clone(), format!("{prefix}{path}"));
    Some(match method {
        Method::GET => wire,
        _ => wire.json(&json!({})),
    })
}

fn step(step: &'static str, standing: Standing, found: String) -> Step {
    Step {
        step,
        standing,
        found,
    }
}

impl Tested {
    fn text(&self) -> String {
        let verdict = match self.works {
            Some(true) => "works",
            Some(false) => "does not work",
            None => "cannot be told",
        };
        let mut lines = vec![format!("{}/{}: {verdict}", self.provider, self.connection)];
        for Step {
            step,
            standing,
            found,
        } in &self.steps
        {
            let word = match standing {
                Standing::Good => "good",
                Standing::Untold => "?",
                Standing::Bad => "BAD",
            };
            lines.push(format!("  {step:<7} {word:<5} {found}"));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(all: &[(&'static str, Standing)]) -> Vec<Step> {
        let one =
            |(name, standing): &(&'static str, Standing)| step(name, *standing, String::new());
        all.iter().map(one).collect()
    }

    #[test]
    fn a_whole_secret_proves_nothing_and_the_vendors_word_does() {
        use Standing::{Bad, Good, Untold};
        assert_eq!(works(&steps(&[("secret", Good), ("read", Untold)])), None);
        assert_eq!(
            works(&steps(&[("secret", Good), ("read", Good)])),
            Some(true)
        );
        assert_eq!(
            works(&steps(&[
                ("secret", Good),
                ("token", Good),
                ("read", Untold)
            ])),
            Some(true)
        );
        assert_eq!(
            works(&steps(&[("secret", Good), ("token", Good), ("read", Bad)])),
            Some(false)
        );
        assert_eq!(works(&steps(&[("secret", Bad)])), Some(false));
    }

    /// A page's read is one path behind the page's prefix: one that repeats it asked for `/api.xro/2.0/api.xro/2.0/…`.
    #[test]
    fn every_pages_read_is_one_call_behind_its_prefix() {
        let mut seen = 0;
        for pack in catalogue::packs() {
            let Some(check) = &pack.page().check else {
                continue;
            };
            seen += 1;
            let wire = read_of(pack).unwrap_or_else(|| panic!("{}: {check}", pack.spec().name));
            let prefix = &pack.page().address.prefix;
            assert!(
                wire.path.starts_with(&**prefix) && !wire.path.contains('?'),
                "{check}"
            );
            let rest = &wire.path[prefix.len()..];
            assert!(prefix.is_empty() || !rest.starts_with(&**prefix), "{check}");
        }
        assert!(seen >= 5, "{seen} pages name a read");
    }
}
