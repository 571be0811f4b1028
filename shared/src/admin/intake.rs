//! Reading what an admin listener is asked: parameters of queries, JSON bodies. Whole, strictly, and within bounds.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use tokio::time::timeout;

use super::problem::Problem;
use crate::fault::nearest_word;
use crate::units::print_size;

/// Largest body: a fault rule with every field takes a few KiB, and nothing else is larger.
pub const BODY_MAX_BYTES: usize = 64 << 10;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// There is nothing to say in the query, and nothing is said: an ignored `?owner=` would remove what it was to spare.
pub struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<NoQuery, Problem> {
        parameters(parts.uri.query(), []).map(|[]| NoQuery)
    }
}

/// A JSON body of this shape.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        // A browser sends this type to another origin only if that agrees, and we never do.
        if !is_json(request.headers()) {
            let reason = "the body is not said to be JSON";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "bad_content_type", "content-type", reason, "application/json"));
        }
        parsed(&whole(request, state).await?).map(Body)
    }
}

/// A body in which nothing is said: none, blanks, `{}` or `null`, as tools send that must send something. What nobody reads is
/// not passed over: a limit in it would be one that does not hold.
pub struct NothingSaid;

impl<S: Send + Sync> FromRequest<S> for NothingSaid {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<NothingSaid, Problem> {
        let body = whole(request, state).await?;
        let said = body.trim_ascii();
        let field = match serde_json::from_slice::<Value>(said) {
            _ if said.is_empty() => return Ok(NothingSaid),
            Ok(Value::Null) => return Ok(NothingSaid),
            Ok(Value::Object(object)) => match object.into_iter().next() {
                None => return Ok(NothingSaid),
                Some((key, _)) => key,
            },
            _ => "body".to_owned(),
        };
        let reason = "what a body says is not read here";
        let expected = "parameters in the URL, and no body or {}";
        Err(Problem::new(StatusCode::BAD_REQUEST, "bad_body", &field, reason, expected))
    }
}

/// All of a body, bounded by the router's `DefaultBodyLimit`.
async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let Ok(read) = timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await else {
        let reason = format!("the body did not arrive within {}s", BODY_TIMEOUT.as_secs());
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "body", &reason, "the whole body at once"));
    };
    read.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            Problem::new(status, "too_large", "body", "the body is too large", "a smaller one")
                .limited(print_size(BODY_MAX_BYTES as u64))
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "bad_body", "body", "the body broke off", "a whole body"),
    })
}

/// The same, or no body at all. One that is there has to be JSON and said to be: what nobody reads is not passed over.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Body<T>>, Problem> {
        let headers = request.headers();
        let is_empty = match headers.get(header::CONTENT_LENGTH) {
            Some(length) => length.as_bytes() == b"0",
            None => !headers.contains_key(header::TRANSFER_ENCODING),
        };
        if is_empty {
            return Ok(None);
        }
        <Body<T> as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

/// The one JSON value in a body.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| malformed(&error.path().to_string(), error.inner()))?;
    reader.end().map_err(|error| malformed("", &error))?;
    Ok(value)
}

/// `application/json`, with parameters or without.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// serde says what and where in one sentence; what would be accepted is its end.
fn malformed(path: &str, error: &serde_json::Error) -> Problem {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let (reason, expected) = said.split_once(", expected ").unwrap_or((said, "a JSON object"));
    let word = reason.split('`').nth(1).unwrap_or_default();
    let is_unknown = reason.starts_with("unknown field");
    let known = expected.split('`').skip(1).step_by(2);
    let near = if is_unknown { nearest_word(word, known) } else { None };
    let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    let reason = format!("{reason}, at line {} column {}{near}", error.line(), error.column());
    let (code, field) = match error.classify() {
        Category::Data if is_unknown => ("unknown_field", within(path, word)),
        Category::Data if reason.contains(" field `") => ("bad_value", within(path, word)),
        Category::Data => ("bad_value", path.trim_matches('.').to_owned()),
        Category::Io | Category::Syntax | Category::Eof => ("bad_json", String::new()),
    };
    Problem::new(StatusCode::BAD_REQUEST, code, &field, &reason, &expected.replace('`', ""))
}

/// The path of a field that is no value, and so perhaps not in the path yet.
fn within(path: &str, field: &str) -> String {
    let parent = path.strip_suffix(field).unwrap_or(path).trim_end_matches('?').trim_matches('.');
    if parent.is_empty() { field.to_owned() } else { format!("{parent}.{field}") }
}

/// The values of these parameters of the query, in their order. Anything else in it is refused.
///
/// # Errors
/// If a parameter is unknown, or occurs more than once.
pub fn parameters<const N: usize>(
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
