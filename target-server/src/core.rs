//! What the listeners of all protocols share: where requests are counted, decided and signed.
//!
//! Everything between reading an ask and acting on it is here and the same for every protocol; above is the accept loop,
//! below is dialect.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shared::identity::{Name, Session, Source};
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use shared::red::Labels;
use shared::red::server::ServerRed;
use tokio::time::Instant;

use crate::config::Config;
use crate::faults::Faults;
use crate::record::{Call, Handles};
use crate::sessions::Sessions;

/// One per target.
pub(crate) struct Core {
    pub(crate) red: ServerRed,
    pub(crate) faults: Faults,
    pub(crate) sessions: Sessions,
    /// Who answers: `<pod>/<node>/<zone>`, visible ASCII.
    pub(crate) place: String,
    /// How long the head of a request may take from its first byte.
    pub(crate) head_timeout: Duration,
    /// How long a connection, or a request that asked for nothing that takes time, may stand still.
    pub(crate) idle_timeout: Duration,
    /// Connections of all listeners together.
    max_connections: usize,
    connections: AtomicUsize,
}

impl Core {
    pub(crate) fn new(config: &Config, max_connections: usize, red: ServerRed) -> Core {
        Core {
            faults: Faults::new(&config.faults, config.admin.max_rule_ttl, red.clone()),
            red,
            sessions: Sessions::default(),
            place: config.place(),
            head_timeout: config.connections.head_timeout,
            idle_timeout: config.connections.idle_timeout,
            max_connections,
            connections: AtomicUsize::new(0),
        }
    }

    /// Where requests of these labels are counted. Takes locks: worth keeping.
    pub(crate) fn handles(&self, labels: Labels, session: Option<Session>, now: Instant) -> Handles {
        Handles {
            series: self.red.series(labels),
            book: session.map(|session| self.sessions.book(session, labels.operation, now)),
            panic_code: panic_code(labels.protocol),
            load: Arc::clone(self.faults.load()),
        }
    }

    /// What `read` understands of an ask. A panic there, before there is a record, is counted as a stranger's `operation`
    /// and goes on to whoever shields the request.
    pub(crate) fn understood<T>(&self, protocol: Protocol, operation: &'static str, read: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
            self.count_nameless(protocol, operation, panic_code(protocol), ServerError::Internal);
            resume_unwind(panic)
        })
    }

    /// A request of a stranger that has no more than an outcome: it never made sense, or was refused unread.
    pub(crate) fn count_nameless(&self, protocol: Protocol, operation: &'static str, code: Code, error: ServerError) {
        let labels =
            Labels { source: Source::external(), protocol, operation: Name::from_static(operation), injected: false };
        let now = Instant::now();
        let mut call = Call::start(Arc::new(self.handles(labels, None, now)), now, None);
        call.set_code(code);
        call.failed(error);
    }

    /// Room for one more connection; nothing if there is none.
    pub(crate) fn admit(self: &Arc<Core>) -> Option<Admitted> {
        let admitted = Admitted(Arc::clone(self));
        // Counted before it is known whether it fits: a refusal gives the place back at once, by being dropped.
        let open = self.connections.fetch_add(1, Ordering::Relaxed);
        (open < self.max_connections).then_some(admitted)
    }

    /// The gauge of open connections of a protocol, until dropped.
    pub(crate) fn opened(self: &Arc<Core>, protocol: Protocol) -> Open {
        self.red.connected(protocol);
        Open(Arc::clone(self), protocol)
    }
}

/// Handles looked up before, so that the next request of the same kind takes no lock. The oldest go first.
#[derive(Default)]
pub(crate) struct Kept(Vec<(Labels, Option<Session>, Arc<Handles>)>);

/// Handles kept in one place. A connection carries the operations of one stream, rarely more than a few; a datagram socket
/// those of all injectors.
const KEPT_MAX: usize = 32;

impl Kept {
    /// Where requests of these labels are counted.
    pub(crate) fn handles(
        &mut self,
        core: &Core,
        labels: Labels,
        session: Option<Session>,
        now: Instant,
    ) -> Arc<Handles> {
        let held = self.0.iter().find(|(held, of, _)| *held == labels && *of == session);
        if let Some((_, _, handles)) = held {
            return Arc::clone(handles);
        }
        let handles = Arc::new(core.handles(labels, session, now));
        if self.0.len() >= KEPT_MAX {
            self.0.remove(0);
        }
        self.0.push((labels, session, Arc::clone(&handles)));
        handles
    }
}

/// What is answered to a request whose handling panicked, if anything is.
fn panic_code(protocol: Protocol) -> Code {
    match protocol {
        Protocol::Http | Protocol::Http2 => Code::Http(500),
        Protocol::Grpc => Code::Grpc(INTERNAL),
        Protocol::Tcp | Protocol::Udp => Code::NONE,
        Protocol::DnsUdp | Protocol::DnsTcp => Code::Rcode(SERVFAIL),
    }
}

/// gRPC's status for a defect of the server.
const INTERNAL: u8 = 13;
/// DNS's response code for the same.
const SERVFAIL: u16 = 2;

/// One of the connections a target may have, held while it lives.
pub(crate) struct Admitted(Arc<Core>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An open connection in the metrics, whatever ends it.
pub(crate) struct Open(Arc<Core>, Protocol);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.red.disconnected(self.1);
    }
}

/// The client, by one name whichever family it came in.
pub(crate) fn client_ip(client: std::net::SocketAddr) -> IpAddr {
    client.ip().to_canonical()
}
