//! What a stream has ready to send: one request, or one for each row of its data.
//!
//! Connections are always made by the first: all rows of an operation go to one place over the same connections. Which row a slot
//! takes is a function of its number, so that nothing is shared or counted, and a stream without data pays one comparison.

use std::num::NonZeroU32;

use crate::driver::{Driver, IdentityTemplate};
use crate::plan::{Operation, RowOrder};

/// An operation's requests, ready to be sent.
pub(crate) struct Prepared<D: Driver> {
    first: D::Prepared,
    rest: Option<Rest<D>>,
}

struct Rest<D: Driver> {
    /// The rows behind the first.
    others: Box<[D::Prepared]>,
    order: RowOrder,
    seed: u64,
}

impl<D: Driver> Prepared<D> {
    pub(crate) fn new(operation: &Operation, call: &D::Call, identity: IdentityTemplate) -> Prepared<D> {
        let rest = operation.rows.as_ref().map(|rows| {
            // They open no connections, and so need no room for any.
            let alike = Operation { connection: operation.connection.with_kept(NonZeroU32::MIN), ..operation.clone() };
            let calls = rows.calls.iter().skip(1).filter_map(|call| D::own(call));
            let others = calls.map(|call| D::prepare(&alike, call, identity)).collect();
            Rest { others, order: rows.order, seed: operation.seed }
        });
        Prepared { first: D::prepare(operation, call, identity), rest }
    }

    /// What connections are made with.
    pub(crate) fn first(&self) -> &D::Prepared {
        &self.first
    }

    /// What slot `seq` sends.
    pub(crate) fn of(&self, seq: u64) -> &D::Prepared {
        let Some(Rest { others, order, seed }) = &self.rest else { return &self.first };
        match order.row(*seed, seq, others.len() + 1) {
            0 => &self.first,
            row => &others[row - 1],
        }
    }
}
