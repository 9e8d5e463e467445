//! What is answered where a request is not taken: RFC 9457, `application/problem+json`.
//! <https://www.rfc-editor.org/rfc/rfc9457>

use causeway_insights::explain::explain_refusal;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::explanation::Explained;

/// Errors that one answer names; who fixes these sees the next ones.
pub const MAX_ERRORS: usize = 16;

/// Bytes of a text in an answer: a rule may quote an enumeration of any length.
const MAX_TEXT_BYTES: usize = 512;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Always `about:blank`: what tells problems apart is `code`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The HTTP status in words.
    title: String,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// The bounded word by which a program knows the problem.
    pub code: &'static str,
    /// What is wrong, for a person.
    pub detail: String,
    /// Whether the same request, with the same idempotency key, may be taken later.
    pub retryable: bool,
    /// The fields that are wrong, at most 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default, length(max = 16))]
    pub errors: Vec<FieldError>,
    /// What is wrong, who can change it, and what to do: for support people and for engineers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Box<Explained>>,
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// Where it stands in the request, such as `payload.metadata.order`.
    pub field: String,
    /// What it must be. Its value is never quoted.
    pub rule: String,
}

impl FieldError {
    /// `field` breaks `rule`.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            field: cut(field.into()),
            rule: cut(rule.into()),
        }
    }
}

impl Problem {
    /// `code` with `status`.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = cut(detail.into());
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code,
            explanation: explain_refusal(code, &detail).map(|told| Box::new(told.into())),
            detail,
            retryable: false,
            errors: Vec::new(),
        }
    }

    /// The body is not what this API takes.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
    }

    /// A field of a request breaks a rule.
    pub fn field(code: &'static str, field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::fields(code, vec![FieldError::new(field, rule)])
    }

    /// Fields of a request break rules.
    pub fn fields(code: &'static str, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.field, only.rule),
            several => format!("{} fields are wrong", several.len()),
        };
        Self {
            errors,
            ..Self::new(StatusCode::BAD_REQUEST, code, detail)
        }
    }

    /// Something that ingest needs does not answer: the same request may be taken later.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        }
    }

    /// More than the caller may have just now: the same request may be taken later.
    pub fn too_many(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
        }
    }

    /// A fault of ingest itself.
    #[must_use]
    pub fn internal() -> Self {
        Self {
            retryable: true,
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "a fault of ingest: see its log",
            )
        }
    }

    /// With this explanation instead of the code's own.
    #[must_use]
    pub fn explained(self, explanation: Explained) -> Self {
        Self {
            explanation: Some(Box::new(explanation)),
            ..self
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// As the body of an answer.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// `text`, or as much of it as an answer holds.
fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        let end = (0..=MAX_TEXT_BYTES - '…'.len_utf8())
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let text = cut("ä".repeat(400));
        assert!(
            text.len() <= MAX_TEXT_BYTES && text.ends_with("ä…"),
            "{text}"
        );
        assert_eq!(cut("short".to_owned()), "short");
    }

    #[test]
    fn one_field_is_told_in_the_detail() {
        let problem = Problem::field("payload_invalid", "payload.email", "must be text");
        assert_eq!(problem.detail, "payload.email: must be text");
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        assert!(problem.to_json().contains("\"title\":\"Bad Request\""));
    }
}
