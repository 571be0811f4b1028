//! The request's body as it comes, whichever version of HTTP carries it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::Body as _;

use super::source::BodyError;

/// A request body. Its trailers are passed over: they say something about the client's message, not about ours.
pub(super) enum Incoming {
    /// HTTP/1.1.
    One(hyper::body::Incoming),
    /// HTTP/2, and how much of the announced length is still to come.
    Two(RecvStream, Option<u64>),
}

impl Incoming {
    /// The body of an HTTP/2 request with these fields.
    pub(super) fn two(stream: RecvStream, headers: &HeaderMap) -> Incoming {
        // h2 itself refuses a body that is not as long as it was announced.
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        Incoming::Two(stream, length)
    }

    /// Whether nothing more comes.
    pub(super) fn is_end_stream(&self) -> bool {
        match self {
            Incoming::One(body) => body.is_end_stream(),
            Incoming::Two(stream, _) => stream.is_end_stream(),
        }
    }

    /// How much more comes, if that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Incoming::One(body) => body.size_hint().exact(),
            Incoming::Two(stream, _) if stream.is_end_stream() => Some(0),
            Incoming::Two(_, length) => *length,
        }
    }

    /// The next bytes. What was taken may be replaced by the client: flow control is the pace at which this is called.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self {
            Incoming::One(body) => loop {
                match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                    None => return Poll::Ready(None),
                    Some(Err(error)) => return Poll::Ready(Some(Err(of_hyper(&error)))),
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Poll::Ready(Some(Ok(data)));
                        }
                    }
                }
            },
            Incoming::Two(stream, length) => loop {
                match ready!(stream.poll_data(cx)) {
                    None => return Poll::Ready(None),
                    Some(Err(error)) => return Poll::Ready(Some(Err(of_h2(&error)))),
                    // A frame without content says nothing yet.
                    Some(Ok(data)) if data.is_empty() => {}
                    Some(Ok(data)) => {
                        let bytes = data.len();
                        // Fails only if the stream is gone, which the next call says.
                        let _ = stream.flow_control().release_capacity(bytes);
                        *length = length.map(|length| length.saturating_sub(bytes as u64));
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            },
        }
    }
}

/// Whether the body breaks the grammar, rather than its sender having left.
fn of_hyper(error: &hyper::Error) -> BodyError {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    match cause {
        Some(cause) if matches!(cause.kind(), InvalidData | InvalidInput) => BodyError::Malformed,
        _ => BodyError::Left,
    }
}

/// What h2 itself objects to is the client's fault; all else is its leaving.
fn of_h2(error: &h2::Error) -> BodyError {
    if error.is_library() { BodyError::Malformed } else { BodyError::Left }
}
