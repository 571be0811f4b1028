//! Answers to requests that cannot be served as written: the protocol's own "your request is wrong".

use bytes::Bytes;
use http::StatusCode;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Value, json};
use shared::fault::{SpecError, SpecErrors};
use shared::outcome::{Code, ServerError};

use super::answer::{Answer, Job};
use super::shape::Shaped;
use super::source::Source;

/// Names the first parameter at fault, so that a client need not parse the body to count.
const ERROR: HeaderName = HeaderName::from_static("x-cload-error");

/// What is not JSON: words that Go's clients know.
const TEXT: &str = "text/plain; charset=utf-8";

/// Methods that have a meaning here; any but CONNECT works.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE";

/// 400: the spec is wrong. Says everything that is, and where.
pub(super) fn bad_spec(job: Job, errors: &SpecErrors) -> Answer {
    let red = &job.exchange.http.core.red;
    for error in errors {
        red.spec_error(&error.parameter);
    }
    let first = errors.first();
    let body = json!({ "errors": errors.iter().map(error_json).collect::<Vec<_>>() });
    let mut answer = refuse(job, StatusCode::BAD_REQUEST, &body);
    let parameter = HeaderValue::try_from(format!("parameter={}", known(&first.parameter)));
    answer.headers.extend(parameter.map(|parameter| (ERROR, parameter)));
    answer
}

/// 400: the request's body breaks the grammar. The connection ends after this answer, since nobody can tell where the
/// next request would begin.
pub(super) fn bad_body(job: Job) -> Answer {
    let reason = json!({ "errors": [{ "code": "malformed_body", "reason": "the request's body could not be read to its end" }] });
    let mut answer = refuse(job, StatusCode::BAD_REQUEST, &reason);
    answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// 400: the request does not say to whom it is. The connection ends: whoever leaves that out may leave out more.
pub(super) fn no_host(job: Job) -> Answer {
    let text = "400 Bad Request: missing required Host header";
    let mut answer = refuse_with(job, StatusCode::BAD_REQUEST, ServerError::BadRequest, TEXT, text.to_owned());
    answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// 405: a tunnel was asked for.
pub(super) fn bad_method(job: Job) -> Answer {
    let reason =
        json!({ "errors": [{ "code": "method_not_allowed", "reason": "this is no proxy", "expected": METHODS }] });
    let mut answer = refuse(job, StatusCode::METHOD_NOT_ALLOWED, &reason);
    answer.headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    answer
}

/// 431: the fields together are larger than HTTP/1.1 would have let in.
pub(super) fn large_head(job: Job) -> Answer {
    let reason = json!({ "errors": [{ "code": "limit_exceeded", "reason": "the request's fields are too large", "expected": "at most 16KiB in all" }] });
    refuse(job, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &reason)
}

/// 503: reading the request's body as slowly as asked would take longer than one answer may.
pub(super) fn too_long(job: Job) -> Answer {
    let reason = json!({ "errors": [{ "code": "limit_exceeded", "parameter": "read", "reason": "reading the body at this rate takes too long" }] });
    refuse_as(job, StatusCode::SERVICE_UNAVAILABLE, ServerError::Overload, &reason)
}

/// 503: as many echoes as the budget allows are held in memory to be broken.
pub(super) fn no_memory(job: Job) -> Answer {
    let reason = json!({ "errors": [{ "code": "limit_exceeded", "parameter": "fault", "reason": "too many echoes are held in memory to be broken", "expected": "a smaller request body, or size=" }] });
    let mut answer = refuse_as(job, StatusCode::SERVICE_UNAVAILABLE, ServerError::Overload, &reason);
    answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn refuse(job: Job, status: StatusCode, reason: &Value) -> Answer {
    refuse_as(job, status, ServerError::BadRequest, reason)
}

fn refuse_as(job: Job, status: StatusCode, error: ServerError, reason: &Value) -> Answer {
    refuse_with(job, status, error, "application/json", format!("{reason}\n"))
}

fn refuse_with(
    mut job: Job,
    status: StatusCode,
    error: ServerError,
    content_type: &'static str,
    text: String,
) -> Answer {
    job.decision = None;
    job.plain = None;
    job.request.content_type = Some(HeaderValue::from_static(content_type));
    let mut headers = job.head_fields();
    job.call.set_code(Code::Http(status.as_u16()));
    job.call.set_error(error);
    let text = Bytes::from(text);
    let length = Some(text.len() as u64);
    debug_assert!(headers.contains_key(CONTENT_TYPE));
    let body = if job.request.is_head {
        headers.insert(CONTENT_LENGTH, text.len().into());
        None
    } else {
        Some(Shaped::plain(Source::Whole(text)))
    };
    Answer { exchange: job.exchange, call: Some(job.call), status, headers, body, length }
}

fn error_json(error: &SpecError) -> Value {
    json!({
        "code": error.code.as_str(),
        "carrier": error.source.as_str(),
        "parameter": error.parameter,
        "value": error.value,
        "position": error.position,
        "reason": error.reason,
        "expected": error.expected,
        "limit": error.limit,
    })
}

/// The parameter's name if it looks like one: what a stranger misspelled is in the body, where it cannot forge a field.
fn known(parameter: &str) -> &str {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=32).contains(&parameter.len()) && parameter.bytes().all(is_name) { parameter } else { "other" }
}
