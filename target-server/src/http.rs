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
mod memory;
mod refusal;
mod service;
mod shape;
mod socket;
mod source;
mod wire;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderValue;
use hyper::server::conn::http1;
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::accept::Speaker;
use crate::core::{Core, client_ip};

/// Largest head of a request: eight times the longest fault spec, and what most proxies let through.
const HEAD_MAX_BYTES: usize = 16 << 10;
/// Most that hyper buffers in either direction of one connection: bounds what a fast sender or a slow reader can hold.
const BUFFER_MAX_BYTES: usize = 64 << 10;

const REFUSED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What all HTTP connections share.
pub(crate) struct Http {
    pub(crate) core: Arc<Core>,
    /// The value of `x-cload-server`.
    pub(crate) place: HeaderValue,
    parked: memory::Parked,
    builder: http1::Builder,
}

impl Http {
    /// Errors: the place is no header value.
    pub(crate) fn new(core: Arc<Core>) -> Result<Http, http::header::InvalidHeaderValue> {
        let mut builder = http1::Builder::new();
        // The number of fields stays at hyper's default of 100: any other is kept on the heap, per request.
        // Its head timeout is off because we have our own, which costs no timer per request.
        builder.max_header_size(HEAD_MAX_BYTES).max_buf_size(BUFFER_MAX_BYTES).header_read_timeout(None);
        let place = HeaderValue::from_str(&core.place)?;
        Ok(Http { core, place, parked: memory::Parked::default(), builder })
    }

    /// Gives memory back that connections no longer use, for ever.
    pub(crate) async fn keep_small(self: Arc<Http>) {
        self.parked.watch().await;
    }

    /// A request that has no more than an outcome.
    fn count_nameless(&self, operation: &'static str, code: Code, error: ServerError) {
        self.core.count_nameless(Protocol::Http, operation, code, error);
    }
}

impl Speaker for Http {
    async fn serve(self: Arc<Self>, stream: TcpStream, client: SocketAddr, drain: CancellationToken) {
        connection::serve(self, stream, client_ip(client), drain).await;
    }

    fn refuse(&self, stream: &TcpStream) {
        self.count_nameless("refused", Code::Http(503), ServerError::Overload);
        // A fresh socket's buffer has room; if not, the close says enough.
        let _ = stream.try_write(REFUSED);
    }
}
