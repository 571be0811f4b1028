//! Proxies of our own lose, hold, cut, repeat and reorder requests and answers of every protocol; what the injector says in
//! the end is exactly what they did.

pub(crate) mod datagrams;
mod fallback;
mod h2;
mod live;
pub(crate) mod path;
pub(crate) mod proof;
mod replicas;
pub(crate) mod streams;

use std::fmt::Write as _;
use std::net::SocketAddr;

use shared::protocol::Protocol;

use self::path::{Deed, Path, TIMEOUT};
use self::proof::{assert_told, for_a_second, injected};
use self::streams::Framing;
use crate::fixture::{RunningTarget, run};

/// The request that a scenario makes of each protocol.
fn request(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "http: { fault: size=100 }",
        Protocol::Http2 => "http: { version: 2, fault: size=100 }",
        Protocol::Grpc => "grpc: {}",
        Protocol::Tcp => "tcp: {}",
        Protocol::Udp => "udp: {}",
        Protocol::DnsUdp => "dns: {}",
        Protocol::DnsTcp => "dns: { transport: tcp }",
    }
}

async fn proxy(protocol: Protocol, path: &Path) -> SocketAddr {
    match protocol {
        Protocol::Http => streams::start(Framing::Http, path).await,
        Protocol::Tcp => streams::start(Framing::Line, path).await,
        Protocol::DnsTcp => streams::start(Framing::Dns, path).await,
        Protocol::Http2 | Protocol::Grpc => h2::start(path).await,
        Protocol::Udp | Protocol::DnsUdp => datagrams::start(protocol == Protocol::DnsUdp, 0, path).await,
    }
}

/// Twenty requests of each protocol on connections of their own, and twenty on kept ones, with these deeds in turn.
async fn proved(protocols: &[Protocol], deeds: [Deed; 20]) {
    let target = RunningTarget::start();
    let mut scenario = format!("target: 127.0.0.1\ntimeout: {}s\nmix:\n", TIMEOUT.as_secs());
    let mut paths = Vec::new();
    for protocol in protocols.iter().copied() {
        let path =
            Path::new(&[target.addresses.of(protocol).unwrap()], move |_, seq| deeds[seq as usize % deeds.len()]);
        let at = proxy(protocol, &path).await;
        let kept = match protocol {
            Protocol::Http2 | Protocol::Grpc => "pooled(2), streams: 20",
            _ => "pooled(16)",
        };
        for (name, connection) in [("fresh", "fresh"), ("kept", kept)] {
            let request = request(protocol);
            let name = format!("{}-{name}", protocol.as_str());
            writeln!(
                scenario,
                "- {{ name: {name}, rate: 20/s, target: \"{at}\", connection: {connection}, {request} }}"
            )
            .unwrap();
            paths.push((name, protocol, path.clone()));
        }
    }
    let ended = injected(scenario, &for_a_second(target.admin)).await;
    ended.assert_passed();
    for (name, protocol, path) in paths {
        let done = path.done(&name);
        let planned: Vec<u64> = done.keys().copied().collect();
        assert_eq!(planned, (0..20).collect::<Vec<u64>>(), "{name}: each number came once");
        assert_told(&ended, &name, protocol, &path);
    }
    target.stop().await;
}

/// What can happen to requests on connections.
const ON_STREAMS: [Deed; 20] = [
    Deed::Pass,
    Deed::Swallow,
    Deed::Mute,
    Deed::Late,
    Deed::TooLate,
    Deed::ResetBefore,
    Deed::ResetAfter,
    Deed::CloseBefore,
    Deed::CloseAfter,
    Deed::Half,
    Deed::Retry,
    Deed::Overtaken,
    Deed::Pass,
    Deed::AnswerOvertaken,
    Deed::Pass,
    Deed::OwnBefore,
    Deed::OwnAfter,
    Deed::Retry,
    Deed::ResetAfter,
    Deed::Pass,
];

/// What can happen to datagrams.
const ON_DATAGRAMS: [Deed; 20] = [
    Deed::Pass,
    Deed::Swallow,
    Deed::Mute,
    Deed::Late,
    Deed::TooLate,
    Deed::Double,
    Deed::Retry,
    Deed::Half,
    Deed::Overtaken,
    Deed::Pass,
    Deed::AnswerOvertaken,
    Deed::Pass,
    Deed::OwnBefore,
    Deed::OwnAfter,
    Deed::Double,
    Deed::Pass,
    Deed::Overtaken,
    Deed::Pass,
    Deed::Swallow,
    Deed::Pass,
];

#[test]
fn of_requests_on_connections_everything_is_told_that_happened() {
    run(proved(&[Protocol::Http, Protocol::Tcp, Protocol::DnsTcp], ON_STREAMS));
}

#[test]
fn of_streams_of_http2_everything_is_told_that_happened() {
    run(proved(&[Protocol::Http2, Protocol::Grpc], ON_STREAMS));
}

#[test]
fn of_datagrams_everything_is_told_that_happened() {
    run(proved(&[Protocol::Udp, Protocol::DnsUdp], ON_DATAGRAMS));
}
