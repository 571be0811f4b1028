//! Where the bytes of an answer's body come from.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use shared::outcome::ServerError;
use shared::payload::Payload;
use tokio::time::{Instant, Sleep};

use super::incoming::Incoming;
use crate::pace::Pace;
use crate::record::Call;
use crate::stress::Memory;

/// Largest piece handed to the socket at once when nobody asked for another size.
pub(super) const PIECE_BYTES: u64 = 64 << 10;

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The request's body breaks the grammar.
    #[error("the request's body is malformed")]
    Malformed,
    /// The request's body ended early: its sender left.
    #[error("the request's body ended early")]
    Left,
    /// It has to be held in memory, and the budget has no room.
    #[error("there is no room to hold the body")]
    NoRoom,
    /// Pacing would have taken longer than a single answer may.
    #[error("the answer would have taken longer than one may")]
    TooLong,
}

impl BodyError {
    /// What it means for the request.
    pub(super) fn class(&self) -> ServerError {
        match self {
            BodyError::TooLong | BodyError::NoRoom => ServerError::Overload,
            BodyError::Malformed => ServerError::BadRequest,
            BodyError::Left => ServerError::Aborted,
        }
    }
}

/// The bytes of a body, in order.
pub(super) enum Source {
    /// None.
    Empty,
    /// All of them, here.
    Whole(Bytes),
    /// The same, with the part of the memory budget that they take.
    Held { bytes: Bytes, _memory: Memory },
    /// A payload, from an offset.
    Made(Payload, u64),
    /// The request's own body, as it comes.
    Echo(Echo),
}

/// A request body on its way back.
pub(super) struct Echo {
    /// Read already.
    ahead: Bytes,
    incoming: Option<Incoming>,
    /// How much of it is echoed, at most.
    left: u64,
    pace: Option<Box<Paced>>,
}

struct Paced {
    pace: Pace,
    sleep: Pin<Box<Sleep>>,
    deadline: Instant,
}

impl Echo {
    pub(super) fn new(ahead: Bytes, incoming: Incoming) -> Echo {
        Echo { ahead, incoming: Some(incoming), left: u64::MAX, pace: None }
    }

    /// Stops after `bytes`: `read=first(..)`.
    pub(super) fn first(mut self, bytes: u64) -> Echo {
        self.left = bytes;
        self
    }

    /// Reads no faster than this: `read=rate(..)`.
    pub(super) fn paced(mut self, rate_bytes_per_s: u64, deadline: Instant) -> Echo {
        let sleep = Box::pin(tokio::time::sleep_until(Instant::now()));
        self.pace = Some(Box::new(Paced { pace: Pace::new(rate_bytes_per_s), sleep, deadline }));
        self
    }

    fn remaining(&self) -> Option<u64> {
        let coming = match &self.incoming {
            Some(incoming) => incoming.length(),
            None => Some(0),
        };
        match coming {
            Some(coming) => Some(self.left.min(coming + self.ahead.len() as u64)),
            None if self.left == 0 => Some(0),
            None => None,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, max: u64, call: &mut Call) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            if let Some(paced) = &mut self.pace {
                call.asked_begins();
                ready!(paced.sleep.as_mut().poll(cx));
                call.asked_ends();
            }
            if !self.ahead.is_empty() {
                let len = self.left.min(max).min(self.ahead.len() as u64);
                self.left -= len;
                return Poll::Ready(Some(Ok(self.ahead.split_to(len as usize))));
            }
            let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
            match ready!(incoming.poll_data(cx)) {
                None => self.incoming = None,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(data)) => {
                    call.add_received(data.len());
                    if let Some(paced) = &mut self.pace {
                        let now = Instant::now();
                        let wait = paced.pace.wait(data.len() as u64, now);
                        if wait > paced.deadline.saturating_duration_since(now) {
                            return Poll::Ready(Some(Err(BodyError::TooLong)));
                        }
                        paced.sleep.as_mut().reset(now + wait);
                    }
                    self.ahead = data;
                }
            }
        }
    }
}

impl Source {
    /// How many bytes are still to come, if that is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        match self {
            Source::Empty => Some(0),
            Source::Whole(bytes) | Source::Held { bytes, .. } => Some(bytes.len() as u64),
            Source::Made(payload, at) => Some(payload.size_bytes() - at),
            Source::Echo(echo) => echo.remaining(),
        }
    }

    /// The next piece, of at most `max` bytes and never empty.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        max: u64,
        call: &mut Call,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let piece = match self {
            Source::Empty => None,
            Source::Whole(bytes) | Source::Held { bytes, .. } if bytes.is_empty() => None,
            Source::Whole(bytes) | Source::Held { bytes, .. } => {
                let len = usize::try_from(max).unwrap_or(usize::MAX).min(bytes.len());
                Some(bytes.split_to(len))
            }
            Source::Made(payload, at) => {
                let piece = made(payload, *at, max);
                *at += piece.len() as u64;
                Some(piece).filter(|piece| !piece.is_empty())
            }
            Source::Echo(echo) => return echo.poll_next(cx, max, call),
        };
        Poll::Ready(piece.map(Ok))
    }
}

/// The bytes of a payload from `at`, exactly `max` unless it ends before. Copied only where a piece spans the end of the
/// payload's block, so that a chunk has the size that was asked for.
fn made(payload: &Payload, at: u64, max: u64) -> Bytes {
    let run = payload.slice(at, max);
    let wanted = max.min(payload.size_bytes() - at);
    if run.len() as u64 == wanted || wanted >= PIECE_BYTES {
        return Bytes::from_static(run);
    }
    let mut whole = Vec::with_capacity(wanted as usize);
    while (whole.len() as u64) < wanted {
        whole.extend_from_slice(payload.slice(at + whole.len() as u64, wanted - whole.len() as u64));
    }
    whole.into()
}
