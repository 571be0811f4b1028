//! What a dashboard that was built on podinfo finds.

use prometheus::{Registry, TextEncoder};
use shared::outcome::{Code, ServerError};
use shared::red::server::ServerSeries;
use tokio::time::Instant;

use super::*;
use crate::record::{Call, Handles};

fn exposed(metrics: &RequestMetrics) -> String {
    let registry = Registry::new();
    registry.register(Box::new(metrics.clone())).unwrap();
    TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

/// The value of the only sample that begins so.
fn sample(text: &str, begins: &str) -> Option<f64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(begins)?.trim().parse().ok());
    let found = lines.next();
    assert!(lines.next().is_none(), "{begins} is ambiguous");
    found
}

#[test]
fn names_labels_and_buckets_are_podinfos() {
    let metrics = RequestMetrics::new();
    assert_eq!(exposed(&metrics), "", "nothing before the first request");
    let series = metrics.series(&Method::GET, "status");
    assert_eq!(exposed(&metrics), "");
    series.observe(200, Duration::from_millis(5));
    series.observe(200, Duration::from_millis(6));
    series.observe(503, Duration::from_secs(11));
    metrics.series(&Method::POST, "echo").observe(200, Duration::ZERO);
    let text = exposed(&metrics);
    let labels = "method=\"GET\",path=\"status\",status=\"200\"";
    for (begins, value) in [
        (format!("http_request_duration_seconds_bucket{{{labels},le=\"0.005\"}}"), 1.0),
        (format!("http_request_duration_seconds_bucket{{{labels},le=\"0.01\"}}"), 2.0),
        (format!("http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}}"), 2.0),
        (format!("http_request_duration_seconds_count{{{labels}}}"), 2.0),
        (format!("http_request_duration_seconds_sum{{{labels}}}"), 0.011),
        ("http_requests_total{status=\"200\"}".to_owned(), 3.0),
        ("http_requests_total{status=\"503\"}".to_owned(), 1.0),
    ] {
        assert_eq!(sample(&text, &begins), Some(value), "{begins} in {text}");
    }
    let bounds: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("path=\"echo\""))
        .filter_map(|line| line.split("le=\"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(bounds.join(" "), "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf");
    assert!(text.contains("# TYPE http_request_duration_seconds histogram"));
    assert!(text.contains("# TYPE http_requests_total counter"));
    assert_eq!(exposed(&metrics), text, "scraping counts nothing");
}

#[test]
fn methods_are_a_closed_list() {
    let metrics = RequestMetrics::new();
    let invented = |name: &str| metrics.series(&Method::from_bytes(name.as_bytes()).unwrap(), "echo");
    assert!(Arc::ptr_eq(&invented("FOO"), &invented("get")));
    assert!(!Arc::ptr_eq(&invented("FOO"), &invented("GET")));
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO", "BAR"] {
        invented(method).observe(200, Duration::ZERO);
    }
    let text = exposed(&metrics);
    assert_eq!(text.matches("http_request_duration_seconds_count{").count(), 10);
    let other = "http_request_duration_seconds_count{method=\"OTHER\",path=\"echo\",status=\"200\"}";
    assert_eq!(sample(&text, other), Some(2.0));
}

#[test]
fn statuses_are_bounded_and_nothing_is_lost() {
    let metrics = RequestMetrics::new();
    let series = metrics.series(&Method::GET, "status");
    for status in [0, 7, 99, 1000, u16::MAX] {
        series.observe(status, Duration::ZERO);
    }
    let text = exposed(&metrics);
    assert_eq!(sample(&text, "http_requests_total{status=\"other\"}"), Some(5.0), "{text}");

    for path in ["a", "b", "c"] {
        let series = metrics.series(&Method::GET, path);
        for status in (100..=999).chain(100..=999) {
            series.observe(status, Duration::ZERO);
        }
    }
    let text = exposed(&metrics);
    let named = text.lines().filter(|line| line.starts_with("http_request_duration_seconds_count{"));
    let (other, own): (Vec<&str>, Vec<&str>) = named.partition(|line| line.contains("status=\"other\""));
    assert_eq!((own.len(), other.len()), (STATUSES_MAX, 2), "of path c, and of the numbers that are no status");
    let total: f64 = text
        .lines()
        .filter(|line| line.starts_with("http_requests_total{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert_eq!(total, 5.0 + 3.0 * 2.0 * 900.0);
}

#[test]
fn threads_that_meet_a_new_status_count_it_once_each() {
    let metrics = RequestMetrics::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for status in 200..300 {
                    metrics.series(&Method::GET, "status").observe(status, Duration::ZERO);
                }
            });
        }
    });
    let text = exposed(&metrics);
    for status in 200..300 {
        assert_eq!(sample(&text, &format!("http_requests_total{{status=\"{status}\"}}")), Some(4.0));
    }
}

#[test]
fn a_call_counts_the_status_that_it_ended_with() {
    let metrics = RequestMetrics::new();
    let call = |code| {
        let series = Arc::new(ServerSeries::default());
        let handles = Handles { series, book: None, panic_code: Code::Http(500), load: Arc::default() };
        let mut call = Call::start(Arc::new(handles), Instant::now(), None);
        call.also(metrics.series(&Method::GET, "root"));
        call.set_code(code);
        call
    };
    call(Code::Http(200)).answered();
    call(Code::Http(503)).failed(ServerError::Internal);
    drop(call(Code::Http(200)));
    // No status was sent.
    drop(call(Code::NONE));
    call(Code::Http(200)).left_unanswered();
    call(Code::Grpc(0)).answered();
    let text = exposed(&metrics);
    assert_eq!(sample(&text, "http_requests_total{status=\"200\"}"), Some(2.0), "{text}");
    assert_eq!(sample(&text, "http_requests_total{status=\"503\"}"), Some(1.0), "{text}");
    assert_eq!(text.matches("http_requests_total{").count(), 2, "{text}");
}
