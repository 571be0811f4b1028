//! One call on one HTTP/2 stream: messages out, and at the same time the answer in, to however it ends.
//!
//! Knows gRPC and h2 and nothing of plans: the driver and the questions to reflection both run through here. Dropping it
//! resets the stream and leaves the connection as it is.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Response, StatusCode};

use super::frame::{Deframer, Unframed};
use super::status::{Said, is_grpc};

/// How a call ended, if its stream and connection did not break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With this status.
    Status(u8),
    /// In order and without a status.
    NoStatus,
    /// By a head that is not gRPC's; its HTTP status.
    BadHead(StatusCode),
    /// By a message that is none.
    Unframed(Unframed),
    /// Neither came in time: the call's deadline is over.
    Deadline,
}

/// Who hears what passes.
pub(super) trait Listener {
    /// More bytes of messages went out.
    fn wrote(&mut self, bytes: usize);
    /// All of them did.
    fn wrote_all(&mut self);
    /// The head came, or the trailers did: both together so far.
    fn said(&mut self, said: &Said);
    /// So many bytes of the body came.
    fn received(&mut self, bytes: usize);
    /// A message came.
    fn message(&mut self, message: Bytes);
}

/// One call under way.
pub(super) struct Exchange<'a, L> {
    listener: &'a mut L,
    response: ResponseFuture,
    request: SendStream<Bytes>,
    /// Messages with their prefixes, not yet handed to h2.
    unsent: VecDeque<Bytes>,
    is_written: bool,
    body: Option<RecvStream>,
    deframer: Deframer,
    said: Said,
}

impl<'a, L: Listener> Exchange<'a, L> {
    /// For a stream that has begun and whose request is still open.
    pub(super) fn new(
        listener: &'a mut L,
        (response, request): (ResponseFuture, SendStream<Bytes>),
        messages: impl IntoIterator<Item = Bytes>,
        message_max_bytes: usize,
    ) -> Exchange<'a, L> {
        Exchange {
            listener,
            response,
            request,
            unsent: messages.into_iter().collect(),
            is_written: false,
            body: None,
            deframer: Deframer::new(message_max_bytes),
            said: Said::default(),
        }
    }

    /// To the end of the call.
    ///
    /// # Errors
    /// If the stream or the connection broke.
    pub(super) async fn run(mut self) -> Result<End, h2::Error> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<End, h2::Error>> {
        self.poll_write(cx);
        if self.body.is_none()
            && let Some(end) = ready!(self.poll_head(cx))?
        {
            return Poll::Ready(Ok(end));
        }
        self.poll_body(cx)
    }

    /// A stream that takes no more is no ending: a server may answer early, and its answer says how it ended.
    fn poll_write(&mut self, cx: &mut Context<'_>) {
        while !self.is_written {
            while self.unsent.front().is_some_and(Bytes::is_empty) {
                self.unsent.pop_front();
            }
            let Some(message) = self.unsent.front_mut() else {
                self.is_written = true;
                if self.request.send_data(Bytes::new(), true).is_ok() {
                    self.listener.wrote_all();
                }
                return;
            };
            self.request.reserve_capacity(message.len());
            if self.request.capacity() == 0 {
                match self.request.poll_capacity(cx) {
                    Poll::Pending => return,
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(Some(Err(_)) | None) => {
                        self.is_written = true;
                        return;
                    }
                }
            }
            let piece = message.split_to(message.len().min(self.request.capacity()));
            let bytes = piece.len();
            let is_last = message.is_empty() && self.unsent.len() == 1;
            if self.request.send_data(piece, is_last).is_err() {
                self.is_written = true;
                return;
            }
            self.listener.wrote(bytes);
            if is_last {
                self.is_written = true;
                self.listener.wrote_all();
            }
        }
    }

    /// The head; an end if there is nothing behind it, or nothing worth reading.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<End>, h2::Error>> {
        let response: Response<RecvStream> = ready!(Pin::new(&mut self.response).poll(cx))?;
        let (head, body) = response.into_parts();
        self.heard(&head.headers);
        let is_alone = body.is_end_stream();
        if !is_grpc(head.status, &head.headers) {
            // A status beside it counts all the same: a server that speaks gRPC wrote it.
            let end = self.said.code.filter(|_| is_alone).map_or(End::BadHead(head.status), End::Status);
            return Poll::Ready(Ok(Some(end)));
        }
        if is_alone {
            return Poll::Ready(Ok(Some(self.ended())));
        }
        // A code in a head that has a body behind it is not the call's status yet.
        self.said.code = None;
        self.deframer.gzip = head.headers.get("grpc-encoding").is_some_and(|name| name.as_bytes() == b"gzip");
        self.body = Some(body);
        Poll::Ready(Ok(None))
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<End, h2::Error>> {
        let body = self.body.as_mut().expect("polled once there is one");
        while let Some(piece) = ready!(body.poll_data(cx)).transpose()? {
            // A window that cannot be given back belongs to a stream that is over, which the next poll tells.
            let _ = body.flow_control().release_capacity(piece.len());
            self.listener.received(piece.len());
            let listener = &mut *self.listener;
            if let Err(error) = self.deframer.push(piece, &mut |message| listener.message(message)) {
                return Poll::Ready(Ok(End::Unframed(error)));
            }
        }
        if let Some(trailers) = ready!(body.poll_trailers(cx))? {
            self.heard(&trailers);
        }
        let end = self.ended();
        let is_cut = self.deframer.end();
        // A failure may come in mid-message; success and nothing do not excuse one.
        Poll::Ready(Ok(match (end, is_cut) {
            (End::Status(0), Err(cut)) => End::Unframed(cut),
            (end, _) => end,
        }))
    }

    fn heard(&mut self, fields: &HeaderMap) {
        self.said = std::mem::take(&mut self.said).then(Said::of(fields));
        self.listener.said(&self.said);
    }

    fn ended(&self) -> End {
        self.said.code.map_or(End::NoStatus, End::Status)
    }
}
