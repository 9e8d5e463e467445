//! Connections' secrets, and the vendor's side of them: refresh tokens that serve once.

use std::collections::HashMap;

use causeway::http_client::CallError;
use causeway::provider::{Answer, Wire};

use crate::profile::SECOND;
use crate::providers::SIGNING_KEY;
use crate::rng::Rng;

/// What every secret value begins with: nothing that is emitted may hold it.
pub const SECRET: &str = "s3cret-";

/// How long an access token works.
const LIFETIME: i64 = 90 * SECOND;

/// One connection's credentials.
#[derive(Clone, Debug)]
struct Account {
    /// How often a person authorised it anew.
    authorised: u32,
    /// The refresh token that works.
    refresh_token: String,
    /// Access tokens and when they end.
    access_tokens: Vec<(String, i64)>,
    issued: u32,
    /// What the secret lacks, if anything: see [`Tokens::spoil`].
    lacks: Option<i64>,
}

/// Every connection's credentials.
#[derive(Debug, Default)]
pub struct Tokens {
    accounts: HashMap<String, Account>,
}

fn first_refresh_token(connection: &str, authorised: u32) -> String {
    format!("{SECRET}refresh-{connection}-{authorised}")
}

impl Tokens {
    fn account(&mut self, connection: &str) -> &mut Account {
        self.accounts
            .entry(connection.to_owned())
            .or_insert_with(|| Account {
                authorised: 1,
                refresh_token: first_refresh_token(connection, 1),
                access_tokens: Vec::new(),
                issued: 0,
                lacks: None,
            })
    }

    /// The secret as Secrets Manager holds it, where it does.
    pub fn secret(&mut self, connection: &str) -> Option<String> {
        let account = self.account(connection);
        let refresh_token = first_refresh_token(connection, account.authorised);
        let signing = match account.lacks {
            None => format!(r#","{SIGNING_KEY}":"{SECRET}signing""#),
            Some(0) => String::new(),
            Some(1) => return Some(format!(r#"{{"{SIGNING_KEY}":"{SECRET}signing"}}"#)),
            Some(_) => return None,
        };
        Some(format!(
            r#"{{"token":"{SECRET}{connection}","client_id":"{SECRET}client-{connection}","client_secret":"{SECRET}key","refresh_token":"{refresh_token}"{signing}}}"#
        ))
    }

    /// Somebody takes out of the secret what calls are signed with (0), or what the scheme needs (1), or deletes it
    /// (2).
    pub fn spoil(&mut self, connection: &str, what: i64) {
        self.account(connection).lacks = Some(what);
    }

    /// A person authorises the connection anew: the secret changes, and all tokens with it.
    pub fn reauthorise(&mut self, connection: &str) {
        let account = self.account(connection);
        account.authorised += 1;
        account.lacks = None;
        account.refresh_token = first_refresh_token(connection, account.authorised);
        account.access_tokens.clear();
    }

    /// Whether a call shows a token that works.
    pub fn accepts(&self, wire: &Wire, now: i64) -> bool {
        let shown = wire.headers.get(http::header::AUTHORIZATION);
        let shown = shown.and_then(|shown| shown.to_str().ok());
        let shown = shown.and_then(|shown| shown.strip_prefix("Bearer "));
        let mut accounts = self.accounts.values();
        accounts.any(|account| {
            let mut tokens = account.access_tokens.iter();
            tokens.any(|(token, end)| shown == Some(token) && now < *end)
        })
    }

    /// Exchanges a refresh token. `fails` and `loses` are chances; an answer that is lost was given all the same.
    ///
    /// # Errors
    /// When no complete answer reaches the caller.
    pub fn exchange(
        &mut self,
        wire: &Wire,
        now: i64,
        (fails, loses): (f64, f64),
        rng: &mut Rng,
    ) -> Result<Answer, CallError> {
        if rng.chance(fails) {
            return match rng.between(0, 2) {
                0 => Err(CallError::NotSent("connection refused".into())),
                1 => Ok(answer(503, "{}".into())),
                _ => Ok(answer(429, "{}".into())),
            };
        }
        let body = String::from_utf8_lossy(&wire.body).into_owned();
        let mut fields = body.split('&');
        let shown = fields.find_map(|field| field.strip_prefix("refresh_token="));
        let mut accounts = self.accounts.iter_mut();
        let found = accounts.find(|(_, account)| Some(account.refresh_token.as_str()) == shown);
        let Some((connection, account)) = found else {
            return Ok(answer(400, r#"{"error":"invalid_grant"}"#.into()));
        };
        account.issued += 1;
        let (number, authorised) = (account.issued, account.authorised);
        let next = format!("{SECRET}refresh-{connection}-{authorised}-{number}");
        let token = format!("{SECRET}access-{connection}-{authorised}-{number}");
        account.refresh_token.clone_from(&next);
        account.access_tokens.push((token.clone(), now + LIFETIME));
        let text = format!(
            r#"{{"access_token":"{token}","refresh_token":"{next}","expires_in":{}}}"#,
            LIFETIME / SECOND
        );
        if rng.chance(loses) {
            return Err(CallError::Ambiguous("the connection was reset".into()));
        }
        Ok(answer(200, text))
    }
}

fn answer(status: u16, body: String) -> Answer {
    Answer {
        status,
        headers: http::HeaderMap::new(),
        body: body.into(),
    }
}
