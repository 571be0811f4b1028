//! What every protocol must be able to do, asked in the one language and seen from both sides.
//!
//! The cases come from the language's own tables: every key and every kind that [`Protocol::dialect`] has, every status, the
//! sizes. A protocol, a key or a kind that is new is here by itself, or does not compile.

use std::time::Duration;

use injector::plan::Call;
use shared::fault::{Dialect, Fault, FaultKind, Key, Limits, Separator};
use shared::outcome::{Code, ErrorClass};
use shared::protocol::Protocol;
use tokio_util::sync::CancellationToken;

use crate::agree::agreed;
use crate::fixture::{RunningTarget, assert_accounted, engine, eventually, plan_for_all, run};
use crate::metrics::{Metric, metric};
use crate::process::get;

/// Most operations of one scenario.
const OPERATIONS_MAX: usize = 60;
/// Payload bytes that a request brings, where it brings any.
const PAYLOAD_BYTES: u64 = 2_048;

/// One operation of the battery.
struct Case {
    /// What is asked, in the language.
    spec: String,
    /// Bytes of payload the request brings.
    payload_bytes: u64,
    /// Whether the target falls silent: then a short timeout is what is waited for.
    is_silent: bool,
}

impl Case {
    fn of(spec: impl Into<String>) -> Case {
        Case { spec: spec.into(), payload_bytes: PAYLOAD_BYTES, is_silent: false }
    }
}

/// Everything for one protocol.
fn cases(protocol: Protocol) -> Vec<Case> {
    let dialect = protocol.dialect();
    let mut cases = vec![Case::of(""), Case { payload_bytes: 0, ..Case::of("") }];
    cases.extend(sizes(protocol));
    cases.extend(statuses(dialect));
    cases.extend(Key::all().filter(|key| key.dialects().contains(&dialect)).flat_map(|key| of_key(key, dialect)));
    cases.extend(FaultKind::examples().filter(|kind| kind.dialects().contains(&dialect)).flat_map(|kind| {
        let needs_gate = kind.hits_connection() && matches!(dialect, Dialect::Http2 | Dialect::Grpc);
        let gate = if needs_gate { "&allow_conn=1" } else { "" };
        let size = if kind.needs_body() && dialect != Dialect::Dns { "&size=1000" } else { "" };
        let whole = Case { is_silent: may_be_silent(kind), ..Case::of(format!("fault={kind}{size}{gate}")) };
        let half = Case { is_silent: may_be_silent(kind), ..Case::of(format!("fault={kind}:50{size}{gate}")) };
        [whole, half]
    }));
    cases
}

/// 0, 1, 64 KiB, and the most there is.
fn sizes(protocol: Protocol) -> Vec<Case> {
    let limits = Limits::default();
    let most = match protocol.dialect() {
        // Never more than the request brought; a line of up to a KiB comes along.
        Dialect::Udp => return [0, 1, 60_000].map(|bytes| sized(bytes, bytes.max(PAYLOAD_BYTES))).into(),
        Dialect::Dns if protocol == Protocol::DnsUdp => return [512, 1_232].map(|bytes| sized(bytes, 0)).into(),
        Dialect::Dns => return [512, 4_096, limits.dns_size_max_bytes].map(|bytes| sized(bytes, 0)).into(),
        // What a gRPC client takes by default (its own limit is 4 MiB, the message around the payload included).
        Dialect::Grpc => 4_000_000,
        Dialect::Http1 | Dialect::Http2 | Dialect::Tcp => limits.size_max_bytes,
    };
    [0, 1, 64 << 10, most].map(|bytes| sized(bytes, PAYLOAD_BYTES)).into()
}

fn sized(bytes: u64, payload_bytes: u64) -> Case {
    Case { payload_bytes, ..Case::of(format!("size={bytes}")) }
}

/// Every status there is, or one of each kind where there are hundreds.
fn statuses(dialect: Dialect) -> Vec<Case> {
    match dialect {
        Dialect::Http1 | Dialect::Http2 => [200, 204, 301, 304, 400, 404, 429, 500, 503, 599, 999]
            .map(|code| Case::of(format!("status={code}")))
            .into(),
        Dialect::Grpc => (0..=16).map(|code| Case::of(format!("status={code}"))).collect(),
        Dialect::Dns => (0..=10).map(|code| Case::of(format!("rcode={code}"))).collect(),
        Dialect::Tcp | Dialect::Udp => Vec::new(),
    }
}

/// A use of each key. Nothing is left out by a wildcard: a new key is a decision here.
fn of_key(key: Key, dialect: Dialect) -> Vec<Case> {
    let is_dns = dialect == Dialect::Dns;
    let specs: &[&str] = match key {
        Key::Delay => &["delay=5ms..15ms", "delay=lognormal(2ms,20ms)&p=50"],
        Key::BodyDelay => &["body_delay=5ms&size=100"],
        Key::ChunkDelay if dialect == Dialect::Grpc => &["count=3&size=10&chunk_delay=3ms"],
        Key::ChunkDelay => &["chunk=400&chunk_delay=2ms&size=1000"],
        Key::EndDelay => &["end_delay=5ms&size=100"],
        Key::Count if is_dns => &["count=4"],
        Key::Count => &["count=5&size=100"],
        Key::Chunk => &["chunk=7&size=100"],
        Key::Rate => &["rate=200KiB&size=4KiB"],
        Key::Body => &["body=text&size=3000", "body=json&size=3000", "body=seq&size=100", "body=zero&size=9"],
        Key::Gzip => &["gzip=true&size=5000&body=text"],
        Key::Read => &["read=rate(1MiB)"],
        Key::Header => &["header=x-extra:1"],
        Key::Trailer if dialect == Dialect::Grpc => &["trailer=x-after:1&size=10"],
        Key::Trailer => &["trailer=x-after:1&size=10&chunk=5"],
        Key::RetryAfter if dialect == Dialect::Grpc => &["status=UNAVAILABLE&retry_after=2s"],
        Key::RetryAfter => &["status=503&retry_after=2s"],
        Key::Msg => &["status=NOT_FOUND&msg=not here"],
        Key::Details => &["status=INTERNAL&details=errorinfo", "status=UNAVAILABLE&details=retryinfo(2s)"],
        Key::Trailers => &["status=ABORTED&trailers=only", "status=ABORTED&trailers=after"],
        Key::Cpu => &["cpu=1ms"],
        Key::Mem => &["mem=1MiB"],
        Key::Close if dialect == Dialect::Http1 => &["close=true"],
        // The injector frames its exchanges by itself.
        Key::Close => &["close=true"],
        Key::Loss => return vec![Case { is_silent: true, ..Case::of("loss=50") }],
        Key::Dup => &["dup=true"],
        Key::Corrupt => &["corrupt=true"],
        Key::Reorder => &["reorder=50"],
        Key::Mode => &["mode=upper", "mode=source&size=3000", "mode=chargen&size=100", "mode=discard"],
        Key::Nodata => &["nodata=true"],
        Key::Ttl => &["ttl=300s"],
        Key::Neg => &["nodata=true&neg=30s"],
        Key::Cname => &["cname=3", "cname=loop"],
        Key::Addr => &["addr=192.0.2.1"],
        Key::Ede => &["rcode=SERVFAIL&ede=22"],
        Key::P => &["p=30&delay=3ms"],
        Key::Seed => &["seed=7&delay=1ms..3ms"],
        // Asked elsewhere: `sizes`, `statuses`, the kinds; or the injector's own to say; or diagnostics whose answer depends
        // on who asks and how often.
        Key::Status
        | Key::Rcode
        | Key::Size
        | Key::Fault
        | Key::At
        | Key::AllowConn
        | Key::Id
        | Key::Bytes
        | Key::Ack
        | Key::Over
        | Key::Answer => &[],
    };
    specs.iter().map(|spec| Case::of(*spec)).collect()
}

/// Whether nothing of use may come, on some protocol.
fn may_be_silent(kind: FaultKind) -> bool {
    !matches!(
        kind,
        FaultKind::Abort
            | FaultKind::H2Rst(_)
            | FaultKind::Goaway(_)
            | FaultKind::BadChunk
            | FaultKind::NoStatus
            | FaultKind::Oversize
            | FaultKind::Tc
            | FaultKind::TcForced
            | FaultKind::Late
            | FaultKind::Lame
            | FaultKind::NoAa
    )
}

/// The operation's entry for its protocol.
fn call(protocol: Protocol, case: &Case) -> String {
    let bytes = case.payload_bytes;
    let fault = if case.spec.is_empty() { String::new() } else { format!(", fault: '{}'", case.spec) };
    match protocol {
        Protocol::Http => format!("http: {{ method: POST, body_size: {bytes}{fault} }}"),
        Protocol::Http2 => format!("http: {{ version: 2, method: POST, body_size: {bytes}{fault} }}"),
        Protocol::Grpc => {
            let method = if case.spec.contains("count=") { "ServerStream" } else { "Unary" };
            format!("grpc: {{ method: cload.v1.Target/{method}, size: {bytes}{fault} }}")
        }
        Protocol::Tcp => format!("tcp: {{ size: {bytes}{fault} }}"),
        Protocol::Udp => format!("udp: {{ size: {bytes}{fault} }}"),
        Protocol::DnsUdp => format!("dns: {{ transport: udp{fault} }}"),
        Protocol::DnsTcp => format!("dns: {{ transport: tcp{fault} }}"),
    }
}

/// What is asked, as far as a name has room for it.
fn name(number: usize, spec: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    format!("{number}-{}", spec.chars().map(word).collect::<String>()).chars().take(32).collect()
}

fn scenario(protocol: Protocol, cases: &[Case]) -> String {
    let mut text = String::from("target: t\nmix:\n");
    for (number, case) in cases.iter().enumerate() {
        let is_broken = case.spec.contains("fault=");
        let connection = if is_broken || number % 2 == 0 { "fresh" } else { "pooled(4)" };
        let timeout = if case.is_silent { "700ms" } else { "5s" };
        let is_large = case.spec.strip_prefix("size=").and_then(|size| size.parse::<u64>().ok()).unwrap_or(0) > 1 << 20;
        let rate = if is_large { "2/s" } else { "10/s" };
        let call = call(protocol, case);
        let name = name(number, &case.spec);
        text.push_str(&format!(
            "  - {{ name: {name}, rate: {rate}, timeout: {timeout}, connection: {connection}, {call} }}\n"
        ));
    }
    text
}

/// The battery of one protocol, a test of its own each: `cargo test battery` says which one fails.
macro_rules! batteries {
    ($($test:ident $protocol:ident;)*) => {
        $(#[test] fn $test() { run_battery(Protocol::$protocol); })*

        #[test]
        fn no_protocol_is_left_out() {
            assert_eq!(Protocol::ALL, [$(Protocol::$protocol),*]);
        }
    };
}

batteries! {
    http Http;
    http2 Http2;
    grpc Grpc;
    tcp Tcp;
    udp Udp;
    dns_udp DnsUdp;
    dns_tcp DnsTcp;
}

fn run_battery(protocol: Protocol) {
    let cases = cases(protocol);
    for cases in cases.chunks(OPERATIONS_MAX) {
        run(async {
            let target = RunningTarget::start();
            let plan = plan_for_all(&scenario(protocol, cases), &target.addresses);
            agreed(plan, target.admin, Duration::from_secs(1)).await;
            target.stop().await;
        });
    }
}

/// What the protocol has no word for, put on the wire behind the plan's back: no plan lets it through.
fn malform(call: &mut Call) -> &'static str {
    let parameter = if matches!(call, Call::Udp(_)) { "rate" } else { "loss" };
    let text = if parameter == "rate" { "rate=1KiB" } else { "loss=true" };
    let fault = Fault::parse(text, Separator::Ampersand).unwrap();
    match call {
        Call::Http(call) => call.fault_text = Some(text.to_owned()),
        Call::Grpc(call) => call.fault_text = Some(text.to_owned()),
        Call::Tcp(call) | Call::Udp(call) => call.fault = call.fault.clone().overridden_by(fault),
        Call::Dns(call) => call.asked = fault,
    }
    parameter
}

#[test]
fn a_malformed_ask_is_refused_in_the_protocols_own_words_and_counted() {
    for protocol in Protocol::ALL {
        let name = protocol.as_str();
        let refusal = match protocol {
            Protocol::Http | Protocol::Http2 => Some(Code::Http(400)),
            Protocol::Grpc => Some(Code::Grpc(3)),
            // A line that says what is wrong, instead of an echo.
            Protocol::Tcp | Protocol::Udp => None,
            Protocol::DnsUdp | Protocol::DnsTcp => Some(Code::Rcode(3)),
        };
        run(async {
            let target = RunningTarget::start();
            let mut plan = plan_for_all(&scenario(protocol, &[Case::of("")]), &target.addresses);
            let parameter = malform(&mut plan.operations[0].call);
            let engine = engine(plan, Duration::from_millis(500));
            let finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
            let account = &finished.accounts[0];
            assert_accounted(account);
            let planned = account.planned;
            assert!(planned > 0 && account.failures[ErrorClass::Status.index()] == planned, "{name}: {account:?}");
            let codes: Vec<(Code, u64)> = account.codes.iter().map(|(code, count)| (*code, *count)).collect();
            assert_eq!(codes, refusal.map(|code| (code, planned)).into_iter().collect::<Vec<_>>(), "{name}");
            let text = get(target.admin, "/metrics");
            let counted = |metric: Metric| metric.sum_in(&text) as u64;
            let refused = metric("continuous_load_server_requests_total").label("protocol", name);
            assert_eq!(counted(refused.label("error", "bad_request")), planned, "{name}");
            let errors = metric("continuous_load_server_spec_errors_total").label("parameter", parameter);
            assert_eq!(counted(errors), planned, "{name}");
            target.stop().await;
        });
    }
}

#[test]
fn a_shutdown_in_mid_call_lets_the_call_end() {
    for protocol in Protocol::ALL {
        let scenario = scenario(protocol, &[Case::of("delay=400ms")]);
        run(async {
            let target = RunningTarget::start();
            let engine = engine(plan_for_all(&scenario, &target.addresses), Duration::from_millis(50));
            let running = tokio::spawn(engine.run(CancellationToken::new(), |_| ()));
            eventually("the call is under way", async || {
                let text = get(target.admin, "/metrics");
                let in_flight = metric("continuous_load_server_inflight_requests")
                    .label("protocol", protocol.as_str())
                    .sum_in(&text);
                if in_flight == 1.0 { Ok(()) } else { Err(in_flight) }
            })
            .await;
            let report = target.drained().await;
            let finished = running.await.unwrap().unwrap();
            let account = &finished.accounts[0];
            assert_accounted(account);
            assert_eq!((account.planned, account.success), (1, 1), "{}: {:?}", protocol.as_str(), account.examples);
            assert_eq!(report.requests_cut, 0, "{}", protocol.as_str());
        });
    }
}
