//! An answer on its way out: what is read before it, its line, its pieces, and every pause between them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::echo::{Content, Corruption, Strike};
use shared::fault::{At, Read, Verdict};
use shared::outcome::Code;
use shared::protocol::Protocol;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::answer::{End, Request};
use super::input::{Input, READ_BYTES};
use crate::bare::write_all;
use crate::core::Core;
use crate::echo::{self, Ask};
use crate::faults::Decision;
use crate::pace::Pace;
use crate::rules::ActiveRule;

/// How much of an exchange's payload is read before its answer begins: one of this size comes back in one write with its
/// line.
const AHEAD_BYTES: u64 = 64 << 10;
/// Largest write if nobody asked for another size.
const PIECE_BYTES: u64 = 64 << 10;

/// An answer on its way out.
pub(super) struct Flow<'a> {
    core: &'a Core,
    stream: &'a TcpStream,
    client: IpAddr,
    input: &'a mut Input,
    pub(super) request: Request,
    pub(super) content: Content,
    corruption: Option<Corruption>,
    strike: Option<Strike>,
    /// No length was said: the rest of the connection belongs to this request.
    pub(super) is_open: bool,
    /// No other request can follow on this connection.
    pub(super) is_last: bool,
    /// Bytes of the request's payload that are still to be taken.
    left_bytes: u64,
    /// Of the answer's payload, if it is known.
    total_bytes: Option<u64>,
    read_pace: Option<Pace>,
    pace: Option<Pace>,
    /// Largest write.
    piece_bytes: u64,
    n_pieces: u64,
    sent_bytes: u64,
    /// Ready to be written.
    out: Vec<u8>,
    /// When what is decided now was decided.
    since: Instant,
    /// The rules it was decided by,
    generation: u64,
    /// and the one among them that had the say, whatever it said; of a stream.
    decider: Option<Arc<ActiveRule>>,
    /// The answer's beginning is behind it.
    is_begun: bool,
}

impl<'a> Flow<'a> {
    pub(super) fn new(
        core: &'a Core,
        stream: &'a TcpStream,
        client: IpAddr,
        input: &'a mut Input,
        request: Request,
    ) -> Flow<'a> {
        let verdict = &request.decision.verdict;
        let content = Content::of(verdict);
        let (most_read, read_pace) = match verdict.read {
            Read::All => (u64::MAX, None),
            Read::None => (0, None),
            Read::First(bytes) => (bytes, None),
            Read::Rate(rate) => (u64::MAX, Some(Pace::new(rate))),
        };
        let left_bytes = verdict.payload_bytes.unwrap_or(u64::MAX).min(most_read);
        let total_bytes = match content {
            Content::Nothing => Some(0),
            Content::Made(payload) => Some(payload.size_bytes()).filter(|bytes| *bytes < u64::MAX),
            Content::Echo | Content::Upper => verdict.payload_bytes.map(|_| left_bytes),
        };
        let is_open = verdict.payload_bytes.is_none();
        let leaves_unread = verdict.payload_bytes.is_some_and(|bytes| bytes > left_bytes);
        let pace = verdict.rate_bytes_per_s.map(Pace::new);
        let usual = pace.as_ref().map_or(PIECE_BYTES, |pace| pace.piece_bytes().min(PIECE_BYTES));
        Flow {
            core,
            stream,
            client,
            input,
            content,
            corruption: Corruption::of(verdict),
            strike: Strike::of(verdict, total_bytes),
            is_open,
            is_last: is_open || leaves_unread || verdict.close,
            left_bytes,
            total_bytes,
            read_pace,
            pace,
            piece_bytes: verdict.chunk_bytes.unwrap_or(usual).max(1),
            n_pieces: 0,
            sent_bytes: 0,
            out: Vec::new(),
            since: request.call.started(),
            generation: core.faults.rules().generation(),
            decider: if is_open { Ask::decider(core, client) } else { None },
            is_begun: false,
            request,
        }
    }

    /// Whether a stream has another rule than before; then it goes on as that says. Looked at with every piece: what is
    /// established is hit by a new rule like anything else.
    ///
    /// A rule decides about a stream once. Rules that come and go beside it change nothing, and the stream that used up its
    /// `max_hits` stays struck: it would otherwise end at the very moment it begins.
    fn is_changed(&mut self) -> bool {
        let generation = self.core.faults.rules().generation();
        if !self.is_open || self.generation == generation {
            return false;
        }
        self.generation = generation;
        let struck = self.request.decision.rule.as_ref();
        if self.core.faults.rules().is_enabled() && struck.is_some_and(|rule| rule.holds(Instant::now())) {
            return false;
        }
        let decider = Ask::decider(self.core, self.client);
        if decider.as_ref().map(Arc::as_ptr) == self.decider.as_ref().map(Arc::as_ptr) {
            return false;
        }
        self.decider = decider;
        let id = self.request.ask.identity.map(|identity| identity.id);
        let asked = self.request.ask.asked(self.core, Protocol::Tcp, self.client, None);
        let call = &mut self.request.call;
        let decided = asked.and_then(|asked| self.core.faults.decide(&asked, id, self.client, call));
        let decision = decided.unwrap_or_else(Decision::plain);
        if decision.rule.is_none() && self.request.decision.rule.is_none() {
            return false;
        }
        self.since = Instant::now();
        let verdict = &decision.verdict;
        self.corruption = Corruption::of(verdict);
        self.strike = Strike::of(verdict, self.total_bytes);
        self.pace = verdict.rate_bytes_per_s.map(Pace::new);
        let usual = self.pace.as_ref().map_or(PIECE_BYTES, |pace| pace.piece_bytes().min(PIECE_BYTES));
        self.piece_bytes = verdict.chunk_bytes.unwrap_or(usual).max(1);
        self.n_pieces = 0;
        self.request.decision = decision;
        true
    }

    fn verdict(&self) -> &Verdict {
        &self.request.decision.verdict
    }

    /// When the fault strikes, if it is a matter of time.
    pub(super) fn strike_at(&self) -> Option<Instant> {
        match (self.verdict().fault, self.verdict().at) {
            (Some(_), At::After(delay)) => Some(self.since + delay),
            _ => None,
        }
    }

    pub(super) async fn run(&mut self) -> End {
        match self.steps().await {
            Ok(()) => End::Whole,
            Err(end) => end,
        }
    }

    async fn steps(&mut self) -> Result<(), End> {
        if self.is_begun {
            self.pause(self.verdict().delay).await?;
            if self.strike == Some(Strike::Head) {
                return Err(End::Struck);
            }
            return self.rest().await;
        }
        self.read_ahead().await?;
        // Without a payload, only the line is there to be held back.
        let only_line = !self.is_open && self.total_bytes == Some(0);
        let delay = if only_line { self.verdict().asked_delay() } else { self.verdict().delay };
        self.pause(delay).await?;
        if self.strike == Some(Strike::Head) {
            return Err(End::Struck);
        }
        if self.request.answers_with_line {
            let Request { call, decision, key, .. } = &self.request;
            self.out = echo::reply(self.core, call, key.as_deref(), Some(decision)).line().into_bytes();
        }
        self.request.call.set_code(Code::Echo);
        if !self.is_shaped() {
            // The effect, if there was one, is over.
            self.request.decision.slot = None;
        }
        self.is_begun = true;
        self.rest().await
    }

    /// The payload, and how it ends.
    async fn rest(&mut self) -> Result<(), End> {
        self.payload().await?;
        self.flush().await?;
        if self.is_open {
            self.pause(self.verdict().end_delay).await?;
        }
        match self.strike {
            // All is written and it is too early: the stream stays open until its time has come.
            Some(_) if self.strike_at().is_some() => std::future::pending().await,
            Some(_) => Err(End::Struck),
            None => Ok(()),
        }
    }

    fn is_shaped(&self) -> bool {
        let verdict = self.verdict();
        verdict.fault.is_some()
            || verdict.corrupt
            || verdict.read != Read::All
            || self.pace.is_some()
            || !verdict.chunk_delay.is_zero()
            || !verdict.end_delay.is_zero()
    }

    async fn payload(&mut self) -> Result<(), End> {
        let mut left = match self.strike {
            Some(Strike::Byte(bytes)) => bytes,
            _ => u64::MAX,
        };
        while left > 0 {
            let line_bytes = match self.next_piece(left).await? {
                Some(line_bytes) => line_bytes,
                None => break,
            };
            let piece = &mut self.out[line_bytes..];
            if let Some(corruption) = self.corruption {
                corruption.flip(self.sent_bytes, piece);
            }
            let bytes = piece.len() as u64;
            let wait = self.wait_before(bytes);
            if !wait.is_zero() {
                write_all(self.stream, &self.out[..line_bytes]).await.map_err(End::Broken)?;
                self.out.drain(..line_bytes);
                self.pause(wait).await?;
            }
            self.flush().await?;
            self.request.call.add_sent(bytes as usize);
            self.n_pieces += 1;
            self.sent_bytes += bytes;
            left -= bytes;
        }
        Ok(())
    }

    /// How long the next piece has to wait.
    fn wait_before(&mut self, bytes: u64) -> Duration {
        let verdict = &self.request.decision.verdict;
        let mut wait = if self.n_pieces == 0 { Duration::ZERO } else { verdict.chunk_delay.nth(self.n_pieces) };
        if !self.is_open && self.total_bytes == Some(self.sent_bytes + bytes) {
            // An exchange ends with its last byte: holding that back is all that can be done.
            wait += verdict.end_delay;
        }
        match &mut self.pace {
            Some(pace) => wait.max(pace.wait(bytes, Instant::now())),
            None => wait,
        }
    }

    /// Appends the next piece, of at most `max_bytes`, to what is ready; says how much was ready before. Nothing at the end.
    async fn next_piece(&mut self, max_bytes: u64) -> Result<Option<usize>, End> {
        let max_bytes = max_bytes.min(self.piece_bytes);
        match self.content {
            Content::Nothing => {
                while self.has_input().await? {
                    self.take(u64::MAX);
                }
                Ok(None)
            }
            Content::Made(payload) => {
                if self.is_changed() {
                    return Err(End::Changed);
                }
                let slice = payload.slice(self.sent_bytes, max_bytes.min(PIECE_BYTES));
                let ready = self.out.len();
                self.out.extend_from_slice(slice);
                Ok(Some(ready).filter(|_| !slice.is_empty()))
            }
            Content::Echo | Content::Upper => {
                if !self.has_input().await? {
                    return Ok(None);
                }
                if self.is_changed() {
                    return Err(End::Changed);
                }
                let ready = self.out.len();
                let taken = self.take(max_bytes);
                self.out.extend_from_slice(&taken);
                if self.content == Content::Upper {
                    self.out[ready..].make_ascii_uppercase();
                }
                Ok(Some(ready))
            }
        }
    }

    /// Reads what has to be there before the answer may begin.
    async fn read_ahead(&mut self) -> Result<(), End> {
        if self.is_open {
            if matches!(self.content, Content::Made(_)) {
                let held = std::mem::take(&mut self.input.held);
                self.request.call.add_received(held.len());
            }
            return Ok(());
        }
        if matches!(self.content, Content::Echo | Content::Upper) {
            while (self.input.held.len() as u64) < self.left_bytes.min(AHEAD_BYTES) {
                self.more().await?;
            }
            return Ok(());
        }
        while self.has_input().await? {
            self.take(u64::MAX);
        }
        Ok(())
    }

    /// Whether something of the request's payload is here, after waiting for it if need be. Not at its end.
    async fn has_input(&mut self) -> Result<bool, End> {
        if self.left_bytes == 0 {
            return Ok(false);
        }
        if !self.input.held.is_empty() {
            return Ok(true);
        }
        self.flush().await?;
        self.more().await
    }

    fn take(&mut self, max_bytes: u64) -> bytes::BytesMut {
        let bytes = max_bytes.min(self.left_bytes).min(self.input.held.len() as u64);
        self.left_bytes -= bytes;
        self.request.call.add_received(bytes as usize);
        self.input.held.split_to(bytes as usize)
    }

    /// Waits for more of the payload; false at the end of a stream that may end anywhere.
    async fn more(&mut self) -> Result<bool, End> {
        let max_bytes = self.read_pace.as_ref().map_or(READ_BYTES as u64, Pace::piece_bytes).min(READ_BYTES as u64);
        let since = Instant::now();
        let read = timeout(self.core.idle_timeout, self.input.read(self.stream, max_bytes as usize)).await;
        self.request.call.add_awaited(since.elapsed());
        match read {
            Ok(Ok(0)) | Err(_) if self.is_open => Ok(false),
            Ok(Ok(0)) | Err(_) => Err(End::Left),
            Ok(Err(error)) => Err(End::Broken(error)),
            Ok(Ok(bytes)) => {
                if let Some(pace) = &mut self.read_pace {
                    let wait = pace.wait(bytes as u64, Instant::now());
                    self.pause(wait).await?;
                }
                Ok(true)
            }
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        if !self.out.is_empty() {
            write_all(self.stream, &self.out).await.map_err(End::Broken)?;
            self.out.clear();
        }
        Ok(())
    }

    /// A wait that was asked for.
    async fn pause(&mut self, wait: Duration) -> Result<(), End> {
        if wait > self.core.faults.limits().total_delay_max {
            return Err(End::TooLong);
        }
        if !wait.is_zero() {
            self.request.call.asked_begins();
            sleep(wait).await;
            self.request.call.asked_ends();
        }
        Ok(())
    }
}
