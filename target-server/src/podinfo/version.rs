//! `/version`: what was built.

use http::StatusCode;
use serde::Serialize;

use super::Plain;
use super::info::{REVISION, VERSION};

#[derive(Serialize)]
struct Version {
    commit: &'static str,
    version: &'static str,
}

/// `{"commit": .., "version": ..}`, in this order.
pub(super) fn answer() -> Plain {
    Plain::json(StatusCode::OK, &Version { commit: REVISION, version: VERSION })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{text, with};
    use super::*;

    #[tokio::test]
    async fn the_commit_comes_before_the_version() {
        let answer = with(|_| {}).get("/version").await;
        let expected = format!("{{\n  \"commit\": \"{REVISION}\",\n  \"version\": \"{VERSION}\"\n}}");
        assert_eq!((answer.status, text(&answer)), (StatusCode::OK, expected.as_str()));
    }
}
