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

#[test]
fn a_refusal_says_whose_fault_it_is_and_no_answer_says_nothing() {
    let rotating = TokenScheme::refresh_token("/", true);
    let read = |scheme: &TokenScheme, status, body| scheme.read(&answer(status, body), NOW);
    let refused = |reauthorise| TokenAnswer::Refused { reauthorise };
    assert_eq!(
        read(&rotating, 400, r#"{"error":"invalid_grant"}"#),
        refused(true)
    );
    assert_eq!(
        read(&rotating, 401, r#"{"error":"invalid_client"}"#),
        refused(false)
    );
    assert_eq!(read(&rotating, 403, "no JSON"), refused(true));
    assert_eq!(
        read(&GUESTY, 400, r#"{"error":"invalid_grant"}"#),
        refused(false)
    );
    for status in [301, 408, 425, 500, 503] {
        assert_eq!(
            read(&rotating, status, "{}"),
            TokenAnswer::Unclear,
            "{status}"
        );
    }
    for body in ["{}", "", r#"{"access_token":""}"#, r#"{"access_token":1}"#] {
        assert_eq!(read(&rotating, 200, body), TokenAnswer::Unclear, "{body}");
    }
    let mut throttle = answer(429, "{}");
    assert_eq!(
        GUESTY.read(&throttle, NOW),
        TokenAnswer::Throttled { after: None }
    );
    throttle
        .headers
        .insert("retry-after", HeaderValue::from_static("90"));
    let after = Some(Duration::from_secs(90));
    assert_eq!(
        GUESTY.read(&throttle, NOW),
        TokenAnswer::Throttled { after }
    );
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
