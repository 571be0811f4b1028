//! `/metrics` on the traffic port, where podinfo's scrapers look: the same text as on the admin port.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use http::{HeaderMap, StatusCode};
use prometheus::Registry;
use shared::admin::METRICS_TYPE;

use super::Plain;

/// Everything that is registered, as text 0.0.4; compressed for who takes that.
pub(super) fn answer(registry: &Registry, headers: &HeaderMap) -> Plain {
    let text = match shared::admin::metrics_text(registry) {
        Ok(text) => text,
        Err(error) => return Plain::refusal(StatusCode::INTERNAL_SERVER_ERROR, &format!("metrics: {error}")),
    };
    // Nothing between a scraper and us keeps an answer, so that podinfo's lack of a Vary does no harm.
    match compressed(&text).filter(|_| takes_gzip(headers)) {
        Some(text) => {
            Plain::of(StatusCode::OK, METRICS_TYPE, text).with(CONTENT_ENCODING, HeaderValue::from_static("gzip"))
        }
        None => Plain::of(StatusCode::OK, METRICS_TYPE, text),
    }
}

/// By name, with a weight that is not 0 (RFC 9110, section 12.5.3). A scraper that says `*` gets text.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight: Option<f64> = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

fn compressed(text: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{text, with};

    #[tokio::test]
    async fn the_registry_is_shown_in_prometheus_text() {
        let answer = with(|_| {}).ask("FOO", "/metrics", &[], "").await;
        let content_type = answer.headers["content-type"].to_str().unwrap();
        assert_eq!((answer.status.as_u16(), content_type), (200, super::METRICS_TYPE));
        assert!(text(&answer).contains("continuous_load_build_info{"), "{}", text(&answer));
    }

    #[tokio::test]
    async fn it_is_compressed_for_who_says_so() {
        for (accepted, is_compressed) in
            [("gzip", true), ("br, gzip;q=0.5", true), ("gzip;q=0", false), ("identity", false), ("*", false)]
        {
            let answer = with(|_| {}).ask("GET", "/metrics", &[("accept-encoding", accepted)], "").await;
            assert_eq!(answer.headers.contains_key("content-encoding"), is_compressed, "{accepted}");
            assert_eq!(answer.body.starts_with(&[0x1f, 0x8b]), is_compressed, "{accepted}");
        }
    }
}
