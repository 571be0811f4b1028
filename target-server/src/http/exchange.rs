//! What the parts of one active connection share: the socket, the service and the answer's body.
//!
//! They all run inside the connection's one task, so that nothing here is ever contended; the lock and the atomics only
//! satisfy a runtime that may move the task to another thread.
//!
//! Invariant: a request that [`Exchange::began`] ends in exactly one of three ways: [`Exchange::settle`] and the flush
//! after it, the bare socket ([`Exchange::take_over`]), or the end of the connection.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use shared::identity::Session;
use shared::outcome::ServerError;
use shared::red::Labels;
use tokio::time::Instant;

use super::Http;
use super::two::Upgrade;
use super::websocket::WebSocket;
use super::wire::Plan;
use crate::core::Kept;
use crate::podinfo::Series;
use crate::record::{Call, Handles};

pub(super) struct Exchange {
    pub(super) http: Arc<Http>,
    pub(super) client: IpAddr,
    /// TLS is around it.
    pub(super) is_secured: bool,
    /// Requests begun and not ended.
    active: AtomicU32,
    /// Requests ended.
    ended: AtomicU64,
    /// Bytes came since the last request ended: a head is on its way.
    heard: AtomicBool,
    /// The request being served asked for something that may take its time.
    patient: AtomicBool,
    /// Grows whenever bytes move in either direction.
    progress: AtomicU64,
    /// Some answer was handed to hyper whole and not yet flushed.
    unflushed: AtomicBool,
    /// A write failed for a reason that is not the client's leaving.
    broken: AtomicBool,
    desk: Mutex<Desk>,
}

#[derive(Default)]
struct Desk {
    /// Handed to hyper whole; recorded when the socket has taken it. Nothing for a request that is recorded already.
    flushing: Vec<Option<Call>>,
    takeover: Option<Takeover>,
    kept: Kept,
    series: Option<(Method, &'static str, Arc<Series>)>,
}

/// What is to become of a socket that hyper gives back.
pub(super) enum Takeover {
    /// A broken answer is written.
    Broken(Box<Plan>),
    /// HTTP/2 goes on, as the client asked.
    Two(Box<Upgrade>),
    /// Frames of a WebSocket go on.
    WebSocket(Box<WebSocket>),
}

/// What a connection is doing, for the one who decides to park it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// A request is being served.
    Busy,
    /// The first bytes of a head are here.
    Head,
    /// Nothing is going on, and everything is flushed.
    Idle,
}

impl Exchange {
    pub(super) fn new(http: Arc<Http>, client: IpAddr, is_secured: bool) -> Exchange {
        Exchange {
            http,
            client,
            is_secured,
            active: AtomicU32::new(0),
            ended: AtomicU64::new(0),
            heard: AtomicBool::new(false),
            patient: AtomicBool::new(false),
            progress: AtomicU64::new(0),
            unflushed: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            desk: Mutex::default(),
        }
    }

    /// Where requests of these labels are counted, from this connection's small cache.
    pub(super) fn handles(&self, labels: Labels, session: Option<Session>, now: Instant) -> Arc<Handles> {
        self.desk().kept.handles(&self.http.core, labels, session, now)
    }

    /// The same for podinfo's metrics; the last one is kept, because a connection asks for one path more often than not.
    pub(super) fn series(&self, method: &Method, path: &'static str) -> Arc<Series> {
        let mut desk = self.desk();
        match &desk.series {
            Some((of, at, series)) if of == method && *at == path => Arc::clone(series),
            _ => {
                let series = self.http.metrics.series(method, path);
                desk.series = Some((method.clone(), path, Arc::clone(&series)));
                series
            }
        }
    }

    /// Whether the request being served may stand still for as long as anything that can be asked for takes.
    pub(super) fn is_patient(&self) -> bool {
        self.patient.load(Ordering::Relaxed)
    }

    /// What the request being served asked for says whether it may.
    pub(super) fn set_patient(&self, patient: bool) {
        self.patient.store(patient, Ordering::Relaxed);
    }

    /// A request's head arrived whole.
    pub(super) fn began(&self) {
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    /// The answer is in hyper's hands; `call` is recorded when the socket has taken all of it.
    pub(super) fn settle(&self, call: Option<Call>) {
        self.desk().flushing.push(call);
        self.unflushed.store(true, Ordering::Relaxed);
    }

    /// Everything handed over so far is in the kernel.
    pub(super) fn flushed(&self) {
        if !self.unflushed.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut desk = self.desk();
        for call in desk.flushing.drain(..) {
            if let Some(call) = call {
                call.answered();
            }
            self.active.fetch_sub(1, Ordering::Relaxed);
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
        self.heard.store(false, Ordering::Relaxed);
    }

    /// The connection is over: what was not flushed will not be.
    pub(super) fn give_up_flushing(&self) {
        for call in self.desk().flushing.drain(..).flatten() {
            if self.is_broken() {
                call.failed(ServerError::Write);
            }
            // Otherwise it is dropped, which says that the client left.
        }
    }

    /// Bytes came from the client.
    pub(super) fn heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
        self.moved();
    }

    /// Bytes moved.
    pub(super) fn moved(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Differs from an earlier answer if bytes moved since.
    pub(super) fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// A write failed.
    pub(super) fn write_failed(&self, kind: std::io::ErrorKind) {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        if !matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset) {
            self.broken.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a write failed although the client had not left.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Requests ended so far on this connection.
    pub(super) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn activity(&self) -> Activity {
        if self.active.load(Ordering::Relaxed) > 0 {
            Activity::Busy
        } else if self.heard.load(Ordering::Relaxed) {
            Activity::Head
        } else {
            Activity::Idle
        }
    }

    /// For whoever gets the socket back from hyper.
    pub(super) fn take_over(&self, takeover: Takeover) {
        self.desk().takeover = Some(takeover);
    }

    /// What the service asked for the socket for, if it did.
    pub(super) fn taken_over(&self) -> Option<Takeover> {
        self.desk().takeover.take()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
