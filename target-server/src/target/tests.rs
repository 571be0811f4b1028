//! Starting and stopping.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::fixture::{End, Fixture, eventually};
use crate::{Config, Report, Target};

const GET: &str = "GET / HTTP/1.1\r\nhost: t\r\n\r\n";
const CLEAN: Report = Report { requests_cut: 0 };

#[tokio::test]
async fn addresses_are_known_before_anything_is_served() {
    let target = Target::bind(Config::loopback()).unwrap();
    let addresses = target.addresses();
    assert_ne!(addresses.http.port(), 0);
    assert_ne!(addresses.admin.port(), 0);
    let line = |(name, address): (&str, Option<SocketAddr>)| {
        format!("listening protocol={name} address={}\n", address.unwrap())
    };
    let lines: String = [
        ("http", Some(addresses.http)),
        ("grpc", addresses.grpc),
        ("tcp", addresses.tcp),
        ("udp", addresses.udp),
        ("dns", addresses.dns),
        ("admin", Some(addresses.admin)),
    ]
    .map(line)
    .concat();
    assert_eq!(addresses.to_string(), lines);
}

#[tokio::test]
async fn a_port_in_use_is_said_with_its_flag() {
    let held = Target::bind(Config::loopback()).unwrap();
    for flag in ["--http-address", "--admin-address"] {
        let mut config = Config::loopback();
        match flag {
            "--http-address" => config.http_address = held.addresses().http,
            _ => config.admin_address = held.addresses().http,
        }
        let error = Target::bind(config).err().unwrap().to_string();
        assert!(error.starts_with(&format!("{flag} {}: ", held.addresses().http)), "{error}");
        assert!(error.contains("0 for a free one"), "{error}");
    }
}

#[tokio::test]
async fn what_can_be_known_is_exported_at_zero() {
    let target = Fixture::start().await;
    let text = target.admin("/metrics").await.body;
    for sample in [
        "continuous_load_server_requests_total{source=\"external\",protocol=\"http\",operation=\"echo\",code=\"200\",result=\"success\",error=\"\",injected=\"false\"} 0",
        "continuous_load_server_received_total{source=\"external\",protocol=\"udp\",operation=\"echo\",event=\"late\"} 0",
        "continuous_load_server_faults_total{kind=\"reset\",source=\"request\"} 0",
        "continuous_load_server_spec_errors_total{parameter=\"delay\"} 0",
        "continuous_load_server_spec_errors_total{parameter=\"other\"} 0",
        "continuous_load_server_fault_overflow_total 0",
        "continuous_load_server_connections_open{protocol=\"http\"} 0",
    ] {
        assert!(text.lines().any(|line| line == sample), "{sample}");
    }
    assert!(text.contains("continuous_load_build_info{"));
}

#[tokio::test]
async fn an_idle_target_stops_at_once() {
    let target = Fixture::start().await;
    let mut silent = target.client().await;
    let mut parked = target.client().await;
    parked.send(GET).await;
    assert_eq!(parked.answer().await.status, 200);
    let start = Instant::now();
    drop(silent.stream.set_nodelay(true));
    let (first, second) = (silent.rest(), parked.rest());
    let (report, first, second) = tokio::join!(target.stopped(), first, second);
    assert_eq!((report, first, second), (CLEAN, (String::new(), End::Fin), (String::new(), End::Fin)));
    // The clients above hold their side open until they have seen our end, and a little longer is waited for that.
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn requests_in_flight_are_served_to_their_end() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    client.send("GET /?delay=200ms&size=5&body=seq HTTP/1.1\r\nhost: t\r\n\r\n").await;
    target.eventually_metric(&["server_inflight_requests", "injected=\"true\""], 1.0).await;
    let addresses = target.addresses;
    let (report, answer) = tokio::join!(target.stopped(), client.answer());
    assert_eq!(report, CLEAN);
    assert_eq!((answer.status, &*answer.body, answer.field("connection")), (200, "abcde", Some("close")));
    assert_eq!(client.rest().await, (String::new(), End::Fin));
    assert!(tokio::net::TcpStream::connect(addresses.http).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn what_takes_longer_than_the_drain_is_cut_and_reported() {
    let target = Fixture::with(|config| config.shutdown_timeout = Duration::from_millis(50)).await;
    let mut client = target.client().await;
    client.send("GET /?delay=50s HTTP/1.1\r\nhost: t\r\n\r\n").await;
    target.eventually_metric(&["server_inflight_requests", "injected=\"true\""], 1.0).await;
    assert_eq!(target.stopped().await, Report { requests_cut: 1 });
}

#[tokio::test]
async fn a_hang_does_not_hold_up_a_drain() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    client.send("GET /?fault=hang HTTP/1.1\r\nhost: t\r\n\r\n").await;
    target.eventually_metric(&["server_inflight_requests", "injected=\"true\""], 1.0).await;
    let (report, end) = tokio::join!(target.stopped(), client.rest());
    assert_eq!((report, end), (CLEAN, (String::new(), End::Rst)));
}

#[tokio::test]
async fn while_draining_it_is_not_ready_but_still_serves() {
    let mut config = Config::loopback();
    config.drain_delay = Duration::from_millis(300);
    let target = Target::bind(config).unwrap();
    let (addresses, readiness, stop) = (target.addresses(), target.readiness(), CancellationToken::new());
    assert!(!readiness.is_ready(), "not before it serves");
    let serving = tokio::spawn(target.serve(stop.clone()));
    eventually("ready", || async { readiness.is_ready() }).await;
    stop.cancel();
    eventually("not ready", || async { !readiness.is_ready() }).await;
    assert!(tokio::net::TcpStream::connect(addresses.http).await.is_ok(), "still serving during the drain delay");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(serving.await.unwrap(), CLEAN);
}
