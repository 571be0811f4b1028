//! An answer that is to be broken, as far as that does not depend on who frames it: what is in it, and where it breaks.

use std::time::Duration;

use shared::fault::{At, Fault, FaultKind, Key, SpecErrorCode};
use tokio::time::Instant;

use super::act::Unread;
use super::answer::{Answer, Job};
use super::endpoint;
use super::incoming::Incoming;
use super::refusal;
use super::shape::Shaped;
use super::source::Source;
use crate::stress::Memory;

/// A broken answer, ready to be written.
pub(super) struct Broken {
    pub(super) job: Job,
    pub(super) kind: FaultKind,
    pub(super) strike: Strike,
    /// When the fault strikes, if that is a matter of time.
    pub(super) at: Option<Instant>,
    /// Before the head.
    pub(super) delay: Duration,
    pub(super) shaped: Shaped,
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

/// Why there is nothing to break.
pub(super) enum Unbroken {
    /// It cannot be done, and this says why.
    Answered(Answer),
    /// The request's body could not be read.
    Unread(Unread),
}

impl Broken {
    /// Reads the request's body as asked, and says where the answer breaks.
    pub(super) async fn new(mut job: Job, fault: &Fault, incoming: Incoming) -> Result<Broken, Box<Unbroken>> {
        let Some((kind, at, read, delay)) =
            job.verdict().and_then(|verdict| Some((verdict.fault?, verdict.at, verdict.read, verdict.delay)))
        else {
            return Err(answered(job.respond(Source::Empty)));
        };
        // What is broken before its first byte needs none of them.
        let is_echo = job.is_echo() && !strikes_head(kind, at);
        let size_max_bytes = job.exchange.http.core.faults.limits().size_max_bytes;
        let held_bytes = if is_echo { incoming.length().unwrap_or(u64::MAX).min(size_max_bytes) } else { 0 };
        let Some(memory) = job.exchange.http.core.faults.stress().reserve(held_bytes) else {
            return Err(answered(refusal::no_memory(job)));
        };
        let source = if is_echo {
            // Held whole: how long it is decides how its being cut is announced.
            let size_max = usize::try_from(size_max_bytes).unwrap_or(usize::MAX);
            job.intake(incoming, read).whole(size_max).await.map(|bytes| bytes.map(Source::Whole))
        } else if let Some(routed) = job.routed.take().filter(|_| !strikes_head(kind, at)) {
            endpoint::ask(&mut job, *routed, incoming, read).await.map(Some)
        } else {
            let source = job.source();
            job.intake(incoming, read).discard().await.map(|()| Some(source))
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
                return Err(answered(refusal::bad_spec(job, &errors)));
            }
            Err(error) => return Err(Box::new(Unbroken::Unread(Unread { job, error }))),
        };
        if job.is_bodiless() && kind.needs_body() {
            let errors = fault.error_at(
                Key::Fault,
                SpecErrorCode::Conflict,
                "the answer has no body that could be broken",
                "another method than HEAD and another status than 204 or 304, or a fault that strikes the head",
            );
            return Err(answered(refusal::bad_spec(job, &errors)));
        }
        let strike = strike(kind, at, source.remaining());
        let shaped = job.shape(source);
        let at = match at {
            At::After(delay) => Some(job.call.started() + delay),
            _ => None,
        };
        Ok(Broken { job, kind, strike, at, delay, shaped, _memory: memory })
    }

    /// The length that `clen` announces; nothing if it cannot.
    pub(super) fn false_length(&self, difference: i64) -> Option<u64> {
        self.shaped.length()?.checked_add_signed(difference)
    }

    /// The refusal of a fault that this version of HTTP has no way to write.
    pub(super) fn refuse(self, fault: &Fault) -> Answer {
        let errors = fault.error_at(
            Key::Fault,
            SpecErrorCode::Conflict,
            "the answer cannot be framed so",
            "for clen, a body of a known length (no chunk, gzip or trailer) that is longer than the difference; for \
             badchunk, HTTP/1.1",
        );
        refusal::bad_spec(self.job, &errors)
    }
}

fn answered(answer: Answer) -> Box<Unbroken> {
    Box::new(Unbroken::Answered(answer))
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
