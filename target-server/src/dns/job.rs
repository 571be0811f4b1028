//! One query from its packet to the bytes that go out, the same over UDP and TCP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use shared::carrier::dns::error_text;
use shared::dnsanswer::{End, end};
use shared::fault::{Fault, Separator, SpecErrors, Transport, Verdict};
use shared::identity::{RequestId, Source};
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use shared::red::Labels;
use shared::reply::{Plan, Reply};
use tokio::time::Instant;

use super::Dns;
use super::answer::{Asked, Said};
use super::ask::{self, Ask, Place};
use super::query::{Query, SERVFAIL, Unreadable, read};
use super::spoil::{Spoilt, spoil};
use crate::act;
use crate::asked::{self, Own};
use crate::core::{Kept, client_ip};
use crate::faults::{Decision, Mark};
use crate::record::Call;
use crate::rules::{Detail, Facts};

/// The code of extended errors that have no better one (RFC 8914, section 4.1).
const EDE_OTHER: u16 = 0;

/// A query that was read, decided and opened in the records.
pub(super) struct Job {
    query: Box<Query>,
    client: SocketAddr,
    transport: Transport,
    place: Place,
    id: Option<String>,
    nonce: Option<String>,
    decision: Result<Decision, SpecErrors>,
    call: Call,
}

/// What a packet comes to.
pub(super) enum Taken {
    Job(Box<Job>),
    /// Answered as it is, and recorded.
    Refused(Vec<u8>),
    Silence,
}

/// What goes out, and the record that is closed when it has.
pub(super) struct Wire {
    pub(super) spoilt: Spoilt,
    call: Call,
    end: End,
}

pub(super) fn protocol(transport: Transport) -> Protocol {
    match transport {
        Transport::Udp => Protocol::DnsUdp,
        Transport::Tcp => Protocol::DnsTcp,
    }
}

/// Takes a packet.
pub(super) fn take(dns: &Dns, packet: &[u8], client: SocketAddr, transport: Transport, kept: &mut Kept) -> Taken {
    let now = Instant::now();
    let malformed = |code| {
        dns.core.count_nameless(protocol(transport), "malformed", code, ServerError::BadRequest);
    };
    let understood = dns.core.understood(protocol(transport), "other", || {
        let query = read(packet)?;
        let ask = Ask::read(dns, &query, transport);
        Ok((query, ask))
    });
    let (query, ask) = match understood {
        Ok(understood) => understood,
        Err(Unreadable::Refused(answer, rcode)) if !dns.is_over_rate(transport, client, now) => {
            malformed(Code::Rcode(rcode));
            return Taken::Refused(answer);
        }
        Err(Unreadable::Refused(..) | Unreadable::Unanswerable) => {
            malformed(Code::NONE);
            return Taken::Silence;
        }
    };
    let Ask { place, identity, operation, nonce, fault } = ask;
    let id = identity.map(|identity| identity.id);
    let asked = fault.map(|fault| {
        let own = Own::words(Some(keyed(fault, id.is_none(), nonce.as_deref())));
        with_rules(dns, own, id, &query, place, client, transport)
    });
    let labels = Labels {
        source: identity.map_or_else(Source::external, |identity| identity.source),
        protocol: protocol(transport),
        operation,
        injected: asked.as_ref().is_ok_and(asked::Asked::injects),
    };
    let handles = kept.handles(&dns.core, labels, id.map(|id| id.session), now);
    let mut call = Call::start(handles, now, id.map(|id| id.seq));
    call.add_received(packet.len());
    let decision = asked.map(|asked| {
        let decided = dns.core.faults.decide(&asked, id, client_ip(client), &mut call);
        decided.unwrap_or_else(Decision::plain)
    });
    let id = identity.map(|identity| identity.id.to_string()).or_else(|| nonce.clone());
    Taken::Job(Box::new(Job { query, client, transport, place, id, nonce, decision, call }))
}

/// What a query asks for beside what a rule adds. Names under `ok`, the root and what is not ours are never faulted.
fn with_rules(
    dns: &Dns,
    own: Own,
    id: Option<RequestId>,
    query: &Query,
    place: Place,
    client: SocketAddr,
    transport: Transport,
) -> asked::Asked {
    let (faults, client) = (&dns.core.faults, client_ip(client));
    let is_spared = matches!(place, Place::Ok | Place::Root | Place::Outside);
    if is_spared || faults.rules_that_may_strike().is_none() {
        return faults.ask_alone(own, client);
    }
    let name = query.labels.iter().map(|label| String::from_utf8_lossy(label)).collect::<Vec<_>>().join(".");
    let kind = query.kind.to_string();
    let detail = Detail::Dns { name: &name, kind: &kind };
    let facts = || Facts { protocol: protocol(transport), client, detail };
    faults.ask(own, id, client, facts, |fault| ask::check(dns, fault).is_ok())
}

/// Without an identity or an id of its own, a query's nonce is the key of its draws.
fn keyed(fault: Fault, is_nameless: bool, nonce: Option<&str>) -> Fault {
    match nonce.filter(|_| is_nameless && fault.id().is_none()) {
        Some(nonce) => match Fault::parse(&format!("id={nonce}"), Separator::Semicolon) {
            Ok(key) => key.overridden_by(fault),
            Err(_) => fault,
        },
        None => fault,
    }
}

impl Job {
    /// The delay that was asked for.
    pub(super) fn delay(&self) -> Duration {
        self.decision.as_ref().map_or(Duration::ZERO, |decision| decision.verdict.delay)
    }

    /// Waits that long.
    pub(super) async fn wait(&mut self) {
        let delay = self.delay();
        act::wait(&mut self.call, delay).await;
    }

    /// The answer as it goes out.
    pub(super) async fn finish(self: Box<Self>, dns: &Arc<Dns>) -> Wire {
        let Job { query, client, transport, place, id, nonce, decision, mut call } = *self;
        #[cfg(test)]
        assert!(query.labels.first().is_none_or(|label| label != b"panic"), "a test asked for it");
        let asked = Asked { dns, query: &query, transport, client };
        let plain = |answer: Vec<u8>| Spoilt { messages: vec![answer], ..Spoilt::default() };
        if dns.is_over_rate(transport, client, call.started()) {
            call.set_code(Code::NOERROR);
            call.set_error(ServerError::Overload);
            return Wire { spoilt: plain(asked.truncated()), call, end: End::Answer };
        }
        let decision = match decision {
            Ok(decision) => decision,
            Err(errors) => {
                errors.iter().for_each(|error| dns.core.red.spec_error(&error.parameter));
                let rcode = u16::from(ResponseCode::NXDomain);
                call.set_code(Code::Rcode(rcode));
                call.set_error(ServerError::BadRequest);
                let said = Said { error: Some((EDE_OTHER, error_text(&errors))), ..Said::default() };
                return Wire { spoilt: plain(asked.code(rcode, said)), call, end: End::Answer };
            }
        };
        let verdict = &decision.verdict;
        let mark = |call: &Call| {
            let reply = Reply {
                id: id.as_deref(),
                own: call.own(),
                asked: call.asked(),
                server: &dns.core.place,
                rule: decision.rule.as_deref().map(|rule| rule.id().as_str()),
                plan: match decision.plan() {
                    Plan::Plain => Plan::of(verdict),
                    plan => plan,
                },
            };
            Said { mark: Some(reply.option()), error: None }
        };
        let (rcode, good) = match place {
            _ if query.kind == RecordType::ANY => (REFUSED, asked.code(REFUSED, mark(&call))),
            Place::Zone | Place::Unarmed if decision.rule.is_some() && changes_more_than_time(verdict) => {
                asked.verdict(verdict, Place::Fault, nonce.as_deref(), mark(&call))
            }
            Place::Ok | Place::Fault => asked.verdict(verdict, place, nonce.as_deref(), mark(&call)),
            Place::Unarmed => (0, asked.code(0, mark(&call))),
            Place::Root => (0, asked.root(mark(&call))),
            Place::Outside => (REFUSED, asked.code(REFUSED, mark(&call))),
            Place::Zone => match dns.zones.answer(&query, client, transport, dns.udp_size_max).await {
                Some(answer) if answer.len() > 3 => {
                    let is_touched = !matches!(decision.mark, Mark::None);
                    let answer = if is_touched { asked.marked(answer, mark(&call)) } else { answer };
                    (u16::from(answer[3] & 15), answer)
                }
                _ => (SERVFAIL, asked.code(SERVFAIL, mark(&call))),
            },
        };
        let plain_verdict = Verdict::default();
        let is_spoilt = decision.rule.is_some() || matches!(place, Place::Ok | Place::Fault);
        let spoiling = if is_spoilt { verdict } else { &plain_verdict };
        let end = end(spoiling, transport, query.is_mixed());
        if end == End::Answer {
            call.set_code(Code::Rcode(rcode));
        }
        let whole = || {
            let late = Verdict { fault: None, ..verdict.clone() };
            asked.verdict(&late, place, nonce.as_deref(), mark(&call)).1
        };
        let spoilt = match spoiling.fault {
            // Its shape is the failure's; the real one follows.
            Some(shared::fault::FaultKind::Late) => spoil(spoiling, transport, whole(), || good),
            _ => spoil(spoiling, transport, good, Vec::new),
        };
        Wire { spoilt, call, end }
    }
}

/// Whether a rule asks for an answer that is not the zone's own.
fn changes_more_than_time(verdict: &Verdict) -> bool {
    let in_time = Verdict { delay: verdict.delay, seed: verdict.seed, key: verdict.key.clone(), ..Verdict::default() };
    *verdict != in_time
}

const REFUSED: u16 = 5;

impl Wire {
    /// Bytes were handed to the kernel.
    pub(super) fn add_sent(&mut self, bytes: usize) {
        self.call.add_sent(bytes);
    }

    /// Everything that was to go out has.
    pub(super) fn done(self) {
        match self.end {
            End::Answer => self.call.answered(),
            End::Silence | End::Reset | End::Closed | End::Malformed => self.call.left_unanswered(),
        }
    }

    /// It could not be written.
    pub(super) fn failed(self) {
        self.call.failed(ServerError::Write);
    }
}
