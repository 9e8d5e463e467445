//! Refresh tokens for access tokens, for the vendors that want it so (RFC 6749, 6).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::form::Form;
use crate::vendor::Call;

/// What a token endpoint has given out.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// How long an access token lives.
    lifetime: Duration,
    /// Whether each exchange brings a new refresh token, and how long the old one is taken again then.
    grace: Option<Duration>,
    issued: u64,
    /// Accounts and times of issue by access token.
    access: BTreeMap<String, (String, Duration)>,
    /// Accounts and times of first use by refresh token. A token that was never given out is an account's first.
    refresh: BTreeMap<String, (String, Option<Duration>)>,
}

/// Why a call is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Missing,
    Unknown,
    Expired,
}

/// An exchange that went well.
#[derive(Debug)]
pub(crate) struct Pair {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    /// `grace` where refresh tokens are single use.
    pub(crate) fn new(lifetime: Duration, grace: Option<Duration>) -> Self {
        Self {
            lifetime,
            grace,
            issued: 0,
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
        }
    }

    /// The account that the call's bearer token was given to.
    pub(crate) fn account(&self, call: &Call) -> Result<&str, Refused> {
        let token = call.bearer().filter(|token| !token.is_empty());
        let token = token.ok_or(Refused::Missing)?;
        let (account, at) = self.access.get(token).ok_or(Refused::Unknown)?;
        if call.now >= *at + self.lifetime {
            return Err(Refused::Expired);
        }
        Ok(account)
    }

    /// Exchanges the refresh token of `form`; none for one that is dead: revoked, unknown to us, or used up.
    pub(crate) fn exchange(&mut self, form: &Form, now: Duration) -> Option<Pair> {
        let token = form.get("refresh_token")?;
        let is_first = !token.starts_with(REFRESH);
        if token.contains("revoked") || (is_first && token.contains("invalid")) {
            return None;
        }
        if is_first && !self.refresh.contains_key(token) {
            let first = (token.to_owned(), None);
            self.refresh.insert(token.to_owned(), first);
        }
        let (account, used) = self.refresh.get_mut(token)?;
        let first_use = *used.get_or_insert(now);
        let account = account.clone();
        let is_spent = self.grace.is_some_and(|grace| now >= first_use + grace);
        if is_spent {
            return None;
        }
        self.issued += 1;
        let refresh = match self.grace {
            None => token.to_owned(),
            Some(_) => format!("{REFRESH}{}", self.issued),
        };
        let access = format!("fake_access_{}", self.issued);
        self.access.insert(access.clone(), (account.clone(), now));
        let entry = self.refresh.entry(refresh.clone());
        entry.or_insert((account, None));
        Some(Pair { access, refresh })
    }
}

/// How refresh tokens start that a fake has given out.
const REFRESH: &str = "fake_refresh_";
