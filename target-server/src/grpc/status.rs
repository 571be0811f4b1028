//! Statuses: those that were asked for, with their details, and those that refuse a call.

use std::sync::Arc;
use std::time::Duration;

use shared::fault::{Details, SpecErrors};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::faults::Decision;
use crate::rules::ActiveRule;

/// The domain of `google.rpc.ErrorInfo`, and the subject of `google.rpc.QuotaFailure`.
const DOMAIN: &str = "cload";
const ASKED: &str = "asked for by x-cload-fault";

/// The status that a decision asks for, if it is an error.
pub(super) fn asked(decision: &Decision) -> Option<Status> {
    let verdict = &decision.verdict;
    let code = verdict.status.and_then(|status| status.grpc()).filter(|code| *code != 0)?;
    let mut details = ErrorDetails::new();
    match verdict.details {
        None => {}
        Some(Details::ErrorInfo) => {
            let metadata = [("key".to_owned(), verdict.key.clone())];
            details.set_error_info("FAULT", DOMAIN, metadata);
        }
        Some(Details::RetryInfo(delay)) => {
            details.set_retry_info(Some(delay));
        }
        Some(Details::Quota) => {
            details.add_quota_failure_violation(DOMAIN, ASKED);
        }
        Some(Details::BadRequest) => {
            details.add_bad_request_violation("x-cload-fault", ASKED);
        }
    }
    if let Some(delay) = verdict.retry_after {
        details.set_retry_info(Some(delay));
    }
    // Whoever asked for nothing is to know that it was not the one who asked.
    let by = |rule: &Arc<ActiveRule>| format!("asked for by the target's rule {}", rule.id());
    let asked = || decision.rule.as_ref().map_or_else(|| ASKED.to_owned(), by);
    let message = verdict.msg.clone().unwrap_or_else(asked);
    let code = Code::from_i32(i32::from(code));
    let has_details = verdict.details.is_some() || verdict.retry_after.is_some();
    Some(if has_details { Status::with_error_details(code, message, details) } else { Status::new(code, message) })
}

/// The spec is wrong: everything that is, by field.
pub(super) fn bad_spec(errors: &SpecErrors) -> Status {
    let mut details = ErrorDetails::new();
    for error in errors {
        let field = match error.parameter.as_str() {
            "" => "x-cload-fault".to_owned(),
            parameter => format!("x-cload-fault.{parameter}"),
        };
        details.add_bad_request_violation(field, error.to_string());
    }
    Status::with_error_details(Code::InvalidArgument, errors.first().to_string(), details)
}

/// One field of a message is wrong.
pub(super) fn bad_field(code: Code, field: &str, reason: String, expected: &str) -> Status {
    let description = format!("{field}: {reason}; expected {expected}");
    let details = ErrorDetails::with_bad_request_violation(field, description.clone());
    Status::with_error_details(code, description, details)
}

/// The deadline has passed.
pub(super) fn overdue(timeout: Duration) -> Status {
    let timeout = shared::units::print_duration(timeout);
    Status::deadline_exceeded(format!("the deadline of {timeout} has passed"))
}
