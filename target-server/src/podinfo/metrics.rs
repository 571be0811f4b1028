//! `/metrics` on the traffic port, where podinfo's scrapers look: the same text as on the admin port.

use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use http::{HeaderMap, StatusCode};
use prometheus::Registry;
use shared::admin::METRICS_TYPE;
use tokio::sync::Semaphore;

use super::Plain;
use crate::headers;

/// Answers that are made at once; whoever asks beyond that waits. A scraper that leaves does not end the work for it, and so
/// the work must not pile up.
const AT_ONCE_MAX: usize = 2;

/// What is registered.
pub(super) struct Metrics {
    registry: Registry,
    places: Arc<Semaphore>,
}

impl Metrics {
    pub(super) fn new(registry: Registry) -> Metrics {
        Metrics { registry, places: Arc::new(Semaphore::new(AT_ONCE_MAX)) }
    }

    /// Everything that is registered, as text 0.0.4; compressed for who takes that. Made on a thread that may take its time:
    /// beside it requests are answered, whose delays are promised.
    pub(super) async fn answer(&self, headers: &HeaderMap) -> Plain {
        let takes_gzip = takes_gzip(headers);
        let registry = self.registry.clone();
        let place = Arc::clone(&self.places).acquire_owned().await.expect("nobody closes it");
        let made = tokio::task::spawn_blocking(move || {
            let _place = place;
            make(&registry, takes_gzip)
        });
        made.await.unwrap_or_else(|_| failed("making them panicked"))
    }
}

fn make(registry: &Registry, takes_gzip: bool) -> Plain {
    let text = match shared::admin::metrics_text(registry) {
        Ok(text) => text,
        Err(error) => return failed(&error.to_string()),
    };
    // Nothing between a scraper and us keeps an answer, so that podinfo's lack of a Vary does no harm.
    match takes_gzip.then(|| compressed(&text)).flatten() {
        Some(text) => {
            Plain::of(StatusCode::OK, METRICS_TYPE, text).with(CONTENT_ENCODING, HeaderValue::from_static("gzip"))
        }
        None => Plain::of(StatusCode::OK, METRICS_TYPE, text),
    }
}

fn failed(reason: &str) -> Plain {
    Plain::refusal(StatusCode::INTERNAL_SERVER_ERROR, &format!("metrics: {reason}"))
}

/// By name, with a weight that is not 0 (RFC 9110, section 12.5.3). A scraper that says `*` gets text.
fn takes_gzip(fields: &HeaderMap) -> bool {
    headers::items(fields, ACCEPT_ENCODING).any(|item| {
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use prometheus::core::{Collector, Desc};
    use prometheus::proto::MetricFamily;

    use super::super::tests::{text, with};
    use super::*;

    /// Counts who gathers at once, and lets nobody end before as many are there as may be.
    struct Crowd {
        now: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
        meet: Arc<std::sync::Barrier>,
    }

    impl Collector for Crowd {
        fn desc(&self) -> Vec<&Desc> {
            Vec::new()
        }

        fn collect(&self) -> Vec<MetricFamily> {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            self.meet.wait();
            self.now.fetch_sub(1, Ordering::SeqCst);
            Vec::new()
        }
    }

    /// On the only thread that serves, two would wait for each other for ever.
    #[tokio::test]
    async fn it_is_made_beside_the_requests_and_by_few_at_once() {
        let (now, most) = (Arc::default(), Arc::<AtomicUsize>::default());
        let meet = Arc::new(std::sync::Barrier::new(AT_ONCE_MAX));
        let registry = Registry::new();
        registry.register(Box::new(Crowd { now, most: Arc::clone(&most), meet })).unwrap();
        let metrics = Metrics::new(registry);
        let nothing = HeaderMap::new();
        let answers = futures_util::future::join_all((0..3 * AT_ONCE_MAX).map(|_| metrics.answer(&nothing))).await;
        assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE_MAX);
    }

    #[tokio::test]
    async fn the_registry_is_shown_in_prometheus_text() {
        let answer = with(|_| {}).ask("FOO", "/metrics", &[], "").await;
        let content_type = answer.headers["content-type"].to_str().unwrap();
        assert_eq!((answer.status.as_u16(), content_type), (200, METRICS_TYPE));
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
