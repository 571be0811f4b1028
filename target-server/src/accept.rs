//! The accept loop of every stream protocol.
//!
//! Invariants:
//! - Nothing that can go wrong with one accept, or in one connection, ends the loop.
//! - Beyond `--max-connections`, of all listeners together, a connection is refused in its protocol's own words.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::core::Core;

/// Pause after an accept that failed for want of descriptors or memory, which only time can mend.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What is spoken on a listener.
pub(crate) trait Speaker: Send + Sync + 'static {
    /// Serves a connection to its end; after `drain` as soon as what is in flight has ended.
    fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        client: SocketAddr,
        drain: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static;

    /// One connection too many: said and counted, once, without waiting.
    fn refuse(&self, stream: &TcpStream);
}

/// Accepts until `stop`; then tells the connections to drain and returns them.
pub(crate) async fn accept<S: Speaker>(
    core: Arc<Core>,
    speaker: Arc<S>,
    listener: TcpListener,
    stop: CancellationToken,
) -> JoinSet<()> {
    let drain = CancellationToken::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => note_panic(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => match core.admit() {
                    Some(admitted) => {
                        // Boxed: moved into the task as it is, it would take its room there twice.
                        let serving = Box::pin(Arc::clone(&speaker).serve(stream, client, drain.clone()));
                        connections.spawn(async move {
                            let _admitted = admitted;
                            serving.await;
                        });
                    }
                    None => speaker.refuse(&stream),
                },
                Err(error) => recover(&error).await,
            },
        }
    }
    drain.cancel();
    connections
}

/// A panic outside of a request's own handling; the connection is gone and its call recorded.
pub(crate) fn note_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection panicked");
    }
}

async fn recover(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        return; // The client changed its mind before we looked.
    }
    tracing::warn!(%error, "cannot accept a connection");
    sleep(ACCEPT_PAUSE).await;
}
