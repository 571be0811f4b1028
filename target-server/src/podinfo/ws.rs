//! `/ws/echo`: every message comes back with the time, and every five seconds the server says who it is.
//!
//! Invariants:
//! - A message, a wait and a silence have bounds. Whoever sends anything at all is there: podinfo asks for pongs, and drops
//!   a client that talks but answers no ping.
//! - Whatever ends it, a client that still reads is told why by a close frame, and its TCP connection ends in order.
//!
//! The handshake is an answer like any other ([`accept`]); what follows it is a stream of bytes ([`serve`]).

mod counted;
mod handshake;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use humantime::format_rfc3339_nanos;
use serde::Serialize;
use shared::outcome::ServerError;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use self::counted::Counted;
pub(crate) use self::handshake::accept;
pub(super) use self::handshake::not_upgraded;
use super::json;

/// Largest message that is taken, whole or in pieces.
const MESSAGE_MAX_BYTES: usize = 1 << 20;
/// Most that waits to be written. A byte of a message may take six in JSON, and a message is written before the next one
/// is read.
const UNWRITTEN_MAX_BYTES: usize = 8 * MESSAGE_MAX_BYTES;
/// What a connection reads into: small, because most of them wait.
const READ_BUFFER_BYTES: usize = 4 << 10;
/// How often the server says who it is.
const SERVER_EVERY: Duration = Duration::from_secs(5);
/// How often it asks whether the client is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Longest silence: two pings unanswered.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Longest that one frame may take to be written.
const WRITE_MAX: Duration = Duration::from_secs(10);
/// Longest that the end may take: the close frame, the client's own, and its end of the TCP connection.
const CLOSE_MAX: Duration = Duration::from_secs(2);
/// Most input that is thrown away at the end: what is left of a message that was too large, and some more.
const SCRAP_MAX_BYTES: usize = 4 * MESSAGE_MAX_BYTES;

/// A connection that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WsEnd {
    /// On the wire, behind the handshake.
    pub(crate) sent_bytes: u64,
    /// On the wire, behind the handshake.
    pub(crate) received_bytes: u64,
    pub(crate) ended: Ended,
}

/// Why it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client said so.
    Closed,
    /// This process drains.
    Drained,
    /// The client is gone without a word.
    Gone,
    /// Nothing came for [`SILENCE_MAX`].
    Silent,
    /// A frame was not written in [`WRITE_MAX`].
    Stalled,
    /// A message of more than [`MESSAGE_MAX_BYTES`].
    TooLarge,
    /// Not the protocol (RFC 6455), or text that is no UTF-8.
    Broken(CloseCode),
}

impl Ended {
    /// What the record says of it; nothing if it ended well.
    pub(crate) fn error(self) -> Option<ServerError> {
        match self {
            Ended::Closed | Ended::Drained => None,
            Ended::Gone | Ended::Silent => Some(ServerError::Aborted),
            Ended::Stalled => Some(ServerError::Write),
            Ended::TooLarge => Some(ServerError::Overload),
            Ended::Broken(_) => Some(ServerError::BadRequest),
        }
    }

    fn of(error: &Error) -> Ended {
        match error {
            Error::ConnectionClosed => Ended::Closed,
            Error::Capacity(_) => Ended::TooLarge,
            Error::Utf8(_) => Ended::Broken(CloseCode::Invalid),
            // A reset in the middle of a frame is the client's going, not its grammar.
            Error::Io(_) | Error::AlreadyClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Ended::Gone
            }
            _ => Ended::Broken(CloseCode::Protocol),
        }
    }

    /// What the client is told; nothing if it has said so itself, or hears nothing any more.
    fn code(self) -> Option<CloseCode> {
        match self {
            Ended::Closed | Ended::Gone | Ended::Stalled => None,
            Ended::Drained | Ended::Silent => Some(CloseCode::Away),
            Ended::TooLarge => Some(CloseCode::Size),
            Ended::Broken(code) => Some(code),
        }
    }
}

/// Serves a connection behind its 101, to its end. `ahead` is what was read of it together with the request.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    ahead: Bytes,
    hostname: &str,
    drain: CancellationToken,
) -> WsEnd {
    let ahead_bytes = ahead.len() as u64;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(UNWRITTEN_MAX_BYTES)
        .max_message_size(Some(MESSAGE_MAX_BYTES))
        .max_frame_size(Some(MESSAGE_MAX_BYTES));
    let stream = Counted::new(stream);
    let mut socket = WebSocketStream::from_partially_read(stream, ahead.into(), Role::Server, Some(config)).await;
    let ended = talk(&mut socket, hostname, &drain).await;
    // Whoever does not end its side in time has been told.
    let _ = timeout(CLOSE_MAX, close(&mut socket, ended)).await;
    let stream = socket.get_ref();
    WsEnd { sent_bytes: stream.sent_bytes, received_bytes: ahead_bytes + stream.received_bytes, ended }
}

type Socket<S> = WebSocketStream<Counted<S>>;

async fn talk<S>(socket: &mut Socket<S>, hostname: &str, drain: &CancellationToken) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (mut server, mut ping) = (every(SERVER_EVERY), every(PING_EVERY));
    loop {
        let silent_at = socket.get_ref().heard_at + SILENCE_MAX;
        let message = tokio::select! {
            () = drain.cancelled() => return Ended::Drained,
            heard = socket.next() => match heard {
                Some(Ok(Message::Text(text))) => said(&Frame::Echo { ts: now(), msg: Cow::Borrowed(text.as_str()) }),
                Some(Ok(Message::Binary(bytes))) => {
                    said(&Frame::Echo { ts: now(), msg: String::from_utf8_lossy(&bytes) })
                }
                Some(Ok(Message::Close(_))) => return Ended::Closed,
                // Pings are answered below us.
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Ended::of(&error),
                None => return Ended::Gone,
            },
            _ = server.tick() => said(&Frame::Server { ts: now(), server: hostname }),
            _ = ping.tick() => Message::Ping(Bytes::new()),
            () = sleep_until(silent_at) => {
                // A part of a frame may have come meanwhile.
                if socket.get_ref().heard_at + SILENCE_MAX <= Instant::now() {
                    return Ended::Silent;
                }
                continue;
            }
        };
        tokio::select! {
            sent = timeout(WRITE_MAX, socket.send(message)) => match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Ended::of(&error),
                Err(_) => return Ended::Stalled,
            },
            () = drain.cancelled() => return Ended::Drained,
        }
    }
}

/// The close frame, if the client is still to be told; then FIN, and what comes until the client ends its side.
async fn close<S>(socket: &mut Socket<S>, ended: Ended)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let reason = |code| CloseFrame { code, reason: "".into() };
    // The answer to a client's own close frame waits to be written too.
    let _ = match ended.code() {
        Some(code) => socket.close(Some(reason(code))).await,
        None => socket.flush().await,
    };
    if matches!(ended, Ended::Drained | Ended::Silent) {
        // The messages on their way end with the client's close frame.
        while let Some(Ok(_)) = socket.next().await {}
    }
    let stream = socket.get_mut();
    let _ = stream.shutdown().await;
    let mut scrap = vec![0; READ_BUFFER_BYTES];
    let mut left = SCRAP_MAX_BYTES;
    while left > 0 {
        match stream.read(&mut scrap).await {
            Ok(0) | Err(_) => break,
            Ok(read) => left = left.saturating_sub(read),
        }
    }
}

/// What is said, in podinfo's order.
#[derive(Serialize)]
#[serde(untagged)]
enum Frame<'a> {
    Echo { ts: String, msg: Cow<'a, str> },
    Server { ts: String, server: &'a str },
}

/// One line of JSON.
fn said(frame: &Frame<'_>) -> Message {
    let mut text = json::escaped(serde_json::to_string(frame).expect("texts in a struct are always JSON"));
    text.push('\n');
    Message::text(text)
}

fn now() -> String {
    format_rfc3339_nanos(SystemTime::now()).to_string()
}

fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

#[cfg(test)]
mod tests;
