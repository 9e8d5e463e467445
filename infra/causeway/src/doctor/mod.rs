//! `causeway doctor`: what a stack needs in order to work, and to call somebody when it does not.

mod checks;
mod clock;

use clap::Args;
use futures_util::join;
use serde::Serialize;

use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Stack;

/// Look for what keeps a stack from working: release, functions, event sources, secrets, alarms' receivers, concurrency, clock.
///
/// Changes nothing and reads no secret's value. What your permissions do not show is said, and is no finding. Exit
/// status 3: something is wrong.
#[derive(Args, Debug)]
pub struct Arguments {}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// As it should.
    Good,
    /// Not to be seen with these permissions, or just now.
    Unseen,
    /// It works, and somebody should look.
    Doubtful,
    /// It does not work.
    Bad,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unseen => "unseen",
            Self::Doubtful => "look",
            Self::Bad => "BAD",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What was found.
    pub found: String,
    /// What to do; none where there is nothing to do.
    pub action: Option<String>,
}

impl Finding {
    fn good(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            standing: Standing::Good,
            found: found.into(),
            action: None,
        }
    }

    fn doubtful(check: &'static str, found: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            standing: Standing::Doubtful,
            action: Some(action.into()),
            ..Self::good(check, found)
        }
    }

    fn bad(check: &'static str, found: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            standing: Standing::Bad,
            ..Self::doubtful(check, found, action)
        }
    }

    fn unseen(check: &'static str, error: &Error) -> Self {
        Self {
            standing: Standing::Unseen,
            ..Self::good(check, error.to_string())
        }
    }
}

/// Looks at everything, side by side.
///
/// # Errors
/// When the stack itself cannot be read.
pub async fn run(_arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let (release, account, functions, secrets, receivers) = join!(
        checks::release(&stack),
        checks::account(&stack, context.now().at),
        checks::functions(&stack),
        checks::secrets(&stack),
        checks::receivers(&stack),
    );
    let mut findings = vec![checks::lanes(&stack)];
    findings.extend(
        [release, account, functions, secrets, receivers]
            .into_iter()
            .flatten(),
    );
    if context.global.json {
        output::json(Kind::Findings, &findings)?;
    } else {
        print(&findings)?;
    }
    let worst = findings.iter().map(|finding| finding.standing).max();
    Ok(match worst {
        Some(Standing::Bad) => Done::InPart,
        _ => Done::All,
    })
}

fn print(findings: &[Finding]) -> Result<(), Error> {
    let mut table = output::table(&["CHECK", "", "FOUND", "WHAT TO DO"]);
    for finding in findings {
        let action = finding.action.clone().unwrap_or_default();
        let word = finding.standing.word();
        table.add_row([finding.check, word, &finding.found, &action]);
    }
    output::line(&table.to_string())
}
