//! Access tokens, for refresh tokens (RFC 6749, 6) or for clients alone (4.4), and those that never end.

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
    /// How tokens start that a person was given once, and that do not end: each is an account of its own.
    lasting: Option<&'static str>,
    /// Accounts and ends by access token.
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
            lasting: None,
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
        }
    }

    /// Beside them, tokens that start so and do not end.
    pub(crate) fn lasting(self, lasting: &'static str) -> Self {
        Self {
            lasting: Some(lasting),
            ..self
        }
    }

    /// The account that the call's bearer token was given to.
    pub(crate) fn account<'a>(&'a self, call: &'a Call) -> Result<&'a str, Refused> {
        self.holder(call.bearer(), call.now)
    }

    /// The account that `token` was given to.
    pub(crate) fn holder<'a>(
        &'a self,
        token: Option<&'a str>,
        now: Duration,
    ) -> Result<&'a str, Refused> {
        let token = token.filter(|token| !token.is_empty());
        let token = token.ok_or(Refused::Missing)?;
        let lasts = self.lasting.is_some_and(|start| token.starts_with(start));
        if lasts && !token.contains("invalid") {
            return Ok(token);
        }
        let (account, end) = self.access.get(token).ok_or(Refused::Unknown)?;
        if now >= *end {
            return Err(Refused::Expired);
        }
        Ok(account)
    }

    /// An access token of `account` that lives for `lifetime`.
    pub(crate) fn grant(&mut self, account: &str, now: Duration, lifetime: Duration) -> String {
        self.issued += 1;
        let token = format!("fake_access_{}", self.issued);
        let granted = (account.to_owned(), now + lifetime);
        self.access.insert(token.clone(), granted);
        token
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
        let is_over = |first_use| self.grace.is_some_and(|grace| now >= first_use + grace);
        if used.is_some_and(is_over) {
            return None;
        }
        used.get_or_insert(now);
        let account = account.clone();
        let access = self.grant(&account, now, self.lifetime);
        let refresh = match self.grace {
            None => token.to_owned(),
            Some(_) => format!("{REFRESH}{}", self.issued),
        };
        let entry = self.refresh.entry(refresh.clone());
        entry.or_insert((account, None));
        Some(Pair { access, refresh })
    }
}

/// How refresh tokens start that a fake has given out.
const REFRESH: &str = "fake_refresh_";
