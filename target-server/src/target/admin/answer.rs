//! What the admin listener answers where a rule is refused, and where there is nothing.

use axum::http::StatusCode;
pub(super) use shared::admin::problem::{Mistake, Problem, no_method};

use crate::rules::{Refused, Wrong};

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
                Problem::of(StatusCode::BAD_REQUEST, wrong.into_iter().map(mistake).collect())
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
