//! `/metrics` on the traffic port, where podinfo's scrapers look: the same text as on the admin port.

use http::StatusCode;
use prometheus::{Registry, TEXT_FORMAT};

use super::Plain;

/// Everything that is registered, as text 0.0.4.
pub(super) fn answer(registry: &Registry) -> Plain {
    match shared::admin::metrics_text(registry) {
        Ok(text) => Plain::of(StatusCode::OK, TEXT_FORMAT, text),
        Err(error) => Plain::refusal(StatusCode::INTERNAL_SERVER_ERROR, &format!("metrics: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{text, with};

    #[tokio::test]
    async fn the_registry_is_shown_in_prometheus_text() {
        let answer = with(|_| {}).ask("FOO", "/metrics", &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["content-type"]),
            (200, &prometheus::TEXT_FORMAT.parse().unwrap())
        );
        assert!(text(&answer).contains("continuous_load_build_info{"), "{}", text(&answer));
    }
}
