//! What a protocol must be able to do for the runner, and what the runner gets back.
//!
//! One trait, static dispatch, chosen once per stream by [`crate::registry`]'s exhaustive `match`. A call never fails in
//! Rust's sense: whatever happens on the wire is an [`Ending`], and failing is seeing. Nothing here or below retries.

mod buffer;
mod content;
mod datagram;
mod declared;
pub mod dns;
mod echo;
pub mod grpc;
pub mod http;
pub mod tcp;
mod timing;
pub mod udp;

use std::cell::{Cell, Ref, RefCell};
use std::io;
use std::net::SocketAddr;

use shared::identity::RequestId;
use shared::instance::Instance;
use shared::outcome::{ConnectionEnd, ErrorClass, Outcome};
use shared::red::client::k6::TlsVersion;
use std::time::Duration;
use tokio::time::Instant;

pub use self::declared::Declared;
use crate::counter::{Counter, Open};
use crate::names::Names;
pub use crate::plan::H2End;
use crate::plan::{Call, Operation};

/// One connection's worth of a protocol.
pub trait Driver: Sized + 'static {
    /// The operation's part of the plan.
    type Call: Clone + 'static;
    /// What an operation needs prepared once, so that a call formats next to nothing.
    type Prepared: 'static;
    /// What the answer should be, worked out before the request is sent.
    type Wanted;
    /// What a complete answer was like, beside what was asked.
    type Answered;

    /// The call, if it is one of this driver's.
    fn own(call: &Call) -> Option<&Self::Call>;

    /// Prepares an operation whose requests carry ids of this session.
    fn prepare(operation: &Operation, call: &Self::Call, identity: IdentityTemplate) -> Self::Prepared;

    /// Predicts the answer to one request.
    fn want(prepared: &Self::Prepared, id: RequestId) -> Self::Wanted;

    /// Resolves and connects, marking the instants it passes. A new connection is counted by [`Counter::opened`]; a
    /// protocol that carries several requests at once may join one that stands, and then marks and counts nothing.
    fn connect(
        prepared: &Self::Prepared,
        names: &Names,
        marks: &Marks,
        counter: &Counter,
    ) -> impl Future<Output = Result<Self, ErrorClass>>;

    /// One request and its answer, marking the instants it passes. Dropped when the timeout is over.
    fn call(
        &mut self,
        prepared: &Self::Prepared,
        id: RequestId,
        wanted: &mut Self::Wanted,
        marks: &Marks,
    ) -> impl Future<Output = Ending<Self::Answered>>;

    /// The connection in the accounts.
    fn open(&self) -> &Open;

    /// Whether another request may follow on this connection after the last call, also if that was dropped in the middle.
    fn is_reusable(&self) -> bool;

    /// Waits until the idle connection is of no use any more, and says why: closed, reset, or holding bytes nobody asked for.
    fn lost(&mut self) -> impl Future<Output = ConnectionEnd>;

    /// Compares what came with what was asked. Pure.
    fn judge(wanted: &Self::Wanted, ending: &Ending<Self::Answered>) -> Outcome<ErrorClass>;

    /// What was asked and what came instead, in words: for the first failure of its kind. Pure.
    fn explain(wanted: &Self::Wanted, ending: &Ending<Self::Answered>) -> String;
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
pub enum Ending<A> {
    /// A complete answer.
    Answered(A),
    /// Reset by the peer before the answer was complete.
    Reset,
    /// Closed in order before the answer was complete.
    Closed,
    /// Ended by the peer with a code of HTTP/2.
    H2(H2End),
    /// Bytes that are no answer of this protocol.
    Malformed,
    /// Not complete within the timeout, although connected.
    TimedOut,
    /// No connection, or the request could not be written.
    Failed(ErrorClass),
}

/// How far the opening of a connection has come: the first instants of [`Marks`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// The look-up begins.
    pub resolving: Option<Instant>,
    /// The address is known.
    pub connecting: Option<Instant>,
    /// The connection stands.
    pub connected: Option<Instant>,
}

impl Stages {
    /// How many of them it has come to.
    fn count(self) -> u32 {
        match self {
            Stages { connected: Some(_), .. } => 3,
            Stages { connecting: Some(_), .. } => 2,
            Stages { resolving: Some(_), .. } => 1,
            _ => 0,
        }
    }

    /// As it was for who began to wait for it then: the stage that was under way began with the waiting.
    pub(crate) fn since(self, then: Instant) -> Stages {
        match self {
            Stages { connected: Some(at), .. } if at <= then => Stages { connected: Some(then), ..Stages::default() },
            Stages { connecting: Some(at), .. } if at <= then => {
                Stages { resolving: None, connecting: Some(then), connected: self.connected }
            }
            _ => Stages { resolving: Some(then), ..self },
        }
    }
}

/// The instants and amounts of one attempt, marked as they pass: a timeout that drops the call loses none of them.
#[derive(Debug, Default)]
pub struct Marks {
    /// The look-up begins; only on a new connection.
    pub resolving: Cell<Option<Instant>>,
    /// The address is known.
    pub connecting: Cell<Option<Instant>>,
    /// How far another's opening had come that the request waited for, on a connection that they were to share; only if it had
    /// no connection in the end.
    pub awaited: Cell<Option<Stages>>,
    /// Where the connection leads.
    pub address: Cell<Option<SocketAddr>>,
    /// The connection stands; with TLS, the handshake begins. Never with datagrams.
    pub connected: Cell<Option<Instant>>,
    /// The TLS handshake is done; only with TLS.
    pub secured: Cell<Option<Instant>>,
    /// What the handshake agreed on; only with it.
    pub tls: Cell<Option<TlsVersion>>,
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
    /// The request was sent a second time, as a part of itself: a truncated answer of DNS was asked for again over TCP.
    pub is_sent_again: Cell<bool>,
    /// Who answered, as the answer says.
    pub backend: Cell<Option<Instance>>,
    /// Payload bytes handed to the kernel.
    pub sent_bytes: Cell<u64>,
    /// Payload bytes received.
    pub received_bytes: Cell<u64>,
    declared: RefCell<Declared>,
    /// Why it failed, where a layer below the protocol knows more than the class of the error says.
    why: RefCell<Option<String>>,
}

impl Marks {
    /// When the attempt began: with the look-up on a new connection, else with the first byte; with the waiting if it waited
    /// for another's connection in vain. Nothing if it never did.
    pub fn started(&self) -> Option<Instant> {
        let Stages { resolving, connecting, connected } = self.stages();
        resolving.or(connecting).or(connected).or(self.sending.get())
    }

    /// How far the opening of the connection has come: the request's own, or the one that it waited for if that had come
    /// further. Who takes over a moment before its time is over still waited for that.
    pub(crate) fn stages(&self) -> Stages {
        let own = self.own_stages();
        self.awaited.get().filter(|awaited| awaited.count() > own.count()).unwrap_or(own)
    }

    /// How far the request's own opening has come.
    pub(crate) fn own_stages(&self) -> Stages {
        Stages { resolving: self.resolving.get(), connecting: self.connecting.get(), connected: self.connected.get() }
    }

    /// Keeps what an answer, or a part of one, declares of a fault; the first rule, if several were to be named.
    pub(crate) fn declare(&self, declared: &Declared) {
        if declared.is_any() && !self.declared.borrow().is_rule() {
            self.declared.replace(declared.clone());
        }
    }

    /// What the answer declares of a fault, as far as it came.
    pub(crate) fn declared(&self) -> Ref<'_, Declared> {
        self.declared.borrow()
    }

    /// Keeps the first reason.
    pub(crate) fn explain(&self, why: impl Into<String>) {
        self.why.borrow_mut().get_or_insert_with(|| why.into());
    }

    /// Why it failed, if somebody knows.
    pub(crate) fn why(&self) -> Option<String> {
        self.why.borrow().clone()
    }
}

/// What an error while the answer was being read means.
fn ending_of<A>(error: &io::Error) -> Ending<A> {
    of_class(ErrorClass::of_receive(error))
}

/// An attempt that ended for this reason.
fn of_class<A>(class: ErrorClass) -> Ending<A> {
    match class {
        ErrorClass::Reset => Ending::Reset,
        ErrorClass::Closed => Ending::Closed,
        ErrorClass::Timeout => Ending::TimedOut,
        class => Ending::Failed(class),
    }
}

/// Marks the current instant, once.
pub(crate) fn mark(cell: &Cell<Option<Instant>>) {
    if cell.get().is_none() {
        cell.set(Some(Instant::now()));
    }
}
