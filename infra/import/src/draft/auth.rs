//! Ways of connecting, from documents' security schemes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::quoted;
use crate::document::Kind;
use crate::refs::Documents;

/// One row a scheme.
pub(super) fn ways(docs: &Documents) -> Vec<String> {
    let mut rows = BTreeSet::new();
    for it in &docs.0 {
        let schemes = match it.kind {
            Kind::Swagger2 => it.root.get("securityDefinitions"),
            Kind::Discovery => it.root.get("auth"),
            _ => it.root.pointer("/components/securitySchemes"),
        };
        let schemes = schemes.and_then(Value::as_object);
        for (name, scheme) in schemes.into_iter().flatten() {
            if let Some(show) = show(scheme) {
                let src = quoted(&format!(
                    "UNVERIFIED: the document's security scheme {name}"
                ));
                rows.insert(format!(
                    "{{ show = [{show}], src = {src} }}, # OPEN: is this how an account connects?"
                ));
            }
        }
    }
    if rows.is_empty() {
        rows.insert("# OPEN: the documents name no way of connecting".to_owned());
    }
    rows.into_iter().collect()
}

fn show(scheme: &Value) -> Option<String> {
    let text = |key: &str| scheme.get(key).and_then(Value::as_str);
    let lower = |key: &str| text(key).map(str::to_ascii_lowercase);
    if scheme.get("scopes").is_some() && text("type").is_none()
        || scheme.pointer("/oauth2").is_some()
    {
        return Some("{ bearer = \"access_token\" }".to_owned());
    }
    match lower("type")?.as_str() {
        "http" if lower("scheme").as_deref() == Some("basic") => Some(basic()),
        "basic" => Some(basic()),
        "http" => Some("{ bearer = \"token\" }".to_owned()),
        "apikey" => {
            let name = quoted(text("name")?);
            match text("in")? {
                "header" if name.eq_ignore_ascii_case("\"authorization\"") => Some(
                    "{ header = { name = \"authorization\", field = \"api_key\" } }".to_owned(),
                ),
                "header" => Some(format!(
                    "{{ header = {{ name = {name}, field = \"api_key\" }} }}"
                )),
                "query" => Some(format!(
                    "{{ query = {{ name = {name}, field = \"api_key\" }} }}"
                )),
                _ => None,
            }
        }
        "oauth2" => Some(token(scheme)),
        _ => None,
    }
}

fn basic() -> String {
    "{ basic = [\"user\", \"password\"] }".to_owned()
}

/// OAuth 2: by client credentials where the document has them, else by a refresh token.
fn token(scheme: &Value) -> String {
    let flow = |name: &str| scheme.get("flows").and_then(|flows| flows.get(name));
    let swagger = scheme.get("flow").and_then(Value::as_str);
    let own = flow("clientCredentials").or((swagger == Some("application")).then_some(scheme));
    let (grant, flow) = match own {
        Some(flow) => ("client_credentials", Some(flow)),
        None => (
            "refresh_token",
            flow("authorizationCode").or(swagger.map(|_| scheme)),
        ),
    };
    let url = flow
        .and_then(|flow| flow.get("tokenUrl"))
        .and_then(Value::as_str);
    let Some(url) = url else {
        return "{ bearer = \"access_token\" }".to_owned();
    };
    let host = url.split_once("://").map_or(0, |(scheme, rest)| {
        scheme.len() + 3 + rest.find('/').unwrap_or(rest.len())
    });
    let (base, path) = url.split_at(host);
    let path = if path.is_empty() { "/" } else { path };
    let base = if base.is_empty() {
        String::new()
    } else {
        format!(", base = {}", quoted(base))
    };
    format!(
        "{{ token = {{ grant = \"{grant}\", path = {}{base} }} }}",
        quoted(path)
    )
}
