//! The API's own description, OpenAPI 3.1: `openapi.json` beside this crate is this document, and a test says when it
//! is not. <https://spec.openapis.org/oas/v3.1.1.html>

use causeway::ledger::Status;
use causeway::ledger::index::LISTED;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::api::{PROPOSE, PROVIDERS, REQUESTS};
use crate::follow::RequestState;
use crate::http;
use crate::list::Undelivered;
use crate::mappings::{Ask, Proposed};
use crate::problem::Problem;
use crate::providers::{OperationDetail, OperationList, ProviderList};
use crate::submit::{Accepted, MAX_ITEMS, TakenList};

/// Where schemas stand in the document.
const SCHEMAS: &str = "#/components/schemas/";

/// What every request may have beside its payload.
#[derive(JsonSchema)]
#[schemars(
    deny_unknown_fields,
    extend("anyOf" = [{"required": ["idempotency_key"]}, {"required": ["created_at"]}])
)]
#[expect(dead_code, reason = "only its schema is used")]
struct Envelope {
    /// The request's id, a UUIDv7; a new one where none is given.
    #[schemars(
        regex(
            pattern = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
        ),
        extend("type" = "string")
    )]
    id: Option<String>,
    /// Which lane carries it.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    provider: String,
    /// What the provider is to do.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    operation: String,
    /// One account at the provider; `default` where none is named.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"), extend("type" = "string"))]
    connection: Option<String>,
    /// What makes copies one request, printable ASCII; the hash of the content where none is given.
    #[schemars(regex(pattern = "^[ -~]{1,255}$"), extend("type" = "string"))]
    idempotency_key: Option<String>,
    /// When it was made; it may be left out where a key is given.
    #[schemars(extend("format" = "date-time", "type" = "string"))]
    created_at: Option<String>,
    /// What is to be done: in the operation's canonical shape, or, with `mapping`, in the source's own.
    payload: Map<String, Value>,
    /// The mapping that makes the canonical payload of a source's own.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"), extend("type" = "string"))]
    mapping: Option<String>,
    /// Past it the request is rejected.
    #[schemars(extend("format" = "date-time", "type" = "string"))]
    deadline: Option<String>,
}

/// What API Gateway answers by itself: whom it does not let in, and what comes too fast.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct GatewayMessage {
    /// In its words.
    message: String,
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let paths = paths(&mut schemas);
    schemas.add_requests();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Causeway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Requests for third-party APIs: checked, and put on their lanes' queues.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "security": [{"sigv4": []}, {"jwt": []}],
        "components": {
            "schemas": schemas.finish(),
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey", "name": "Authorization", "in": "header",
                    "description": "AWS Signature Version 4, service `execute-api` (the default)",
                },
                "jwt": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "where the stack was deployed with IngestAuthorization=jwt",
                },
            },
        },
    });
    document.sort_all_objects();
    document
}

fn paths(schemas: &mut Schemas) -> Value {
    let problem = |schemas: &mut Schemas, description: &str| {
        let schema = schemas.of::<Problem>();
        json!({"description": description, "content": {"application/problem+json": {"schema": schema}}})
    };
    let json = |schema: Value, description: &str| json!({"description": description, "content": {"application/json": {"schema": schema}}});
    let gateway = |schemas: &mut Schemas, description: &str| {
        let schema = schemas.of::<GatewayMessage>();
        json!({"description": description, "content": {"application/json": {"schema": schema}}})
    };
    // What API Gateway answers by itself where ingest does not get to.
    let either = |schemas: &mut Schemas, description: &str| {
        let mut answer = problem(schemas, description);
        answer["content"]["application/json"] = json!({"schema": schemas.of::<GatewayMessage>()});
        answer
    };
    let common = json!({
        "401": gateway(schemas, "with jwt: no token, or one that does not count"),
        "403": either(schemas, "not signed, or not allowed to: the connection is not of the caller's"),
        "429": either(schemas, "too many calls, or requests of one producer: again after `Retry-After`"),
        "500": either(schemas, "a fault of ingest"),
        "503": either(schemas, "something that ingest needs does not answer: again later, with the same key"),
    });
    let with = |more: Value| {
        let mut all = common.clone();
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
            all.extend(more);
        }
        all
    };
    let (accepted, list) = (schemas.of::<Accepted>(), schemas.of::<TakenList>());
    let submit = with(json!({
        "202": json(json!({"anyOf": [accepted, list]}), "all of it was taken: each on its lane's queue"),
        "207": json(list.clone(), "of a list, some were not taken: each has its own status"),
        "400": problem(schemas, "not a request: every field that is wrong, and its rule"),
        "413": either(schemas, "too large, or too many"),
    }));
    let follow = with(json!({
        "200": json(schemas.of::<RequestState>(), "where it stands"),
        "400": problem(schemas, "no such name, key or time zone can be"),
        "404": either(schemas, "no lane has a record of it, or no such path can be"),
    }));
    let list = with(json!({
        "200": json(schemas.of::<Undelivered>(), "a page of them"),
        "400": problem(schemas, "no such question can be asked: the field that is wrong, and its rule"),
    }));
    let providers = with(json!({
        "200": json(schemas.of::<ProviderList>(), "the deployed lanes"),
    }));
    let operations = with(json!({
        "200": json(schemas.of::<OperationList>(), "a page of its operations"),
        "400": problem(schemas, "no such question can be asked"),
        "404": either(schemas, "no such lane is deployed"),
    }));
    let operation = with(json!({
        "200": json(schemas.of::<OperationDetail>(), "the operation, with its payload's schema"),
        "404": either(schemas, "no such lane is deployed, or it has no such operation"),
    }));
    let propose = with(json!({
        "200": json(schemas.of::<Proposed>(), "a mapping, to be reviewed"),
        "400": problem(schemas, "no mapping can be proposed for it: the field that is wrong, and its rule"),
        "413": either(schemas, "too large"),
    }));
    let ask = schemas.of::<Ask>();
    let zone = || {
        optional(
            "zone",
            "the IANA time zone of the explanation's times, such as `Europe/Berlin`; UTC where none is given",
        )
    };
    let provider = || parameter("path", "provider", NAME, "its provider");
    let connection = || {
        parameter(
            "path",
            "connection",
            NAME,
            "its connection, `default` where it named none",
        )
    };
    let reference = |name: &str| json!({"$ref": format!("{SCHEMAS}{name}")});
    json!({
        REQUESTS: {"post": {
            "operationId": "submit",
            "summary": "Take one request, or up to a hundred",
            "requestBody": {"required": true, "content": {"application/json": {
                "schema": {"anyOf": [reference("Request"), reference("RequestList")]},
            }}},
            "responses": submit,
        }, "get": {
            "operationId": "list",
            "summary": "Requests that are not delivered: unknown, rejected or retrying; seconds behind at most",
            "parameters": [
                parameter("query", "provider", NAME, "whose requests"),
                one_of("connection", json!({"pattern": NAME}), "of this connection; of all otherwise"),
                one_of("status", json!({"enum": LISTED.map(Status::word)}), "in this status; in any of the three otherwise"),
                one_of("since", json!({"format": "date-time"}), "a lane had them in hand then or later; all otherwise"),
                one_of("after", json!({"maxLength": CURSOR_MAX}), "where the page begins: the last page's `next`"),
            ],
            "responses": list,
        }},
        format!("{REQUESTS}/{{provider}}/{{connection}}/{{key}}"): {"get": {
            "operationId": "follow",
            "summary": "Where a request stands",
            "parameters": [provider(), connection(), parameter("path", "key", PLAIN_KEY, "its idempotency key"), zone()],
            "responses": follow,
        }},
        format!("{REQUESTS}/{{provider}}/{{connection}}"): {"post": {
            "operationId": "submitToConnection",
            "summary": "Take requests for one connection, which they need not name again",
            "parameters": [provider(), connection()],
            "requestBody": {"required": true, "content": {"application/json": {
                "schema": {"anyOf": [reference("ConnectionRequest"), reference("ConnectionRequestList")]},
            }}},
            "responses": submit,
        }, "get": {
            "operationId": "followByQuery",
            "summary": "The same, for a key that does not stand in a path as it is",
            "parameters": [provider(), connection(), parameter("query", "key", "^[ -~]{1,255}$", "its idempotency key"), zone()],
            "responses": follow,
        }},
        PROPOSE: {"post": {
            "operationId": "propose",
            "summary": "Propose a mapping of a source's records to an operation's payload; nothing is kept",
            "requestBody": {"required": true, "content": {"application/json": {"schema": ask}}},
            "responses": propose,
        }},
        PROVIDERS: {"get": {
            "operationId": "providers",
            "summary": "The deployed lanes",
            "responses": providers,
        }},
        format!("{PROVIDERS}/{{provider}}"): {"get": {
            "operationId": "operations",
            "summary": "What a lane can do, by the page",
            "parameters": [
                provider(),
                optional("search", "words that name or route must have"),
                optional("after", "the name behind which the page begins: the last page's `next`"),
            ],
            "responses": operations,
        }},
        format!("{PROVIDERS}/{{provider}}/operations/{{operation}}"): {"get": {
            "operationId": "operation",
            "summary": "One operation, with the JSON Schema of its payload",
            "parameters": [provider(), parameter("path", "operation", NAME, "its name")],
            "responses": operation,
        }},
    })
}

/// Names' letters.
const NAME: &str = "^[A-Za-z0-9._-]{1,64}$";
/// Keys that stand for themselves in a path; `.` and `..` are steps.
const PLAIN_KEY: &str = "^(?!\\.{1,2}$)[A-Za-z0-9._~-]{1,255}$";

fn parameter(place: &str, name: &str, pattern: &str, description: &str) -> Value {
    json!({
        "name": name, "in": place, "required": true, "description": description,
        "schema": {"type": "string", "pattern": pattern},
    })
}

fn optional(name: &str, description: &str) -> Value {
    one_of(name, json!({"maxLength": 255}), description)
}

/// Longest cursor: it holds the longest key, a status and a time, in base 64.
const CURSOR_MAX: usize = 600;

/// A text that a query may have, with what it must be.
fn one_of(name: &str, mut schema: Value, description: &str) -> Value {
    schema["type"] = "string".into();
    json!({
        "name": name, "in": "query", "required": false, "description": description, "schema": schema,
    })
}

/// The document's schemas, as they are gathered.
struct Schemas {
    generator: SchemaGenerator,
    more: Map<String, Value>,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self {
            generator: settings.into_generator(),
            more: Map::new(),
        }
    }

    /// A reference to the schema of `T`.
    fn of<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// What may be POSTed: one request, or a list.
    fn add_requests(&mut self) {
        let mut envelope = self.generator.root_schema_for::<Envelope>().to_value();
        // All that was gathered so far stands in the document once.
        if let Some(envelope) = envelope.as_object_mut() {
            envelope.remove("components");
        }
        envelope["description"] = format!(
            "One request, at most {} bytes. The payload is in the operation's canonical shape, which \
             `{PROVIDERS}/<provider>/operations/<operation>` tells, or, with `mapping`, in the source's own. Integers \
             beyond 2^53 - 1 and numbers that are not exact as doubles are refused.",
            causeway::request::MAX_REQUEST_BYTES
        )
        .into();
        self.more.insert("Request".into(), envelope);
        let list = |item: &str| {
            json!({
                "description": format!("Several requests, at most {} bytes together.", http::MAX_BODY_BYTES),
                "type": "object",
                "required": ["requests"],
                "additionalProperties": false,
                "properties": {"requests": {
                    "type": "array", "minItems": 1, "maxItems": MAX_ITEMS,
                    "items": {"$ref": format!("{SCHEMAS}{item}")},
                }},
            })
        };
        self.more.insert("RequestList".into(), list("Request"));
        let mut of_connection = self.more["Request"].clone();
        of_connection["description"] =
            "A request whose provider and connection the path names; named again, they are the same.".into();
        if let Some(required) = of_connection["required"].as_array_mut() {
            required.retain(|field| field != "provider");
        }
        self.more.insert("ConnectionRequest".into(), of_connection);
        self.more
            .insert("ConnectionRequestList".into(), list("ConnectionRequest"));
    }

    fn finish(mut self) -> Value {
        let mut all = self.generator.take_definitions(true);
        all.append(&mut self.more);
        Value::Object(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// `CAUSEWAY_BLESS=1` writes it anew.
    #[test]
    fn the_document_beside_the_crate_is_what_the_code_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let now = serde_json::to_string_pretty(&document()).expect("JSON") + "\n";
        if std::env::var_os("CAUSEWAY_BLESS").is_some() {
            std::fs::write(&path, &now).expect("written");
        }
        let known = std::fs::read_to_string(&path).expect("openapi.json");
        assert!(
            known == now,
            "openapi.json is not what the code says: CAUSEWAY_BLESS=1"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, document: &Value, seen: &mut usize) {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(reference)) = fields.get("$ref") {
                        let pointer = reference.strip_prefix('#').expect("in this document");
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                        *seen += 1;
                    }
                    fields
                        .values()
                        .for_each(|inner| walk(inner, document, seen));
                }
                Value::Array(items) => items.iter().for_each(|inner| walk(inner, document, seen)),
                _ => {}
            }
        }
        let (document, mut seen) = (document(), 0);
        walk(&document, &document, &mut seen);
        assert!(seen > 30, "{seen}");
    }

    /// What the document calls a request is what the decoder and the schemas take.
    #[test]
    fn a_request_of_every_shape_is_valid_by_the_document() {
        let document = document();
        let schema = json!({
            "$ref": "#/components/schemas/Request",
            "components": document["components"],
        });
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let request = json!({
            "provider": "stripe", "operation": "customers.create", "created_at": "2026-11-22T10:00:00Z",
            "payload": {"email": "ada@shop.example"},
        });
        assert!(validator.is_valid(&request));
        for (field, value) in [
            ("payload", json!([1])),
            ("operation", json!("customers create")),
            ("stray", json!(1)),
            ("id", json!("7")),
        ] {
            let mut wrong = request.clone();
            wrong[field] = value;
            assert!(!validator.is_valid(&wrong), "{field}");
        }
        let mut keyed = request.clone();
        keyed["idempotency_key"] = "order-1712".into();
        let time = keyed
            .as_object_mut()
            .and_then(|fields| fields.remove("created_at"));
        assert!(time.is_some() && validator.is_valid(&keyed));
        let key = keyed
            .as_object_mut()
            .and_then(|fields| fields.remove("idempotency_key"));
        assert!(
            key.is_some() && !validator.is_valid(&keyed),
            "neither key nor time"
        );
        let mut mapped = request;
        mapped["mapping"] = "shop".into();
        mapped["payload"] = json!({"anything": [1]});
        assert!(validator.is_valid(&mapped));
    }
}
