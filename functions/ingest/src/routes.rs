//! The API's routes: which path is what. Nothing that answers one imports it.

use http::{Method, StatusCode};

use crate::api::{Api, PROPOSE, PROVIDERS, REQUESTS};
use crate::http::{Request, Response};
use crate::problem::Problem;
use crate::{follow, list, mappings, providers, submit};

/// The answer to `request`. What goes wrong is an answer, too.
pub async fn answer(api: &Api, request: &Request) -> Response {
    let followed = request
        .path
        .strip_prefix(REQUESTS)
        .and_then(|rest| rest.strip_prefix('/'));
    let described = match request.path.strip_prefix(PROVIDERS) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Some(rest),
        _ => None,
    };
    if let Some(address) = described {
        return match request.method {
            Method::GET => providers::describe(api, address, &request.query),
            _ => not_allowed("GET"),
        };
    }
    match (request.path.as_str(), followed) {
        (REQUESTS, _) => match request.method {
            Method::POST => submit::submit(api, request, None).await,
            Method::GET => list::list(api, request).await,
            _ => not_allowed("GET and POST"),
        },
        (PROPOSE, _) => match request.method {
            Method::POST => mappings::propose(api, request),
            _ => not_allowed("POST"),
        },
        (_, Some(address)) => match request.method {
            Method::GET => follow::follow(api, address, request).await,
            Method::POST if address.split('/').count() == 2 => {
                submit::submit(api, request, Some(address)).await
            }
            _ => not_allowed("GET, and POST without a key"),
        },
        _ => Problem::new(
            StatusCode::NOT_FOUND,
            "no_such_path",
            format!(
                "the paths are POST {REQUESTS}, POST {REQUESTS}/<provider>/<connection>, \
                 GET {REQUESTS}?provider=<provider>, GET {REQUESTS}/<provider>/<connection>/<key>, \
                 GET {REQUESTS}/<provider>/<connection>?key=<key>, GET {PROVIDERS}, POST {PROPOSE}"
            ),
        )
        .into(),
    }
}

fn not_allowed(method: &str) -> Response {
    let detail = format!("this path takes {method}");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into()
}
