//! One request: ask → verdict → act. The hot path, a plain echo, allocates no future and waits for nothing.
//!
//! Invariants:
//! - A panic in here costs one request its answer (500, recorded `internal`), never the process, and not the connection.
//! - Everything a request waits for ends when its connection does: hyper drops the future, and with it the call.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming as HyperBody;
use shared::fault::{Fault, Read};
use shared::outcome::ServerError;

use super::act::{self, Unread};
use super::answer::{Answer, Job};
use super::ask;
use super::body::AnswerBody;
use super::exchange::{Exchange, Takeover};
use super::incoming::Incoming;
use super::open::{Opened, decide, is_eager, open};
use super::refusal;
use super::source::{Echo, Source};
use super::two::Upgrade;
use super::websocket::WebSocket;
use super::wire::Plan;
use crate::panics;

/// Longest body that is read, only to keep the connection of a request that is refused anyway.
const REFUSED_BODY_BYTES_MAX: u64 = 64 * 1024;

/// Serves the requests of one connection.
pub(super) struct Service(pub(super) Arc<Exchange>);

/// The service needs the socket itself: the answer will be none that hyper could write, or in another version of HTTP.
/// Ends hyper's connection; what is to be done waits in the exchange.
#[derive(Debug, thiserror::Error)]
#[error("the socket is needed for something else")]
pub(super) struct TakeWire;

/// What hyper gets.
pub(super) type Answered = Result<Response<AnswerBody>, TakeWire>;

/// One request on its way to an answer.
pub(super) enum Serving {
    /// The answer was there at once.
    Ready(Option<Answered>),
    /// A plain echo whose body's first bytes are awaited, so that head and body go out in one write.
    First(Option<(Job, Incoming)>),
    /// Something was asked for that takes time.
    Slow(Pin<Box<dyn Future<Output = Answered> + Send>>),
}

impl hyper::service::Service<Request<HyperBody>> for Service {
    type Response = Response<AnswerBody>;
    type Error = TakeWire;
    type Future = ServingOn;

    fn call(&self, request: Request<HyperBody>) -> ServingOn {
        self.0.began();
        let serving = catch_unwind(AssertUnwindSafe(|| begin(&self.0, request)));
        let serving = serving.unwrap_or_else(|panic| Serving::Ready(Some(Ok(internal(&self.0, &*panic)))));
        ServingOn { serving, exchange: Arc::clone(&self.0) }
    }
}

/// A request being served, and where to answer if that panics.
pub(super) struct ServingOn {
    serving: Serving,
    exchange: Arc<Exchange>,
}

impl Future for ServingOn {
    type Output = Answered;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answered> {
        let this = self.get_mut();
        let polled = catch_unwind(AssertUnwindSafe(|| this.serving.poll(cx)));
        polled.unwrap_or_else(|panic| {
            this.serving = Serving::Ready(None);
            Poll::Ready(Ok(internal(&this.exchange, &*panic)))
        })
    }
}

impl Serving {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        match self {
            Serving::Ready(answer) => Poll::Ready(answer.take().expect("a future is not polled after it was ready")),
            Serving::Slow(future) => future.as_mut().poll(cx),
            Serving::First(state) => {
                let (_, incoming) = state.as_mut().expect("a future is not polled after it was ready");
                let data = ready!(incoming.poll_data(cx));
                let (mut job, incoming) = state.take().expect("looked at above");
                let waited = job.call.started().elapsed();
                job.call.add_awaited(waited);
                let answer = match data {
                    Some(Err(error)) => broken(Unread { job, error }),
                    None => job.respond(Source::Empty),
                    Some(Ok(data)) => {
                        job.call.add_received(data.len());
                        let is_whole = incoming.is_end_stream();
                        let source =
                            if is_whole { Source::Whole(data) } else { Source::Echo(Echo::new(data, incoming)) };
                        job.respond(source)
                    }
                };
                Poll::Ready(Ok(answer.into_response()))
            }
        }
    }
}

/// Reads the ask, opens the record, and answers at once if nothing has to be waited for.
fn begin(exchange: &Arc<Exchange>, request: Request<HyperBody>) -> Serving {
    let (parts, body) = request.into_parts();
    let incoming = Incoming::One(body);
    if let Some(upgrade) = Upgrade::asked(&parts, exchange.is_secured, &incoming) {
        exchange.take_over(Takeover::Two(upgrade));
        return Serving::Ready(Some(Err(TakeWire)));
    }
    let Opened { mut job, asked } = open(exchange, &parts);
    let asked = match asked {
        Ok(asked) => asked,
        Err(errors) if is_large(&incoming) || is_eager(&parts) => {
            let mut answer = refusal::bad_spec(job, &errors);
            answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
            return ready_with(answer);
        }
        Err(errors) => return after_body(job, incoming, move |job| refusal::bad_spec(job, &errors)),
    };
    if ask::is_refused(&parts.method) {
        return ready_with(refusal::bad_method(job));
    }
    if ask::is_nameless(&parts) {
        return ready_with(refusal::no_host(job));
    }
    // An endpoint may wait for others, each within a bound of its own.
    exchange.set_patient(asked.fault.is_some() || job.routed.is_some());
    if job.plain.is_some() {
        return leads_nowhere(job, incoming, is_eager(&parts));
    }
    decide(&mut job, &asked, &parts);
    if job.decision.is_some() || job.routed.is_some() {
        return Serving::Slow(Box::pin(act(job, asked.fault, incoming, is_eager(&parts))));
    }
    if incoming.is_end_stream() {
        ready_with(job.respond(Source::Empty))
    } else if job.request.is_head {
        after_body(job, incoming, |job| job.respond(Source::Empty))
    } else if incoming.length().is_some() || is_eager(&parts) {
        Serving::First(Some((job, incoming)))
    } else {
        ready_with(job.respond(Source::Echo(Echo::new(bytes::Bytes::new(), incoming))))
    }
}

fn ready_with(answer: Answer) -> Serving {
    Serving::Ready(Some(Ok(answer.into_response())))
}

/// What takes time: `mem`, `cpu`, and then the answer, or the socket for a broken one.
async fn act(mut job: Job, fault: Option<Fault>, incoming: Incoming, is_eager: bool) -> Answered {
    act::stress(&mut job).await;
    if let Some(fault) = fault
        && job.verdict().is_some_and(|verdict| verdict.fault.is_some())
    {
        return match Plan::leave(job, &fault, incoming, broken).await {
            Ok(()) => Err(TakeWire),
            Err(refusal) => Ok(refusal.into_response()),
        };
    }
    if let Some(fields) = WebSocket::asked(&job) {
        let delay = job.verdict().map_or(Duration::ZERO, |verdict| verdict.delay);
        crate::act::wait(&mut job.call, delay).await;
        let exchange = Arc::clone(&job.exchange);
        exchange.take_over(Takeover::WebSocket(Box::new(WebSocket::new(job, fields))));
        return Err(TakeWire);
    }
    let answer = act::answer(job, incoming, is_eager).await;
    Ok(answer.unwrap_or_else(|unread| broken(*unread)).into_response())
}

/// A path without an endpoint, or the wrong method: said as soon as the body is out of the way.
fn leads_nowhere(mut job: Job, incoming: Incoming, is_eager: bool) -> Serving {
    let source = job.source();
    if is_large(&incoming) || is_eager {
        let mut answer = job.respond(source);
        answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        return ready_with(answer);
    }
    after_body(job, incoming, |job| job.respond(source))
}

/// Whether a request that is refused should rather lose its connection than have its body read to the end.
fn is_large(incoming: &Incoming) -> bool {
    !incoming.is_end_stream() && incoming.length().is_none_or(|bytes| bytes > REFUSED_BODY_BYTES_MAX)
}

/// Answers when the request's body is out of the way, so that the connection stays usable.
fn after_body(mut job: Job, incoming: Incoming, answer: impl FnOnce(Job) -> Answer + Send + 'static) -> Serving {
    if incoming.is_end_stream() {
        return ready_with(answer(job));
    }
    Serving::Slow(Box::pin(async move {
        let read = job.intake(incoming, Read::All).discard().await;
        let answer = match read {
            Ok(()) => answer(job),
            Err(error) => broken(Unread { job, error }),
        };
        Ok(answer.into_response())
    }))
}

/// The request's body could not be read. If its sender left, nobody will read this.
fn broken(Unread { job, error }: Unread) -> Answer {
    match error.class() {
        ServerError::BadRequest => refusal::bad_body(job),
        ServerError::Overload => refusal::too_long(job),
        class => {
            let Job { exchange, call, .. } = job;
            call.failed(class);
            bare(exchange, StatusCode::BAD_REQUEST)
        }
    }
}

/// The answer to a request whose handling panicked; its call was recorded when the panic dropped it.
fn internal(exchange: &Arc<Exchange>, panic: &(dyn Any + Send)) -> Response<AnswerBody> {
    panics::note("a request", panic);
    bare(Arc::clone(exchange), StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// An answer to a request that is recorded already.
fn bare(exchange: Arc<Exchange>, status: StatusCode) -> Answer {
    Answer { exchange, call: None, status, headers: HeaderMap::new(), body: None, length: Some(0) }
}
