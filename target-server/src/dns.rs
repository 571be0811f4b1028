//! DNS over UDP and TCP: our own loops with hickory's codec, because broken answers need the bytes; hickory's server answers the
//! ordinary names of the zone.
//!
//! Data walks one way: packet → [`query`] → [`ask`] → job (decide, wait) → [`answer`] → [`spoil`] → wire → record.
//!
//! Invariants:
//! - What cannot be read costs a counter and at most twelve bytes; an answer to an answer is never sent.
//! - A panic costs one query: it is answered SERVFAIL and recorded `internal`, and the loop goes on.
//! - Delays hold a task each, and a fault slot: no more of them than `--faults-max`, `--faults-max-per-client` for one client.

mod answer;
mod ask;
mod count;
mod job;
mod limit;
mod query;
mod spoil;
mod tcp;
mod udp;
mod zones;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::rr::Name;
use shared::carrier::dns::Zone;
use shared::fault::Transport;
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::count::Counts;
use self::limit::Limiter;
use self::zones::Zones;
use crate::accept::Speaker;
use crate::config::{Cidr, DnsConfig};
use crate::core::{Core, client_ip};

/// What all DNS queries share.
pub(crate) struct Dns {
    core: Arc<Core>,
    zone: Zone,
    /// The zone as hickory has it.
    origin: Name,
    zones: Zones,
    answer_cidrs: Vec<Cidr>,
    udp_size_max: u16,
    counts: Mutex<Counts>,
    limiter: Mutex<Limiter>,
}

impl Dns {
    pub(crate) fn new(core: Arc<Core>, config: &DnsConfig) -> Arc<Dns> {
        let zone = config.dns_zone.clone();
        let origin = Name::from_ascii(zone.to_string()).expect("a zone is a name");
        Arc::new(Dns {
            core,
            zones: Zones::new(&origin),
            origin,
            zone,
            answer_cidrs: config.dns_answer_cidrs.clone(),
            udp_size_max: config.dns_udp_size_max,
            counts: Mutex::default(),
            limiter: Mutex::new(Limiter::new(config.dns_rate_limit)),
        })
    }

    /// Whether its network has had its answers of this second. Over TCP nobody can forge a sender.
    fn is_over_rate(&self, transport: Transport, client: SocketAddr, now: Instant) -> bool {
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        transport == Transport::Udp && !limiter.admits(client_ip(client), now)
    }

    /// A name below `ok.<zone>`.
    fn below_ok(&self, label: &str) -> Name {
        let below = Name::from_ascii(format!("{label}.ok")).and_then(|name| name.append_domain(&self.origin));
        below.expect("a zone leaves room for two short labels")
    }
}

impl Speaker for Dns {
    async fn serve(self: Arc<Self>, stream: TcpStream, client: SocketAddr, drain: CancellationToken) {
        tcp::serve(self, stream, client, drain).await;
    }

    /// DNS has no word for it that comes before a query: the connection is closed.
    fn refuse(&self, _: &TcpStream) {
        self.core.count_nameless(Protocol::DnsTcp, "refused", Code::NONE, ServerError::Overload);
    }
}
