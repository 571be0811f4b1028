//! What the operations of a run ask for, and asked for before a scenario was read again: the label `name` is a URL, so that
//! each has series of its own.

use std::sync::{Arc, PoisonError, RwLock};

use super::{K6Call, K6Red, K6Series};
use crate::outcome::Code;

/// Most that the operations of a run can have asked for: the bound on the label `name`.
const ROWS_MAX: usize = 256;

/// What one operation asks for, or asked for.
#[derive(Debug)]
pub(super) struct Row {
    /// Its place among the operations.
    pub(super) operation: usize,
    pub(super) call: K6Call,
    pub(super) shards: Vec<Arc<K6Series>>,
}

/// The last of an operation is what it asks for now.
#[derive(Debug, Default)]
pub(super) struct Rows(RwLock<Vec<Arc<Row>>>);

impl Rows {
    /// All that there are now.
    pub(super) fn all(&self) -> Vec<Arc<Row>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes what was there already, so that no series is there twice, or makes it.
    fn is_last(&self, operation: usize, call: &K6Call, shards: impl FnOnce() -> Vec<Arc<K6Series>>) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = held.iter().position(|row| row.operation == operation && row.call == *call);
        let row = match known {
            Some(place) => held.remove(place),
            None => Arc::new(Row { operation, call: call.clone(), shards: shards() }),
        };
        held.push(row);
    }
}

impl K6Red {
    /// The series that one worker counts one operation into, as it is asked for now.
    pub fn series(&self, operation: usize, worker: usize) -> Arc<K6Series> {
        let rows = self.held.rows.all();
        let row = rows.iter().rev().find(|row| row.operation == operation).expect("whoever counts was announced");
        Arc::clone(&row.shards[worker])
    }

    /// Whether there is room for so many more things to ask for.
    pub fn has_room(&self, more: usize) -> bool {
        self.held.rows.all().len() + more <= ROWS_MAX
    }

    /// An operation asks for this from now on, and expects these codes. What it asked for before stays exported.
    pub fn asks(&self, operation: usize, call: &K6Call, expected: &[Code]) {
        let workers = self.held.red.workers;
        let shards = || (0..workers).map(|_| Arc::new(K6Series::new(call, expected))).collect();
        self.held.rows.is_last(operation, call, shards);
    }
}
