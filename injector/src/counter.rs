//! What a driver counts by itself, because only it knows when: connections, which several requests may share, and the
//! messages of a stream.

use std::cell::Cell;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use shared::outcome::ErrorClass;
use shared::red::client::ClientSeries;

use crate::account::{Ledger, OperationAccount};

/// Where one operation is counted on one worker.
#[derive(Clone)]
pub struct Counter {
    pub(crate) series: Arc<ClientSeries>,
    pub(crate) ledger: Arc<Ledger>,
    /// The operation's place in the plan and in the ledger.
    pub(crate) operation: usize,
}

impl Counter {
    /// A connection stands: open until the guard is dropped.
    pub fn opened(&self) -> Open {
        self.series.connected(Ok(()));
        self.account(|account| account.connections += 1);
        Open { counter: self.clone(), is_lost: Cell::new(false), address: Cell::new(None) }
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
    is_lost: Cell<bool>,
    /// Where it leads, if somebody said so.
    address: Cell<Option<IpAddr>>,
}

impl Open {
    /// Keeps where it leads, as the one who opened it knows.
    pub(crate) fn leads_to(&self, address: IpAddr) {
        self.address.set(Some(address));
    }

    /// Where it leads.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address.get()
    }

    /// The peer ended it while no request was on it. Counted once, however many lanes shared it.
    pub(crate) fn lost_while_idle(&self) {
        if !self.is_lost.replace(true) {
            self.counter.series.lost_while_idle();
            self.counter.account(|account| account.connections_lost += 1);
        }
    }

    /// The peer ended it with requests on it, which each have their own ending: no loss while idle, for none of its lanes.
    pub(crate) fn lost_in_use(&self) {
        self.is_lost.set(true);
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
        self.counter.series.disconnected();
    }
}
