//! Where a worker counts, and the leader takes from.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::OperationAccount;

/// One worker's accounts, by operation. The worker counts under a lock that nobody else holds for longer than a swap: a
/// channel of finished requests would need a bound and a policy for when it is full.
#[derive(Debug)]
pub struct Ledger {
    accounts: Mutex<Vec<OperationAccount>>,
    /// Empty, and exchanged for the accounts when they are taken: nothing grows anew every second.
    spare: Mutex<Vec<OperationAccount>>,
}

impl Ledger {
    /// Empty accounts.
    pub fn new(operations: usize) -> Ledger {
        let empty = || Mutex::new(vec![OperationAccount::default(); operations]);
        Ledger { accounts: empty(), spare: empty() }
    }

    /// The account of one operation, to be counted into.
    pub fn update(&self, operation: usize, change: impl FnOnce(&mut OperationAccount)) {
        change(&mut lock(&self.accounts)[operation]);
    }

    /// Takes what has been counted since the last time, and adds it to `into`.
    pub fn take(&self, into: &mut [OperationAccount]) {
        let mut taken = lock(&self.spare);
        std::mem::swap(&mut *lock(&self.accounts), &mut *taken);
        for (sum, part) in into.iter_mut().zip(taken.iter_mut()) {
            sum.merge(part);
            part.clear();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
