//! The operations of a run, by number: a scenario that is read again may bring more, and none ever goes.
//!
//! A scrape and a worker that begins look here; what is counted goes to the series themselves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::{ClientOperation, ClientRed, ClientSeries, Operation, names};

/// Append-only, so that a number means the same operation for as long as the process lives. Bounded by who admits.
#[derive(Debug, Default)]
pub(super) struct Operations(RwLock<Vec<Arc<Operation>>>);

impl Operations {
    pub(super) fn of(&self, operation: usize) -> Arc<Operation> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)[operation])
    }

    /// All that there are now.
    pub(super) fn all(&self) -> Vec<Arc<Operation>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, operation: Operation) -> usize {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.push(Arc::new(operation));
        held.len() - 1
    }
}

impl Operation {
    fn new(operation: &ClientOperation, workers: usize) -> Operation {
        let series = || Arc::new(ClientSeries::new(&operation.expected, operation.labels.injected));
        Operation {
            labels: operation.labels,
            configured_rate: AtomicU64::new(operation.rate_per_s.to_bits()),
            shards: (0..workers).map(|_| series()).collect(),
            fates: Default::default(),
            findings: Default::default(),
            unexplained: AtomicU64::default(),
            backends_seen: AtomicU64::default(),
            name: names::Name::default(),
        }
    }
}

impl ClientRed {
    /// Series for one more operation; its number, which is that of the last one and 1.
    pub fn admit(&self, operation: &ClientOperation) -> usize {
        self.operations.push(Operation::new(operation, self.workers))
    }

    /// An operation asks for something else from now on, and may be answered otherwise: what is new of that is exported at 0.
    /// Its source, name and protocol are what they were.
    pub fn changed(&self, number: usize, operation: &ClientOperation) {
        let held = self.operations.of(number);
        held.configured_rate.store(operation.rate_per_s.to_bits(), Ordering::Relaxed);
        held.shards.iter().for_each(|shard| shard.expect(&operation.expected, operation.labels.injected));
    }
}
