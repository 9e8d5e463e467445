//! What every command works with, and what it comes to.

use causeway_insights::explain::{UnknownZone, Zone};
use clap::Args;
use time::UtcOffset;

use crate::when::Now;

/// Options that every command has.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Name of the CloudFormation stack.
    #[arg(
        long,
        global = true,
        env = "CAUSEWAY_STACK",
        default_value = "causeway"
    )]
    pub stack: String,
    /// AWS region; otherwise that of the shell or the profile.
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Profile of the AWS configuration.
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Address of an emulator in AWS's stead (also from `AWS_ENDPOINT_URL`).
    #[arg(long, global = true)]
    pub endpoint_url: Option<String>,
    /// Time zone of explanations, such as `Europe/Berlin`; otherwise the machine's.
    #[arg(long, global = true, value_parser = zone)]
    pub zone: Option<Zone>,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
}

fn zone(name: &str) -> Result<Zone, UnknownZone> {
    Zone::named(name)
}

/// What a command works with.
#[derive(Debug)]
pub struct Context {
    /// The options that every command has.
    pub global: Global,
    /// The person's distance from UTC.
    pub offset: UtcOffset,
}

impl Context {
    /// The present, where the person is.
    #[must_use]
    pub fn now(&self) -> Now {
        Now::here(self.offset)
    }

    /// The zone of an explanation's times: the one that was asked for, the machine's, UTC where that is not known.
    #[must_use]
    pub fn zone(&self) -> Zone {
        let asked = self.global.zone.clone();
        let machines = || Zone::named(&iana_time_zone::get_timezone().ok()?).ok();
        asked.or_else(machines).unwrap_or_else(Zone::utc)
    }
}

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// All of it.
    All,
    /// Some of it: items were refused, or a breaker stopped the rest.
    InPart,
    /// Ended in order by Ctrl-C.
    Interrupted,
}
