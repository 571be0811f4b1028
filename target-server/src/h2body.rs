//! Sending a body on one HTTP/2 stream, no faster than the client takes it.
//!
//! Invariant: a chunk is handed to h2 only when the windows of stream and connection have room for it, so that what h2 holds
//! for a stream is bounded by what is in the socket's way, not by what the client does not read.

use std::future::poll_fn;

use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use http::HeaderMap;

/// The client has reset the stream, or the connection is over: nobody reads what is sent. Drop the call, which says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client has left the stream")]
pub(crate) struct Gone;

/// Sends `chunk`, in as many frames as the client's windows and frame size make it, and END_STREAM if it is the `end`.
/// Returns when h2 has all of it; see [`crate::h2conn::H2Conn::flushed`] for the moment when the kernel has.
pub(crate) async fn send(stream: &mut SendStream<Bytes>, mut chunk: Bytes, end: bool) -> Result<(), Gone> {
    while !chunk.is_empty() {
        stream.reserve_capacity(chunk.len());
        while stream.capacity() == 0 {
            match poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Gone),
            }
        }
        let piece = chunk.split_to(stream.capacity().min(chunk.len()));
        let is_last = end && chunk.is_empty();
        stream.send_data(piece, is_last).map_err(|_| Gone)?;
        if is_last {
            return Ok(());
        }
    }
    if end { stream.send_data(Bytes::new(), true).map_err(|_| Gone) } else { Ok(()) }
}

/// Sends trailers, which end the stream.
pub(crate) fn send_trailers(stream: &mut SendStream<Bytes>, trailers: HeaderMap) -> Result<(), Gone> {
    stream.send_trailers(trailers).map_err(|_| Gone)
}

/// Returns when the client has reset the stream or the connection is over. For a `select!` beside anything that takes time
/// behind the answer's head.
pub(crate) async fn left(stream: &mut SendStream<Bytes>) -> Gone {
    let _ = poll_fn(|cx| stream.poll_reset(cx)).await;
    Gone
}

/// The same before the answer's head.
pub(crate) async fn left_before_head(respond: &mut SendResponse<Bytes>) -> Gone {
    let _ = poll_fn(|cx| respond.poll_reset(cx)).await;
    Gone
}
