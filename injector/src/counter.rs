//! What a driver counts by itself, because only it knows when: connections, which several requests may share, and the
//! messages of a stream.
//!
//! Every connection that is opened ends once, with one reason: opened = ended + open.

use std::cell::Cell;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use shared::outcome::{ConnectionEnd, ErrorClass};
use shared::red::client::ClientSeries;
use tokio::time::Instant;

use crate::account::{Ledger, OperationAccount};
use crate::lanes::rotation::{Shares, Spent};
use crate::resent::Resent;

/// Where one operation is counted on one worker.
#[derive(Clone)]
pub struct Counter {
    pub(crate) series: Arc<ClientSeries>,
    pub(crate) ledger: Arc<Ledger>,
    /// The operation's place in the plan and in the ledger.
    pub(crate) operation: usize,
    /// What each of its connections may carry before it is retired; nothing: no limit.
    pub(crate) shares: Option<Arc<Shares>>,
}

impl Counter {
    /// A connection stands, and is about to carry its first request: open until the guard is dropped.
    pub fn opened(&self) -> Open {
        self.counted(
            self.shares.as_ref().map(|shares| Spent::first_of(shares.next(), Instant::now())),
            ConnectionEnd::End,
        )
    }

    /// The same, for a connection over TCP.
    pub(crate) fn opened_over(&self, resent: Resent) -> Open {
        let mut open = self.opened();
        open.resent = resent;
        open
    }

    /// A connection of its own for a part of a request that is on another one: [`ConnectionEnd::Failed`] unless it is said to
    /// have come to its end.
    pub(crate) fn opened_beside(&self) -> Open {
        self.counted(None, ConnectionEnd::Failed)
    }

    fn counted(&self, spent: Option<Spent>, otherwise: ConnectionEnd) -> Open {
        self.series.connected(Ok(()));
        self.account(|account| account.connections += 1);
        Open {
            counter: self.clone(),
            spent,
            end: Cell::new(None),
            otherwise,
            resent: Resent::default(),
            address: Cell::new(None),
        }
    }

    /// The kernel sent so many segments again.
    pub(crate) fn resent(&self, segments: u32) {
        self.series.retransmitted(segments.into());
        self.account(|account| account.retransmits += u64::from(segments));
    }

    /// A connection could not be opened.
    pub(crate) fn not_opened(&self, class: ErrorClass) {
        self.series.connected(Err(class));
    }

    /// A message of a stream came, this long after the one before it, or after the request.
    pub fn message(&self, duration: Duration) {
        self.series.message(duration);
        self.account(|account| account.messages.record(duration));
    }

    pub(crate) fn account(&self, change: impl FnOnce(&mut OperationAccount)) {
        self.ledger.update(self.operation, change);
    }
}

/// An open connection, counted for as long as it lives, however it ends.
pub struct Open {
    counter: Counter,
    /// Against its limits; nothing if it has none.
    spent: Option<Spent>,
    end: Cell<Option<ConnectionEnd>>,
    /// The reason if nobody gives one.
    otherwise: ConnectionEnd,
    resent: Resent,
    /// Where it leads, if somebody said so.
    address: Cell<Option<SocketAddr>>,
}

impl Open {
    /// Segments that were seen to be sent again on it since the last time. Where requests share it, whose they were is not
    /// known: the first that ends is told.
    pub(crate) fn untold_resent(&self) -> u32 {
        self.resent.untold()
    }

    /// Why it ends, or is about to. Of several reasons the first one stands, however many lanes share it.
    pub(crate) fn ends(&self, end: ConnectionEnd) {
        if self.end.get().is_none() {
            self.end.set(Some(end));
        }
    }

    /// Keeps where it leads, as the one who opened it knows.
    pub(crate) fn leads_to(&self, address: SocketAddr) {
        self.address.set(Some(address));
    }

    /// Where it leads.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address.get()
    }

    /// Why it ends, as far as is known.
    pub(crate) fn end(&self) -> ConnectionEnd {
        self.end.get().unwrap_or(self.otherwise)
    }

    /// Takes the place of one request on it.
    ///
    /// # Errors
    /// Why there is none: it is to be retired.
    pub(crate) fn take(&self) -> Result<(), ConnectionEnd> {
        self.spent.as_ref().map_or(Ok(()), |spent| spent.take(Instant::now))
    }

    /// Why no request may follow on it, however well it is.
    pub(crate) fn retired(&self) -> Option<ConnectionEnd> {
        self.spent.as_ref().and_then(|spent| spent.over(Instant::now))
    }

    /// When it is old enough; nothing if it may grow as old as it likes.
    pub(crate) fn retires_at(&self) -> Option<Instant> {
        self.spent.as_ref().and_then(|spent| spent.until)
    }
}

impl Deref for Open {
    type Target = Counter;
    fn deref(&self) -> &Counter {
        &self.counter
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let otherwise = if thread::panicking() { ConnectionEnd::Failed } else { self.otherwise };
        let end = self.end.get().unwrap_or(otherwise);
        self.counter.series.disconnected(end);
        self.counter.account(|account| account.connections_closed[end.index()] += 1);
    }
}
