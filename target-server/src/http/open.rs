//! The beginning of every request, whichever version of HTTP carries it: ask → labels → record → decision.

use std::sync::Arc;

use http::Version;
use http::header::EXPECT;
use http::request::Parts;
use shared::fault::{Fault, SpecErrors};
use shared::identity::Source as Injector;
use shared::protocol::Protocol;
use shared::red::Labels;
use tokio::time::Instant;

use super::answer::{Job, RequestHead};
use super::ask::{self, Ask};
use super::exchange::Exchange;
use super::routing::Way;
use crate::record::Call;

/// A request whose record is open.
pub(super) struct Opened {
    pub(super) job: Job,
    /// What it asks for, not decided yet.
    pub(super) fault: Result<Option<Fault>, SpecErrors>,
}

/// Reads the ask and opens the record.
pub(super) fn open(exchange: &Arc<Exchange>, parts: &Parts) -> Opened {
    let started = Instant::now();
    let protocol = protocol(parts.version);
    let limits = exchange.http.core.faults.limits();
    let core = &exchange.http.core;
    let (way, asked) = core.understood(protocol, "echo", || {
        let way = exchange.http.routing.way(parts);
        let asked = Ask::read(parts, &way, protocol.dialect(), limits);
        (way, asked)
    });
    let id = asked.identity.map(|identity| identity.id);
    let labels = Labels {
        source: asked.identity.map_or_else(Injector::external, |identity| identity.source),
        protocol,
        operation: asked.operation,
        injected: asked.fault.as_ref().is_ok_and(|fault| fault.as_ref().is_some_and(|fault| fault.injects())),
    };
    let handles = exchange.handles(labels, id.map(|id| id.session), started);
    let call = Call::start(handles, started);
    #[cfg(test)]
    assert!(parts.uri.path() != "/panic", "a test asked for it");

    let (routed, plain) = match way {
        Way::Echo => (None, None),
        Way::Own(routed) => (Some(routed), None),
        Way::Nowhere(plain) => (None, Some(plain)),
    };
    let request = RequestHead::of(parts, id);
    let job = Job { exchange: Arc::clone(exchange), call, request, routed, plain, decision: None };
    Opened { job, fault: asked.fault }
}

/// Rolls the fault that was asked for.
pub(super) fn decide(job: &mut Job, fault: &Fault, parts: &Parts) {
    job.request.accepts_gzip = ask::accepts_gzip(&parts.headers);
    let decision = job.exchange.http.core.faults.decide(fault, job.request.id, job.exchange.client);
    job.decision = Some(Box::new(decision));
}

/// Whether the client waits with its body until it is asked for it: an answer must not come first.
pub(super) fn is_eager(parts: &Parts) -> bool {
    parts.headers.contains_key(EXPECT)
}

/// The label of a version.
fn protocol(version: Version) -> Protocol {
    if version == Version::HTTP_2 { Protocol::Http2 } else { Protocol::Http }
}
