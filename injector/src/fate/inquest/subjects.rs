//! What an inquest is about: the operations of a run by number. A reload may bring more, and none goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use shared::identity::Name;

use super::Known;
use crate::plan::Plan;

/// Every operation there was so far.
#[derive(Default)]
pub(crate) struct Subjects(RwLock<Vec<Arc<Subject>>>);

/// An operation.
pub(crate) struct Subject {
    pub(super) name: Name,
    pub(super) carries_id: bool,
    pub(super) known: Mutex<Known>,
}

impl Subjects {
    /// Takes up those that a plan as it is run has beyond what is known.
    pub(crate) fn follow(&self, as_run: &Plan) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let new = as_run.operations.iter().skip(held.len()).map(|operation| {
            let (name, carries_id) = (operation.name, operation.call.carries_id());
            Arc::new(Subject { name, carries_id, known: Mutex::default() })
        });
        let new: Vec<_> = new.collect();
        held.extend(new);
    }

    pub(super) fn of(&self, operation: usize) -> Arc<Subject> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)[operation])
    }

    pub(super) fn all(&self) -> Vec<Arc<Subject>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Subject {
    pub(super) fn lock(&self) -> MutexGuard<'_, Known> {
        super::lock(&self.known)
    }
}
