//! HTTP/1.1: our own accept loop over hyper's connections, because broken answers need the socket and idle connections
//! must cost little.
//!
//! Data walks one way: accept → ask → verdict → act → record.

mod act;
mod answer;
mod ask;
mod body;
mod close;
mod connection;
mod exchange;
mod gzip;
mod intake;
mod marks;
mod memory;
mod pace;
mod refusal;
mod service;
mod shape;
mod socket;
mod source;
mod wire;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::http1;
use shared::identity::Session;
use shared::outcome::ServerError;
use shared::red::Labels;
use shared::red::server::ServerRed;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::faults::Faults;
use crate::record::Handles;
use crate::sessions::Sessions;

/// Largest head of a request: eight times the longest fault spec, and what most proxies let through.
const HEAD_MAX_BYTES: usize = 16 << 10;
/// Most that hyper buffers in either direction of one connection: bounds what a fast sender or a slow reader can hold.
const BUFFER_MAX_BYTES: usize = 64 << 10;
/// Pause after an accept that failed for want of descriptors or memory, which only time can mend.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const REFUSED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What all HTTP connections share.
pub(crate) struct Http {
    pub(crate) red: ServerRed,
    pub(crate) faults: Faults,
    pub(crate) sessions: Sessions,
    /// The value of `x-cload-server`.
    pub(crate) place: HeaderValue,
    pub(crate) max_connections: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    parked: memory::Parked,
    builder: http1::Builder,
}

impl Http {
    pub(crate) fn new(
        config: &crate::config::ConnectionConfig,
        max_connections: usize,
        place: HeaderValue,
        faults: Faults,
        sessions: Sessions,
        red: ServerRed,
    ) -> Http {
        let mut builder = http1::Builder::new();
        // The number of fields stays at hyper's default of 100: any other is kept on the heap, per request.
        // Its head timeout is off because we have our own, which costs no timer per request.
        builder.max_header_size(HEAD_MAX_BYTES).max_buf_size(BUFFER_MAX_BYTES).header_read_timeout(None);
        Http {
            red,
            faults,
            sessions,
            place,
            max_connections,
            head_timeout: config.head_timeout,
            idle_timeout: config.idle_timeout,
            parked: memory::Parked::default(),
            builder,
        }
    }

    /// Where requests of these labels are counted.
    fn handles(&self, labels: Labels, session: Option<Session>, now: Instant) -> Handles {
        Handles {
            series: self.red.series(labels),
            book: session.map(|session| self.sessions.book(session, labels.operation, now)),
            load: Arc::clone(self.faults.load()),
        }
    }
}

/// Accepts until `stop`; then tells the connections to drain and returns them.
pub(crate) async fn accept(http: Arc<Http>, listener: TcpListener, stop: CancellationToken) -> JoinSet<()> {
    let drain = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut look = interval(memory::LOOK_EVERY);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => note_panic(ended),
            _ = look.tick() => http.parked.look(),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= http.max_connections => refuse(&http, &stream),
                Ok((stream, client)) => {
                    let serving = connection::serve(Arc::clone(&http), stream, address(client), drain.clone());
                    connections.spawn(serving);
                }
                Err(error) => recover(&error).await,
            },
        }
    }
    drain.cancel();
    connections
}

/// A panic outside of a request's own handling; the connection is gone and its call recorded.
pub(crate) fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection panicked");
    }
}

/// The client, by one name whichever family it came in.
fn address(client: SocketAddr) -> std::net::IpAddr {
    client.ip().to_canonical()
}

/// One connection too many: said in HTTP, once, without waiting.
fn refuse(http: &Http, stream: &TcpStream) {
    http.count_nameless("refused", 503, ServerError::Overload);
    // A fresh socket's buffer has room; if not, the close says enough.
    let _ = stream.try_write(REFUSED);
}

/// Nothing that can go wrong with one accept ends the loop.
async fn recover(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        return; // The client changed its mind before we looked.
    }
    tracing::warn!(%error, "cannot accept a connection");
    sleep(ACCEPT_PAUSE).await;
}
