//! How often a nonce was asked, for `cnt`: shows the retries, duplicates and cache hits of whatever lies in between.
//!
//! Bounded: [`NONCES_MAX`] nonces, and of each the first [`CLIENTS_MAX`] clients by name; beyond, all are one.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use shared::fault::Transport;

/// Nonces kept; the one that came first makes room. About 100 bytes each.
const NONCES_MAX: usize = 16_384;
/// Clients told apart per nonce.
const CLIENTS_MAX: usize = 4;

/// All counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    by_nonce: HashMap<String, Vec<Entry>>,
    order: VecDeque<String>,
}

#[derive(Debug)]
struct Entry {
    client: Option<IpAddr>,
    transport: Transport,
    count: u64,
}

impl Counts {
    /// Counts one query, and says all there were, as `udp/127.0.2.1=3`.
    pub(super) fn count(&mut self, nonce: &str, client: IpAddr, transport: Transport) -> Vec<String> {
        if !self.by_nonce.contains_key(nonce) {
            if self.order.len() >= NONCES_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_nonce.remove(&oldest);
            }
            self.order.push_back(nonce.to_owned());
        }
        let entries = self.by_nonce.entry(nonce.to_owned()).or_default();
        let known = |client| move |entry: &Entry| entry.client == client && entry.transport == transport;
        let client = Some(client).filter(|_| entries.len() < CLIENTS_MAX || entries.iter().any(known(Some(client))));
        match entries.iter().position(known(client)) {
            Some(at) => entries[at].count += 1,
            None => entries.push(Entry { client, transport, count: 1 }),
        }
        let name = |client: Option<IpAddr>| client.map_or_else(|| "others".to_owned(), |ip| ip.to_string());
        entries
            .iter()
            .map(|entry| format!("{}/{}={}", entry.transport.as_str(), name(entry.client), entry.count))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_by_nonce_client_and_transport_and_bounded() {
        let mut counts = Counts::default();
        let [a, b] = [1, 2].map(|last| IpAddr::from([127, 0, 2, last]));
        counts.count("n", a, Transport::Udp);
        counts.count("n", a, Transport::Udp);
        assert_eq!(counts.count("n", b, Transport::Tcp), ["udp/127.0.2.1=2", "tcp/127.0.2.2=1"]);
        for i in 0..NONCES_MAX {
            counts.count(&format!("other{i}"), a, Transport::Udp);
        }
        assert_eq!((counts.order.len(), counts.by_nonce.len()), (NONCES_MAX, NONCES_MAX));
        assert_eq!(counts.count("n", a, Transport::Udp), ["udp/127.0.2.1=1"], "forgotten since");
        for last in 0..=255 {
            counts.count("many", IpAddr::from([10, 0, 0, last]), Transport::Udp);
        }
        let many = counts.count("many", a, Transport::Udp);
        assert_eq!((many.len(), many[4].as_str()), (CLIENTS_MAX + 1, "udp/others=253"));
    }
}
