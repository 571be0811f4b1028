//! A small cache of where requests are counted, for one loop: looking them up takes locks.

use std::sync::Arc;

use shared::identity::Session;
use shared::red::Labels;
use tokio::time::Instant;

use crate::core::Core;
use crate::record::Handles;

/// Handles kept; the oldest makes room. The socket of all clients sees the operations of several injectors.
const HANDLES_MAX: usize = 32;

/// The handles used lately.
#[derive(Default)]
pub(super) struct Cache(Vec<(Labels, Option<Session>, Arc<Handles>)>);

impl Cache {
    pub(super) fn get(&mut self, core: &Core, labels: Labels, session: Option<Session>, now: Instant) -> Arc<Handles> {
        if let Some((_, _, handles)) = self.0.iter().find(|(held, of, _)| *held == labels && *of == session) {
            return Arc::clone(handles);
        }
        let handles = Arc::new(core.handles(labels, session, now));
        if self.0.len() >= HANDLES_MAX {
            self.0.remove(0);
        }
        self.0.push((labels, session, Arc::clone(&handles)));
        handles
    }
}
