//! Where a worker counts, and the leader takes from.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::OperationAccount;

/// One worker's accounts, by operation. The worker counts under a lock that nobody else holds for longer than a swap: a
/// channel of finished requests would need a bound and a policy for when it is full.
#[derive(Debug)]
pub struct Ledger {
    counting: Mutex<Counting>,
    /// Empty, and exchanged for the accounts when they are taken: nothing grows anew every second.
    spare: Mutex<Vec<OperationAccount>>,
}

#[derive(Debug)]
struct Counting {
    accounts: Vec<OperationAccount>,
    /// Number of the phase that is being counted.
    phase: usize,
    /// What was counted in phases that ended since the last time: phases follow each other and none comes again, so there
    /// are at most as many as a plan has.
    ended: Vec<(usize, Vec<OperationAccount>)>,
}

impl Ledger {
    /// Empty accounts.
    pub fn new(operations: usize) -> Ledger {
        let empty = || vec![OperationAccount::default(); operations];
        let counting = Counting { accounts: empty(), phase: 0, ended: Vec::new() };
        Ledger { counting: Mutex::new(counting), spare: Mutex::new(empty()) }
    }

    /// Room for so many operations; those that are there stay as they are.
    pub fn grow(&self, operations: usize) {
        let mut spare = lock(&self.spare);
        for accounts in [&mut lock(&self.counting).accounts, &mut *spare] {
            accounts.resize_with(operations.max(accounts.len()), OperationAccount::default);
        }
    }

    /// The account of one operation, to be counted into.
    pub fn update(&self, operation: usize, change: impl FnOnce(&mut OperationAccount)) {
        change(&mut lock(&self.counting).accounts[operation]);
    }

    /// What is counted from now on is of another phase.
    pub fn turn(&self, phase: usize) {
        let mut counting = lock(&self.counting);
        if counting.phase == phase {
            return;
        }
        let before = mem::replace(&mut counting.phase, phase);
        let empty = vec![OperationAccount::default(); counting.accounts.len()];
        let counted = mem::replace(&mut counting.accounts, empty);
        counting.ended.push((before, counted));
    }

    /// Takes what has been counted since the last time, and adds it to `into`.
    pub fn take(&self, into: &mut [OperationAccount]) {
        self.take_by_phase(into, &mut []);
    }

    /// The same, and adds it to the sum of its phase, too.
    pub fn take_by_phase(&self, into: &mut [OperationAccount], by_phase: &mut [OperationAccount]) {
        let mut taken = lock(&self.spare);
        let (phase, ended) = {
            let mut counting = lock(&self.counting);
            mem::swap(&mut counting.accounts, &mut *taken);
            (counting.phase, mem::take(&mut counting.ended))
        };
        let mut add = |phase: usize, accounts: &[OperationAccount]| {
            for (sum, part) in into.iter_mut().zip(accounts) {
                sum.merge(part);
                if let Some(sum) = by_phase.get_mut(phase) {
                    sum.merge(part);
                }
            }
        };
        for (phase, accounts) in &ended {
            add(*phase, accounts);
        }
        add(phase, &taken);
        taken.iter_mut().for_each(OperationAccount::clear);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
