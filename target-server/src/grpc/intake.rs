//! The request's body on its way to the method: paced or cut short as `read` says, every message within the size limit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use http_body::Frame;
use shared::fault::Read;
use shared::units::print_size;
use tokio::time::{Instant, Sleep};
use tonic::Status;

use super::context::Context;
use super::frame::{self, Scan};
use crate::pace::Pace;

/// One request's body.
pub(super) struct Intake {
    recv: Option<RecvStream>,
    /// Read already, to look for a fault in it; goes first.
    peeked: Bytes,
    /// How much is read of what was not peeked at, at most.
    left: u64,
    /// What was read of a body that is cut short: only its whole messages count.
    kept: Option<BytesMut>,
    /// A body cut short to nothing still has one message, where the method takes exactly one.
    needs_message: bool,
    message_max_bytes: u64,
    pace: Option<(Pace, Pin<Box<Sleep>>, Duration)>,
    scan: Scan,
    context: Arc<Context>,
    waiting_since: Option<Instant>,
}

impl Intake {
    /// `needs_message`: the method takes one message, and no stream of them.
    pub(super) fn new(
        recv: RecvStream,
        peeked: Bytes,
        read: Read,
        needs_message: bool,
        message_max_bytes: u64,
        context: Arc<Context>,
    ) -> Intake {
        let left = match read {
            Read::None => 0,
            Read::First(bytes) => bytes,
            Read::All | Read::Rate(_) => u64::MAX,
        };
        let kept = (left < u64::MAX).then(BytesMut::new);
        let pace = match read {
            Read::Rate(rate) => Some((Pace::new(rate), Box::pin(tokio::time::sleep(Duration::ZERO)), Duration::ZERO)),
            _ => None,
        };
        let needs_message = needs_message && peeked.is_empty();
        let scan = Scan::default();
        Intake {
            recv: Some(recv),
            peeked,
            left,
            kept,
            needs_message,
            message_max_bytes,
            pace,
            scan,
            context,
            waiting_since: None,
        }
    }

    /// Reads and forgets all that is to be read.
    pub(super) async fn discard(mut self) -> Result<(), Status> {
        while let Some(frame) = std::future::poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut self), cx)).await {
            frame?;
        }
        Ok(())
    }

    /// The next bytes off the wire.
    fn poll_wire(&mut self, cx: &mut Task<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        if !self.peeked.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.peeked))));
        }
        if self.left == 0 {
            self.recv = None;
        }
        let Some(recv) = &mut self.recv else { return Poll::Ready(None) };
        let Poll::Ready(data) = recv.poll_data(cx) else {
            self.waiting_since.get_or_insert_with(Instant::now);
            return Poll::Pending;
        };
        if let Some(since) = self.waiting_since.take() {
            self.context.add_awaited(since.elapsed());
        }
        match data {
            None => {
                self.recv = None;
                Poll::Ready(None)
            }
            Some(Err(error)) => {
                self.recv = None;
                Poll::Ready(Some(Err(Status::cancelled(format!("the request's body broke off: {error}")))))
            }
            Some(Ok(mut data)) => {
                // The window was promised to the client again; a stream that is over needs none.
                let _ = recv.flow_control().release_capacity(data.len());
                data.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left = self.left.saturating_sub(data.len() as u64);
                Poll::Ready(Some(Ok(data)))
            }
        }
    }

    fn vetted(&mut self, data: Bytes) -> Result<Bytes, Status> {
        self.context.add_received(data.len());
        let (context, max_bytes) = (&self.context, self.message_max_bytes);
        let mut too_long = 0;
        let is_fine = self.scan.pass(&data, |is_compressed, length| {
            context.came(is_compressed);
            too_long = length;
            length as u64 <= max_bytes
        });
        // The limit that is known is on payloads; a message around one has fields beside it.
        if is_fine { Ok(data) } else { Err(too_large(too_long, max_bytes.min(context.limits.size_max_bytes))) }
    }
}

/// Room for a fault spec and the other fields of a message with the largest payload.
pub(super) const SLACK_BYTES: u64 = 4096;

/// A message that is larger than one may be.
fn too_large(length: usize, limit_bytes: u64) -> Status {
    let (length, limit) = (print_size(length as u64), print_size(limit_bytes));
    Status::resource_exhausted(format!("a message of {length} is over the limit; expected at most {limit}"))
}

impl http_body::Body for Intake {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if let Some((_, sleep, wait)) = &mut this.pace {
            ready!(sleep.as_mut().poll(cx));
            this.context.add_asked(std::mem::take(wait));
        }
        loop {
            let data = match ready!(this.poll_wire(cx)) {
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(data)) => match this.vetted(data) {
                    Err(status) => return Poll::Ready(Some(Err(status))),
                    Ok(data) => data,
                },
                None => {
                    let Some(kept) = &mut this.kept else { return Poll::Ready(None) };
                    return Poll::Ready(match frame::take(kept) {
                        Some(message) => {
                            this.needs_message = false;
                            Some(Ok(Frame::data(message)))
                        }
                        None if std::mem::take(&mut this.needs_message) => Some(Ok(Frame::data(frame::framed(0, &[])))),
                        None => None,
                    });
                }
            };
            if let Some((pace, sleep, wait)) = &mut this.pace {
                let now = Instant::now();
                *wait = pace.wait(data.len() as u64, now);
                sleep.as_mut().reset(now + *wait);
            }
            match &mut this.kept {
                Some(kept) => kept.extend_from_slice(&data),
                None => return Poll::Ready(Some(Ok(Frame::data(data)))),
            }
        }
    }
}
