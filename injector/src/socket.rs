//! What is asked of the kernel for every TCP connection that carries requests.
//!
//! Without a word from us the kernel keeps a connection whose peer is gone for a quarter of an hour (`tcp_retries2`), or for
//! ever if nothing is sent on it. Both are silent, and the next request would pay for it. So:
//!
//! - `TCP_USER_TIMEOUT` (RFC 5482; RFC 9293, section 3.8.3) ends a connection whose data nobody has acknowledged for so long.
//!   It is longer than the timeout of a request, which must end as what it is, and which a path that heals in time may
//!   still let through; hence one second more.
//! - Keep-alive probes (RFC 9293, section 3.8.4) ask on an idle connection. The two hours that the RFC wants by default are for
//!   a stack that does not know what a connection is for; this is a monitor. Three unanswered probes end the connection: one
//!   or two may be lost on a bad path that still works.
//! - On Linux the user timeout decides for keep-alive too, in place of the number of probes: so it also lasts for three.
//!
//! A connection for one request alone needs none of this: its timeout is over before the kernel would say anything. And where
//! thousands are opened in a second, every call to the kernel counts. What is asked for is asked when the connection stands,
//! so that the time to connect is the path's and the peer's alone.
//!
//! No delay for small segments: requests are small and alone on the wire, and waiting to fill a segment would be measured as
//! latency.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::plan::Operation;

/// Unanswered probes that end an idle connection.
const PROBES: u32 = 3;
/// From one probe to the next. Longer than the round trip of any path that requests of seconds are sent over.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);
/// How much longer than a request's timeout data may stay unacknowledged.
const BEYOND_TIMEOUT: Duration = Duration::from_secs(1);
/// The least time that a PING may take: within less, the one repetition that a lost segment costs (200 ms at least, on
/// Linux) would be taken for death.
const ANSWER_MIN: Duration = Duration::from_secs(1);

/// When a connection is taken for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guard {
    /// The silence after which the peer is asked whether it is there; nothing: it is not asked.
    pub(crate) silence: Option<Duration>,
    /// How long it may take to answer a PING.
    pub(crate) answer: Duration,
    /// How long what was sent may stay unacknowledged; nothing: as long as the kernel likes.
    unacknowledged: Option<Duration>,
}

impl Guard {
    /// For the connections of an operation.
    pub(crate) fn of(operation: &Operation) -> Guard {
        let guard = Guard::new(operation.timeout, operation.keepalive);
        if operation.connection.is_fresh() { Guard { unacknowledged: None, ..guard } } else { guard }
    }

    /// For requests with this timeout, and after so much silence.
    pub(crate) fn new(timeout: Duration, silence: Option<Duration>) -> Guard {
        // Past the last probe, and before the one that would follow: timers are not exact to the millisecond.
        let probed = silence.map(|silence| silence + PROBE_INTERVAL * (PROBES - 1) + PROBE_INTERVAL / 2);
        Guard {
            silence,
            answer: timeout.max(ANSWER_MIN),
            unacknowledged: Some((timeout + BEYOND_TIMEOUT).max(probed.unwrap_or_default())),
        }
    }

    /// Sets a connection's options.
    ///
    /// # Errors
    /// If the kernel knows one of them not.
    pub(crate) fn set(&self, tcp: &TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        if self.unacknowledged.is_none() {
            return Ok(());
        }
        let socket = SockRef::from(tcp);
        socket.set_tcp_user_timeout(self.unacknowledged)?;
        let Some(silence) = self.silence else { return Ok(()) };
        // The kernel counts whole seconds.
        let silence = Duration::from_secs(silence.as_millis().div_ceil(1_000).max(1) as u64);
        let keepalive = TcpKeepalive::new().with_time(silence).with_interval(PROBE_INTERVAL).with_retries(PROBES);
        socket.set_tcp_keepalive(&keepalive)
    }
}

#[cfg(test)]
mod tests;
