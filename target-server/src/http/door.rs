//! A listener's door: TLS if it wants it, then whichever version of HTTP comes in.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::opening::{self, Opening};
use super::{Http, close, connection, two};
use crate::accept::Speaker;
use crate::core::client_ip;
use crate::stream::Stream;
use crate::tls::{Alpn, Tls};

/// First byte of a TLS connection (RFC 8446, section 5.1: a handshake record); of no HTTP.
const TLS_HANDSHAKE: u8 = 22;

const REFUSED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What a listener expects.
#[derive(Clone, Debug)]
pub(crate) enum Secured {
    /// No TLS.
    Never,
    /// TLS if the first byte says so.
    IfAsked(Arc<Tls>),
    /// TLS.
    Always(Arc<Tls>),
}

/// One listener of the HTTP family.
pub(crate) struct Door {
    pub(crate) http: Arc<Http>,
    pub(crate) secured: Secured,
    /// What is counted before it is known what is spoken: a connection's beginning that makes no sense.
    pub(crate) protocol: Protocol,
}

impl Speaker for Door {
    async fn serve(self: Arc<Self>, stream: TcpStream, client: SocketAddr, drain: CancellationToken) {
        let client = client_ip(client);
        if !wait_for_a_byte(&stream, self.http.core.idle_timeout, &drain).await {
            return Box::pin(close::orderly(Stream::Plain(stream))).await;
        }
        // On the heap, and gone when it is told: a parked task stays small.
        let Some((stream, opening)) = Box::pin(self.open(stream)).await else { return };
        match opening {
            Opening::One(read) => connection::serve(&self.http, stream, read, client, &drain).await,
            Opening::Two(read) => self.serve_two(stream, read, client, &drain).await,
            Opening::Malformed => {}
        }
    }

    fn refuse(&self, stream: &TcpStream) {
        self.http.core.count_nameless(self.protocol, "refused", Code::Http(503), ServerError::Overload);
        if !matches!(self.secured, Secured::Always(_)) {
            // A fresh socket's buffer has room; if not, the close says enough.
            let _ = stream.try_write(REFUSED);
        }
    }
}

impl Door {
    /// Handshake and first bytes, within the time that a head may take. Nothing if the connection is over.
    async fn open(&self, stream: TcpStream) -> Option<(Stream, Opening)> {
        let head_timeout = self.http.core.head_timeout;
        let mut stream = timeout(head_timeout, self.secure(stream)).await.unwrap_or_else(|_| {
            self.count_malformed(ServerError::BadRequest);
            None
        })?;
        match timeout(head_timeout, self.tell(&mut stream)).await {
            Ok(Ok(Opening::Malformed)) | Err(_) => self.count_malformed(ServerError::BadRequest),
            Ok(Err(_)) => self.count_malformed(ServerError::Aborted),
            Ok(Ok(opening)) => return Some((stream, opening)),
        }
        close::orderly(stream).await;
        None
    }

    async fn tell(&self, stream: &mut Stream) -> std::io::Result<Opening> {
        match Alpn::of(stream) {
            // It may keep silent for as long as any other idle connection.
            Some(Alpn::One) => Ok(Opening::One(bytes::Bytes::new())),
            Some(Alpn::Two) => Ok(match opening::tell(stream).await? {
                Opening::One(_) => Opening::Malformed,
                opening => opening,
            }),
            None => opening::tell(stream).await,
        }
    }

    async fn secure(&self, stream: TcpStream) -> Option<Stream> {
        let tls = match &self.secured {
            Secured::Never => return Some(Stream::Plain(stream)),
            Secured::Always(tls) => tls,
            Secured::IfAsked(tls) => {
                let mut byte = [0];
                if !matches!(stream.peek(&mut byte).await, Ok(1)) || byte[0] != TLS_HANDSHAKE {
                    return Some(Stream::Plain(stream));
                }
                tls
            }
        };
        match tls.accept(stream).await {
            Ok(stream) => Some(stream),
            Err(error) => {
                tracing::debug!(%error, "TLS handshake failed");
                // Whatever it was, it is not known to have been the client's leaving: who dislikes our certificate also
                // just goes.
                self.count_malformed(ServerError::BadRequest);
                None
            }
        }
    }

    async fn serve_two(&self, stream: Stream, read: bytes::Bytes, client: IpAddr, drain: &CancellationToken) {
        // HTTP/2 says only stream by stream whether it is gRPC.
        let protocol = if self.protocol == Protocol::Http { Protocol::Http2 } else { self.protocol };
        Box::pin(two::serve(&self.http, stream, read, client, drain, protocol)).await;
    }

    /// One record for a beginning that never made sense. Nobody signed it, so that it is a stranger's.
    fn count_malformed(&self, error: ServerError) {
        self.http.core.count_nameless(self.protocol, "malformed", Code::NONE, error);
    }
}

/// Whether there is something to read; not if the client leaves, stays silent for too long, or we drain.
pub(super) async fn wait_for_a_byte(stream: &TcpStream, idle_timeout: Duration, drain: &CancellationToken) -> bool {
    // `readable` may say yes without data on a fresh socket; `peek` cannot.
    let mut byte = [0];
    tokio::select! {
        biased;
        peeked = stream.peek(&mut byte) => matches!(peeked, Ok(1..)),
        () = drain.cancelled() => false,
        () = sleep(idle_timeout) => false,
    }
}
