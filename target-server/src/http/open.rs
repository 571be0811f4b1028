//! The beginning of every request, whichever version of HTTP carries it: ask → labels → record → decision.

use std::sync::Arc;

use http::Method;
use http::Version;
use http::header::{EXPECT, HOST};
use http::request::Parts;
use shared::fault::{Fault, SpecErrors};
use shared::identity::{RequestId, Source as Injector};
use shared::protocol::Protocol;
use shared::red::Labels;
use tokio::time::Instant;

use super::answer::{Job, RequestHead};
use super::ask::{self, Ask};
use super::exchange::Exchange;
use super::routing::{self, Way};
use crate::asked::{Asked, Own};
use crate::podinfo::Plain;
use crate::record::Call;
use crate::rules::{Detail, Facts};

/// A request whose record is open.
pub(super) struct Opened {
    pub(super) job: Job,
    /// What is asked of its answer, not decided yet.
    pub(super) asked: Result<Asked, SpecErrors>,
}

/// Reads the ask and opens the record.
pub(super) fn open(exchange: &Arc<Exchange>, parts: &Parts) -> Opened {
    let started = Instant::now();
    let protocol = protocol(parts.version);
    let limits = exchange.http.core.faults.limits();
    let core = &exchange.http.core;
    let (way, ask) = core.understood(protocol, "echo", || {
        let way = exchange.http.routing.way(parts);
        let ask = Ask::read(parts, &way, protocol.dialect(), limits);
        (way, ask)
    });
    let id = ask.identity.map(|identity| identity.id);
    let asked = ask.own.map(|own| match &way {
        Way::Echo => with_rules(exchange, own, id, protocol, parts, &routing::decoded(parts.uri.path())),
        Way::Own(routed) if !routed.route.is_spared() => with_rules(exchange, own, id, protocol, parts, &routed.path),
        Way::Own(_) | Way::Nowhere(_) => Asked::default(),
    });
    let labels = Labels {
        source: ask.identity.map_or_else(Injector::external, |identity| identity.source),
        protocol,
        operation: ask.operation,
        injected: asked.as_ref().is_ok_and(Asked::injects),
    };
    let handles = exchange.handles(labels, id.map(|id| id.session), started);
    let mut call = Call::start(handles, started, id.map(|id| id.seq));
    if let Some(path) = exchange.http.routing.label(&way, parts.uri.path()) {
        call.also(exchange.series(&parts.method, path));
    }
    #[cfg(test)]
    assert!(parts.uri.path() != "/panic", "a test asked for it");

    let (routed, plain) = match way {
        Way::Echo => (None, None),
        Way::Own(routed) => (Some(routed), None),
        Way::Nowhere(plain) => (None, Some(plain)),
    };
    let request = RequestHead::of(parts, id);
    let job = Job { exchange: Arc::clone(exchange), call, request, routed, plain, decision: None };
    Opened { job, asked }
}

/// What the request asks for beside what a rule adds.
fn with_rules(
    exchange: &Exchange,
    own: Own,
    id: Option<RequestId>,
    protocol: Protocol,
    parts: &Parts,
    path: &str,
) -> Asked {
    let faults = &exchange.http.core.faults;
    let facts = || Facts {
        protocol,
        client: exchange.client,
        detail: Detail::Http {
            method: parts.method.as_str(),
            path,
            // HTTP/2 says it as `:authority`.
            host: parts.uri.host().or_else(|| parts.headers.get(HOST).and_then(|host| host.to_str().ok())),
            headers: &parts.headers,
        },
    };
    let fits = |fault: &Fault| {
        ask::fits(fault, parts, protocol.dialect(), faults.limits()).is_ok() && !breaks_nothing(fault, parts)
    };
    faults.ask(own, id, exchange.client, facts, fits)
}

/// Whether a fault strikes in the body of an answer that has none.
fn breaks_nothing(fault: &Fault, parts: &Parts) -> bool {
    // A rule's part of it is without chance; where the rest has one, whoever strikes looks again.
    let verdict = fault.roll(0, "fits", 0);
    let status = verdict.status.and_then(|status| status.http());
    let is_bodiless = parts.method == Method::HEAD || matches!(status, Some(204 | 205 | 304));
    is_bodiless && verdict.fault.is_some_and(|kind| kind.needs_body())
}

/// Rolls what is asked for, if anything is.
pub(super) fn decide(job: &mut Job, asked: &Asked, parts: &Parts) {
    let faults = &job.exchange.http.core.faults;
    let decision = faults.decide(asked, job.request.id, job.exchange.client, &mut job.call);
    if let Some(decision) = decision {
        job.request.accepts_gzip = ask::accepts_gzip(&parts.headers);
        if let Some(text) = decision.instead {
            job.routed = None;
            job.plain = Some(Box::new(Plain::in_place(text)));
        }
        job.decision = Some(Box::new(decision));
    }
}

/// Whether the client waits with its body until it is asked for it: an answer must not come first.
pub(super) fn is_eager(parts: &Parts) -> bool {
    parts.headers.contains_key(EXPECT)
}

/// The label of a version.
fn protocol(version: Version) -> Protocol {
    if version == Version::HTTP_2 { Protocol::Http2 } else { Protocol::Http }
}
