//! How a vendor wants to be shown a connection's credentials.

use std::cmp::Reverse;
use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::{Secret, SecretError, Shown, Token, TokenScheme, Wire};

/// How the vendor is shown the credentials. Field names are those of the connection's secret.
///
/// What no variant says (HMAC over the body, AWS SigV4) is an override of
/// [`Provider::sign`](super::Provider::sign).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer <field>`.
    Bearer {
        /// The secret's field that holds the token.
        field: &'static str,
    },
    /// `Authorization: <prefix><field>`, for vendors with a word of their own (`Bot `, `SSWS `, `Token token=`).
    Prefixed {
        /// What stands before the key, its space included.
        prefix: &'static str,
        /// The secret's field that holds the key.
        field: &'static str,
    },
    /// A header of the vendor's own, the bare value in it.
    Header {
        /// The header's name, in lower case.
        name: &'static str,
        /// The secret's field that holds the key.
        field: &'static str,
    },
    /// `Authorization: Basic`, [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617).
    Basic {
        /// The user; must not hold a colon.
        user: Part,
        /// The password.
        password: Part,
    },
    /// A parameter in the URL's query.
    Query {
        /// The parameter's name.
        name: &'static str,
        /// The secret's field that holds the key.
        field: &'static str,
    },
    /// A top-level field of the JSON body.
    Body {
        /// The body's field.
        name: &'static str,
        /// The secret's field that holds the key.
        field: &'static str,
    },
    /// An access token that the secret is exchanged for (OAuth 2, a login): cached for the whole fleet.
    Token(TokenScheme),
    /// Several at once: two headers, a token beside a tenant's id. At most one of them is a [`Token`](Self::Token).
    All(&'static [Self]),
    /// One of several, for vendors that connect accounts in more than one way: the one that reads most of the fields
    /// that the connection's secret has; of those, the one that lacks fewest.
    OneOf(&'static [Self]),
}

/// One half of Basic credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A field of the secret.
    Field(&'static str),
    /// The same for everybody: some vendors want an empty password, or any at all.
    Fixed(&'static str),
}

impl Auth {
    /// Adds the credentials to `wire`.
    ///
    /// # Errors
    /// When the secret lacks a field, its value cannot stand where it belongs, or the scheme's token was not
    /// obtained.
    pub fn apply(&self, shown: Shown<'_>, wire: &mut Wire) -> Result<(), SecretError> {
        let secret = shown.secret;
        let authorization = http::header::AUTHORIZATION;
        match *self {
            Self::Bearer { field } => {
                let value = format!("Bearer {}", secret.field(field)?);
                put(wire, authorization, field, &value)
            }
            Self::Prefixed { prefix, field } => {
                let value = format!("{prefix}{}", secret.field(field)?);
                put(wire, authorization, field, &value)
            }
            Self::Header { name, field } => {
                let name = HeaderName::from_static(name);
                put(wire, name, field, secret.field(field)?)
            }
            Self::Basic { user, password } => {
                put_basic(wire, user.read(shown)?, password.read(shown)?)
            }
            Self::Query { name, field } => {
                wire.add_query(name, secret.field(field)?);
                Ok(())
            }
            Self::Body { name, field } => {
                let Ok(Value::Object(mut body)) = serde_json::from_slice(&wire.body) else {
                    return Err(SecretError::NoBody(name));
                };
                body.insert(name.to_owned(), secret.field(field)?.into());
                wire.body = Value::Object(body).to_string().into();
                Ok(())
            }
            Self::Token(scheme) => {
                let token = shown.token.ok_or(SecretError::NoToken)?;
                scheme.show(token, wire)
            }
            Self::All(schemes) => schemes.iter().try_for_each(|one| one.apply(shown, wire)),
            Self::OneOf(_) => self.chosen(secret).apply(shown, wire),
        }
    }

    /// What the fields of `secret` decide for, where there is a choice.
    fn chosen(&self, secret: &Secret) -> &Self {
        let Self::OneOf(schemes) = self else {
            return self;
        };
        let fit = |scheme: &&Self| {
            let fields = scheme.fields();
            let there = fields.iter().filter(|field| secret.has(field)).count();
            (Reverse(there), fields.len() - there)
        };
        schemes.iter().min_by_key(fit).unwrap_or(self)
    }

    /// The scheme by which `secret` is exchanged for an access token, where it is.
    pub fn token(&self, secret: &Secret) -> Option<&TokenScheme> {
        match self.chosen(secret) {
            Self::Token(scheme) => Some(scheme),
            Self::All(schemes) => schemes.iter().find_map(|one| one.token(secret)),
            _ => None,
        }
    }

    /// All schemes by which some secret may be exchanged for a token.
    pub fn tokens(&self) -> Vec<&TokenScheme> {
        match self {
            Self::Token(scheme) => vec![scheme],
            Self::All(schemes) | Self::OneOf(schemes) => {
                schemes.iter().flat_map(Self::tokens).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether `secret` has the fields that its scheme reads, with something in them that can stand where it belongs.
    ///
    /// # Errors
    /// When it does not: the first field that is missing or cannot be used.
    pub fn check(&self, secret: &Secret) -> Result<(), SecretError> {
        let chosen = self.chosen(secret);
        for field in chosen.fields() {
            secret.field(field)?;
        }
        let placeholder = Token::new("token");
        let shown = Shown {
            secret,
            token: Some(&placeholder),
        };
        chosen.apply(shown, &mut Wire::post("/").json(&Map::new()))
    }

    /// The fields that a secret has: one list for each way of connecting an account.
    pub fn ways(&self) -> Vec<Vec<&'static str>> {
        match self {
            Self::OneOf(schemes) => schemes.iter().map(Self::fields).collect(),
            one => vec![one.fields()],
        }
    }

    /// The secret's fields that it reads, in whichever way.
    pub fn fields(&self) -> Vec<&'static str> {
        match self {
            Self::Bearer { field }
            | Self::Prefixed { field, .. }
            | Self::Header { field, .. }
            | Self::Query { field, .. }
            | Self::Body { field, .. } => vec![field],
            Self::Basic { user, password } => [user, password]
                .into_iter()
                .filter_map(|part| match part {
                    Part::Field(field) => Some(*field),
                    Part::Fixed(_) => None,
                })
                .collect(),
            Self::Token(scheme) => scheme.fields(),
            Self::All(schemes) | Self::OneOf(schemes) => {
                schemes.iter().flat_map(Self::fields).collect()
            }
        }
    }

    /// The headers that it sets, by name.
    pub fn headers(&self) -> Vec<&'static str> {
        match self {
            Self::Bearer { .. } | Self::Prefixed { .. } | Self::Basic { .. } => {
                vec!["authorization"]
            }
            Self::Header { name, .. } => vec![name],
            Self::Query { .. } | Self::Body { .. } => Vec::new(),
            Self::Token(scheme) => vec![scheme.header],
            Self::All(schemes) | Self::OneOf(schemes) => {
                schemes.iter().flat_map(Self::headers).collect()
            }
        }
    }
}

impl Part {
    fn read<'a>(self, shown: Shown<'a>) -> Result<&'a str, SecretError> {
        match self {
            Self::Field(name) => shown.secret.field(name),
            Self::Fixed(text) => Ok(text),
        }
    }
}

/// `Authorization: Basic` of `user` and `password`.
pub(super) fn put_basic(
    wire: &mut Wire,
    user: impl Display,
    password: impl Display,
) -> Result<(), SecretError> {
    let value = format!("Basic {}", BASE64.encode(format!("{user}:{password}")));
    put(wire, http::header::AUTHORIZATION, "authorization", &value)
}

/// Puts `text` into a header that no `Debug` prints; `field` is where it comes from.
pub(super) fn put(
    wire: &mut Wire,
    name: HeaderName,
    field: &'static str,
    text: &str,
) -> Result<(), SecretError> {
    let mut value = HeaderValue::try_from(text).map_err(|_| SecretError::NotAHeader(field))?;
    value.set_sensitive(true);
    wire.headers.insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Secret, Token};

    fn secret() -> Secret {
        let text = r#"{"token":"t0k&n","user":"ada","pass":"b:c","bad":"a\nb","tenant":"t1"}"#;
        Secret::parse(text).expect("an object of strings")
    }

    fn shown_by(auth: Auth, mut wire: Wire) -> Result<Wire, SecretError> {
        auth.apply(Shown::from(&secret()), &mut wire)?;
        Ok(wire)
    }

    fn header(auth: Auth, name: &str) -> String {
        let wire = shown_by(auth, Wire::post("/")).expect("good credentials");
        let value = wire.headers.get(name).expect("the header");
        assert!(value.is_sensitive());
        value.to_str().expect("text").to_owned()
    }

    #[test]
    fn each_scheme_puts_the_credentials_where_it_says() {
        let field = "token";
        assert_eq!(
            header(Auth::Bearer { field }, "authorization"),
            "Bearer t0k&n"
        );
        let prefix = "Token token=";
        assert_eq!(
            header(Auth::Prefixed { prefix, field }, "authorization"),
            "Token token=t0k&n"
        );
        let name = "x-token";
        assert_eq!(header(Auth::Header { name, field }, name), "t0k&n");
        let basic = Auth::Basic {
            user: Part::Field("user"),
            password: Part::Field("pass"),
        };
        assert_eq!(header(basic, "authorization"), "Basic YWRhOmI6Yw==");
        let key_alone = Auth::Basic {
            user: Part::Field("user"),
            password: Part::Fixed(""),
        };
        assert_eq!(header(key_alone, "authorization"), "Basic YWRhOg==");
    }

    #[test]
    fn a_key_in_the_query_is_encoded_and_never_printed() {
        let auth = Auth::Query {
            name: "key",
            field: "token",
        };
        for (path, full) in [("/a", "/a?key=t0k%26n"), ("/a?b=c", "/a?b=c&key=t0k%26n")] {
            let wire = shown_by(auth, Wire::get(path)).expect("good credentials");
            assert_eq!(wire.path, full);
            assert!(!format!("{wire:?}").contains("t0k"));
        }
    }

    #[test]
    fn a_key_in_the_body_needs_a_json_object() {
        let auth = Auth::Body {
            name: "routing_key",
            field: "token",
        };
        let body = serde_json::json!({"event_action": "trigger"});
        let wire = shown_by(auth, Wire::post("/").json(&body)).expect("good credentials");
        assert_eq!(
            wire.body,
            r#"{"event_action":"trigger","routing_key":"t0k&n"}"#
        );
        let refused = shown_by(auth, Wire::get("/")).map(|wire| wire.body);
        assert_eq!(refused, Err(SecretError::NoBody("routing_key")));
    }

    #[test]
    fn several_are_shown_together_and_the_token_is_found_among_them() {
        const SCHEME: TokenScheme = TokenScheme::refresh_token("/token", true);
        const AUTH: Auth = Auth::All(&[
            Auth::Token(SCHEME),
            Auth::Header {
                name: "xero-tenant-id",
                field: "tenant",
            },
        ]);
        assert_eq!(AUTH.token(&Secret::default()), Some(&SCHEME));
        assert_eq!(
            AUTH.fields(),
            ["client_id", "client_secret", "refresh_token", "tenant"]
        );
        assert_eq!(AUTH.headers(), ["authorization", "xero-tenant-id"]);
        let (mut wire, secret, token) = (Wire::get("/"), secret(), Token::new("acc3ss"));
        let shown = Shown {
            token: Some(&token),
            ..Shown::from(&secret)
        };
        AUTH.apply(shown, &mut wire).expect("good credentials");
        assert_eq!(wire.headers["authorization"], "Bearer acc3ss");
        assert_eq!(wire.headers["xero-tenant-id"], "t1");
        let without = shown_by(AUTH, Wire::get("/")).map(|_| ());
        assert_eq!(without, Err(SecretError::NoToken));
    }

    #[test]
    fn the_secrets_fields_decide_between_several_ways() {
        const GRANT: TokenScheme = TokenScheme::client_credentials("/token");
        const REFRESH: TokenScheme = TokenScheme::refresh_token("/token", true);
        const STATIC: Auth = Auth::Bearer { field: "token" };
        const AUTH: Auth = Auth::OneOf(&[
            STATIC,
            Auth::Token(GRANT),
            Auth::All(&[
                Auth::Token(REFRESH),
                Auth::Header {
                    name: "x-tenant",
                    field: "tenant",
                },
            ]),
        ]);
        let of = |fields: &[&str]| {
            let fields: Map<_, _> = fields
                .iter()
                .map(|&name| (name.into(), "v".into()))
                .collect();
            Secret::parse(&Value::Object(fields).to_string()).expect("an object of strings")
        };
        let way = |fields: &[&str]| AUTH.check(&of(fields)).map(|()| AUTH.token(&of(fields)));
        assert_eq!(way(&["token"]), Ok(None));
        assert_eq!(way(&["client_id", "client_secret"]), Ok(Some(&GRANT)));
        let refresh = ["client_id", "client_secret", "refresh_token", "tenant"];
        assert_eq!(way(&refresh), Ok(Some(&REFRESH)));
        // Who has a refresh token does not mean the grant that works without one.
        assert_eq!(way(&refresh[..3]), Err(SecretError::Missing("tenant")));
        assert_eq!(
            way(&["client_id"]),
            Err(SecretError::Missing("client_secret"))
        );
        assert_eq!(way(&[]), Err(SecretError::Missing("token")));
        assert_eq!(AUTH.ways().len(), 3);
        let wire = shown_by(AUTH, Wire::get("/")).expect("a token is shown as it is");
        assert_eq!(wire.headers["authorization"], "Bearer t0k&n");
    }

    #[test]
    fn a_missing_or_unusable_field_is_named() {
        let refused = |auth| shown_by(auth, Wire::post("/")).map(|_| ());
        assert_eq!(
            refused(Auth::Bearer { field: "api_key" }),
            Err(SecretError::Missing("api_key"))
        );
        let header = Auth::Header {
            name: "x-token",
            field: "bad",
        };
        assert_eq!(refused(header), Err(SecretError::NotAHeader("bad")));
    }
}
