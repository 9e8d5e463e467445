#![doc = include_str!("../README.md")]

mod payloads;

use std::time::Duration;

use causeway::Timestamp;
use causeway::breaker::BreakerSpec;
use causeway::limiter::{Limit, Remaining, Signals};
use causeway::provider::{
    Answer, Auth, Encoding, Found, Grant, Json, KeyPlace, Lookup, Operation, Placeholder, Provider,
    Safety, Spec, TokenScheme, Verdict, Wire,
};
use serde_json::json;

use payloads::{CreateOrder, UpsertCustomer, UpsertProduct, graphql};

/// Shops: customers, products and orders.
pub struct Shopify;

/// The shop keeps our reference as the order's id on the platform that it comes from, and its search goes by it. How
/// long the search takes to see a new order, Shopify does not say: ours, not Shopify's.
/// <https://shopify.dev/docs/api/admin-graphql/latest/queries/orders#argument-query-filter-source_identifier>
const BY_SOURCE: Safety = Safety::Lookup {
    place: Some(KeyPlace::Inside(&[
        "variables",
        "input",
        "sourceIdentifier",
    ])),
    settle: Duration::from_secs(5 * 60),
};

/// Where apps get their tokens, at the shop itself; how long a token lives, the answer says.
const TOKEN_PATH: &str = "/admin/oauth/access_token";

/// What shows a token to the API, whichever way it came.
const TOKEN_HEADER: &str = "x-shopify-access-token";

/// An app of the shop's own organisation, as merchants make them since 2026: a token of 24 hours for the client alone.
/// <https://shopify.dev/docs/apps/build/authentication-authorization/client-credentials-grant>
const OWN_APP: TokenScheme = TokenScheme {
    header: TOKEN_HEADER,
    prefix: "",
    ..TokenScheme::client_credentials(TOKEN_PATH)
};

/// A public app: tokens of an hour, and a refresh token that changes with each. The old one is taken again until the new
/// one is used, for up to 30 days:
/// <https://shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens>. The call is JSON:
/// <https://github.com/Shopify/shopify-app-js/blob/main/packages/apps/shopify-api/lib/auth/oauth/refresh-token.ts>
const PUBLIC_APP: TokenScheme = TokenScheme {
    grant: Grant::RefreshToken {
        rotating: true,
        grace: true,
    },
    encoding: Encoding::Json,
    ..OWN_APP
};

static SPEC: Spec = Spec {
    placeholders: &[Placeholder::host("shop")],
    // The smallest plan restores 100 points a second, for an app and a shop:
    // <https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits>. Its bucket holds 2,000 in answers seen
    // (`throttleStatus.maximumAvailable`); larger plans' are larger.
    limits: &[Limit::bucket("points", 2_000, 100, Duration::from_secs(1)).in_cost()],
    // Every shop has a host of its own: one that is renamed or ill says nothing about the others.
    breaker: BreakerSpec::DEFAULT.by_connection(),
    ..Spec::new(
        "shopify",
        "https://{shop}.myshopify.com",
        Auth::OneOf(&[
            Auth::Token(OWN_APP),
            Auth::Token(PUBLIC_APP),
            // Of apps that a merchant made in the admin, before 2026: it does not end.
            // <https://shopify.dev/docs/apps/build/authentication-authorization/legacy/admin-custom-apps>
            Auth::Header {
                name: TOKEN_HEADER,
                field: "access_token",
            },
        ]),
        // A mutation costs 10 points (same page); what is more, the answer tells. "The identifier gives developers a
        // straightforward, idempotent mechanism":
        // <https://shopify.dev/changelog/productset-and-customerset-mutations-now-support-upserts>
        &[
            Operation::new::<UpsertCustomer>("customers.upsert", Safety::Natural).cost(10),
            Operation::new::<UpsertProduct>("products.upsert", Safety::Natural).cost(10),
            Operation::new::<CreateOrder>("orders.create", BY_SOURCE).cost(10),
        ],
    )
};

impl Provider for Shopify {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// Nearly everything comes as a 200. What is wrong with the call stands beside the data, what is wrong with the
    /// input inside it; a shop that is frozen (402) or locked (423) concerns its connection, not the request.
    fn classify(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        let body = answer.json::<Json>().unwrap_or_default();
        let code = body.pointer("/errors/0").map(|error| {
            let code = error.pointer("/extensions/code").and_then(Json::as_str);
            code.unwrap_or("unnamed")
        });
        match (answer.status, code) {
            (402 | 423, _) | (200..=299, Some("SHOP_INACTIVE")) => Verdict::Unauthorized,
            (200..=299 | 429, Some("THROTTLED")) => match wait(&body) {
                Some(wait) => Verdict::throttled_for(answer, now, wait),
                None => Verdict::throttled(answer, now),
            },
            (200..=299, Some("INTERNAL_SERVER_ERROR")) => Verdict::unwell(),
            // A scope that the app lacks: about what was asked, not about the token.
            (200..=299, Some("ACCESS_DENIED")) => Verdict::forbidden(true, "code=ACCESS_DENIED"),
            // Without data nothing was begun: <https://spec.graphql.org/October2021/#sec-Errors>
            (200..=299, Some(code)) if body["data"].is_null() => {
                Verdict::rejected(format!("code={code}"))
            }
            (200..=299, None) => made(&body["data"]["result"]),
            (200..=299, Some(_)) => Verdict::unwell(),
            _ => Verdict::by_status(answer, now),
        }
    }

    fn signals(&self, _operation: &Operation, answer: &Answer, _now: Timestamp) -> Signals {
        let body = answer.json::<Json>().unwrap_or_default();
        let left = number(&body, "/throttleStatus/currentlyAvailable");
        let left = left.map(|left| Remaining {
            limit: "points",
            left: left as u32,
            reset: None,
        });
        // What is throttled is not carried out and costs nothing.
        let cost = number(&body, "/actualQueryCost").or(left.as_ref().map(|_| 0.0));
        Signals {
            cost: cost.map(|cost| cost.ceil() as u32),
            remaining: left.into_iter().collect(),
            ..Signals::default()
        }
    }

    fn look_up(&self, operation: &Operation, lookup: &Lookup<'_>) -> Option<Wire> {
        operation.safety.key_place()?;
        let query = "query($query: String!) { result: orders(first: 1, query: $query) \
                     { nodes { id sourceIdentifier } } }";
        let filter = format!("source_identifier:{}", lookup.reference);
        Some(graphql(query, &json!({ "query": filter })))
    }

    fn found(&self, _operation: &Operation, lookup: &Lookup<'_>, answer: &Answer) -> Found {
        let body = answer.json::<Json>().unwrap_or_default();
        match body.pointer("/data/result/nodes").and_then(Json::as_array) {
            Some(nodes) if nodes.is_empty() => Found::Miss,
            // A search may read a filter as loosely as it likes: only the very reference counts.
            Some(nodes) if nodes[0]["sourceIdentifier"] == lookup.reference => Found::Hit {
                object_id: nodes[0]["id"].as_str().map(str::to_owned),
            },
            _ => Found::Unclear,
        }
    }
}

/// <https://shopify.dev/docs/api/admin-graphql/latest/payloads/customerSetPayload>, and the others likewise. Codes and
/// fields only: messages may quote the input.
fn made(result: &Json) -> Verdict {
    let object_id = result.pointer("/object/id").and_then(Json::as_str);
    match (result.pointer("/userErrors/0"), object_id) {
        (Some(error), _) => {
            let code = error["code"].as_str().unwrap_or("unnamed");
            let field = error["field"].as_array().into_iter().flatten();
            let field: Vec<&str> = field.filter_map(Json::as_str).collect();
            Verdict::rejected(format!("code={code} field={}", field.join(".")))
        }
        (None, Some(id)) => Verdict::delivered(Some(id.to_owned())),
        (None, None) => Verdict::unwell(),
    }
}

/// Until the bucket holds what the call asks for.
fn wait(body: &Json) -> Option<Duration> {
    let available = number(body, "/throttleStatus/currentlyAvailable")?;
    let missing = number(body, "/requestedQueryCost")? - available;
    let seconds = missing / number(body, "/throttleStatus/restoreRate")?;
    Duration::try_from_secs_f64(seconds.ceil()).ok()
}

fn number(body: &Json, name: &str) -> Option<f64> {
    body.pointer("/extensions/cost")?.pointer(name)?.as_f64()
}
