//! Who answered each operation, by name: set against who was ever asked, it shows that somebody was not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::account::OperationAccount;

/// The names of one operation, sorted: as many as its account tells apart.
type Servers = Arc<[Box<str>]>;

/// By operation. Written once a second, and only where a name came or went.
#[derive(Debug)]
pub(crate) struct Heard(Mutex<Vec<Servers>>);

impl Heard {
    /// Nobody yet.
    pub(super) fn new(operations: usize) -> Heard {
        Heard(Mutex::new(vec![Servers::default(); operations]))
    }

    /// Who answered by now.
    pub(crate) fn note(&self, accounts: &[OperationAccount]) {
        let mut all = self.lock();
        // A reload may have brought some.
        let operations = accounts.len().max(all.len());
        all.resize(operations, Servers::default());
        for (held, account) in all.iter_mut().zip(accounts) {
            let names = || account.by_backend.servers().map(|(name, _)| name);
            if !names().eq(held.iter().map(|name| &**name)) {
                *held = names().map(Box::from).collect();
            }
        }
    }

    /// Who answered this operation.
    pub(super) fn of(&self, operation: usize) -> Servers {
        self.lock().get(operation).cloned().unwrap_or_default()
    }

    /// Whether this one answered any.
    pub(super) fn has(&self, server: &str) -> bool {
        self.lock().iter().any(|held| held.binary_search_by(|name| (**name).cmp(server)).is_ok())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Servers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
