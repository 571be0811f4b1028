//! One call: ask → decide → method → answer, and the one record of it.
//!
//! Invariants:
//! - Whatever a call waits for ends with its deadline and with its client's leaving.
//! - A deadline that passes is DEADLINE_EXCEEDED on both sides: success if what was asked for could not be had in time, else
//!   `aborted`, since the client gave up on an answer that nothing had asked to be late.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use shared::deadline::{Shape, is_due, is_lone, is_unavoidable};
use shared::fault::{At, Fault, FaultKind, Read, Verdict};
use shared::identity::{RequestId, Source};
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use shared::red::Labels;
use tokio::time::{Instant, sleep_until};
use tonic::Status;
use tonic::body::Body;

use super::Grpc;
use super::ask::Ask;
use super::context::Context;
use super::intake::Intake;
use super::method::Method;
use super::{peek, status};
use crate::act;
use crate::asked::{Asked, Own};
use crate::faults::Decision;
use crate::h2body::left_before_head;
use crate::h2conn::H2Conn;
use crate::record::Call;
use crate::rules::{Detail, Facts};

/// One call, understood, on its way to an answer.
pub(super) struct Job {
    pub(super) grpc: Arc<Grpc>,
    pub(super) conn: Arc<H2Conn>,
    pub(super) call: Call,
    pub(super) method: &'static Method,
    pub(super) id: Option<RequestId>,
    /// Nothing if nothing was asked for.
    pub(super) decision: Option<Box<Decision>>,
    pub(super) context: Arc<Context>,
    pub(super) accepts_gzip: bool,
    /// Metadata to return: in the head, in the trailers.
    pub(super) echo: (Option<HeaderValue>, Option<HeaderValue>),
    pub(super) timeout: Option<Duration>,
    /// The waits that were asked for and begun, at their full length.
    planned: Duration,
}

/// What the answer begins with.
enum Prepared {
    /// The method's head and messages.
    Answer(Response<Body>),
    /// A status and nothing else.
    Lone(Status),
    /// The fault, in place of a head.
    Strike(FaultKind),
}

/// Why an answer goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The client has left.
    Left,
    /// The deadline has passed.
    Due,
    /// Here the fault strikes.
    Strike,
}

/// What ends an answer at a point in time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    due: Option<Instant>,
    strike: Option<Instant>,
}

impl Clock {
    /// A deadline alone.
    pub(super) fn due(due: Option<Instant>) -> Clock {
        Clock { due, strike: None }
    }

    /// Returns when the first of them has come. The deadline is heard first: a wait exactly as long is too long.
    pub(super) async fn run_out(&self) -> Stop {
        tokio::select! {
            biased;
            () = until(self.due) => Stop::Due,
            () = until(self.strike) => Stop::Strike,
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// Serves one call to its end.
pub(super) async fn serve(
    grpc: Arc<Grpc>,
    request: Request<RecvStream>,
    respond: &mut SendResponse<Bytes>,
    conn: Arc<H2Conn>,
) {
    let started = Instant::now();
    let (parts, mut recv) = request.into_parts();
    let mut ask = Ask::read(&parts);
    let limits = grpc.core.faults.limits().clone();
    let timeout = ask.timeout.as_ref().ok().copied().flatten();
    let mut clock = Clock::due(timeout.and_then(|timeout| started.checked_add(timeout)));

    let mut peeked = Bytes::new();
    let mut stop = None;
    if ask.method.carries_fault() && ask.fault.is_ok() && ask.timeout.is_ok() {
        tokio::select! {
            biased;
            early = clock.run_out() => stop = Some(early),
            (bytes, fault) = peek::first(&mut recv, &parts.headers, limits.size_max_bytes) => {
                peeked = bytes;
                ask.join(fault);
            }
            _ = left_before_head(respond) => stop = Some(Stop::Left),
        }
    }

    let id = ask.identity.map(|identity| identity.id);
    let asked = ask.checked(&limits).map(|fault| {
        let faults = &grpc.core.faults;
        if ask.method.is_spared() {
            return faults.ask_alone(Own::words(fault), conn.client);
        }
        let path = parts.uri.path();
        let method = path.strip_prefix('/').unwrap_or(path);
        let facts = || Facts {
            protocol: Protocol::Grpc,
            client: conn.client,
            detail: Detail::Grpc { method, headers: &parts.headers },
        };
        let fits = |fault: &Fault| ask.method.check(fault, &limits).is_ok();
        faults.ask(Own::words(fault), id, conn.client, facts, fits)
    });
    let labels = Labels {
        source: ask.identity.map_or_else(Source::external, |identity| identity.source),
        protocol: Protocol::Grpc,
        operation: ask.operation(),
        injected: asked.as_ref().is_ok_and(Asked::injects),
    };
    let handles = Arc::new(grpc.core.handles(labels, id.map(|id| id.session), started));
    let call = Call::start(handles, started, id.map(|id| id.seq));
    #[cfg(test)]
    assert!(parts.uri.path() != "/test/Panic", "a test asked for it");

    let header = |name: &str| ask.method.is_test().then(|| parts.headers.get(name).cloned()).flatten();
    let mut job = Job {
        method: ask.method,
        id,
        decision: None,
        context: Arc::new(Context::new(None, &limits, &grpc.core.place)),
        accepts_gzip: ask.accepts_gzip,
        echo: (header(ECHO_INITIAL), header(ECHO_TRAILING)),
        timeout,
        planned: Duration::ZERO,
        grpc,
        conn,
        call,
    };
    if let Some(stop) = stop {
        return job.stop_before_head(respond, stop).await;
    }
    let asked = match (asked, ask.timeout) {
        (Ok(asked), Ok(_)) => asked,
        (Ok(_), Err(status)) => return job.refuse(respond, &status),
        (Err(errors), _) => {
            errors.iter().for_each(|error| job.grpc.core.red.spec_error(&error.parameter));
            return job.refuse(respond, &status::bad_spec(&errors));
        }
    };
    if let Some(decision) = job.grpc.core.faults.decide(&asked, id, job.conn.client, &mut job.call) {
        job.context = Arc::new(Context::new(Some(&decision.verdict), &limits, &job.grpc.core.place));
        if let At::After(time) = decision.verdict.at
            && decision.verdict.fault.is_some()
        {
            clock.strike = started.checked_add(time);
        }
        job.decision = Some(Box::new(decision));
    }
    job.close_gently();

    let prepared = tokio::select! {
        biased;
        stop = clock.run_out() => Err(stop),
        prepared = job.prepare(parts, recv, peeked) => Ok(prepared),
        _ = left_before_head(respond) => Err(Stop::Left),
    };
    job.take_times();
    match prepared {
        Err(stop) => job.stop_before_head(respond, stop).await,
        Ok(Prepared::Lone(status)) => job.send_lone(respond, &status),
        Ok(Prepared::Strike(kind)) => job.strike_before_head(respond, kind).await,
        Ok(Prepared::Answer(response)) => job.send(respond, response, clock).await,
    }
}

/// TestService returns what these bring.
pub(super) const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
pub(super) const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";

impl Job {
    pub(super) fn verdict(&self) -> Option<&Verdict> {
        self.decision.as_ref().map(|decision| &decision.verdict)
    }

    /// The fault that is still to strike.
    pub(super) fn kind(&self) -> Option<FaultKind> {
        self.verdict().and_then(|verdict| verdict.fault)
    }

    /// A wait that was asked for.
    pub(super) async fn pause(&mut self, delay: Duration) {
        self.planned += delay;
        act::wait(&mut self.call, delay).await;
    }

    /// GOAWAY with NO_ERROR breaks nothing: what is in flight, this call included, ends in order.
    fn close_gently(&mut self) {
        let Some(decision) = &mut self.decision else { return };
        if let Some(FaultKind::Goaway(code)) = decision.verdict.fault
            && code.get() == u32::from(h2::Reason::NO_ERROR)
        {
            self.conn.goaway(h2::Reason::NO_ERROR);
            decision.verdict.fault = None;
        }
    }

    /// Memory, CPU, the request, the delay: all that comes before the head.
    async fn prepare(&mut self, parts: Parts, recv: RecvStream, peeked: Bytes) -> Prepared {
        if let Some(decision) = &mut self.decision {
            act::stress(decision, &mut self.call, &self.grpc.core.faults).await;
            self.planned += decision.verdict.cpu;
        }
        let plain = Verdict::default();
        let verdict = self.verdict().unwrap_or(&plain);
        let (read, delay, whole_delay) = (verdict.read, verdict.delay, verdict.asked_delay());
        let strike = verdict.fault.filter(|kind| verdict.at == At::Head && is_instead_of_head(*kind));
        let lone = self.decision.as_deref().and_then(status::asked).filter(|_| is_lone(verdict));

        let takes_one = !self.method.is_client_streaming;
        let message_max_bytes = self.method.message_max_bytes(&self.context.limits);
        let intake = Intake::new(recv, peeked, read, takes_one, message_max_bytes, Arc::clone(&self.context));
        if strike.is_some() || lone.is_some() {
            // A stream of messages may have no end; one message is out of the way first.
            let discarded = if takes_one && read != Read::None { intake.discard().await } else { Ok(()) };
            self.pause(if strike.is_some() { delay } else { whole_delay }).await;
            return match (discarded, strike, lone) {
                (Err(status), ..) => Prepared::Lone(status),
                (Ok(()), Some(kind), _) => Prepared::Strike(kind),
                (Ok(()), None, Some(status)) => {
                    self.context.set_scripted();
                    Prepared::Lone(status)
                }
                (Ok(()), None, None) => unreachable!("one of the two is why we are here"),
            };
        }
        let mut request = Request::from_parts(parts, intake);
        request.extensions_mut().insert(Arc::clone(&self.context));
        let response = self.grpc.services.call(self.method.service(), request).await;
        self.take_times();
        if let Some(status) = Status::from_header_map(response.headers()) {
            self.pause(whole_delay).await;
            return Prepared::Lone(status);
        }
        self.pause(delay).await;
        Prepared::Answer(response)
    }

    /// What reading the request took so far is not the target's own time.
    pub(super) fn take_times(&mut self) {
        let (asked, awaited) = self.context.take_times();
        self.call.add_asked(asked);
        self.call.add_awaited(awaited);
        self.planned += asked;
    }

    /// Counts what came; before the record.
    pub(super) fn tally(&mut self) {
        self.call.add_received(usize::try_from(self.context.take_received()).unwrap_or(usize::MAX));
    }

    /// Whether the deadline could not be met, by what was asked for.
    pub(super) fn is_scripted_late(&self) -> bool {
        let Some(timeout) = self.timeout else { return false };
        let shape = Shape { messages: self.context.expected(), ..Shape::default() };
        self.planned >= timeout || self.verdict().is_some_and(|verdict| is_unavoidable(verdict, shape, Some(timeout)))
    }

    /// The client left. At its deadline it does not leave, it keeps its word.
    pub(super) fn left(mut self) {
        self.tally();
        let is_due = self.timeout.is_some_and(|timeout| is_due(self.call.started().elapsed(), timeout));
        if is_due {
            self.call.set_code(DEADLINE_EXCEEDED);
        }
        if is_due && self.is_scripted_late() { self.call.answered() } else { self.call.failed(ServerError::Aborted) }
    }

    /// Notes the status that the answer ends with.
    pub(super) fn set_status(&mut self, status: &Status) {
        self.call.set_code(Code::Grpc(status.code() as i32 as u8));
        if status.code() != tonic::Code::Ok && !self.context.is_scripted() {
            self.call.set_error(ServerError::BadRequest);
        }
    }

    /// The same for a deadline that passed.
    pub(super) fn set_overdue(&mut self) {
        self.call.set_code(DEADLINE_EXCEEDED);
        if !self.is_scripted_late() {
            self.call.set_error(ServerError::Aborted);
        }
    }
}

/// What both sides call a call whose deadline has passed.
const DEADLINE_EXCEEDED: Code = Code::Grpc(4);

/// Whether a fault at the head leaves no head; the others strike right behind it.
fn is_instead_of_head(kind: FaultKind) -> bool {
    !matches!(kind, FaultKind::NoStatus | FaultKind::Oversize)
}
