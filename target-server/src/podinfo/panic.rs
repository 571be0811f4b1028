//! `/panic`: ends the process, if the operator lets it.
//!
//! For whoever wants to see what notices: a restart count, a probe, an alert. Not a panic of the language, which costs one
//! request here and never the process.

use std::net::IpAddr;

use http::StatusCode;

use super::Plain;

/// podinfo's.
const EXIT_CODE: i32 = 255;

/// 403, or whatever `end` comes back with: nothing, outside of a test.
pub(super) fn answer(is_allowed: bool, client: IpAddr, end: impl FnOnce() -> Plain) -> Plain {
    if !is_allowed {
        let reason = "the process is ended on request if the target is started with --allow-panic";
        return Plain::refusal(StatusCode::FORBIDDEN, reason);
    }
    tracing::error!(%client, "ending at once, as /panic asks");
    end()
}

/// Ends the process.
#[expect(clippy::disallowed_methods, reason = "an end without drain or records is what was asked for and allowed")]
pub(super) fn end() -> Plain {
    std::process::exit(EXIT_CODE)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::tests::{text, with};
    use super::*;

    #[tokio::test]
    async fn nobody_ends_a_process_that_was_not_given_up() {
        let answer = with(|_| {}).get("/panic").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(text(&answer).contains("--allow-panic"));
    }

    #[test]
    fn it_ends_where_that_is_allowed() {
        let ended = answer(true, Ipv4Addr::LOCALHOST.into(), || Plain::empty(StatusCode::IM_A_TEAPOT));
        assert_eq!(ended.status, StatusCode::IM_A_TEAPOT);
    }
}
