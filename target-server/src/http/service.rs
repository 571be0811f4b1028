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

use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use shared::fault::Read;
use shared::identity::Source as Injector;
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use shared::red::Labels;
use tokio::time::Instant;

use super::act;
use super::answer::{Job, RequestHead};
use super::ask::{self, Ask};
use super::body::{AnswerBody, class_of};
use super::exchange::Exchange;
use super::refusal;
use super::source::{BodyError, Echo, Source};
use crate::record::Call;

/// Longest body that is read, only to keep the connection of a request that is refused anyway.
const REFUSED_BODY_BYTES_MAX: u64 = 64 * 1024;

/// Serves the requests of one connection.
pub(super) struct Service(pub(super) Arc<Exchange>);

/// The service needs the socket itself: the answer will be none that hyper could write. Ends hyper's connection; the
/// plan waits in the exchange.
#[derive(Debug, thiserror::Error)]
#[error("the socket is needed for a broken answer")]
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

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<AnswerBody>;
    type Error = TakeWire;
    type Future = ServingOn;

    fn call(&self, request: Request<Incoming>) -> ServingOn {
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
                let (job, incoming) = state.as_mut().expect("a future is not polled after it was ready");
                let source = loop {
                    match ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                        None => break Ok(None),
                        Some(Err(error)) => break Err(BodyError::Request(error)),
                        Some(Ok(frame)) => {
                            if let Ok(data) = frame.into_data() {
                                job.call.add_received(data.len());
                                break Ok(Some(data));
                            }
                        }
                    }
                };
                let (mut job, incoming) = state.take().expect("looked at above");
                let waited = job.call.started().elapsed();
                job.call.add_awaited(waited);
                Poll::Ready(Ok(match source {
                    Err(error) => broken(job, &error),
                    Ok(None) => job.respond(Source::Empty),
                    Ok(Some(data)) if incoming.is_end_stream() => job.respond(Source::Whole(data)),
                    Ok(Some(data)) => job.respond(Source::Echo(Echo::new(data, incoming))),
                }))
            }
        }
    }
}

/// Reads the ask, opens the record, and answers at once if nothing has to be waited for.
fn begin(exchange: &Arc<Exchange>, request: Request<Incoming>) -> Serving {
    let started = Instant::now();
    let (parts, incoming) = request.into_parts();
    let faults = &exchange.http.core.faults;
    // Also in reading the ask a panic must cost one request, and be counted as one.
    let asked = catch_unwind(AssertUnwindSafe(|| Ask::read(&parts, faults.limits())));
    let asked = asked.unwrap_or_else(|panic| {
        exchange.http.count_nameless("echo", Code::Http(500), ServerError::Internal);
        std::panic::resume_unwind(panic)
    });
    let id = asked.identity.map(|identity| identity.id);
    let labels = Labels {
        source: asked.identity.map_or_else(Injector::external, |identity| identity.source),
        protocol: Protocol::Http,
        operation: asked.operation,
        injected: asked.fault.as_ref().is_ok_and(|fault| fault.as_ref().is_some_and(|fault| fault.injects())),
    };
    let handles = exchange.handles(labels, id.map(|id| id.session), started);
    let call = Call::start(handles, started);
    #[cfg(test)]
    assert!(parts.uri.path() != "/panic", "a test asked for it");

    let mut job = Job { exchange: Arc::clone(exchange), call, request: RequestHead::of(&parts, id), decision: None };
    let fault = match asked.fault {
        Ok(fault) => fault,
        Err(errors) if is_large(&incoming) || is_eager(&parts) => {
            let mut response = refusal::bad_spec(job, &errors);
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return Serving::Ready(Some(Ok(response)));
        }
        Err(errors) => return after_body(job, incoming, move |job| refusal::bad_spec(job, &errors)),
    };
    if ask::is_refused(&parts.method) {
        return Serving::Ready(Some(Ok(refusal::bad_method(job))));
    }
    exchange.set_patient(fault.is_some());
    if let Some(fault) = fault {
        job.request.accepts_gzip = ask::accepts_gzip(&parts.headers);
        job.decision = Some(Box::new(faults.decide(&fault, id, exchange.client)));
        return Serving::Slow(Box::pin(act::run(job, fault, incoming, is_eager(&parts))));
    }
    if incoming.is_end_stream() {
        Serving::Ready(Some(Ok(job.respond(Source::Empty))))
    } else if job.request.is_head {
        after_body(job, incoming, |job| job.respond(Source::Empty))
    } else if incoming.size_hint().exact().is_some() || is_eager(&parts) {
        Serving::First(Some((job, incoming)))
    } else {
        Serving::Ready(Some(Ok(job.respond(Source::Echo(Echo::new(bytes::Bytes::new(), incoming))))))
    }
}

/// Whether a request that is refused should rather lose its connection than have its body read to the end.
fn is_large(incoming: &Incoming) -> bool {
    !incoming.is_end_stream() && incoming.size_hint().upper().is_none_or(|bytes| bytes > REFUSED_BODY_BYTES_MAX)
}

/// Whether the client waits with its body until it is asked for it: an answer must not come first.
fn is_eager(parts: &Parts) -> bool {
    parts.headers.contains_key(EXPECT)
}

/// Answers when the request's body is out of the way, so that the connection stays usable.
fn after_body(
    mut job: Job,
    incoming: Incoming,
    answer: impl FnOnce(Job) -> Response<AnswerBody> + Send + 'static,
) -> Serving {
    if incoming.is_end_stream() {
        return Serving::Ready(Some(Ok(answer(job))));
    }
    Serving::Slow(Box::pin(async move {
        let read = job.intake(incoming, Read::All).discard().await;
        Ok(match read {
            Ok(()) => answer(job),
            Err(error) => broken(job, &error),
        })
    }))
}

/// The request's body could not be read. If its sender left, nobody will read this.
pub(super) fn broken(job: Job, error: &BodyError) -> Response<AnswerBody> {
    match class_of(error) {
        ServerError::BadRequest => refusal::bad_body(job),
        ServerError::Overload => refusal::too_long(job),
        class => {
            let Job { exchange, call, .. } = job;
            call.failed(class);
            let mut response = Response::new(AnswerBody::none(&exchange, None));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    }
}

/// The answer to a request whose handling panicked; its call was recorded when the panic dropped it.
fn internal(exchange: &Exchange, panic: &(dyn Any + Send)) -> Response<AnswerBody> {
    let reason = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(reason = reason.unwrap_or("unknown"), "a request panicked");
    let mut response = Response::new(AnswerBody::none(exchange, None));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
