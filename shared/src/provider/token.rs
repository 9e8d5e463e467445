//! How a secret is exchanged for an access token.

use std::time::Duration;

use http::{HeaderName, Method};
use serde_json::{Map, Value};

use super::auth::{put, put_basic};
use super::{Answer, CONNECT_TIMEOUT, Secret, SecretError, Token, Wire};
use crate::Timestamp;
use crate::form::{self, Arrays};
use crate::limiter::signal::retry_after;

/// Secret fields that OAuth 2 schemes read.
const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";
const REFRESH_TOKEN: &str = "refresh_token";

/// Longest wait for a token endpoint's answer: they answer within a second or two, and a record waits for it inside
/// the function.
const TIMEOUT: Duration = Duration::from_secs(10);
const _: () = assert!(TIMEOUT.as_secs() > CONNECT_TIMEOUT.as_secs());

/// How long a token is taken to live where the answer does not say.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Shortest life that is believed, so that an `expires_in` of nothing, or less, asks the endpoint once a minute. A token
/// that ends sooner is refused by the API, and that is heard.
const LEAST_LIFETIME: Duration = Duration::from_secs(60);

/// Longest life that is believed. An `expires_in` beyond it is no number of seconds.
const MAX_LIFETIME: Duration = Duration::from_secs(2 * 365 * 24 * 60 * 60);

/// Longest wait that an endpoint may ask for: budgets of tokens are counted by the day at most.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest token: JSON Web Tokens have a few KB, and web servers take 8 to 16 KB of headers.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// An exchange of the secret for an access token, as data. Start from one of its constructors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenScheme {
    /// What is exchanged.
    pub grant: Grant,
    /// Scheme and host of the token endpoint, where they differ from the API's.
    pub base_url: Option<&'static str>,
    /// The token endpoint's path.
    pub path: &'static str,
    /// How the client is shown.
    pub client: Client,
    /// How the body is written.
    pub encoding: Encoding,
    /// Header, in lower case, that shows the token to the API.
    pub header: &'static str,
    /// What stands before the token in that header, its space included.
    pub prefix: &'static str,
    /// JSON pointer to the access token in the answer.
    pub access_token: &'static str,
    /// JSON pointer to its life in seconds.
    pub expires_in: &'static str,
    /// Its life where the answer says nothing.
    pub lifetime: Duration,
    /// How long a new token is not used yet: some vendors refuse it at first.
    pub usable_after: Duration,
    /// How many tokens the vendor gives out.
    pub budget: Option<TokenBudget>,
    /// The vendor's own words for a refusal, beside those of RFC 6749.
    pub words: &'static [TokenWord],
    /// Longest wait for the answer.
    pub timeout: Duration,
}

/// What an access token is given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// OAuth 2 client credentials: the fields `client_id` and `client_secret`.
    ClientCredentials {
        /// The scope asked for.
        scope: Option<&'static str>,
    },
    /// An OAuth 2 refresh token: `client_id`, `client_secret`, `refresh_token`.
    RefreshToken {
        /// Each exchange gives a new refresh token, and the old one is dead.
        rotating: bool,
        /// The vendor takes an old one again for a while, for those who lost the answer.
        grace: bool,
    },
    /// A login: fields of the body, each with the secret's field that fills it.
    Login(&'static [(&'static str, &'static str)]),
}

/// What a word in a token endpoint's answer says, whatever the status: some answer 200 with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenWord {
    /// JSON pointer to the word.
    pub at: &'static str,
    /// The word.
    pub word: &'static str,
    /// What it says is no good.
    pub refuses: Refused,
}

/// What a token endpoint finds no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The refresh token: it is dead, and a person must authorise the connection anew.
    Grant,
    /// The client: its secret is wrong, or it may not do what it asks for.
    Client,
}

impl TokenWord {
    /// A word for a dead refresh token in the answer's `error`.
    pub const fn dead_grant(word: &'static str) -> Self {
        Self::of(word, Refused::Grant)
    }

    /// A word for a client's wrong secret in the answer's `error`.
    pub const fn wrong_client(word: &'static str) -> Self {
        Self::of(word, Refused::Client)
    }

    const fn of(word: &'static str, refuses: Refused) -> Self {
        let at = "/error";
        Self { at, word, refuses }
    }
}

/// [RFC 6749, 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2).
const WORDS: [TokenWord; 3] = [
    TokenWord::dead_grant("invalid_grant"),
    TokenWord::wrong_client("invalid_client"),
    TokenWord::wrong_client("unauthorized_client"),
];

/// How the OAuth 2 client shows itself ([RFC 6749, 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// `client_id` and `client_secret` in the body.
    Body,
    /// HTTP Basic.
    Basic,
}

/// How the body of the token call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`, as OAuth 2 says.
    Form,
    /// JSON.
    Json,
}

/// At most `tokens` in any time of length `within`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenBudget {
    /// Tokens given out.
    pub tokens: u32,
    /// In a window of this length.
    pub within: Duration,
}

impl TokenBudget {
    /// Most tokens that a budget counts: their instants stand in the stored item.
    pub const MAX_TOKENS: u32 = 100;

    /// At most `tokens` in any time of length `within`.
    ///
    /// # Panics
    /// At compile time, for no tokens at all or more than [`MAX_TOKENS`](Self::MAX_TOKENS).
    pub const fn new(tokens: u32, within: Duration) -> Self {
        assert!(
            tokens > 0 && tokens <= Self::MAX_TOKENS,
            "a budget has 1 to 100 tokens"
        );
        Self { tokens, within }
    }
}

impl TokenScheme {
    /// OAuth 2 client credentials: a form to `path`, the answer's `access_token` as `Authorization: Bearer`.
    pub const fn client_credentials(path: &'static str) -> Self {
        Self {
            grant: Grant::ClientCredentials { scope: None },
            base_url: None,
            path,
            client: Client::Body,
            encoding: Encoding::Form,
            header: "authorization",
            prefix: "Bearer ",
            access_token: "/access_token",
            expires_in: "/expires_in",
            lifetime: LIFETIME,
            usable_after: Duration::ZERO,
            budget: None,
            words: &[],
            timeout: TIMEOUT,
        }
    }

    /// An OAuth 2 refresh token; `rotating` where each exchange brings a new one and ends the old.
    pub const fn refresh_token(path: &'static str, rotating: bool) -> Self {
        Self {
            grant: Grant::RefreshToken {
                rotating,
                grace: false,
            },
            ..Self::client_credentials(path)
        }
    }

    /// A login with a JSON body of `fields` (the body's name, the secret's field); `prefix` stands before the token
    /// in `Authorization`.
    pub const fn login(
        path: &'static str,
        fields: &'static [(&'static str, &'static str)],
        prefix: &'static str,
    ) -> Self {
        Self {
            grant: Grant::Login(fields),
            encoding: Encoding::Json,
            prefix,
            ..Self::client_credentials(path)
        }
    }

    /// Tells the schemes of one vendor apart, where it has several.
    pub const fn name(&self) -> &'static str {
        match self.grant {
            Grant::ClientCredentials { .. } => "client_credentials",
            Grant::RefreshToken { .. } => "refresh_token",
            Grant::Login(_) => "login",
        }
    }

    /// Whether an exchange may leave the refresh token that it used dead.
    pub const fn is_single_use(&self) -> bool {
        matches!(
            self.grant,
            Grant::RefreshToken {
                rotating: true,
                grace: false
            }
        )
    }

    /// The call that asks for a token. `rotated` is the refresh token that took the place of the secret's.
    ///
    /// # Errors
    /// When the secret lacks a field, or it cannot stand where it belongs.
    pub fn call(&self, secret: &Secret, rotated: Option<&Token>) -> Result<Wire, SecretError> {
        let mut body = Map::new();
        let mut add = |name: &str, value: &str| body.insert(name.to_owned(), value.into());
        match self.grant {
            Grant::ClientCredentials { scope } => {
                add("grant_type", "client_credentials");
                scope.map(|scope| add("scope", scope));
            }
            Grant::RefreshToken { .. } => {
                add("grant_type", "refresh_token");
                match rotated {
                    Some(token) => add(REFRESH_TOKEN, token.reveal()),
                    None => add(REFRESH_TOKEN, secret.field(REFRESH_TOKEN)?),
                };
            }
            Grant::Login(fields) => {
                for (name, field) in fields {
                    add(name, secret.field(field)?);
                }
            }
        }
        let is_login = matches!(self.grant, Grant::Login(_));
        if !is_login && self.client == Client::Body {
            add(CLIENT_ID, secret.field(CLIENT_ID)?);
            add(CLIENT_SECRET, secret.field(CLIENT_SECRET)?);
        }
        let wire = Wire::new(Method::POST, self.path);
        let mut wire = match self.encoding {
            Encoding::Form => wire.form(&body, Arrays::Repeated),
            Encoding::Json => wire.json(&body),
        };
        wire = wire.header(
            http::header::ACCEPT,
            http::HeaderValue::from_static("application/json"),
        );
        if !is_login && self.client == Client::Basic {
            let id = form::encode_text(secret.field(CLIENT_ID)?);
            let key = form::encode_text(secret.field(CLIENT_SECRET)?);
            put_basic(&mut wire, id, key)?;
        }
        Ok(wire)
    }

    /// What the token endpoint's answer to a call of `now` says. Only a word that is documented to say so means that
    /// the grant, or the client, is no good: gateways and firewalls answer with any status.
    pub fn read(&self, answer: &Answer, now: Timestamp) -> TokenAnswer {
        let hint = || {
            let until = retry_after(answer.header("retry-after")?, now)?;
            Some(until.since(now).min(MAX_WAIT))
        };
        let body = || answer.json::<Value>().unwrap_or_default();
        match answer.status {
            200..=299 => {
                let body = body();
                match self.granted(&body) {
                    Some(granted) => TokenAnswer::Granted(Box::new(granted)),
                    None => self.refusal(&body, hint()),
                }
            }
            408 | 425 | 429 => TokenAnswer::Later { after: hint() },
            300..=499 => self.refusal(&body(), hint()),
            _ => TokenAnswer::Later { after: hint() },
        }
    }

    fn refusal(&self, body: &Value, after: Option<Duration>) -> TokenAnswer {
        let is_said = |word: &&TokenWord| {
            let said = body.pointer(word.at).and_then(Value::as_str);
            said == Some(word.word)
        };
        let refreshes = matches!(self.grant, Grant::RefreshToken { .. });
        match WORDS.iter().chain(self.words).find(is_said) {
            // What others are granted, they are granted for their client.
            Some(word) if word.refuses == Refused::Grant && refreshes => TokenAnswer::DeadGrant,
            Some(_) => TokenAnswer::WrongClient,
            None => TokenAnswer::Refused { after },
        }
    }

    fn granted(&self, body: &Value) -> Option<Granted> {
        let text = |pointer: &str| {
            let text = body.pointer(pointer)?.as_str()?;
            (!text.is_empty() && text.len() <= MAX_TOKEN_BYTES).then(|| Token::new(text))
        };
        let refreshes = matches!(self.grant, Grant::RefreshToken { .. });
        Some(Granted {
            access_token: text(self.access_token)?,
            refresh_token: refreshes.then(|| text("/refresh_token")).flatten(),
            lifetime: self.lifetime_of(body),
        })
    }

    fn lifetime_of(&self, body: &Value) -> Duration {
        // Some vendors quote the number.
        let seconds = body.pointer(self.expires_in).and_then(|life| match life {
            Value::String(text) => text.parse::<f64>().ok(),
            life => life.as_f64(),
        });
        let (least, most) = (LEAST_LIFETIME.as_secs_f64(), MAX_LIFETIME.as_secs_f64());
        let believed = |seconds: f64| Duration::from_secs_f64(seconds.clamp(least, most));
        let seconds = seconds.filter(|seconds| seconds.is_finite());
        seconds.map_or(self.lifetime, believed)
    }

    /// Shows `token` to the API.
    pub(super) fn show(&self, token: &Token, wire: &mut Wire) -> Result<(), SecretError> {
        let value = format!("{}{}", self.prefix, token.reveal());
        let name = HeaderName::from_static(self.header);
        put(wire, name, "access_token", &value)
    }

    /// The secret's fields that it reads.
    pub fn fields(&self) -> Vec<&'static str> {
        match self.grant {
            Grant::ClientCredentials { .. } => vec![CLIENT_ID, CLIENT_SECRET],
            Grant::RefreshToken { .. } => vec![CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN],
            Grant::Login(fields) => fields.iter().map(|(_, field)| *field).collect(),
        }
    }
}

/// What a token endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenAnswer {
    /// A token.
    Granted(Box<Granted>),
    /// The refresh token is dead: a person must authorise the connection anew.
    DeadGrant,
    /// The client's credentials are no good.
    WrongClient,
    /// No, and nothing that says why.
    Refused {
        /// The vendor's hint when to ask again, where it gave one.
        after: Option<Duration>,
    },
    /// Not now, or no answer that tells: the exchange may have happened.
    Later {
        /// The vendor's hint when to ask again, where it gave one.
        after: Option<Duration>,
    },
    /// Nothing was sent.
    NotSent,
}

/// Tokens that a vendor gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// For the calls.
    pub access_token: Token,
    /// In the place of the one that was used, where the answer has one.
    pub refresh_token: Option<Token>,
    /// How long the access token lives.
    pub lifetime: Duration,
}

#[cfg(test)]
mod tests;
