//! `/status/..`, `/delay/..`, `/chunked..`: paths that are specs.
//!
//! What they ask for is in the verdict and done by whoever acts on it; here is only what their bodies say.

use http::StatusCode;
use shared::route::{self, Route};

use super::{Asked, Plain};

/// The document that both sides know.
pub(super) fn answer(asked: &Asked<'_>) -> Plain {
    let status = asked.verdict.status.and_then(|status| status.http()).filter(|_| asked.route == Route::Status);
    let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    let Some(text) = route::body(asked.route, asked.path, asked.verdict) else {
        // Its spec would not have passed either.
        return Plain::refusal(StatusCode::BAD_REQUEST, "the path ends in no duration such as 1, 1.5 or 250ms");
    };
    let mut answer = Plain::json_text(status, text);
    if matches!(asked.route, Route::Chunked | Route::ChunkedWait) {
        // podinfo has sent its head before it thinks of a type.
        answer.headers.remove(http::header::CONTENT_TYPE);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::super::tests::{text, with};

    #[tokio::test]
    async fn a_status_is_answered_and_named() {
        for status in [200, 201, 204, 304, 404, 503, 599] {
            for method in ["GET", "POST", "PUT"] {
                let answer = with(|_| {}).ask(method, &format!("/status/{status}"), &[], "").await;
                assert_eq!((answer.status.as_u16(), answer.error), (status, None));
                assert_eq!(text(&answer), format!("{{\n  \"status\": {status}\n}}"));
            }
        }
    }

    #[tokio::test]
    async fn a_delay_is_named_in_seconds_and_left_to_the_caller() {
        for (path, seconds) in [("/delay/0", "0"), ("/delay/1", "1"), ("/delay/1.5", "1.5"), ("/delay/200ms", "0.2")] {
            let answer = with(|_| {}).get(path).await;
            assert_eq!(text(&answer), format!("{{\n  \"delay\": {seconds}\n}}"), "{path}");
            assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        }
    }

    #[tokio::test]
    async fn chunked_has_no_type_that_it_could_be_sniffed_against() {
        for path in ["/chunked/0", "/chunked"] {
            let answer = with(|_| {}).get(path).await;
            assert!(text(&answer).starts_with("{\n  \"delay\": "));
            assert_eq!(answer.headers.get("content-type"), None);
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        }
    }
}
