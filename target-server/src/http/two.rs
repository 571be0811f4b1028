//! HTTP/2: our own loop over h2's connection and its streams.
//!
//! All streams of a connection are polled in the connection's one task. A task per stream was the alternative: it would use
//! several cores for one connection, but every frame would pass a lock and a wake-up, and there are more connections than
//! cores.
//!
//! Invariants, and what bounds them:
//! - At most [`STREAMS_MAX`] streams at a time, [`STREAM_WINDOW_BYTES`] unread of each and [`WINDOW_BYTES`] of all.
//! - Streams that are opened and reset at once (rapid reset), frames of a head without an end and floods of tiny frames are
//!   bounded by h2, which ends the connection with `ENHANCE_YOUR_CALM`.
//! - A connection on which nothing moves is closed: after the idle timeout, or the longest wait that can be asked for.
//! - A panic costs one stream its answer, not the connection.

mod connection;
mod lent;
mod out;
mod stream;
mod strike;
#[cfg(test)]
mod tests;
mod upgrade;

use h2::server::Builder;

use super::{BUFFER_MAX_BYTES, HEAD_MAX_BYTES};
pub(super) use connection::serve;
pub(super) use upgrade::Upgrade;

/// Streams open at once on one connection; one more is refused by `REFUSED_STREAM`. More than browsers and gRPC clients use
/// (100), less than would let few connections hold what many should.
const STREAMS_MAX: u32 = 256;
/// Unread bytes of one request body. HTTP/2's own default, and what HTTP/1.1 buffers here.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
/// Unread bytes of all request bodies of a connection.
const WINDOW_BYTES: u32 = 256 << 10;
/// Streams that the client reset and that were not looked at yet; beyond, the connection ends.
const RESETS_PENDING_MAX: usize = 64;
/// Streams that we reset, for errors of the client's making, in the life of one connection.
const RESETS_LOCAL_MAX: usize = 1024;
/// What h2 lets in as the fields of one request: more than we do, so that the refusal is ours, marked and counted.
const FIELDS_MAX_BYTES: u32 = 2 * HEAD_MAX_BYTES as u32;

fn builder() -> Builder {
    let mut builder = h2::server::Builder::new();
    builder
        .max_concurrent_streams(STREAMS_MAX)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_header_list_size(FIELDS_MAX_BYTES)
        .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
        .max_local_error_reset_streams(Some(RESETS_LOCAL_MAX))
        .max_send_buffer_size(BUFFER_MAX_BYTES);
    builder
}
