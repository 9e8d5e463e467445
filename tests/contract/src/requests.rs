//! What goes out.

use std::collections::BTreeSet;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use causeway::provider::{Operation, Provider, Secret, Shown, Spec, Token, Wire};
use serde_json::{Map, Value};

use crate::fixture::{Fixture, Mode, Request};
use crate::guard::guard;
use crate::{Breach, Line, NOW, VENDOR_KEY, VENDOR_KEY_MAX};

/// Stands for the credentials, so that they are found wherever they turn up.
pub const MARKER_SECRET: &str = "marker-credential";

/// What every part of an address that stands in the secret holds.
const MARKER_ADDRESS: &str = "marker-address";

pub fn check(
    provider: &dyn Provider,
    operation: &'static Operation,
    fixture: &mut Fixture,
    mode: Mode,
    found: &mut Vec<Breach>,
) {
    payload_coverage(operation, fixture, found);
    for case in &mut fixture.payloads {
        let place = format!("{}, payload `{}`", operation.name, case.name);
        let (payload, request) = (&case.payload, &mut case.request);
        check_one(
            provider,
            operation,
            &[payload],
            request,
            mode,
            &place,
            found,
        );
    }
}

/// Checks the one call that carries all of `payloads`.
pub fn check_one(
    provider: &dyn Provider,
    operation: &'static Operation,
    payloads: &[&Value],
    expected: &mut Option<Request>,
    mode: Mode,
    place: &str,
    found: &mut Vec<Breach>,
) {
    let wire = match guard(place, found, || operation.prepare_batch(payloads)) {
        Some(Ok(wire)) => operation.keyed(wire, VENDOR_KEY),
        Some(Err(error)) => {
            let refused = format!("the lane refuses it: {error}");
            found.push(Breach::new(Line::GoodPayload, place, refused));
            return;
        }
        None => return,
    };
    if let Some(wire) = check_wire(provider, wire, expected, mode, place, found) {
        key(operation, &wire, place, found);
    }
}

/// Checks a call that has its key: dressed as the first way of connecting an account has it, it must be what is
/// `expected`; as the others have it, it must show their credentials too.
pub fn check_wire(
    provider: &dyn Provider,
    wire: Wire,
    expected: &mut Option<Request>,
    mode: Mode,
    place: &str,
    found: &mut Vec<Breach>,
) -> Option<Wire> {
    let mut ways = provider.spec().auth.ways().into_iter();
    let first = ways.next().unwrap_or_default();
    for way in ways {
        if let Some(wire) = dressed(provider, wire.clone(), &way, place, found) {
            secrets(&wire, place, found);
        }
    }
    let wire = dressed(provider, wire, &first, place, found)?;
    secrets(&wire, place, found);
    let request = shown(&wire);
    match (mode, &expected) {
        (Mode::Bless, _) => *expected = Some(request),
        (Mode::Compare, Some(expected)) if *expected == request => {}
        (Mode::Compare, Some(expected)) => {
            let difference = difference(expected, &request);
            found.push(Breach::new(Line::Request, place, difference));
        }
        (Mode::Compare, None) => {
            found.push(Breach::new(Line::Request, place, "it shows no request"));
        }
    }
    Some(wire)
}

/// `minimal` has every required field, `full` has more than that.
fn payload_coverage(operation: &Operation, fixture: &Fixture, found: &mut Vec<Breach>) {
    let schema = operation.schema().to_value();
    let required: BTreeSet<String> =
        serde_json::from_value(schema["required"].clone()).unwrap_or_default();
    let mut fields_of = |name: &str| -> BTreeSet<String> {
        let case = fixture.payloads.iter().find(|case| case.name == name);
        let fields = case.and_then(|case| case.payload.as_object());
        if fields.is_none() {
            let place = format!("{}, payload `{name}`", operation.name);
            found.push(Breach::new(Line::Coverage, place, "there is none"));
        }
        fields
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect()
    };
    let (full, minimal) = (fields_of("full"), fields_of("minimal"));
    let has_more = schema["properties"]
        .as_object()
        .is_some_and(|all| all.len() > minimal.len());
    if !minimal.is_superset(&required)
        || (has_more && (full.len() <= minimal.len() || !full.is_superset(&minimal)))
    {
        let place = format!("{}, payloads `full` and `minimal`", operation.name);
        let shown = format!("{full:?} and {minimal:?}");
        found.push(Breach::new(Line::Coverage, place, shown));
    }
}

fn dressed(
    provider: &dyn Provider,
    wire: Wire,
    way: &[&str],
    place: &str,
    found: &mut Vec<Breach>,
) -> Option<Wire> {
    let secret = secret(provider.spec(), way);
    let token = Token::new(MARKER_SECRET);
    let shown = Shown {
        secret: &secret,
        token: Some(&token),
    };
    let dressed = guard(place, found, || provider.sign(wire, shown, NOW))?;
    dressed
        .map_err(|error| {
            found.push(Breach::new(Line::Credentials, place, error.to_string()));
        })
        .ok()
}

/// A secret whose every field is the marker; what stands in addresses, which are no secrets, is another.
fn secret(spec: &Spec, way: &[&str]) -> Secret {
    let credentials = way.iter().map(|field| (*field, MARKER_SECRET));
    let addresses = spec.placeholders.iter();
    let addresses = addresses.map(|placeholder| (placeholder.field(), MARKER_ADDRESS));
    let fields: Map<String, Value> = credentials
        .chain(addresses)
        .map(|(field, value)| (field.to_owned(), value.into()))
        .collect();
    Secret::parse(&Value::Object(fields).to_string()).unwrap_or_default()
}

/// What HTTP Basic credentials say, where `value` holds such.
fn basic(value: &str) -> Option<String> {
    let encoded = value.strip_prefix("Basic ")?;
    String::from_utf8(BASE64.decode(encoded).ok()?).ok()
}

fn secrets(wire: &Wire, place: &str, found: &mut Vec<Breach>) {
    let request = shown(wire);
    let parts = request.headers.values().cloned();
    let is_shown = parts
        .chain([request.path.clone(), request.body.to_string()])
        .any(|part| basic(&part).unwrap_or(part).contains(MARKER_SECRET));
    if !is_shown {
        found.push(Breach::new(
            Line::Credentials,
            place,
            "they are nowhere in it",
        ));
    }
    for printed in [format!("{wire:?}"), format!("{:?}", wire.headers)] {
        if printed.contains(MARKER_SECRET) {
            found.push(Breach::new(Line::SecretKept, place, "Debug prints it"));
        }
    }
}

fn key(operation: &Operation, wire: &Wire, place: &str, found: &mut Vec<Breach>) {
    let request = shown(wire);
    let times = request
        .headers
        .values()
        .map(|value| value.matches(VENDOR_KEY).count())
        .chain([
            request.path.matches(VENDOR_KEY).count(),
            request.body.to_string().matches(VENDOR_KEY).count(),
        ])
        .sum::<usize>();
    let wanted = usize::from(operation.safety.key_place().is_some());
    if times != wanted || VENDOR_KEY.len() > VENDOR_KEY_MAX {
        found.push(Breach::new(
            Line::KeyPlaced,
            place,
            format!("it stands in {times} places instead of {wanted}"),
        ));
    }
}

fn shown(wire: &Wire) -> Request {
    let mut headers = BTreeMap::new();
    for (name, value) in &wire.headers {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        // A header given twice would be lost in a map: join as HTTP does.
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|old: &mut String| {
                old.push_str(", ");
                old.push_str(&text);
            })
            .or_insert(text);
    }
    let text = String::from_utf8_lossy(&wire.body).into_owned();
    let is_json = headers
        .get("content-type")
        .is_some_and(|value| value.contains("json"));
    let body = if is_json {
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    } else {
        Value::String(text)
    };
    Request {
        method: wire.method.to_string(),
        path: wire.path.clone(),
        headers,
        body,
    }
}

fn difference(expected: &Request, got: &Request) -> String {
    let show = |request: &Request| serde_json::to_string(request).unwrap_or_default();
    format!(
        "\n      fixture: {}\n      code:    {}",
        show(expected),
        show(got)
    )
}

#[cfg(test)]
mod tests {
    use causeway::provider::{Auth, Part, TokenScheme};
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_request_without_credentials_and_one_that_prints_them_are_found() {
        let mut found = Vec::new();
        secrets(&Wire::post("/v1/things"), "here", &mut found);
        assert_eq!(
            found.first().map(|breach| breach.line),
            Some(Line::Credentials)
        );

        let mut found = Vec::new();
        // A header that nobody marked as sensitive.
        let (name, value) = (http::header::AUTHORIZATION, MARKER_SECRET);
        let wire = Wire::post("/v1/things").header(name, HeaderValue::from_static(value));
        secrets(&wire, "here", &mut found);
        assert_eq!(
            found.first().map(|breach| breach.line),
            Some(Line::SecretKept)
        );
    }

    #[test]
    fn credentials_are_found_wherever_a_scheme_puts_them() {
        let field = "key";
        for auth in [
            Auth::Query { name: "k", field },
            Auth::Body { name: "k", field },
            Auth::Basic {
                user: Part::Field(field),
                password: Part::Fixed(""),
            },
            Auth::Token(TokenScheme::client_credentials("/token")),
        ] {
            let spec = Spec::new("acme", "https://api.acme.example", auth, &[]);
            let (secret, token) = (secret(&spec, &auth.fields()), Token::new(MARKER_SECRET));
            let shown = Shown {
                secret: &secret,
                token: Some(&token),
            };
            let mut wire = Wire::post("/v1/things").json(&Map::new());
            auth.apply(shown, &mut wire).expect("a full secret");
            let mut found = Vec::new();
            secrets(&wire, "here", &mut found);
            assert_eq!(found, [], "{auth:?}");
        }
    }
}
