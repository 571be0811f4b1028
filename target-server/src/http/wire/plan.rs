//! What is to be written, and where it breaks.

use std::borrow::Cow;
use std::time::Duration;

use http::Response;
use http_body::Body as _;
use hyper::body::Incoming;
use shared::fault::{At, Body, Fault, FaultKind, Key, SpecErrorCode};
use shared::payload::Payload;
use tokio::time::Instant;

use super::head::{self, Framing};
use crate::http::answer::Job;
use crate::http::body::AnswerBody;
use crate::http::refusal;
use crate::http::service::broken;
use crate::http::shape::Shaped;
use crate::http::source::Source;
use crate::stress::Memory;

/// Random bytes sent by `garbage`: enough to fill any parser's first look.
const GARBAGE_BYTES: u64 = 512;

/// A broken answer, ready to be written.
pub(in crate::http) struct Plan {
    pub(super) job: Job,
    pub(super) kind: FaultKind,
    pub(super) strike: Strike,
    /// Before the head.
    pub(super) delay: Duration,
    pub(super) shaped: Shaped,
    framing: Framing,
    at: Option<Instant>,
    /// The part of the memory budget that the held echo takes.
    _memory: Memory,
}

/// Where the fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strike {
    /// Instead of the head.
    Head,
    /// After this many bytes of the body.
    Byte(u64),
    /// After the whole body.
    End,
}

impl Plan {
    /// Reads the request's body as asked, and leaves the plan in the exchange. What cannot be done is answered.
    pub(in crate::http) async fn leave(
        mut job: Job,
        fault: &Fault,
        incoming: Incoming,
    ) -> Result<(), Box<Response<AnswerBody>>> {
        let Some((kind, at, read, delay)) =
            job.verdict().and_then(|verdict| Some((verdict.fault?, verdict.at, verdict.read, verdict.delay)))
        else {
            return Err(Box::new(job.respond(Source::Empty)));
        };
        // What is broken before its first byte needs none of them.
        let (is_echo, made) = (job.is_echo() && !strikes_head(kind, at), job.made());
        let size_max_bytes = job.exchange.http.core.faults.limits().size_max_bytes;
        let held_bytes = if is_echo { incoming.size_hint().upper().unwrap_or(u64::MAX).min(size_max_bytes) } else { 0 };
        let Some(memory) = job.exchange.http.core.faults.stress().reserve(held_bytes) else {
            return Err(Box::new(refusal::no_memory(job)));
        };
        let intake = job.intake(incoming, read);
        let source = if is_echo {
            // Held whole: how long it is decides how its being cut is announced.
            let size_max = usize::try_from(size_max_bytes).unwrap_or(usize::MAX);
            intake.whole(size_max).await.map(|bytes| bytes.map(Source::Whole))
        } else {
            intake.discard().await.map(|()| Some(made.map_or(Source::Empty, |payload| Source::Made(payload, 0))))
        };
        let source = match source {
            Ok(Some(source)) => source,
            Ok(None) => {
                let errors = fault.error_at(
                    Key::Fault,
                    SpecErrorCode::LimitExceeded,
                    "an echo is held in memory to be broken, and this one is too large",
                    "a smaller request body, or size=",
                );
                return Err(Box::new(refusal::bad_spec(job, &errors)));
            }
            Err(error) => return Err(Box::new(broken(job, &error))),
        };
        if job.is_bodiless() && matches!(kind, FaultKind::Abort | FaultKind::BadChunk | FaultKind::Clen(_)) {
            let errors = fault.error_at(
                Key::Fault,
                SpecErrorCode::Conflict,
                "the answer has no body that could be broken",
                "another method than HEAD and another status than 204 or 304, or a fault that strikes the head",
            );
            return Err(Box::new(refusal::bad_spec(job, &errors)));
        }
        let total = source.remaining();
        let shaped = job.shape(source);
        let strike = strike(kind, at, total);
        let Some(framing) = framing(kind, strike, at, shaped.length(), job.request.is_http10) else {
            let errors = fault.error_at(
                Key::Fault,
                SpecErrorCode::Conflict,
                "the answer cannot be framed so",
                "for clen, a body of a known length (no chunk, gzip or trailer) that is longer than the difference; for \
                 badchunk, HTTP/1.1",
            );
            return Err(Box::new(refusal::bad_spec(job, &errors)));
        };
        let at = match at {
            At::After(delay) => Some(job.call.started() + delay),
            _ => None,
        };
        let exchange = std::sync::Arc::clone(&job.exchange);
        exchange.give_wire(Box::new(Plan { job, kind, strike, delay, shaped, framing, at, _memory: memory }));
        Ok(())
    }

    /// When the fault strikes, if it is a matter of time.
    pub(super) fn strike_time(&self) -> Option<Instant> {
        self.at
    }

    /// The answer's head, marked like any other.
    pub(super) fn head(&self) -> Vec<u8> {
        head::write(&self.job, self.framing)
    }

    /// Body bytes as the framing wants them.
    pub(super) fn framed<'a>(&self, data: &'a [u8]) -> Cow<'a, [u8]> {
        match self.framing {
            Framing::Length(_) => Cow::Borrowed(data),
            Framing::Chunked => {
                let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
                chunk.extend_from_slice(data);
                chunk.extend_from_slice(b"\r\n");
                Cow::Owned(chunk)
            }
        }
    }

    /// What the fault itself writes.
    pub(super) fn last_words(&self) -> Vec<u8> {
        match self.kind {
            FaultKind::BadChunk => b"not-a-size\r\n".to_vec(),
            FaultKind::BadHead => head::malformed(&self.job),
            FaultKind::Garbage => {
                let (seed, key) = self.job.verdict().map_or((0, ""), |verdict| (verdict.seed, verdict.key.as_str()));
                let random = Payload::new(Body::Random, GARBAGE_BYTES, seed, key).expect("random is no echo");
                // 0xff begins no status line, whatever the dice say.
                let mut garbage = vec![0xff];
                garbage.extend(random.chunks(GARBAGE_BYTES).flatten());
                garbage
            }
            _ => Vec::new(),
        }
    }
}

/// Whether it strikes before the answer's first byte, whatever the body.
fn strikes_head(kind: FaultKind, at: At) -> bool {
    strike(kind, at, None) == Strike::Head
}

fn strike(kind: FaultKind, at: At, total: Option<u64>) -> Strike {
    match (kind, at) {
        (FaultKind::Empty | FaultKind::BadHead | FaultKind::Garbage, _) => Strike::Head,
        (FaultKind::Clen(_), _) | (_, At::After(_)) => Strike::End,
        (_, At::Body) => Strike::Byte(0),
        (_, At::Head) => Strike::Head,
        (_, At::Bytes(bytes)) => Strike::Byte(bytes),
        (_, At::Percent(percent)) => match total {
            Some(total) => Strike::Byte((total as f64 * percent / 100.0) as u64),
            None => Strike::End,
        },
    }
}

/// How the body is announced, so that its end is seen to be missing; nothing if that cannot be done.
fn framing(kind: FaultKind, strike: Strike, at: At, length: Option<u64>, is_http10: bool) -> Option<Framing> {
    let is_cut = matches!((strike, length), (Strike::Byte(byte), Some(length)) if byte < length);
    let framing = match kind {
        FaultKind::Clen(difference) => {
            return length?.checked_add_signed(difference).map(Framing::Length);
        }
        // HTTP/1.0 has no chunks that could be bad.
        FaultKind::BadChunk if is_http10 => return None,
        FaultKind::BadChunk => Framing::Chunked,
        _ if is_cut && !matches!(at, At::After(_)) => Framing::Length(length?),
        _ => Framing::Chunked,
    };
    Some(match framing {
        // HTTP/1.0 has no chunks. One byte that never comes serves as well.
        Framing::Chunked if is_http10 => Framing::Length(length.unwrap_or(0).saturating_add(1)),
        framing => framing,
    })
}
