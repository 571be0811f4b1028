//! What has come from the client and was not taken yet.

use std::io;

use bytes::{BufMut, BytesMut};
use tokio::net::TcpStream;

/// Most that is read at once.
pub(super) const READ_BYTES: usize = 16 << 10;

/// A buffer that exists only while something is in it: an idle connection has none.
#[derive(Default)]
pub(super) struct Input {
    pub(super) held: BytesMut,
}

impl Input {
    /// Waits for more, at most `max_bytes` of it; 0 at the end. Loses nothing when it is dropped.
    pub(super) async fn read(&mut self, stream: &TcpStream, max_bytes: usize) -> io::Result<usize> {
        loop {
            stream.readable().await?;
            self.held.reserve(max_bytes.min(READ_BYTES));
            match stream.try_read_buf(&mut (&mut self.held).limit(max_bytes)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    /// Gives the memory back between two requests.
    pub(super) fn rest(&mut self) {
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }
}

/// Reads and throws away until the connection is broken; its end is none to wait for.
pub(super) async fn swallow(stream: &TcpStream) {
    let mut scrap = vec![0; READ_BYTES];
    loop {
        if stream.readable().await.is_err() {
            return;
        }
        match stream.try_read(&mut scrap) {
            Ok(0) => return crate::bare::broken(stream).await,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
