//! Answers that wait for their client's next datagram: `reorder`.

use std::collections::HashMap;
use std::net::SocketAddr;

use tokio::sync::oneshot;

/// Answers that have gone out unreleased are swept away when this many entries are there. The others are no more than
/// faults may be active.
const SWEPT_AT: usize = 1024;

/// At most one answer of each client: its next datagram releases it.
#[derive(Default)]
pub(super) struct Held {
    by_client: HashMap<SocketAddr, oneshot::Sender<()>>,
    swept_at: usize,
}

/// An answer that waited.
pub(super) struct Earlier(oneshot::Sender<()>);

impl Earlier {
    /// Its turn has come.
    pub(super) fn release(self) {
        // It may have gone out meanwhile: it does not wait for ever.
        let _ = self.0.send(());
    }
}

impl Held {
    /// Resolves when the client's next datagram has been answered.
    pub(super) fn hold(&mut self, client: SocketAddr) -> oneshot::Receiver<()> {
        if self.by_client.len() >= self.swept_at.max(SWEPT_AT) {
            self.by_client.retain(|_, waiting| !waiting.is_closed());
            // Twice what is left: sweeping costs nothing per datagram on average.
            self.swept_at = 2 * self.by_client.len();
        }
        let (release, turn) = oneshot::channel();
        self.by_client.insert(client, release);
        turn
    }

    /// The answer that this client's datagram overtakes.
    pub(super) fn take(&mut self, client: SocketAddr) -> Option<Earlier> {
        if self.by_client.is_empty() {
            return None;
        }
        self.by_client.remove(&client).map(Earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_nobody_released_do_not_pile_up() {
        let mut held = Held::default();
        for port in 1..=u16::MAX {
            // The receiver is dropped at once, as by an answer that went out when its longest wait was over.
            drop(held.hold(SocketAddr::from(([127, 0, 0, 1], port))));
            assert!(held.by_client.len() <= SWEPT_AT);
        }
    }
}
