//! Calls with a known end, as data.

use causeway::provider::{Found, Json, Operation, Verdict, Wire};

use crate::Error;
use crate::lane::Lane;

/// A call that must end in a certain way.
pub struct Step {
    /// What is asked for.
    pub operation: &'static str,
    /// Canonical payload as JSON text; `{made}` is the id that the last delivered step's answer gave, `{place}` where
    /// the vendor's things are: a device, a channel.
    pub payload: &'static str,
    /// Credentials other than the vendor's own.
    pub secret: Option<&'static str>,
    /// How it ends, by the lane's judgement.
    pub end: End,
    /// How many are sent at once; one of them must end so.
    pub times: usize,
    /// What the lookup after it finds, where it is made.
    pub finds: Option<Finds>,
}

impl Step {
    /// One call with the vendor's own credentials.
    pub const fn new(operation: &'static str, payload: &'static str, end: End) -> Self {
        Self {
            operation,
            payload,
            secret: None,
            end,
            times: 1,
            finds: None,
        }
    }

    /// With other credentials.
    pub const fn secret(mut self, secret: &'static str) -> Self {
        self.secret = Some(secret);
        self
    }

    /// So many at once.
    pub const fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// And then the vendor is asked for it.
    pub const fn finds(mut self, finds: Finds) -> Self {
        self.finds = Some(finds);
        self
    }

    /// The operation, the payload, and the calls: as many as are sent at once.
    ///
    /// # Errors
    /// When the payload is none of the operation's, or the credentials none of the provider's.
    pub fn prepare(&self, lane: &Lane, made: &str, place: &str) -> Result<Prepared, Error> {
        let operation = lane.operation(self.operation)?;
        let payload = self
            .payload
            .replace("{made}", made)
            .replace("{place}", place);
        let payload: Json =
            serde_json::from_str(&payload).map_err(|error| Error::data(self.operation, error))?;
        let other = self
            .secret
            .map(|secret| lane.with_secret(secret))
            .transpose()?;
        let lane = other.as_ref().unwrap_or(lane);
        let wires = (0..self.times).map(|_| lane.wire(operation, &payload));
        Ok(Prepared {
            operation,
            wires: wires.collect::<Result<_, _>>()?,
            payload,
        })
    }
}

/// A step, ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    /// What is asked for.
    pub operation: &'static Operation,
    /// Canonical payload.
    pub payload: Json,
    /// The calls.
    pub wires: Vec<Wire>,
}

/// What a lookup finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finds {
    /// What was asked for.
    Hit,
    /// Nothing.
    Miss,
    /// Something of somebody else.
    Other,
}

impl Finds {
    /// Whether `found` is this.
    #[must_use]
    pub fn is(self, found: &Found) -> bool {
        match found {
            Found::Hit { .. } => self == Self::Hit,
            Found::Miss => self == Self::Miss,
            Found::Other { .. } => self == Self::Other,
            Found::Unclear => false,
        }
    }
}

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It took effect.
    Delivered,
    /// It was refused for good.
    Rejected,
    /// It was refused by a limit.
    Throttled,
    /// The credentials were refused.
    Unauthorized,
    /// It is there already.
    Exists,
}

impl End {
    /// Whether `verdict` is this end.
    #[must_use]
    pub fn is(self, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Delivered { .. } => self == Self::Delivered,
            Verdict::Rejected { .. } => self == Self::Rejected,
            Verdict::Throttled { .. } => self == Self::Throttled,
            Verdict::Unauthorized => self == Self::Unauthorized,
            Verdict::Exists { .. } => self == Self::Exists,
            _ => false,
        }
    }
}
