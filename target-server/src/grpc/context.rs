//! What a call's wrapper and its method tell each other: the wrapper what was asked for, the method when each of its
//! messages is to go.
//!
//! A method never waits by itself: it says how long its next message has to wait, and the one who sends it waits, counts
//! the time as asked for, and ends it at the deadline.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use shared::fault::{Body, Limits, Verdict};
use shared::payload::Payload;
use tonic::Status;

/// Most messages remembered that nobody has looked at: more than one chunk of a request's body brings.
const COMPRESSED_MAX: usize = 16 << 10;

/// One per call, in the extensions of its request.
#[derive(Debug)]
pub(super) struct Context {
    /// Which target answers.
    pub(super) place: String,
    /// The payload of every answer, if one was asked for.
    pub(super) made: Option<Bytes>,
    /// How many answers, if that was asked for.
    pub(super) count: Option<u64>,
    pub(super) limits: Limits,
    /// The answers that are still to come, as far as their method said; no more than it has made and nobody has sent.
    next: Mutex<VecDeque<Next>>,
    /// Whether each of the messages that came and were not looked at was compressed; no more than one chunk brings.
    compressed: Mutex<VecDeque<bool>>,
    /// How many answers there will be, as far as the method knows.
    expected: AtomicU64,
    /// The status is what the request's own fields asked for.
    scripted: AtomicBool,
    received_bytes: AtomicU64,
    asked_ns: AtomicU64,
    awaited_ns: AtomicU64,
}

/// How one answer goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Next {
    /// After the one before it.
    pub(super) wait: Duration,
    /// Compressed, if the client takes that.
    pub(super) gzip: bool,
}

impl Context {
    pub(super) fn new(verdict: Option<&Verdict>, limits: &Limits, place: &str) -> Context {
        let made = verdict.and_then(|verdict| {
            let size_bytes = verdict.size_bytes?;
            Some(whole(&Payload::new(verdict.body, size_bytes, verdict.seed, &verdict.key)?))
        });
        Context {
            place: place.to_owned(),
            made,
            count: verdict.and_then(|verdict| verdict.count),
            limits: limits.clone(),
            next: Mutex::default(),
            compressed: Mutex::default(),
            expected: AtomicU64::new(1),
            scripted: AtomicBool::new(false),
            received_bytes: AtomicU64::new(0),
            asked_ns: AtomicU64::new(0),
            awaited_ns: AtomicU64::new(0),
        }
    }

    /// The context of a request.
    pub(super) fn of<T>(request: &tonic::Request<T>) -> Result<Arc<Context>, Status> {
        let held = request.extensions().get::<Arc<Context>>().cloned();
        held.ok_or_else(|| Status::internal("the call has no context"))
    }

    /// For the method, before each answer it makes that is not to go at once.
    pub(super) fn push(&self, next: Next) {
        lock(&self.next).push_back(next);
    }

    /// For the sender, before each answer.
    pub(super) fn pop(&self) -> Next {
        lock(&self.next).pop_front().unwrap_or_default()
    }

    /// A message came. Looked at by methods that ask for it.
    pub(super) fn came(&self, compressed: bool) {
        let mut held = lock(&self.compressed);
        // Methods that do not ask leave them here.
        if held.len() >= COMPRESSED_MAX {
            held.pop_front();
        }
        held.push_back(compressed);
    }

    /// Whether the next message that was read was compressed.
    pub(super) fn was_compressed(&self) -> bool {
        lock(&self.compressed).pop_front().unwrap_or_default()
    }

    pub(super) fn set_expected(&self, messages: u64) {
        self.expected.store(messages, Ordering::Relaxed);
    }

    pub(super) fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    pub(super) fn set_scripted(&self) {
        self.scripted.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_scripted(&self) -> bool {
        self.scripted.load(Ordering::Relaxed)
    }

    pub(super) fn add_received(&self, bytes: usize) {
        self.received_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn add_asked(&self, time: Duration) {
        self.asked_ns.fetch_add(ns(time), Ordering::Relaxed);
    }

    pub(super) fn add_awaited(&self, time: Duration) {
        self.awaited_ns.fetch_add(ns(time), Ordering::Relaxed);
    }

    /// Bytes that came since the last time.
    pub(super) fn take_received(&self) -> u64 {
        self.received_bytes.swap(0, Ordering::Relaxed)
    }

    /// Time that went by as asked, and waiting for the client, since the last time.
    pub(super) fn take_times(&self) -> (Duration, Duration) {
        let take = |ns: &AtomicU64| Duration::from_nanos(ns.swap(0, Ordering::Relaxed));
        (take(&self.asked_ns), take(&self.awaited_ns))
    }

    /// So many NUL bytes: what TestService fills its answers with.
    pub(super) fn zeros(size_bytes: u64) -> Bytes {
        Payload::new(Body::Zero, size_bytes, 0, "").map_or_else(Bytes::new, |payload| whole(&payload))
    }
}

/// Bounded by `size_max_bytes`, which the request was checked against.
fn whole(payload: &Payload) -> Bytes {
    let mut bytes = Vec::with_capacity(usize::try_from(payload.size_bytes()).unwrap_or(0));
    payload.chunks(u64::MAX).for_each(|chunk| bytes.extend_from_slice(chunk));
    bytes.into()
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
