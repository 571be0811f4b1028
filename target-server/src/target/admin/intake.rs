//! Reading what is asked for: ids in paths, parameters of queries, JSON bodies. Whole, strictly, and within bounds.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use shared::units::{parse_duration, print_size};
use tokio::time::timeout;

use super::answer::Problem;
use crate::rules::RuleId;

/// Largest body: a rule with every field takes a few KiB.
pub(super) const BODY_MAX_BYTES: usize = 64 << 10;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The `{id}` of the path.
pub(super) struct Id(pub(super) RuleId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id, Problem> {
        let id: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        let id = id.map_err(|_| "the percent escapes do not decode to UTF-8".to_owned());
        id.and_then(|Path(id)| id.parse()).map(Id).map_err(|reason| {
            let (reason, expected) = reason.split_once("; expected ").unwrap_or((&reason, "the id of a rule"));
            Problem::new(StatusCode::BAD_REQUEST, "bad_path", "id", reason, expected)
        })
    }
}

/// There is nothing to say in the query, and nothing is said: an ignored `?owner=` would remove what it was to spare.
pub(super) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<NoQuery, Problem> {
        parameters(parts.uri.query(), []).map(|[]| NoQuery)
    }
}

/// A JSON body of this shape.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        // A browser sends this type to another origin only if that agrees, and we never do.
        if !is_json(request.headers()) {
            let reason = "the body is not said to be JSON";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "bad_content_type", "content-type", reason, "application/json"));
        }
        // Bounded by the router's `DefaultBodyLimit`.
        let Ok(read) = timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await else {
            let reason = format!("the body did not arrive within {}s", BODY_TIMEOUT.as_secs());
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "body",
                &reason,
                "the whole body at once",
            ));
        };
        let body = read.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                Problem::new(status, "too_large", "body", "the body is too large", "one rule")
                    .limited(print_size(BODY_MAX_BYTES as u64))
            }
            _ => Problem::new(StatusCode::BAD_REQUEST, "bad_body", "body", "the body broke off", "a whole body"),
        })?;
        serde_json::from_slice(&body).map(Body).map_err(|error| malformed(&error))
    }
}

/// `application/json`, with parameters or without.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// serde says what and where in one sentence; the field and what is expected are in it.
pub(super) fn malformed(error: &serde_json::Error) -> Problem {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let at = format!("line {} column {}", error.line(), error.column());
    let (reason, expected) = said.split_once(", expected ").unwrap_or((said, "a JSON object"));
    let field = reason.split('`').nth(1).unwrap_or_default();
    let near = nearest(field, expected).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    let code = match error.classify() {
        serde_json::error::Category::Data if reason.starts_with("unknown field") => "unknown_field",
        serde_json::error::Category::Data => "bad_value",
        _ => "bad_json",
    };
    let field = if reason.contains(" field `") { field } else { "" };
    Problem::new(StatusCode::BAD_REQUEST, code, field, &format!("{reason}, at {at}{near}"), &expected.replace('`', ""))
}

/// The one of the quoted words that begins or ends like this one. Cheap on purpose: the whole list is beside it.
fn nearest<'a>(word: &str, expected: &'a str) -> Option<&'a str> {
    let known = expected.split('`').skip(1).step_by(2);
    let likeness = |known: &str| {
        let ahead = word.bytes().zip(known.bytes()).take_while(|(a, b)| a == b).count();
        let behind = word.bytes().rev().zip(known.bytes().rev()).take_while(|(a, b)| a == b).count();
        (ahead + behind).min(known.len())
    };
    known.filter(|known| 2 * likeness(known) > known.len().max(word.len())).max_by_key(|known| likeness(known))
}

/// The values of these parameters of the query, in their order. Anything else in it is refused.
pub(super) fn parameters<const N: usize>(
    query: Option<&str>,
    known: [&'static str; N],
) -> Result<[Option<String>; N], Problem> {
    let mut values = [const { None }; N];
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let refuse = |reason: &str| {
            let expected = if N == 0 { "no query".to_owned() } else { format!("{}, each once", known.join(", ")) };
            Err(Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", &name, reason, &expected))
        };
        match known.iter().position(|known| *known == name) {
            None => return refuse("there is no such parameter"),
            Some(at) if values[at].is_some() => return refuse("the parameter occurs more than once"),
            Some(at) => values[at] = Some(value.into_owned()),
        }
    }
    Ok(values)
}

/// The duration in a field of the body.
pub(super) fn duration(field: &str, text: &str) -> Result<Duration, Problem> {
    parse_duration(text)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "bad_value", field, &error.reason, error.expected))
}
