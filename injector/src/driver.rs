//! What a protocol must be able to do for the runner, and what the runner gets back.
//!
//! One trait, static dispatch, chosen once per stream by [`crate::worker`]'s exhaustive `match`. A call never fails in
//! Rust's sense: whatever happens on the wire is an [`Ending`], and failing is seeing. Nothing here or below retries.

pub mod http;

use std::cell::Cell;

use shared::identity::RequestId;
use shared::outcome::{Code, ErrorClass, Outcome};
use std::time::Duration;
use tokio::time::Instant;

use crate::names::Names;
use crate::plan::Operation;

/// One connection's worth of a protocol.
pub trait Driver: Sized + 'static {
    /// What an operation needs prepared once, so that a call formats next to nothing.
    type Prepared: 'static;
    /// What the answer should be, worked out before the request is sent.
    type Wanted;

    /// Prepares an operation whose requests carry ids of this session.
    fn prepare(operation: &Operation, identity: IdentityTemplate) -> Self::Prepared;

    /// Predicts the answer to one request.
    fn want(prepared: &Self::Prepared, id: RequestId) -> Self::Wanted;

    /// Resolves and connects, marking the instants it passes.
    fn connect(
        prepared: &Self::Prepared,
        names: &Names,
        marks: &Marks,
    ) -> impl Future<Output = Result<Self, ErrorClass>>;

    /// One request and its answer, marking the instants it passes.
    fn call(
        &mut self,
        prepared: &Self::Prepared,
        id: RequestId,
        wanted: &mut Self::Wanted,
        marks: &Marks,
    ) -> impl Future<Output = Ending>;

    /// Whether another request may follow on this connection after the last call.
    fn is_reusable(&self) -> bool;

    /// Waits until the idle connection is of no use any more: closed, reset, or holding bytes nobody asked for.
    fn lost(&mut self) -> impl Future<Output = ()>;

    /// Compares what came with what was asked. Pure.
    fn judge(wanted: &Self::Wanted, ending: Ending) -> Outcome<ErrorClass>;

    /// What was asked and what came instead, in words: for the first failure of its kind. Pure.
    fn explain(wanted: &Self::Wanted, ending: Ending) -> String;
}

/// The parts of an identity that are the same for all requests of an operation.
#[derive(Clone, Copy, Debug)]
pub struct IdentityTemplate {
    /// Who injects.
    pub source: shared::identity::Source,
    /// This run.
    pub session: shared::identity::Session,
}

/// How one request ended on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A complete answer.
    Answered(Answered),
    /// Reset by the peer before the answer was complete.
    Reset,
    /// Closed in order before the answer was complete.
    Closed,
    /// Bytes that are no answer of this protocol.
    Malformed,
    /// Not complete within the timeout, although connected.
    TimedOut,
    /// No connection, or the request could not be written.
    Failed(ErrorClass),
}

/// What a complete answer was like, beside what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The protocol's code.
    pub code: Code,
    /// Body bytes.
    pub size_bytes: u64,
    /// Whether every body byte is the one that was asked for, as far as any came.
    pub content_matches: bool,
    /// Whether the answer names this very request; nothing if it names none.
    pub id_matches: Option<bool>,
    /// Bytes behind the end of the answer.
    pub surplus_bytes: u64,
}

/// The instants and amounts of one attempt, marked as they pass: a timeout that drops the call loses none of them.
#[derive(Debug, Default)]
pub struct Marks {
    /// The look-up begins; only on a new connection.
    pub resolving: Cell<Option<Instant>>,
    /// The address is known.
    pub connecting: Cell<Option<Instant>>,
    /// The connection stands.
    pub connected: Cell<Option<Instant>>,
    /// The first byte of the request goes out.
    pub sending: Cell<Option<Instant>>,
    /// The last byte of the request went out.
    pub sent: Cell<Option<Instant>>,
    /// The first byte of the answer came.
    pub first_byte: Cell<Option<Instant>>,
    /// The target's own time to its first byte, as it reports it.
    pub server: Cell<Option<Duration>>,
    /// The asked delay before that byte, as the target reports it.
    pub asked: Cell<Option<Duration>>,
    /// Payload bytes handed to the kernel.
    pub sent_bytes: Cell<u64>,
    /// Payload bytes received.
    pub received_bytes: Cell<u64>,
}

impl Marks {
    /// When the attempt began: with the look-up on a new connection, else with the first byte. Nothing if it never did.
    pub fn started(&self) -> Option<Instant> {
        self.resolving.get().or(self.sending.get())
    }
}

/// Marks the current instant, once.
pub(crate) fn mark(cell: &Cell<Option<Instant>>) {
    if cell.get().is_none() {
        cell.set(Some(Instant::now()));
    }
}
