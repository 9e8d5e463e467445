//! Connections' secrets, and the vendor's side of them: refresh tokens that serve once.

use std::collections::HashMap;

use causeway::http_client::CallError;
use causeway::provider::{Answer, Wire};

use crate::profile::{SECOND, VendorProfile};
use crate::providers::SIGNING_KEY;
use crate::rng::Rng;
use crate::vendor::{PAGE, saying};

/// What every secret value begins with: nothing that is emitted may hold it.
pub const SECRET: &str = "s3cret-";

/// The vendor's word for a refresh token that is used up.
pub const DEAD_GRANT: &str = r#"{"error":"invalid_grant"}"#;

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

    /// Whether the secret lacks something, or is gone.
    pub fn is_spoilt(&mut self, connection: &str) -> bool {
        self.account(connection).lacks.is_some()
    }

    /// Exchanges a refresh token. An answer that is lost was given all the same.
    ///
    /// # Errors
    /// When no complete answer reaches the caller.
    pub fn exchange(
        &mut self,
        wire: &Wire,
        now: i64,
        profile: &VendorProfile,
        rng: &mut Rng,
    ) -> Result<Answer, CallError> {
        if rng.chance(profile.token_fails) {
            return match rng.between(0, 2) {
                0 => Err(CallError::NotSent("connection refused".into())),
                1 => Ok(saying(503, "{}")),
                _ => Ok(saying(429, "{}")),
            };
        }
        if rng.chance(profile.token_pages) {
            return Ok(match rng.between(0, 2) {
                0 => saying(200, r#"{"ok":true}"#),
                _ => saying(403, PAGE),
            });
        }
        let body = String::from_utf8_lossy(&wire.body).into_owned();
        let shown = field(&body, "refresh_token=");
        let mut accounts = self.accounts.iter_mut();
        let found = accounts.find(|(_, account)| Some(account.refresh_token.as_str()) == shown);
        let Some((connection, account)) = found else {
            return Ok(saying(400, DEAD_GRANT));
        };
        account.issued += 1;
        let (number, authorised) = (account.issued, account.authorised);
        let next = format!("{SECRET}refresh-{connection}-{authorised}-{number}");
        let token = format!("{SECRET}access-{connection}-{authorised}-{number}");
        account.refresh_token.clone_from(&next);
        account.access_tokens.push((token.clone(), now + LIFETIME));
        // What it says of its end is no more than what it says: the token works on.
        let life = if rng.chance(profile.token_ends) {
            0
        } else {
            LIFETIME / SECOND
        };
        let text =
            format!(r#"{{"access_token":"{token}","refresh_token":"{next}","expires_in":{life}}}"#);
        if rng.chance(profile.token_loses) {
            return Err(CallError::Ambiguous("the connection was reset".into()));
        }
        Ok(saying(200, &text))
    }
}

/// The connection that a token call is made for.
pub fn connection_of(wire: &Wire) -> Option<String> {
    let body = String::from_utf8_lossy(&wire.body);
    let client = field(&body, "client_id=")?;
    let connection = client.strip_prefix(SECRET)?.strip_prefix("client-")?;
    Some(connection.to_owned())
}

fn field<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = body.split('&');
    fields.find_map(|field| field.strip_prefix(name))
}
