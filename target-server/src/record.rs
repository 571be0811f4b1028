//! Exactly one record per request: the guard [`Call`].
//!
//! Invariants:
//! - A call is recorded once, when it ends: by [`Call::answered`], [`Call::left_unanswered`], [`Call::failed`], or else by
//!   being dropped, which means that the client left (or that a panic is passing through).
//! - The metric series and the session's account are written by the same lines, so that they cannot disagree.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::outcome::{Code, Outcome, ServerError};
use shared::red::server::ServerSeries;
use tokio::time::Instant;

use crate::podinfo::request_metrics::Series;
use crate::sessions::{Book, Ending};

/// Where one kind of request is counted. Resolved once and kept per connection: a look-up takes locks.
#[derive(Debug)]
pub(crate) struct Handles {
    /// The metric series of its labels.
    pub(crate) series: Arc<ServerSeries>,
    /// The account of its session, if it carried an identity.
    pub(crate) book: Option<Arc<Book>>,
    /// What is answered to a request whose handling panicked, if anything is.
    pub(crate) panic_code: Code,
    /// All requests in flight, which `load(..)` delays grow with.
    pub(crate) load: Arc<AtomicU64>,
}

/// One request being served.
#[derive(Debug)]
pub(crate) struct Call {
    handles: Arc<Handles>,
    started: Instant,
    /// The status that was sent, or is about to be.
    code: Code,
    /// Why the answer is not what was asked for, if it says so itself.
    error: Option<ServerError>,
    asked: Duration,
    /// Since when time goes by because it was asked for, while it does.
    asked_since: Option<Instant>,
    awaited: Duration,
    sent_bytes: u64,
    received_bytes: u64,
    /// The client leaves because of what it asked for.
    may_be_left: bool,
    is_by_rule: bool,
    recorded: bool,
    /// Where it is counted by podinfo's names, too.
    also: Option<Arc<Series>>,
}

impl Call {
    /// A request whose head arrived whole at `started`, and its number, if it carried an identity.
    pub(crate) fn start(handles: Arc<Handles>, started: Instant, seq: Option<u64>) -> Call {
        handles.series.started();
        handles.load.fetch_add(1, Ordering::Relaxed);
        if let Some(book) = &handles.book
            && let Some(event) = book.received(started, seq)
        {
            handles.series.received(event);
        }
        Call {
            handles,
            started,
            code: Code::NONE,
            error: None,
            asked: Duration::ZERO,
            asked_since: None,
            awaited: Duration::ZERO,
            sent_bytes: 0,
            received_bytes: 0,
            may_be_left: false,
            is_by_rule: false,
            recorded: false,
            also: None,
        }
    }

    /// It is counted there, too, if it ends with an HTTP status.
    pub(crate) fn also(&mut self, series: Arc<Series>) {
        self.also = Some(series);
    }

    /// It is not, after all: it is a connection by now, and its time no request's.
    pub(crate) fn not_also(&mut self) {
        self.also = None;
    }

    /// When the request's head was parsed.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// An answer with this code is being sent.
    pub(crate) fn set_code(&mut self, code: Code) {
        self.code = code;
    }

    /// The answer that is being sent says that the request failed.
    pub(crate) fn set_error(&mut self, error: ServerError) {
        self.error = Some(error);
    }

    /// A rule has a hand in what becomes of it.
    pub(crate) fn set_by_rule(&mut self) {
        // Another rule may take over a stream that is under way: it is one request all the same.
        if !std::mem::replace(&mut self.is_by_rule, true)
            && let Some(book) = &self.handles.book
        {
            book.by_rule();
        }
    }

    /// From now on time goes by because it was asked for. Counted as such also if the client leaves before it is over.
    pub(crate) fn asked_begins(&mut self) {
        self.asked_since.get_or_insert_with(Instant::now);
    }

    /// From now on nothing more comes, as asked, until the client leaves.
    pub(crate) fn hangs(&mut self) {
        self.asked_begins();
        self.may_be_left();
    }

    /// From now on the client's leaving, however we learn of it, is what was asked for, and no failure.
    pub(crate) fn may_be_left(&mut self) {
        self.may_be_left = true;
    }

    /// Until now.
    pub(crate) fn asked_ends(&mut self) {
        if let Some(since) = self.asked_since.take() {
            self.asked += since.elapsed();
        }
    }

    /// Time went by because it was asked for: pacing of the request's body, CPU time.
    pub(crate) fn add_asked(&mut self, duration: Duration) {
        self.asked += duration;
    }

    /// Time went by waiting for the client's request body, before the answer's head.
    pub(crate) fn add_awaited(&mut self, duration: Duration) {
        self.awaited += duration;
    }

    /// Body bytes were handed on towards the socket.
    pub(crate) fn add_sent(&mut self, bytes: usize) {
        self.sent_bytes += bytes as u64;
    }

    /// Some of them were not, after all.
    pub(crate) fn take_back_sent(&mut self, bytes: usize) {
        self.sent_bytes = self.sent_bytes.saturating_sub(bytes as u64);
    }

    /// Body bytes of the request were read.
    pub(crate) fn add_received(&mut self, bytes: usize) {
        self.received_bytes += bytes as u64;
    }

    /// Time asked for and waited so far.
    pub(crate) fn asked(&self) -> Duration {
        self.asked
    }

    /// The target's own time so far: neither asked for nor spent waiting for the client's body.
    pub(crate) fn own(&self) -> Duration {
        self.started.elapsed().saturating_sub(self.asked + self.awaited)
    }

    /// The complete answer is in the kernel's hands.
    pub(crate) fn answered(mut self) {
        match self.error {
            Some(error) => self.fail(error),
            None => self.record(Outcome::Success(self.code), |book, code, ending| book.answered(code, ending)),
        }
    }

    /// It asked for no complete answer, and got none: success, by its own request. Without a code, whatever head was sent:
    /// a client that is reset behind the head may never see it, and the two sides must say the same.
    pub(crate) fn left_unanswered(mut self) {
        self.record(Outcome::Success(Code::NONE), |book, _, ending| book.unanswered(ending));
    }

    /// It did not get what it asked for.
    pub(crate) fn failed(mut self, error: ServerError) {
        self.fail(error);
    }

    fn fail(&mut self, error: ServerError) {
        self.record(Outcome::Failure(self.code, error), |book, _, ending| book.failed(error, ending));
    }

    fn record(&mut self, outcome: Outcome<ServerError>, book: impl FnOnce(&Book, Code, Ending)) {
        self.asked_ends();
        let handles = &*self.handles;
        handles.series.bytes(self.sent_bytes, self.received_bytes);
        let duration = self.started.elapsed();
        handles.series.finished(outcome, duration, self.asked);
        if let (Some(series), Code::Http(status)) = (&self.also, outcome.code()) {
            series.observe(status, duration);
        }
        handles.load.fetch_sub(1, Ordering::Relaxed);
        if let Some(entry) = &handles.book {
            let own = duration.saturating_sub(self.asked);
            book(entry, self.code, Ending { sent_bytes: self.sent_bytes, own });
        }
        self.recorded = true;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.recorded {
            return;
        }
        if std::thread::panicking() {
            // Whoever catches the panic answers so, unless a head is already out.
            if self.code == Code::NONE {
                self.code = self.handles.panic_code;
            }
            self.fail(ServerError::Internal);
        } else if self.may_be_left {
            self.record(Outcome::Success(Code::NONE), |book, _, ending| book.unanswered(ending));
        } else {
            self.fail(ServerError::Aborted);
        }
    }
}
