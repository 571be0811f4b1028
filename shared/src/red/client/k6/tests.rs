//! The exposition after a scripted run, line by line where it matters.

use prometheus::{Encoder as _, Registry, TextEncoder};

use super::*;
use crate::identity::Source;
use crate::outcome::DropReason;
use crate::protocol::Protocol;
use crate::red::Labels;

const OK: Outcome<ErrorClass> = Outcome::Success(Code::Http(200));
const BUSY: Outcome<ErrorClass> = Outcome::Failure(Code::Http(503), ErrorClass::Status);
const REFUSED: Outcome<ErrorClass> = Outcome::Failure(Code::NONE, ErrorClass::ConnectRefused);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn operation(name: &'static str, protocol: Protocol, expected: Code) -> ClientOperation {
    let operation = crate::identity::Name::from_static(name);
    let labels = Labels { source: Source::external(), protocol, operation, injected: false };
    ClientOperation { labels, rate_per_s: 1.0, expected: vec![expected, Code::NONE] }
}

/// An HTTP and a gRPC operation on two workers.
fn red() -> (ClientRed, K6Red) {
    let http = operation("service", Protocol::Http, Code::Http(200));
    let grpc = operation("calls", Protocol::Grpc, Code::Grpc(0));
    let url = "http://t:9898/status/200".to_owned();
    let calls = [
        K6Call::Http { url, method: "GET", proto: "HTTP/1.1", is_secured: false },
        K6Call::Grpc { name: "t:9999/a.B/C".to_owned(), service: "a.B".to_owned(), method: "C".to_owned() },
    ];
    let operations = vec![http, grpc];
    let red = ClientRed::new(&operations, 2);
    let tags = vec!["team=payments".parse().unwrap()];
    let k6 = K6Red::new(red.clone(), calls.into_iter().zip(operations).collect(), 7, tags);
    (red, k6)
}

/// As both sides of the accounts are fed.
fn finish(
    red: &ClientRed,
    k6: &K6Red,
    (operation, worker): (usize, usize),
    outcome: Outcome<ErrorClass>,
    trail: Trail,
) {
    let service = trail.parts()[0] + trail.connecting;
    let series = red.series(operation, worker);
    series.scheduled();
    series.finished(outcome, service, service, None, false);
    series.bytes(10, 20);
    k6.series(operation, worker).finished(outcome, &trail);
}

fn text(k6: &K6Red) -> String {
    let registry = Registry::new();
    registry.register(Box::new(k6.clone())).unwrap();
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The values of all series of a name that have these labels.
fn values(text: &str, name: &str, labels: &[&str]) -> Vec<f64> {
    let is = |line: &&str| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|l| line.contains(l))
    };
    text.lines().filter(is).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect()
}

#[test]
fn a_scripted_run_is_counted_alike_by_both() {
    let (red, k6) = red();
    let trail = Trail { connecting: ms(1), sending: ms(2), waiting: ms(3), receiving: ms(4), ..Trail::default() };
    for worker in [0, 1, 1] {
        finish(&red, &k6, (0, worker), OK, trail);
    }
    finish(&red, &k6, (0, 0), BUSY, trail);
    finish(&red, &k6, (0, 1), REFUSED, Trail { blocked: ms(30), ..Trail::default() });
    finish(&red, &k6, (1, 0), Outcome::Success(Code::Grpc(0)), trail);
    finish(&red, &k6, (1, 0), Outcome::Failure(Code::Grpc(0), ErrorClass::Validation), trail);
    finish(&red, &k6, (1, 1), Outcome::Failure(Code::NONE, ErrorClass::Timeout), trail);
    red.series(0, 0).scheduled();
    red.series(0, 1).scheduled();
    red.series(0, 1).dropped(DropReason::Late, ms(1));
    let text = text(&k6);

    let cases: [(&str, &[&str], &[f64]); 22] = [
        ("k6_http_reqs", &["status=\"200\"", "expected_response=\"true\"", "error=\"\""], &[3.0]),
        ("k6_http_reqs", &["status=\"503\"", "error_code=\"1503\"", "expected_response=\"false\""], &[1.0]),
        ("k6_http_reqs", &["status=\"0\"", "error=\"connect_refused\"", "error_code=\"1212\""], &[1.0]),
        ("k6_http_reqs", &["status=\"502\""], &[0.0]),
        ("k6_http_req_failed", &["status=\"200\"", "expected_response=\"true\""], &[0.0]),
        ("k6_http_req_failed", &["status=\"503\""], &[1.0]),
        ("k6_http_req_duration_count", &["status=\"200\""], &[3.0]),
        ("k6_http_req_duration_sum", &["status=\"200\""], &[0.027]),
        ("k6_http_req_duration_bucket", &["status=\"200\"", "le=\"0.005\""], &[0.0]),
        ("k6_http_req_duration_bucket", &["status=\"200\"", "le=\"0.01\""], &[3.0]),
        ("k6_http_req_connecting_sum", &["status=\"503\""], &[0.001]),
        ("k6_http_req_duration_sum", &["status=\"0\""], &[0.0]),
        ("k6_http_req_blocked_sum", &["status=\"0\""], &[0.03]),
        ("k6_iterations", &["scenario=\"service\""], &[5.0]),
        ("k6_iteration_duration_count", &["scenario=\"calls\""], &[3.0]),
        ("k6_dropped_iterations", &["scenario=\"service\""], &[1.0]),
        ("k6_data_sent", &["scenario=\"service\"", "group=\"::static\""], &[50.0]),
        ("k6_vus", &[], &[1.0]),
        ("k6_vus_max", &[], &[7.0]),
        ("k6_script_errors", &["scenario=\"service\""], &[0.0]),
        ("k6_grpc_req_duration_count", &["status=\"0\"", "service=\"a.B\"", "method=\"C\""], &[2.0]),
        ("k6_grpc_req_duration_count", &["status=\"4\""], &[1.0]),
    ];
    for (name, labels, wanted) in cases {
        assert_eq!(values(&text, name, labels), wanted, "{name} {labels:?} in\n{text}");
    }
    let samples = || text.lines().filter(|line| !line.starts_with('#'));
    assert!(samples().all(|line| line.contains("team=\"payments\"")), "{text}");
    let mut series: Vec<_> = samples().map(|line| line.rsplit_once(' ').unwrap().0).collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all, "no series twice");
}

#[test]
fn the_buckets_are_those_of_the_contract() {
    let (red, k6) = red();
    finish(&red, &k6, (0, 0), OK, Trail::default());
    let text = text(&k6);
    let bounds: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("k6_http_req_waiting_bucket"))
        .filter_map(|line| line.split("le=\"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(bounds, ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"]);
    assert!(COMPATIBLE_BUCKETS_S.iter().all(|bound| crate::red::DURATION_BUCKETS_S.contains(bound)));
}

#[test]
fn a_flood_of_statuses_is_bounded_and_loses_nothing() {
    let (red, k6) = red();
    for status in 200..1000 {
        finish(&red, &k6, (0, 0), Outcome::Failure(Code::Http(status), ErrorClass::Validation), Trail::default());
    }
    let text = text(&k6);
    let counts = values(&text, "k6_http_reqs", &[]);
    assert!(counts.len() < 64, "{}", counts.len());
    assert_eq!(counts.iter().sum::<f64>(), 800.0);
    assert_eq!(values(&text, "k6_http_reqs", &["status=\"other\""]).len(), 1);
}

#[test]
fn the_version_of_the_handshake_is_a_label() {
    let http = operation("s", Protocol::Http, Code::Http(200));
    let call = K6Call::Http { url: "https://t/".to_owned(), method: "GET", proto: "HTTP/2.0", is_secured: true };
    let red = ClientRed::new(std::slice::from_ref(&http), 1);
    let k6 = K6Red::new(red, vec![(call, http)], 1, Vec::new());
    k6.series(0, 0).secured(TlsVersion::Tls12);
    k6.series(0, 0).finished(OK, &Trail::default());
    let text = text(&k6);
    assert_eq!(values(&text, "k6_http_reqs", &["tls_version=\"tls1.2\"", "status=\"200\""]), [1.0]);
    assert_eq!(values(&text, "k6_http_reqs", &["tls_version=\"tls1.3\"", "expected_response=\"true\""]), [0.0]);
}

#[test]
fn a_tag_that_cannot_be_a_label_is_refused_in_words() {
    let long = format!("a={}", "x".repeat(129));
    for (text, remedy) in [
        ("team", "team=payments"),
        ("", "team=payments"),
        ("9a=x", "begins"),
        ("__a=x", "begins"),
        ("a-b=x", "begins"),
        ("type=x", "another"),
        ("a=", "128"),
        (long.as_str(), "128"),
        ("a=x\ny", "control"),
    ] {
        let error = text.parse::<Tag>().unwrap_err().to_string();
        assert!(error.contains(remedy), "{text:?}: {error}");
    }
    assert_eq!("team=a=b".parse::<Tag>().map(|tag| tag.value().to_owned()), Ok("a=b".to_owned()));
}
