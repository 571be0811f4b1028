//! How an admin listener says no: JSON, `application/json` to the letter, since tools such as Chaos Toolkit take a body for text
//! if anything follows.
//!
//! An error names what is wrong, where, and what would be accepted; several mistakes of one request are all named.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::guard::Refusal;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The class; stable.
    pub code: &'static str,
    /// What it is about: a path in the body such as `match.path`, a parameter, a header. Empty: the request as a whole.
    pub field: String,
    /// A lowercase fragment.
    pub reason: String,
    /// What would be accepted.
    pub expected: String,
    /// The bound that was exceeded, with its unit.
    pub limit: Option<String>,
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    /// The first is the one that a tool shows that shows one; never empty.
    mistakes: Vec<Mistake>,
}

impl Problem {
    /// One mistake of this class, in this field: why, and what would be accepted.
    pub fn new(status: StatusCode, code: &'static str, field: &str, reason: &str, expected: &str) -> Problem {
        let (field, reason, expected) = (field.to_owned(), reason.to_owned(), expected.to_owned());
        Problem { status, mistakes: vec![Mistake { code, field, reason, expected, limit: None }] }
    }

    /// Several; `mistakes` is not empty, and the first is the one that a tool shows that shows one.
    pub fn of(status: StatusCode, mistakes: Vec<Mistake>) -> Problem {
        Problem { status, mistakes }
    }

    /// The first mistake in one line: what is wrong, where, and what would be accepted.
    pub fn line(&self) -> String {
        let line = |mistake: &Mistake| format!("{}: {}; expected {}", mistake.field, mistake.reason, mistake.expected);
        self.mistakes.first().map(line).unwrap_or_default()
    }

    /// What the answer begins with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Says which bound was exceeded.
    pub fn limited(mut self, limit: String) -> Problem {
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

/// The path does not take the method; axum adds `Allow`.
pub async fn no_method() -> Problem {
    let (reason, expected) = ("the path does not take this method", "a method that the header allow names");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "method", reason, expected)
}
