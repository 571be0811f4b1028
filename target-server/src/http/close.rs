//! The two ways to end a TCP connection, and how to see that the other side has.
//!
//! Linux answers a close with unread input by a RST, which may overtake and destroy the answer before it: an orderly end
//! says FIN first, reads what still comes, and only then closes.

use std::io;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::stream::Stream;

/// Longest wait for the client to end its side too.
pub(super) const LINGER_MAX: Duration = Duration::from_secs(1);
/// Most input that is read and thrown away meanwhile. A client that sends on beyond it gets its RST.
const LINGER_MAX_BYTES: usize = 1 << 20;

/// FIN, after everything that was written, and after TLS has said that this is the end.
pub(super) async fn orderly(mut stream: Stream) {
    // TLS may have to wait for room; whoever reads nothing misses nothing.
    if !matches!(timeout(LINGER_MAX, stream.shutdown()).await, Ok(Ok(()))) {
        return;
    }
    let (mut stream, _) = stream.into_parts();
    let drain = async {
        // On the heap: an array would be part of every connection's future.
        let mut scrap = vec![0; 4096];
        let mut left = LINGER_MAX_BYTES;
        while left > 0 {
            match stream.read(&mut scrap).await {
                Ok(0) | Err(_) => break,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    };
    // Whoever does not end its side in time has had its answer anyway.
    let _ = timeout(LINGER_MAX, drain).await;
}

nix::ioctl_read_bad!(unsent_and_unacknowledged, nix::libc::TIOCOUTQ, nix::libc::c_int);

/// RST. What was written before is given [`LINGER_MAX`] to be acknowledged, since a reset throws away what is not.
pub(super) async fn reset(stream: TcpStream) {
    use std::os::fd::AsRawFd;
    let deadline = Instant::now() + LINGER_MAX;
    let mut outstanding: nix::libc::c_int = 0;
    loop {
        // SAFETY: the descriptor is open as long as `stream` lives, and the kernel writes one int to a valid place.
        let asked = unsafe { unsent_and_unacknowledged(stream.as_raw_fd(), &raw mut outstanding) };
        if asked.is_err() || outstanding <= 0 || Instant::now() >= deadline {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Cannot fail on an open socket; if it did, the close below would still end the connection.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

/// Returns when the client has closed its side, without consuming anything it sent.
pub(super) async fn left(stream: &TcpStream) {
    while let Ok(ready) = stream.ready(Interest::READABLE).await {
        if ready.is_read_closed() || ready.is_error() {
            return;
        }
        // There is input nobody wants. Forget that it is readable; the next event, at the latest the client's FIN, wakes.
        let would_block = || Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock));
        let _ = stream.try_io(Interest::READABLE, would_block);
    }
}
