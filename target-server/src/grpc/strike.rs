//! Ends that are no ordinary end: faults, a deadline, a client that left.

use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, StatusCode};
use shared::fault::{Body, FaultKind};
use shared::payload::Payload;
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};

use super::answer::{put_status, response, send};
use super::call::{Clock, Job, Stop};
use super::{frame, status};
use crate::h2body::{self, left, left_before_head};

/// What clients accept as a message at most, unless told otherwise.
const CLIENT_MESSAGE_MAX_BYTES: u64 = 4 << 20;
/// So much larger is a message that is too large.
const OVER_BYTES: u64 = 1;
/// A field that no message of ours has (number 100, length-delimited): clients that take the message skip what is in it.
const UNKNOWN_FIELD: [u8; 2] = [0xa2, 0x06];
/// How long what was sent may take to leave before a reset that would throw it away.
const FLUSH_MAX: Duration = Duration::from_secs(1);
/// What a proxy says in the place of an answer.
const BAD_GATEWAY: &[u8] = b"<html>bad gateway</html>\n";

/// How a hang ended.
enum Hung {
    Due,
    Left,
    GivenUp,
}

impl Job {
    /// Nothing has been sent yet.
    pub(super) async fn stop_before_head(self, respond: &mut SendResponse<Bytes>, stop: Stop) {
        match (stop, self.kind()) {
            (Stop::Left, _) => self.left(),
            (Stop::Strike, Some(kind)) => self.strike_before_head(respond, kind).await,
            (Stop::Due, _) | (Stop::Strike, None) => self.end_overdue_before_head(respond),
        }
    }

    fn end_overdue_before_head(mut self, respond: &mut SendResponse<Bytes>) {
        self.set_overdue();
        let status = status::overdue(self.timeout.unwrap_or_default());
        self.send_lone_as(respond, &status);
    }

    /// The deadline passed behind the head.
    pub(super) fn end_overdue(mut self, stream: &mut SendStream<Bytes>) {
        self.set_overdue();
        self.tally();
        let mut end = HeaderMap::new();
        put_status(&mut end, &status::overdue(self.timeout.unwrap_or_default()));
        let sent = h2body::send_trailers(stream, end).is_ok();
        self.settle(sent);
    }

    /// The fault, where the head would be.
    pub(super) async fn strike_before_head(mut self, respond: &mut SendResponse<Bytes>, kind: FaultKind) {
        match kind {
            FaultKind::Hang => {
                let hung = self.hang(async { _ = left_before_head(respond).await }).await;
                match hung {
                    Hung::Due => self.end_overdue_before_head(respond),
                    Hung::Left => self.left_hanging(),
                    Hung::GivenUp => {
                        self.unanswered();
                        respond.send_reset(Reason::CANCEL);
                    }
                }
            }
            FaultKind::Empty => {
                let head = self.head();
                self.unanswered();
                // A client that is gone has what it asked for all the same.
                let _ = respond.send_response(response(head), true);
            }
            FaultKind::BadHead => {
                let mut head = self.head();
                head.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
                self.unanswered();
                let mut response = response(head);
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                if let Ok(mut stream) = respond.send_response(response, false) {
                    let _ = stream.send_data(Bytes::from_static(BAD_GATEWAY), true);
                }
            }
            FaultKind::NoStatus | FaultKind::Oversize => {
                let Ok(mut stream) = respond.send_response(response(self.head()), false) else { return self.left() };
                let clock = self.deadline();
                self.strike(&mut stream, &clock).await;
            }
            FaultKind::H2Rst(code) => {
                self.unanswered();
                respond.send_reset(Reason::from(code.get()));
            }
            FaultKind::Reset | FaultKind::Goaway(_) | FaultKind::Garbage => self.break_connection(kind).await,
            _ => {
                self.unanswered();
                respond.send_reset(Reason::INTERNAL_ERROR);
            }
        }
    }

    /// The fault, behind the head.
    pub(super) async fn strike(mut self, stream: &mut SendStream<Bytes>, clock: &Clock) {
        let Some(kind) = self.kind() else { return self.left() };
        match kind {
            FaultKind::Hang => {
                let hung = self.hang(async { _ = left(stream).await }).await;
                match hung {
                    Hung::Due => self.end_overdue(stream),
                    Hung::Left => self.left_hanging(),
                    Hung::GivenUp => {
                        self.unanswered();
                        stream.send_reset(Reason::CANCEL);
                    }
                }
            }
            FaultKind::NoStatus => {
                self.unanswered();
                let _ = stream.send_data(Bytes::new(), true);
            }
            FaultKind::Oversize => self.send_oversize(stream, clock).await,
            FaultKind::Reset | FaultKind::Goaway(_) | FaultKind::Garbage => self.break_connection(kind).await,
            _ => {
                let code = match kind {
                    FaultKind::H2Rst(code) => Reason::from(code.get()),
                    _ => Reason::INTERNAL_ERROR,
                };
                // A reset overtakes what is queued; what was sent before it should come first.
                tokio::select! {
                    _ = timeout(FLUSH_MAX, self.conn.flushed()) => {}
                    _ = left(stream) => {}
                }
                self.unanswered();
                stream.send_reset(code);
            }
        }
    }

    /// It asked for no complete answer, and gets none.
    fn unanswered(mut self) {
        self.tally();
        self.call.left_unanswered();
    }

    /// A client that leaves a hang does what it was asked to, unless that was its deadline, which has a name.
    fn left_hanging(self) {
        let is_due =
            self.timeout.is_some_and(|timeout| shared::deadline::is_due(self.call.started().elapsed(), timeout));
        if is_due { self.left() } else { self.unanswered() }
    }

    async fn hang(&mut self, left: impl Future<Output = ()>) -> Hung {
        let hang_max = self.grpc.core.faults.limits().hang_max;
        self.call.hangs();
        let clock = self.deadline();
        let hung = tokio::select! {
            biased;
            _ = clock.run_out() => Hung::Due,
            () = left => Hung::Left,
            () = sleep(hang_max) => Hung::GivenUp,
            () = self.conn.draining() => Hung::GivenUp,
        };
        self.call.asked_ends();
        hung
    }

    /// What ends a fault that has begun.
    fn deadline(&self) -> Clock {
        Clock::due(self.timeout.and_then(|timeout| self.call.started().checked_add(timeout)))
    }

    async fn break_connection(self, kind: FaultKind) {
        let conn = std::sync::Arc::clone(&self.conn);
        self.unanswered();
        match kind {
            FaultKind::Goaway(code) => conn.goaway(Reason::from(code.get())),
            FaultKind::Garbage => conn.garbage(),
            _ => conn.reset(),
        }
        conn.over().await;
    }

    /// One message that is too large for a client which did not raise its limit; then an end as if nothing had happened.
    async fn send_oversize(mut self, stream: &mut SendStream<Bytes>, clock: &Clock) {
        // Clients refuse such a message before they have all of it.
        self.call.may_be_left();
        let message = oversize();
        let length = message.len();
        match send(stream, clock, message).await {
            Ok(()) => {
                self.call.add_sent(length);
                let mut end = HeaderMap::new();
                put_status(&mut end, &Status::new(Code::Ok, ""));
                self.finish(stream, end);
            }
            // It refused the message, which is what clients do.
            Err(Stop::Left) => self.unanswered(),
            Err(Stop::Due | Stop::Strike) => self.end_overdue(stream),
        }
    }
}

fn oversize() -> Bytes {
    let content_bytes = CLIENT_MESSAGE_MAX_BYTES + OVER_BYTES;
    let mut message = UNKNOWN_FIELD.to_vec();
    prost::encoding::encode_varint(content_bytes, &mut message);
    let payload = Payload::new(Body::Random, content_bytes, 0, "").expect("random is content");
    payload.chunks(u64::MAX).for_each(|chunk| message.extend_from_slice(chunk));
    frame::framed(0, &message)
}
