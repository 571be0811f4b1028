//! What the admin listener answers: JSON, `application/json` to the letter, since tools such as Chaos Toolkit take a body for
//! text if anything follows.
//!
//! An error names what is wrong, where, and what would be accepted; several mistakes of one request are all named.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::guard::Refusal;
use crate::rules::{Refused, Wrong};

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Mistake {
    /// The class; stable.
    pub(super) code: &'static str,
    /// What it is about: a path in the body such as `match.path`, a parameter, a header. Empty: the request as a whole.
    pub(super) field: String,
    /// A lowercase fragment.
    pub(super) reason: String,
    /// What would be accepted.
    pub(super) expected: String,
    /// The bound that was exceeded, with its unit.
    pub(super) limit: Option<String>,
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    /// The first is the one that a tool shows that shows one; never empty.
    mistakes: Vec<Mistake>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, field: &str, reason: &str, expected: &str) -> Problem {
        let (field, reason, expected) = (field.to_owned(), reason.to_owned(), expected.to_owned());
        Problem { status, mistakes: vec![Mistake { code, field, reason, expected, limit: None }] }
    }

    /// Says which bound was exceeded.
    pub(super) fn limited(mut self, limit: String) -> Problem {
        if let Some(first) = self.mistakes.first_mut() {
            first.limit = Some(limit);
        }
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let (reason, expected) = (refusal.reason(), refusal.expected());
        Problem::new(refusal.status(), refusal.code(), refusal.field(), &reason, &expected)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let reason = refused.to_string();
        let conflict = |code, expected: &str| Problem::new(StatusCode::CONFLICT, code, "id", &reason, expected);
        match refused {
            Refused::Invalid(wrong) => {
                let mistake = |Wrong { field, reason, expected }| Mistake {
                    code: "bad_rule",
                    field,
                    reason,
                    expected,
                    limit: None,
                };
                Problem { status: StatusCode::BAD_REQUEST, mistakes: wrong.into_iter().map(mistake).collect() }
            }
            Refused::Exists(_) => conflict("exists", "an id that is free, or PUT"),
            Refused::NotFound(_) => {
                Problem::new(StatusCode::NOT_FOUND, "not_found", "id", &reason, "the id of a pending or active rule")
            }
            // No 429: clients that send again by themselves on it would do so until some other rule ends.
            Refused::TooMany { max } => conflict("too_many_rules", "fewer rules").limited(max.to_string()),
            Refused::Standing { .. } => conflict("standing", "another id"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.mistakes.first() });
        if self.mistakes.len() > 1 {
            body["errors"] = json!(self.mistakes);
        }
        let mut answer = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

/// There is no such path.
pub(super) async fn no_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "path",
        "there is nothing here",
        "/faults, /faults/{id}, /faults:validate, /switch, /events, /reset, /metrics, /livez, /readyz, /healthz, /version, /account/{session}, /receipts/{session}/{operation}",
    )
}

/// The path does not take the method; axum adds `Allow`.
pub(super) async fn no_method() -> Problem {
    let (reason, expected) = ("the path does not take this method", "a method that the header allow names");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "method", reason, expected)
}
