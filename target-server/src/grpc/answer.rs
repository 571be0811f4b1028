//! Sending an answer: head, messages in their time, trailers.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::SendStream;
use h2::server::SendResponse;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use http::{HeaderValue, Response};
use http_body::Body as _;
use shared::fault::{At, FaultKind};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};

use super::call::{Clock, ECHO_INITIAL, ECHO_TRAILING, Job, Stop};
use super::{frame, status};
use crate::h2body::{self, left};
use crate::marks;
use crate::pace::Pace;

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Largest piece of a message handed on at once.
const PIECE_BYTES: usize = 64 << 10;

impl Job {
    /// The head's fields, marks of this moment included.
    pub(super) fn head(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, GRPC);
        marks::put(&mut headers, &self.grpc.place, &self.call, self.id, self.decision.as_deref());
        if let Some(value) = &self.echo.0 {
            headers.insert(HeaderName::from_static(ECHO_INITIAL), value.clone());
        }
        let Some(verdict) = self.verdict() else { return headers };
        if let Some(delay) = verdict.retry_after {
            headers.insert(RETRY_AFTER, delay.as_secs().into());
        }
        extend(&mut headers, &verdict.headers);
        headers
    }

    /// The fields of the end beside the status.
    fn end_fields(&self, fields: &mut HeaderMap) {
        if let Some(value) = &self.echo.1 {
            fields.insert(HeaderName::from_static(ECHO_TRAILING), value.clone());
        }
        if let Some(verdict) = self.verdict() {
            extend(fields, &verdict.trailers);
        }
    }

    /// A call that makes no sense, or is malformed.
    pub(super) fn refuse(self, respond: &mut SendResponse<Bytes>, status: &Status) {
        self.send_lone(respond, status);
    }

    /// A status without messages: in the head's place, or behind it if that was asked for.
    pub(super) fn send_lone(mut self, respond: &mut SendResponse<Bytes>, status: &Status) {
        self.set_status(status);
        self.send_lone_as(respond, status);
    }

    /// The same, of a call whose record says already how it ends.
    pub(super) fn send_lone_as(mut self, respond: &mut SendResponse<Bytes>, status: &Status) {
        self.tally();
        let is_after = self.verdict().and_then(|verdict| verdict.trailers_at) == Some(shared::fault::TrailersAt::After);
        let mut head = self.head();
        let mut end = if is_after { HeaderMap::new() } else { std::mem::take(&mut head) };
        put_status(&mut end, status);
        self.end_fields(&mut end);
        let sent = if is_after {
            respond
                .send_response(response(head), false)
                .ok()
                .is_some_and(|mut stream| h2body::send_trailers(&mut stream, end).is_ok())
        } else {
            respond.send_response(response(end), true).is_ok()
        };
        self.settle(sent);
    }

    /// Recorded when it is out; a client that is gone has left.
    pub(super) fn settle(self, is_sent: bool) {
        if is_sent { self.conn.settle(self.call) } else { self.left() }
    }

    /// The method's answer, up to its end or to where the fault strikes.
    pub(super) async fn send(mut self, respond: &mut SendResponse<Bytes>, answer: Response<Body>, clock: Clock) {
        let (parts, body) = answer.into_parts();
        let mut head = self.head();
        // What the method added; its content type is ours.
        for (name, value) in &parts.headers {
            if name != CONTENT_TYPE && !head.contains_key(name) {
                head.append(name, value.clone());
            }
        }
        if self.may_compress() {
            head.insert(ENCODING, HeaderValue::from_static("gzip"));
        }
        let Ok(mut stream) = respond.send_response(response(head), false) else { return self.left() };
        match self.send_body(&mut stream, Messages::new(body), &clock).await {
            Ok(end) => self.finish(&mut stream, end),
            Err(Stop::Left) => self.left(),
            Err(Stop::Due) => self.end_overdue(&mut stream),
            Err(Stop::Strike) => self.strike(&mut stream, &clock).await,
        }
    }

    /// Ends the answer with these trailers.
    pub(super) fn finish(mut self, stream: &mut SendStream<Bytes>, mut end: HeaderMap) {
        let status = Status::from_header_map(&end).unwrap_or_else(|| Status::new(Code::Ok, ""));
        self.set_status(&status);
        self.tally();
        self.end_fields(&mut end);
        let sent = h2body::send_trailers(stream, end).is_ok();
        self.settle(sent);
    }

    /// Whether any message of this answer may be compressed, which the head has to announce.
    fn may_compress(&self) -> bool {
        self.accepts_gzip && (self.method.is_test() || self.verdict().is_some_and(|verdict| verdict.gzip))
    }

    /// The messages, each when its time has come; returns the trailers.
    async fn send_body(
        &mut self,
        stream: &mut SendStream<Bytes>,
        mut messages: Messages,
        clock: &Clock,
    ) -> Result<HeaderMap, Stop> {
        let verdict = self.verdict().cloned().unwrap_or_default();
        let fault = verdict.fault;
        let mut room = match (fault, verdict.at) {
            (None, _) | (_, At::After(_) | At::Percent(_)) => None,
            (Some(_), At::Head) => return Err(Stop::Strike),
            (Some(_), At::Body) => Some(0),
            (Some(_), At::Bytes(bytes)) => Some(bytes),
        };
        let mut pace = verdict.rate_bytes_per_s.map(Pace::new);
        self.pause_beside(stream, clock, verdict.body_delay).await?;
        let mut index = 0;
        while let Some(mut message) = beside(stream, clock, messages.next()).await? {
            let next = self.context.pop();
            if self.accepts_gzip && (next.gzip || verdict.gzip) {
                message = frame::compressed(message);
            }
            if let (Some(_), At::Percent(percent), 0) = (fault, verdict.at, index) {
                let whole = message.len() as f64 * self.context.expected() as f64;
                room = Some((whole * percent / 100.0) as u64);
            }
            let pause = if index == 0 { Duration::ZERO } else { verdict.chunk_delay.nth(index) };
            self.pause_beside(stream, clock, pause.max(next.wait)).await?;
            index += 1;
            let sent =
                room.map_or(message.len(), |room| usize::try_from(room).unwrap_or(usize::MAX).min(message.len()));
            let is_cut = sent < message.len();
            if is_cut && fault == Some(FaultKind::Oversize) {
                // It stands in place of a message, not in the midst of one.
                return Err(Stop::Strike);
            }
            message.truncate(sent);
            room = room.map(|room| room - sent as u64);
            self.send_paced(stream, clock, message, &mut pace).await?;
            if is_cut {
                return Err(Stop::Strike);
            }
        }
        if fault.is_some() {
            // All is sent. Too early for a fault at a point in time: the stream stays open until then.
            let early = matches!(verdict.at, At::After(_));
            return Err(if early { beside(stream, clock, std::future::pending()).await? } else { Stop::Strike });
        }
        self.pause_beside(stream, clock, verdict.end_delay).await?;
        let mut end = messages.trailers;
        if let Some(status) = self.decision.as_deref().and_then(status::asked) {
            self.context.set_scripted();
            end.clear();
            put_status(&mut end, &status);
        }
        Ok(end)
    }

    async fn send_paced(
        &mut self,
        stream: &mut SendStream<Bytes>,
        clock: &Clock,
        mut message: Bytes,
        pace: &mut Option<Pace>,
    ) -> Result<(), Stop> {
        while !message.is_empty() {
            let most = pace.as_ref().map_or(PIECE_BYTES, |pace| {
                usize::try_from(pace.piece_bytes()).unwrap_or(PIECE_BYTES).min(PIECE_BYTES)
            });
            let piece = message.split_to(most.min(message.len()));
            if let Some(pace) = pace {
                let wait = pace.wait(piece.len() as u64, Instant::now());
                self.pause_beside(stream, clock, wait).await?;
            }
            let length = piece.len();
            send(stream, clock, piece).await?;
            self.call.add_sent(length);
        }
        Ok(())
    }

    async fn pause_beside(
        &mut self,
        stream: &mut SendStream<Bytes>,
        clock: &Clock,
        wait: Duration,
    ) -> Result<(), Stop> {
        if wait.is_zero() { Ok(()) } else { beside(stream, clock, self.pause(wait)).await }
    }
}

/// Hands bytes on as the client takes them.
pub(super) async fn send(stream: &mut SendStream<Bytes>, clock: &Clock, bytes: Bytes) -> Result<(), Stop> {
    tokio::select! {
        biased;
        stop = clock.run_out() => Err(stop),
        sent = h2body::send(stream, bytes, false) => sent.map_err(|_| Stop::Left),
    }
}

/// Waits for something that is not the stream itself.
pub(super) async fn beside<T>(
    stream: &mut SendStream<Bytes>,
    clock: &Clock,
    what: impl Future<Output = T>,
) -> Result<T, Stop> {
    tokio::select! {
        biased;
        stop = clock.run_out() => Err(stop),
        done = what => Ok(done),
        _ = left(stream) => Err(Stop::Left),
    }
}

pub(super) fn response(headers: HeaderMap) -> Response<()> {
    let mut response = Response::new(());
    *response.headers_mut() = headers;
    response
}

/// The three fields that say how a call ended.
pub(super) fn put_status(headers: &mut HeaderMap, status: &Status) {
    if status.add_header(headers).is_err() {
        // Its message is no header value; its code is.
        headers.insert(Status::GRPC_STATUS, HeaderValue::from(status.code() as i32));
    }
}

/// The fields of a spec; the language lets in only valid ones.
fn extend(headers: &mut HeaderMap, pairs: &[(String, String)]) {
    for (name, value) in pairs {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            headers.append::<HeaderName>(name, value);
        }
    }
}

/// The messages of a method's answer, one by one, however tonic cut them.
struct Messages {
    body: Body,
    bytes: BytesMut,
    trailers: HeaderMap,
}

impl Messages {
    fn new(body: Body) -> Messages {
        Messages { body, bytes: BytesMut::new(), trailers: HeaderMap::new() }
    }

    /// The next with its prefix; at the end nothing, and the trailers are there.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(message) = frame::take(&mut self.bytes) {
                return Some(message);
            }
            match poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await? {
                Err(status) => put_status(&mut self.trailers, &status),
                Ok(frame) => match frame.into_data() {
                    Ok(data) => self.bytes.extend_from_slice(&data),
                    Err(frame) => self.trailers = frame.into_trailers().unwrap_or_default(),
                },
            }
        }
    }
}
