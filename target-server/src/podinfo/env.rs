//! `/env`: the process's environment, for whom the operator lets.

use http::StatusCode;

use super::Plain;

/// The list as it is, or 403: an environment is where secrets are.
pub(super) fn answer(environment: Option<&[String]>) -> Plain {
    match environment {
        Some(variables) => Plain::json(StatusCode::OK, &variables),
        None => Plain::refusal(
            StatusCode::FORBIDDEN,
            "the environment may hold secrets; it is shown if the target is started with --allow-env",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{text, with};
    use super::*;

    #[tokio::test]
    async fn the_environment_is_shown_in_its_own_order_if_that_is_allowed() {
        let variables = ["Z=1", "A=x=y", "EMPTY="].map(str::to_owned).to_vec();
        let podinfo = with(|options| options.environment = Some(variables));
        for method in ["GET", "POST"] {
            let answer = podinfo.ask(method, "/env", &[], "").await;
            assert_eq!(text(&answer), "[\n  \"Z=1\",\n  \"A=x=y\",\n  \"EMPTY=\"\n]");
            assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        }
    }

    #[tokio::test]
    async fn nothing_of_it_is_shown_otherwise_and_the_flag_is_named() {
        let answer = with(|_| {}).get("/env").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(text(&answer).contains("--allow-env"));
        assert!(!text(&answer).contains("PATH="));
    }
}
