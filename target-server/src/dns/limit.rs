//! Answers over UDP per second and network of clients: a token bucket each, so that we are no amplifier for who forges a sender.
//!
//! Bounded: [`NETWORKS_MAX`] buckets; when they are used up, those that are full again make room, and else a newcomer shares
//! the last one's fate: it is let through, because the flood has other names.

use std::collections::HashMap;
use std::net::IpAddr;

use tokio::time::Instant;

/// Networks told apart.
const NETWORKS_MAX: usize = 8_192;

/// All buckets.
#[derive(Debug)]
pub(super) struct Limiter {
    per_second: f64,
    buckets: HashMap<u64, (f64, Instant)>,
}

impl Limiter {
    pub(super) fn new(per_second: u32) -> Limiter {
        Limiter { per_second: f64::from(per_second), buckets: HashMap::new() }
    }

    /// Whether one more answer may go there now. A bucket holds one second's worth.
    pub(super) fn admits(&mut self, client: IpAddr, now: Instant) -> bool {
        let (per_second, network) = (self.per_second, network(client));
        if self.buckets.len() >= NETWORKS_MAX && !self.buckets.contains_key(&network) {
            self.buckets.retain(|_, (tokens, since)| refilled(*tokens, *since, now, per_second) < per_second);
            if self.buckets.len() >= NETWORKS_MAX {
                return true;
            }
        }
        let (tokens, since) = self.buckets.entry(network).or_insert((per_second, now));
        *tokens = refilled(*tokens, *since, now, per_second);
        // An answer that was delayed is charged to the instant of its query, which may be long ago: time does not run back.
        *since = (*since).max(now);
        let admits = *tokens >= 1.0;
        *tokens -= f64::from(u8::from(admits));
        admits
    }
}

fn refilled(tokens: f64, since: Instant, now: Instant, per_second: f64) -> f64 {
    (tokens + now.saturating_duration_since(since).as_secs_f64() * per_second).min(per_second)
}

/// The /24 of an IPv4 address, the /56 of an IPv6 one; the two cannot collide.
fn network(client: IpAddr) -> u64 {
    match client {
        IpAddr::V4(ip) => u64::from(ip.to_bits() >> 8),
        IpAddr::V6(ip) => (1 << 63) | (ip.to_bits() >> 72) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_network_gets_its_rate_and_others_theirs() {
        let mut limiter = Limiter::new(2);
        let [a, same, other] = [[192, 0, 2, 1], [192, 0, 2, 9], [192, 0, 3, 1]].map(IpAddr::from);
        let now = Instant::now();
        assert_eq!([a, same, a].map(|ip| limiter.admits(ip, now)), [true, true, false]);
        assert!(limiter.admits(other, now));
        assert!(limiter.admits(a, now + Duration::from_millis(500)), "one token came back");
        for i in 0..2 * NETWORKS_MAX as u32 {
            limiter.admits(IpAddr::from((i << 8).to_be_bytes()), now);
        }
        assert!(limiter.buckets.len() <= NETWORKS_MAX);
    }
}
