//! The streams of the mix.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_saphyr::{Location, Spanned};
use shared::draw::Draw;
use shared::identity::Name;
use shared::protocol::Protocol;

use super::rates::Often;
use super::values::{digits, duration};
use super::{Common, Found, subject};
use crate::plan::connection::WrittenPolicy;
use crate::plan::{Address, Call, Keepalive, OPERATIONS_MAX, Operation, dns, echo, grpc, http, phases};
use crate::rate::Rate;
use crate::scenario::{Written, WrittenOperation};
use crate::schedule::Arrival;

/// All streams whose name and rate can be told, in the file's order.
pub(super) fn operations(
    found: &mut Found,
    written: &Written,
    often: &[Option<Often>],
    arrivals: &[Option<Arrival>],
    common: &Common<'_>,
) -> Vec<Operation> {
    let entries = &written.mix.value;
    if entries.is_empty() {
        found.add(written.mix.referenced, "mix", "no operations; at least one is needed");
    }
    if let Some(over) = entries.get(OPERATIONS_MAX) {
        let message = format!("{} operations are over the limit of {OPERATIONS_MAX}", entries.len());
        found.add(over.referenced, "mix", message);
    }
    let mut names: HashMap<&str, Location> = HashMap::new();
    let mut operations = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let text = &entry.value.name;
        if let Some(first) = names.insert(&text.value, text.referenced) {
            let message = format!("the operation in line {} has the same name", first.line());
            found.add(text.referenced, &format!("{}: name", subject(index, &entry.value)), message);
        }
        let often = often[index].zip(arrivals[index].clone());
        operations.extend(operation(found, (index, entries.len()), entry, often, common));
    }
    operations
}

/// One stream; `None` when its name, rate or arrival is wrong, which has been reported.
fn operation(
    found: &mut Found,
    (index, n_operations): (usize, usize),
    entry: &Spanned<WrittenOperation>,
    often: Option<(Often, Arrival)>,
    common: &Common<'_>,
) -> Option<Operation> {
    let written = &entry.value;
    let subject = subject(index, written);
    let part = |key: &str| format!("{subject}: {key}");

    let name = found.read(Some(&written.name), &part("name"), str::parse::<Name>);
    let timeout = found.read(written.timeout.as_ref(), &part("timeout"), duration).unwrap_or(common.timeout);
    let target = found.read(written.target.as_ref(), &part("target"), str::parse::<Address>);
    let connection = found.read(written.connection.as_ref(), &part("connection"), WrittenPolicy::parse);
    let keepalive = found.read(written.keepalive.as_ref(), &part("keepalive"), str::parse::<Keepalive>);
    let seed = name.map_or(0, |name| Draw::new(common.seed, name.as_str()).bits("operation"));
    let calls = [
        written.http.as_ref().map(|call| Call::Http(http::compile(found, &part("http"), call, seed, timeout))),
        written
            .grpc
            .as_ref()
            .map(|call| Call::Grpc(Box::new(grpc::compile(found, &part("grpc"), call, seed, timeout)))),
        written
            .tcp
            .as_ref()
            .map(|call| Call::Tcp(echo::compile(found, &part("tcp"), call, Protocol::Tcp, seed, timeout))),
        written
            .udp
            .as_ref()
            .map(|call| Call::Udp(echo::compile(found, &part("udp"), call, Protocol::Udp, seed, timeout))),
        written.dns.as_ref().map(|call| {
            Call::Dns(dns::compile(found, &part("dns"), call, name.map(|name| (common.source, name)), seed, timeout))
        }),
    ];
    let mut calls = calls.into_iter().flatten();
    let Some(call) = calls.next() else {
        found.add(
            entry.referenced,
            &subject,
            "needs a protocol: http, grpc, tcp, udp or dns; write http: {} for a plain GET /",
        );
        return None;
    };
    if let Some(second) = calls.next() {
        let message =
            format!("has {} beside {}; an operation speaks one", second.protocol().as_str(), call.protocol().as_str());
        found.add(entry.referenced, &subject, message);
    }
    let scheme = target.as_ref().and_then(|target| target.scheme);
    let own_tls = written.tls.as_ref();
    let is_secure = common.tls.is_on_for(found, &part("tls"), own_tls, scheme, call.protocol());
    if let (true, None, None, Some(target)) = (is_secure, call.alpn(), own_tls, &written.target) {
        let message = format!("{} has no TLS here; leave https:// out", call.protocol().as_str());
        found.add(target.referenced, &part("target"), message);
    }
    let endpoint = common.endpoint(target, call.protocol(), is_secure);
    let alpn = call.alpn().filter(|_| is_secure);
    let tls = alpn.map(|alpn| common.tls.compile(found, &part("tls"), own_tls, &endpoint.host, alpn));
    if let (true, Some(keepalive)) = (call.protocol().is_datagram(), &written.keepalive) {
        let message = "over UDP there is no connection that could be dead; leave keepalive out";
        found.add(keepalive.referenced, &part("keepalive"), message);
    }
    let route = super::routes::own(found, &subject, written, common, &endpoint);
    let streams = streams(found, &part("streams"), written, call.has_streams());

    let (name, (Often { rate, share }, arrival)) = (name?, often?);
    let peak = phases::peak(&common.phases, rate, share, &arrival);
    Some(Operation {
        name,
        rate,
        peak,
        share,
        arrival,
        phase: phase(rate, index, n_operations),
        seed,
        endpoint,
        route,
        connection: connection.unwrap_or(WrittenPolicy::DEFAULT).sized_for(peak, timeout, streams),
        keepalive: keepalive.unwrap_or(common.keepalive).silence(),
        streams,
        tls: tls.map_or(Some(None), |tls| tls.map(Some))?,
        timeout,
        injected: call.fault().injects(),
        call,
    })
}

/// Requests at once on one connection.
fn streams(found: &mut Found, subject: &str, written: &WrittenOperation, has_streams: bool) -> NonZeroU32 {
    let streams = found.read(written.streams.as_ref(), subject, streams_number);
    let is_fresh = written.connection.as_ref().is_some_and(|text| text.value == "fresh");
    if let Some(text) = &written.streams {
        if !has_streams {
            found.add(text.referenced, subject, "this protocol carries one request at a time; leave streams out");
        } else if is_fresh {
            found.add(text.referenced, subject, "connection: fresh has one request on each; leave one of them out");
        }
    }
    streams.unwrap_or(NonZeroU32::MIN)
}

/// Most streams on a connection that may be asked for: what servers allow is mostly 100 to 250.
const STREAMS_MAX: u32 = 1_000;

fn streams_number(text: &str) -> Result<NonZeroU32, String> {
    let number = digits(text).and_then(|text| text.parse::<NonZeroU32>().ok()).filter(|n| n.get() <= STREAMS_MAX);
    number.ok_or_else(|| format!("{text:?} is not a number of streams: 1 to {STREAMS_MAX}"))
}

/// k/N of the stream's own period: streams of one rate are evenly interleaved, and none fires with another at t0.
fn phase(rate: Rate, index: usize, n_operations: usize) -> Duration {
    let (events, seconds) = (u128::from(rate.events().get()), u128::from(rate.seconds().get()));
    let whole = events * n_operations.max(1) as u128;
    // seconds < 2⁶⁴, index < 2⁶ by the limit on operations, 10⁹ < 2³⁰: no overflow for a mix that is accepted.
    let nanos = seconds.saturating_mul(index as u128).saturating_mul(1_000_000_000) / whole;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
