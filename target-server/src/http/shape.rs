//! The body as it goes out: cut into writes, delayed, paced, compressed, followed by trailers.
//!
//! One mechanism for both ways out: hyper's framing polls it for well-behaved answers, the wire for broken ones, so that
//! every delay means the same in both.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use shared::fault::{ChunkDelay, Verdict};
use tokio::time::{Instant, Sleep};

use super::gzip::Gzip;
use super::source::{BodyError, PIECE_BYTES, Source};
use crate::faults::Decision;
use crate::pace::Pace;
use crate::record::Call;
use crate::slots::Slot;
use crate::stress::Memory;

/// A part of a message's body.
#[derive(Debug)]
pub(super) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
}

/// A body on its way out.
pub(super) struct Shaped {
    source: Source,
    /// Nothing for the plain answer, whose bytes go out as they come.
    shape: Option<Box<Shape>>,
}

struct Shape {
    stage: Stage,
    /// Write size; also the size of a chunk on the wire.
    piece_bytes: u64,
    /// The length is not said in advance.
    is_chunked: bool,
    body_delay: Duration,
    chunk_delay: ChunkDelay,
    end_delay: Duration,
    pace: Option<Pace>,
    gzip: Option<Gzip>,
    /// Cut, and waiting for its time.
    next: Option<Bytes>,
    sent_pieces: u64,
    trailers: Option<HeaderMap>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// No wait may end later.
    deadline: Instant,
    /// Given back when the last effect is over.
    _slot: Option<Slot>,
    _memory: Option<Memory>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    Body,
    End,
    Trailers,
    Done,
}

impl Shaped {
    /// As it comes.
    pub(super) fn plain(source: Source) -> Shaped {
        Shaped { source, shape: None }
    }

    /// As the decision says; `gzip` is whether it is compressed, and `total_delay_max` bounds all waits together.
    pub(super) fn new(
        source: Source,
        decision: &mut Decision,
        trailers: Option<HeaderMap>,
        gzip: bool,
        total_delay_max: Duration,
    ) -> Shaped {
        let verdict = &decision.verdict;
        if !is_shaped(verdict) && !gzip && trailers.is_none() && decision.memory.is_none() {
            if verdict.fault.is_none() {
                // The effect, if there was one, is over with the head.
                decision.slot = None;
            }
            return Shaped::plain(source);
        }
        let pace = verdict.rate_bytes_per_s.map(Pace::new);
        let usual = pace.as_ref().map_or(PIECE_BYTES, |pace| pace.piece_bytes().min(PIECE_BYTES));
        let shape = Shape {
            stage: Stage::Start,
            piece_bytes: verdict.chunk_bytes.unwrap_or(usual).max(1),
            is_chunked: verdict.chunk_bytes.is_some() || trailers.is_some() || gzip,
            body_delay: verdict.body_delay,
            chunk_delay: verdict.chunk_delay.clone(),
            end_delay: verdict.end_delay,
            pace,
            gzip: gzip.then(Gzip::new),
            next: None,
            sent_pieces: 0,
            trailers,
            sleep: None,
            deadline: Instant::now() + total_delay_max,
            // A broken answer keeps its slot until it is broken, which is after the body.
            _slot: decision.slot.take_if(|_| verdict.fault.is_none()),
            _memory: decision.memory.take(),
        };
        Shaped { source, shape: Some(Box::new(shape)) }
    }

    /// The length of the whole body, if it is known and the message is to say it.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.shape {
            Some(shape) if shape.is_chunked => None,
            Some(shape) => Some(self.source.remaining()? + shape.next.as_ref().map_or(0, |next| next.len() as u64)),
            None => self.source.remaining(),
        }
    }

    /// Whether nothing more comes.
    pub(super) fn is_done(&self) -> bool {
        match &self.shape {
            Some(shape) => shape.stage == Stage::Done,
            None => self.source.remaining() == Some(0),
        }
    }

    /// The next part, when its time has come.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Option<Result<Piece, BodyError>>> {
        let piece = match &mut self.shape {
            None => ready!(self.source.poll_next(cx, PIECE_BYTES, call)).map(|piece| piece.map(Piece::Data)),
            Some(shape) => ready!(shape.poll_piece(cx, &mut self.source, call)),
        };
        if let Some(Ok(Piece::Data(data))) = &piece {
            call.add_sent(data.len());
        }
        Poll::Ready(piece)
    }
}

fn is_shaped(verdict: &Verdict) -> bool {
    verdict.chunk_bytes.is_some()
        || verdict.rate_bytes_per_s.is_some()
        || !verdict.body_delay.is_zero()
        || !verdict.end_delay.is_zero()
        || !verdict.chunk_delay.is_zero()
}

impl Shape {
    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Source,
        call: &mut Call,
    ) -> Poll<Option<Result<Piece, BodyError>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                call.asked_begins();
                ready!(sleep.as_mut().poll(cx));
                call.asked_ends();
                self.sleep = None;
                if Instant::now() >= self.deadline {
                    return Poll::Ready(Some(Err(BodyError::TooLong)));
                }
            }
            match self.stage {
                Stage::Start => {
                    self.stage = Stage::Body;
                    self.pause(self.body_delay);
                }
                Stage::Body => {
                    if let Some(data) = self.next.take() {
                        self.sent_pieces += 1;
                        if !self.is_chunked && source.remaining() == Some(0) {
                            self.stage = Stage::Done;
                        }
                        return Poll::Ready(Some(Ok(Piece::Data(data))));
                    }
                    match ready!(self.poll_cut(cx, source, call)) {
                        None => self.stage = Stage::End,
                        Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                        Some(Ok(data)) => {
                            let wait = self.wait_before(&data, source.remaining());
                            self.next = Some(data);
                            self.pause(wait);
                        }
                    }
                }
                Stage::End => {
                    self.stage = Stage::Trailers;
                    self.pause(self.end_delay);
                }
                Stage::Trailers => {
                    self.stage = Stage::Done;
                    if let Some(trailers) = self.trailers.take() {
                        return Poll::Ready(Some(Ok(Piece::Trailers(trailers))));
                    }
                }
                Stage::Done => return Poll::Ready(None),
            }
        }
    }

    /// How long the next piece has to wait.
    fn wait_before(&mut self, data: &Bytes, remaining: Option<u64>) -> Duration {
        let mut wait = match self.sent_pieces {
            0 => Duration::ZERO,
            i => self.chunk_delay.nth(i),
        };
        let is_last = !self.is_chunked && remaining == Some(0);
        if is_last {
            // With a Content-Length the message ends with its last byte: holding that back is all that can be done.
            wait += std::mem::take(&mut self.end_delay);
        }
        if let Some(pace) = &mut self.pace {
            wait = wait.max(pace.wait(data.len() as u64, Instant::now()));
        }
        wait
    }

    /// The next piece, cut to size and compressed.
    fn poll_cut(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Source,
        call: &mut Call,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        match &mut self.gzip {
            Some(gzip) => gzip.poll_next(cx, source, self.piece_bytes, call),
            None => source.poll_next(cx, self.piece_bytes, call),
        }
    }

    fn pause(&mut self, wait: Duration) {
        if !wait.is_zero() {
            let since = Instant::now();
            let until = (since + wait.min(self.deadline.saturating_duration_since(since))).max(since);
            self.sleep = Some(Box::pin(tokio::time::sleep_until(until)));
        }
    }
}
