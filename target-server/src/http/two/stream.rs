//! One stream of HTTP/2: ask → verdict → act → answer, with what HTTP/1.1 does for the first three.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Request};
use shared::fault::Fault;
use shared::outcome::ServerError;

use super::out::Out;
use super::strike;
use crate::h2body::Gone;
use crate::h2conn::H2Conn;
use crate::http::HEAD_MAX_BYTES;
use crate::http::act::{self, Unread};
use crate::http::answer::{Answer, Job};
use crate::http::exchange::Exchange;
use crate::http::incoming::Incoming;
use crate::http::open::{Opened, decide, is_eager, open};
use crate::http::shape::{Piece, Shaped};
use crate::http::strike::{Broken, Unbroken};
use crate::http::{ask, refusal};
use crate::record::Call;

/// RFC 9113, section 10.5.1 (after RFC 7540's 6.5.2): what a field counts beyond its bytes.
const FIELD_OVERHEAD_BYTES: usize = 32;

/// Whether a request speaks gRPC rather than plain HTTP: `application/grpc`, with a suffix or parameters or without.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let rest = content_type.strip_prefix("application/grpc");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';', ' ']))
}

/// What was made of a request.
enum Made {
    Answer(Answer),
    Broken(Broken),
    Unread(Box<Unread>),
}

/// Serves one stream to its end.
pub(super) async fn serve(exchange: Arc<Exchange>, conn: &H2Conn, request: Request<RecvStream>, out: &mut Out<'_>) {
    let (parts, body) = request.into_parts();
    let incoming = Incoming::two(body, &parts.headers);
    let Opened { mut job, asked } = open(&exchange, &parts);
    if is_eager(&parts) && !incoming.is_end_stream() {
        out.go_on();
    }
    let asked = match asked {
        _ if head_bytes(&parts) > HEAD_MAX_BYTES => return send(refusal::large_head(job), conn, out).await,
        Err(errors) => return send(refusal::bad_spec(job, &errors), conn, out).await,
        Ok(_) if ask::is_refused(&parts.method) => return send(refusal::bad_method(job), conn, out).await,
        Ok(asked) => asked,
    };
    if asked.fault.is_some() || job.routed.is_some() {
        exchange.set_patient(true);
    }
    decide(&mut job, &asked, &parts);
    let made = tokio::select! {
        // First: most answers are there at once.
        biased;
        made = make(job, asked.fault, incoming, is_eager(&parts)) => made,
        Gone = out.left() => return,
    };
    match made {
        Made::Answer(answer) => send(answer, conn, out).await,
        Made::Broken(broken) => strike::run(broken, conn, out).await,
        Made::Unread(unread) => unreadable(*unread, conn, out).await,
    }
}

/// The size of the fields as HTTP/2 counts it.
fn head_bytes(parts: &Parts) -> usize {
    let fields = parts.headers.iter();
    let target = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    target + fields.map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD_BYTES).sum::<usize>()
}

async fn make(mut job: Job, fault: Option<Fault>, incoming: Incoming, is_eager: bool) -> Made {
    act::stress(&mut job).await;
    if let Some(fault) = fault
        && job.verdict().is_some_and(|verdict| verdict.fault.is_some())
    {
        return match Broken::new(job, &fault, incoming).await {
            Ok(broken) if strike::can_frame(&broken) => Made::Broken(broken),
            Ok(broken) => Made::Answer(broken.refuse(&fault)),
            Err(unbroken) => match *unbroken {
                Unbroken::Answered(answer) => Made::Answer(answer),
                Unbroken::Unread(unread) => Made::Unread(Box::new(unread)),
            },
        };
    }
    match act::answer(job, incoming, is_eager).await {
        Ok(answer) => Made::Answer(answer),
        Err(unread) => Made::Unread(unread),
    }
}

/// The request's body could not be read. Unless it only took too long, its stream is gone.
async fn unreadable(Unread { job, error }: Unread, conn: &H2Conn, out: &mut Out<'_>) {
    match error.class() {
        ServerError::Overload => send(refusal::too_long(job), conn, out).await,
        class => {
            job.call.failed(class);
            out.reset(Reason::CANCEL);
        }
    }
}

/// Sends an answer whole.
async fn send(answer: Answer, conn: &H2Conn, out: &mut Out<'_>) {
    let Answer { call, status, headers, body, length, .. } = answer;
    let Some(call) = call else { return };
    if out.head(status, headers, length, body.is_none()).is_err() {
        return;
    }
    match body {
        Some(shaped) => send_body(Bytes::new(), shaped, call, conn, out).await,
        None => conn.settle(call),
    }
}

/// Sends the rest of a body: `first`, then what is still in `shaped`. If the client leaves, the call is dropped.
pub(super) async fn send_body(first: Bytes, mut shaped: Shaped, mut call: Call, conn: &H2Conn, out: &mut Out<'_>) {
    if out.data(first, false).await.is_err() {
        return;
    }
    loop {
        let piece = tokio::select! {
            biased;
            piece = poll_fn(|cx| shaped.poll_piece(cx, &mut call)) => piece,
            Gone = out.left() => return,
        };
        let is_end = match piece {
            Some(Err(error)) => {
                call.failed(error.class());
                return out.reset(Reason::INTERNAL_ERROR);
            }
            Some(Ok(Piece::Data(data))) => {
                let is_end = shaped.is_done();
                if out.data(data, is_end).await.is_err() {
                    return;
                }
                is_end
            }
            Some(Ok(Piece::Trailers(trailers))) => {
                if out.trailers(trailers).is_err() {
                    return;
                }
                true
            }
            None => {
                if out.data(Bytes::new(), true).await.is_err() {
                    return;
                }
                true
            }
        };
        if is_end {
            return conn.settle(call);
        }
    }
}

/// The answer to a request whose handling panicked; its call was recorded when the panic dropped it.
pub(super) fn internal(out: &mut Out<'_>) {
    if out.head(http::StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new(), Some(0), true).is_err() {
        out.reset(Reason::INTERNAL_ERROR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_told_by_its_content_type() {
        for (value, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/json", false),
            ("", false),
        ] {
            assert_eq!(is_grpc(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())])), expected, "{value}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }
}
