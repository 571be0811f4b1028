//! Reading what the admin listener is asked for: ids in paths and durations in bodies, beside what both programs read alike.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
#[cfg(test)]
pub(super) use shared::admin::intake::parsed;
pub(super) use shared::admin::intake::{BODY_MAX_BYTES, Body, NoQuery, parameters};
use shared::units::parse_duration;

use super::answer::Problem;
use crate::rules::RuleId;

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

/// The duration in a field of the body.
pub(super) fn duration(field: &str, text: &str) -> Result<Duration, Problem> {
    parse_duration(text)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "bad_value", field, &error.reason, error.expected))
}
