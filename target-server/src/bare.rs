//! Writing to a bare socket through a shared reference, so that the client's leaving can be watched meanwhile.

use std::io;

use shared::outcome::ServerError;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Writes all of it. A client that takes nothing for minutes is given up by the kernel, which the listener told so.
pub(crate) async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What a failed write means for the request that was being answered.
pub(crate) fn class_of_write(error: &io::Error) -> ServerError {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset => ServerError::Aborted,
        _ => ServerError::Write,
    }
}

/// Returns when the connection is broken: reset, not merely ended on one side.
pub(crate) async fn broken(stream: &TcpStream) {
    // Fails only if the runtime is shutting down, and then nobody waits any more.
    if stream.ready(Interest::ERROR).await.is_err() {
        std::future::pending::<()>().await;
    }
}
