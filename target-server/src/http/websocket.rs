//! A WebSocket on a socket that hyper gave back: the 101, then frames to the end.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use shared::outcome::Code;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::answer::Job;
use super::routing::Routed;
use crate::bare::class_of_write;
use crate::podinfo::ws;
use crate::stream::Stream;

/// A connection that was agreed on.
pub(super) struct WebSocket {
    job: Job,
    /// Of the 101.
    fields: HeaderMap,
}

impl WebSocket {
    /// What this request asks for, if it does so in valid words and nothing else is to become of it.
    pub(super) fn asked(job: &Job) -> Option<HeaderMap> {
        let Routed { method, headers, .. } = job.routed.as_deref().filter(|routed| routed.is_websocket())?;
        let is_plain = job.verdict().is_none_or(|verdict| verdict.fault.is_none() && verdict.status.is_none());
        let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        is_plain.then(|| ws::accept(method, headers, host).ok()).flatten()
    }

    pub(super) fn new(job: Job, fields: HeaderMap) -> WebSocket {
        WebSocket { job, fields }
    }

    /// Serves it. `read` came behind the request. Its life is what was asked for: none of it is the target's own time.
    pub(super) async fn serve(self, mut stream: Stream, read: Bytes, drain: &CancellationToken) {
        let WebSocket { job, fields } = self;
        let mut head = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        for (name, value) in job.head_fields().iter().chain(&fields) {
            head.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        head.extend_from_slice(b"\r\n");
        let core = std::sync::Arc::clone(&job.exchange.http.core);
        let Job { mut call, decision, .. } = job;
        match timeout(core.head_timeout, stream.write_all(&head)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return call.failed(class_of_write(&error)),
            Err(_) => return call.failed(shared::outcome::ServerError::Write),
        }
        // What was asked of the answer is over with it; the connection may live for hours.
        drop(decision);
        call.set_code(Code::Http(StatusCode::SWITCHING_PROTOCOLS.as_u16()));
        call.not_also();
        call.asked_begins();
        let hostname = core.place.split('/').next().unwrap_or_default();
        let end = ws::serve(stream, read, hostname, drain.clone()).await;
        call.add_sent(usize::try_from(end.sent_bytes).unwrap_or(usize::MAX));
        call.add_received(usize::try_from(end.received_bytes).unwrap_or(usize::MAX));
        match end.ended.error() {
            Some(error) => call.failed(error),
            None => call.answered(),
        }
    }
}
