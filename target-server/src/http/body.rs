//! The answer that hyper frames: a shaped source, and the call that is recorded when its last byte is in the kernel.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use shared::outcome::ServerError;

use super::answer::Answer;
use super::exchange::Exchange;
use super::shape::{Piece, Shaped};
use super::source::BodyError;
use crate::record::Call;

/// The body of a well-behaved answer.
pub(super) struct AnswerBody {
    shaped: Shaped,
    /// Nothing once the last byte is in hyper's hands: the call waits in the exchange for the flush.
    open: Option<Open>,
}

struct Open {
    exchange: Arc<Exchange>,
    call: Call,
}

impl Answer {
    /// The same for hyper, which says its length by itself.
    pub(super) fn into_response(self) -> Response<AnswerBody> {
        let Answer { exchange, call, status, headers, body, .. } = self;
        let body = match (body, call) {
            (Some(shaped), Some(call)) => AnswerBody::new(shaped, exchange, call),
            (_, call) => AnswerBody::none(&exchange, call),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

impl AnswerBody {
    /// A body that is still to come.
    pub(super) fn new(shaped: Shaped, exchange: Arc<Exchange>, call: Call) -> AnswerBody {
        if shaped.is_done() {
            return AnswerBody::none(&exchange, Some(call));
        }
        AnswerBody { shaped, open: Some(Open { exchange, call }) }
    }

    /// No body: the answer is whole with its head. hyper does not even look at such a body, so that the call is handed
    /// over now; nothing is written before the service has returned.
    pub(super) fn none(exchange: &Exchange, call: Option<Call>) -> AnswerBody {
        exchange.settle(call);
        AnswerBody { shaped: Shaped::plain(super::source::Source::Empty), open: None }
    }

    fn settle(&mut self) {
        if let Some(open) = self.open.take() {
            open.exchange.settle(Some(open.call));
        }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Some(open) = &mut this.open else { return Poll::Ready(None) };
        let piece = ready!(this.shaped.poll_piece(cx, &mut open.call));
        let frame = match piece {
            None => None,
            Some(Err(error)) => {
                if let Some(open) = this.open.take() {
                    open.call.failed(error.class());
                }
                Some(Err(error))
            }
            Some(Ok(Piece::Data(data))) => Some(Ok(Frame::data(data))),
            Some(Ok(Piece::Trailers(trailers))) => Some(Ok(Frame::trailers(trailers))),
        };
        if frame.is_none() || this.shaped.is_done() {
            this.settle();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.open.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.shaped.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if let Some(open) = self.open.take()
            && open.exchange.is_broken()
        {
            open.call.failed(ServerError::Write);
        }
        // Otherwise the call is dropped, which says what became of it.
    }
}
