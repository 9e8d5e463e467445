//! Token calls on the wire, and what their answers mean.

use http::{HeaderMap, HeaderValue};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);

fn secret() -> Secret {
    let text = r#"{"client_id":"id 1","client_secret":"s&c","refresh_token":"r0","other":"x"}"#;
    Secret::parse(text).expect("an object of strings")
}

fn body(scheme: &TokenScheme, rotated: Option<&Token>) -> String {
    let wire = scheme.call(&secret(), rotated).expect("a good secret");
    assert_eq!(wire.method, Method::POST);
    String::from_utf8(wire.body.to_vec()).expect("text")
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
    }
}

/// Guesty, as its documentation says: `POST /oauth2/token`, a form with the scope `open-api`.
const GUESTY: TokenScheme = TokenScheme {
    grant: Grant::ClientCredentials {
        scope: Some("open-api"),
    },
    budget: Some(TokenBudget::new(5, Duration::from_secs(24 * 60 * 60))),
    ..TokenScheme::client_credentials("/oauth2/token")
};

/// Breezeway: a login with JSON, and `Authorization: JWT <token>`.
const BREEZEWAY: TokenScheme = TokenScheme::login(
    "/public/auth/v1/",
    &[
        ("client_id", "client_id"),
        ("client_secret", "client_secret"),
    ],
    "JWT ",
);

#[test]
fn client_credentials_go_as_a_form() {
    assert_eq!(
        body(&GUESTY, None),
        "client_id=id+1&client_secret=s%26c&grant_type=client_credentials&scope=open-api"
    );
}

#[test]
fn a_rotated_refresh_token_takes_the_secrets_place_and_the_client_may_be_basic() {
    let scheme = TokenScheme {
        client: Client::Basic,
        ..TokenScheme::refresh_token("/connect/token", true)
    };
    assert_eq!(
        body(&scheme, None),
        "grant_type=refresh_token&refresh_token=r0"
    );
    assert_eq!(
        body(&scheme, Some(&Token::new("r1"))),
        "grant_type=refresh_token&refresh_token=r1"
    );
    let wire = scheme.call(&secret(), None).expect("a good secret");
    // `id+1:s%26c`: RFC 6749 has both encoded as form values first.
    assert_eq!(wire.headers["authorization"], "Basic aWQrMTpzJTI2Yw==");
    assert!(wire.headers["authorization"].is_sensitive());
}

#[test]
fn a_login_is_json_and_its_token_has_the_vendors_own_prefix() {
    assert_eq!(
        body(&BREEZEWAY, None),
        r#"{"client_id":"id 1","client_secret":"s&c"}"#
    );
    let mut wire = Wire::get("/");
    BREEZEWAY
        .show(&Token::new("j.w.t"), &mut wire)
        .expect("a header");
    assert_eq!(wire.headers["authorization"], "JWT j.w.t");
}

#[test]
fn a_missing_field_is_named() {
    let empty = Secret::default();
    let missing = |scheme: &TokenScheme| scheme.call(&empty, None).map(|_| ());
    assert_eq!(missing(&GUESTY), Err(SecretError::Missing("client_id")));
    assert_eq!(
        missing(&TokenScheme::refresh_token("/", false)),
        Err(SecretError::Missing("refresh_token"))
    );
}

#[test]
fn a_token_and_its_life_are_read_wherever_they_stand() {
    let granted = |scheme: &TokenScheme, text| match scheme.read(&answer(200, text), NOW) {
        TokenAnswer::Granted(granted) => *granted,
        other => panic!("{other:?}"),
    };
    let first = granted(
        &GUESTY,
        r#"{"token_type":"Bearer","expires_in":86400,"access_token":"a","refresh_token":"not ours"}"#,
    );
    assert_eq!(first.access_token.reveal(), "a");
    assert_eq!(first.lifetime, Duration::from_secs(86_400));
    assert_eq!(
        first.refresh_token, None,
        "client credentials have no use for one"
    );
    let quoted = granted(&GUESTY, r#"{"expires_in":"1800","access_token":"a"}"#);
    assert_eq!(quoted.lifetime, Duration::from_secs(1800));
    let silent = granted(&GUESTY, r#"{"access_token":"a"}"#);
    assert_eq!(silent.lifetime, LIFETIME);
    let nested = TokenScheme {
        access_token: "/data/token",
        ..GUESTY
    };
    assert_eq!(
        granted(&nested, r#"{"data":{"token":"b"}}"#)
            .access_token
            .reveal(),
        "b"
    );
    let rotating = TokenScheme::refresh_token("/", true);
    let both = granted(&rotating, r#"{"access_token":"a","refresh_token":"r1"}"#);
    assert_eq!(both.refresh_token, Some(Token::new("r1")));
    let endless = granted(
        &GUESTY,
        r#"{"access_token":"a","expires_in":18446744073709551615}"#,
    );
    assert_eq!(endless.lifetime, MAX_LIFETIME);
}

fn read(scheme: &TokenScheme, status: u16, body: &'static str) -> TokenAnswer {
    scheme.read(&answer(status, body), NOW)
}

const REFUSED: TokenAnswer = TokenAnswer::Refused { after: None };
const LATER: TokenAnswer = TokenAnswer::Later { after: None };

/// A firewall's 403 used to count as a dead refresh token: one page of HTML, and the connection stood still until
/// somebody authorised it anew.
#[test]
fn only_a_documented_word_says_that_a_grant_is_dead() {
    let rotating = TokenScheme::refresh_token("/", true);
    let dead = r#"{"error":"invalid_grant"}"#;
    for status in [200, 400, 401, 403] {
        assert_eq!(read(&rotating, status, dead), TokenAnswer::DeadGrant);
    }
    for status in [301, 400, 401, 403, 404, 409, 410, 413, 422] {
        for body in [
            "<html>no JSON</html>",
            "{}",
            r#"{"error":"invalid_request"}"#,
        ] {
            assert_eq!(read(&rotating, status, body), REFUSED, "{status} {body}");
        }
    }
    for body in ["{}", "", r#"{"access_token":""}"#, r#"{"access_token":1}"#] {
        assert_eq!(read(&rotating, 200, body), REFUSED, "{body}");
    }
    // Whatever a gateway quotes while it fails.
    for status in [408, 425, 429, 500, 502, 503] {
        assert_eq!(read(&rotating, status, dead), LATER, "{status}");
    }
}

/// As GitHub, which says so in a 200 (seen in answers:
/// <https://github.com/orgs/community/discussions/24745>; the client's word is
/// [documented](https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors)).
#[test]
fn a_vendors_own_word_says_it_whatever_the_status() {
    const GITHUB: TokenScheme = TokenScheme {
        words: &[
            TokenWord::dead_grant("bad_refresh_token"),
            TokenWord::wrong_client("incorrect_client_credentials"),
        ],
        ..TokenScheme::refresh_token("/login/oauth/access_token", true)
    };
    const ELSEWHERE: TokenScheme = TokenScheme {
        words: &[TokenWord {
            at: "/status",
            word: "BAD_REFRESH_TOKEN",
            refuses: Refused::Grant,
        }],
        ..GITHUB
    };
    let dead = r#"{"error":"bad_refresh_token","error_description":"…"}"#;
    assert_eq!(read(&GITHUB, 200, dead), TokenAnswer::DeadGrant);
    let wrong = r#"{"error":"incorrect_client_credentials"}"#;
    assert_eq!(read(&GITHUB, 200, wrong), TokenAnswer::WrongClient);
    let dead = r#"{"status":"BAD_REFRESH_TOKEN"}"#;
    assert_eq!(read(&ELSEWHERE, 400, dead), TokenAnswer::DeadGrant);
    assert_eq!(read(&GITHUB, 400, dead), REFUSED);
}

#[test]
fn a_wrong_secret_is_no_dead_grant() {
    let rotating = TokenScheme::refresh_token("/", true);
    for word in [
        r#"{"error":"invalid_client"}"#,
        r#"{"error":"unauthorized_client"}"#,
    ] {
        assert_eq!(read(&rotating, 401, word), TokenAnswer::WrongClient);
    }
    // A client that is granted something for itself has nothing else that could be wrong.
    let dead = r#"{"error":"invalid_grant"}"#;
    assert_eq!(read(&GUESTY, 400, dead), TokenAnswer::WrongClient);
}

#[test]
fn an_endpoint_says_when_to_ask_again_and_no_later_than_tomorrow() {
    let hinted = |status, hint| {
        let mut answer = answer(status, "{}");
        let hint = HeaderValue::from_static(hint);
        answer.headers.insert("retry-after", hint);
        GUESTY.read(&answer, NOW)
    };
    let after = Some(Duration::from_secs(90));
    for status in [429, 503] {
        assert_eq!(hinted(status, "90"), TokenAnswer::Later { after });
    }
    assert_eq!(hinted(403, "90"), TokenAnswer::Refused { after });
    let after = Some(MAX_WAIT);
    assert_eq!(hinted(429, "31536000"), TokenAnswer::Later { after });
}

/// `expires_in: 0` used to make a token that was never usable: another one was asked for every two seconds, for ever.
#[test]
fn a_life_of_nothing_or_of_no_number_is_bounded() {
    for (text, lifetime) in [
        (r#"{"access_token":"a","expires_in":0}"#, LEAST_LIFETIME),
        (r#"{"access_token":"a","expires_in":-3600}"#, LEAST_LIFETIME),
        (r#"{"access_token":"a","expires_in":"0"}"#, LEAST_LIFETIME),
        (r#"{"access_token":"a","expires_in":1e-9}"#, LEAST_LIFETIME),
        (r#"{"access_token":"a","expires_in":"soon"}"#, LIFETIME),
        (r#"{"access_token":"a","expires_in":"NaN"}"#, LIFETIME),
        (r#"{"access_token":"a","expires_in":null}"#, LIFETIME),
        (r#"{"access_token":"a","expires_in":[]}"#, LIFETIME),
        (r#"{"access_token":"a"}"#, LIFETIME),
        (r#"{"access_token":"a","expires_in":1e300}"#, MAX_LIFETIME),
        (
            r#"{"access_token":"a","expires_in":1800.5}"#,
            Duration::from_millis(1_800_500),
        ),
    ] {
        let TokenAnswer::Granted(granted) = read(&GUESTY, 200, text) else {
            panic!("{text}");
        };
        assert_eq!(granted.lifetime, lifetime, "{text}");
    }
}

#[test]
fn no_token_is_ever_printed() {
    let granted = GUESTY.read(
        &answer(
            200,
            r#"{"access_token":"acc3ss","refresh_token":"r3fresh"}"#,
        ),
        NOW,
    );
    let call = GUESTY.call(&secret(), None).expect("a good secret");
    let printed = format!("{granted:?} {call:?} {:?}", call.headers);
    for text in ["acc3ss", "r3fresh", "s&c", "s%26c"] {
        assert!(!printed.contains(text), "{printed}");
    }
}
