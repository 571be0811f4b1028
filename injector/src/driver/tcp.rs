//! The TCP echo on a bare socket: framed exchanges on kept or fresh connections, or a plain echo of any server.
//!
//! The payload goes out and comes back at the same time, so that no buffer between the two can fill up for good.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use shared::carrier::TCP_PREFIX;
use shared::identity::RequestId;
use shared::outcome::{ConnectionEnd, ErrorClass, Outcome};
use shared::reply::REPLY_MAX_BYTES;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::buffer::READ_BUFFER;
use super::echo::{Answered, Line, Prepared, Wanted};
use super::{Driver, Ending, IdentityTemplate, Marks, ending_of, mark, of_class};
use crate::counter::{Counter, Open};
use crate::dial;
use crate::names::Names;
use crate::plan::{Call, EchoCall, ExpectedEnd, Operation};
use crate::resent::Watched;

/// One connection to an echo.
pub struct Tcp {
    stream: Watched,
    open: Open,
    /// The command line of the current request; kept, so that the next needs no memory of its own.
    head: Vec<u8>,
    /// As much of the answer line as has come; likewise.
    line: Vec<u8>,
    reusable: bool,
}

impl Driver for Tcp {
    type Call = EchoCall;
    type Prepared = Prepared;
    type Wanted = Wanted;
    type Answered = Answered;

    fn own(call: &Call) -> Option<&Self::Call> {
        call.echo()
    }

    fn prepare(operation: &Operation, call: &EchoCall, identity: IdentityTemplate) -> Prepared {
        Prepared::new(operation, call, identity)
    }

    fn want(prepared: &Prepared, id: RequestId) -> Wanted {
        Wanted::new(prepared, id)
    }

    async fn connect(prepared: &Prepared, names: &Names, marks: &Marks, counter: &Counter) -> Result<Tcp, ErrorClass> {
        let stream = dial::tcp(names, &prepared.endpoint, &prepared.guard, marks, Some(counter)).await?;
        let open = counter.opened_over(stream.resent());
        Ok(Tcp { stream, open, head: Vec::new(), line: Vec::new(), reusable: true })
    }

    async fn call(
        &mut self,
        prepared: &Prepared,
        id: RequestId,
        wanted: &mut Wanted,
        marks: &Marks,
    ) -> Ending<Answered> {
        prepared.write_head(id, &mut self.head);
        self.line.clear();
        self.reusable = false;
        let has_line = !wanted.is_identified();
        let mut exchange = Exchange {
            stream: &mut self.stream,
            head: &self.head,
            body: &prepared.body,
            written: 0,
            write_error: None,
            line: &mut self.line,
            has_line,
            answered: Answered {
                size_bytes: 0,
                content_matches: true,
                id_matches: None,
                surplus_bytes: 0,
                is_refused: false,
            },
            wanted,
            marks,
        };
        mark(&marks.sending);
        let ending = poll_fn(|cx| exchange.poll(cx)).await;
        let is_written = exchange.is_written();
        if let Ending::Answered(answered) = ending {
            self.reusable = is_written
                && wanted.end == ExpectedEnd::Answer
                && !wanted.is_last
                && !answered.is_refused
                && answered.surplus_bytes == 0;
        }
        ending
    }

    fn open(&self) -> &Open {
        &self.open
    }

    fn is_reusable(&self) -> bool {
        self.reusable
    }

    async fn lost(&mut self) -> ConnectionEnd {
        // Closed, reset, or a byte that belongs to no request: nothing can follow on this connection.
        ConnectionEnd::while_idle(&self.stream.read(&mut [0]).await)
    }

    fn judge(wanted: &Wanted, ending: &Ending<Answered>) -> Outcome<ErrorClass> {
        wanted.judge(*ending)
    }

    fn explain(wanted: &Wanted, ending: &Ending<Answered>) -> String {
        wanted.explain(*ending)
    }
}

/// One request being written and its answer being read.
struct Exchange<'a> {
    stream: &'a mut Watched,
    head: &'a [u8],
    body: &'a [u8],
    /// Of head and body together.
    written: usize,
    /// What stopped the writing. The answer may still come.
    write_error: Option<ErrorClass>,
    line: &'a mut Vec<u8>,
    has_line: bool,
    answered: Answered,
    wanted: &'a mut Wanted,
    marks: &'a Marks,
}

impl Exchange<'_> {
    /// Runs to the end of the answer, or to whatever comes instead.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending<Answered>> {
        loop {
            self.poll_write(cx);
            if self.is_whole() {
                return Poll::Ready(Ending::Answered(self.answered));
            }
            if let Err(ending) = ready!(self.poll_read(cx)) {
                return Poll::Ready(ending);
            }
        }
    }

    fn is_written(&self) -> bool {
        self.written == self.head.len() + self.body.len()
    }

    /// Whether nothing more is to come. What is to break at its end is read on until it does.
    fn is_whole(&self) -> bool {
        let is_sent = self.is_written() || self.write_error.is_some() || !self.wanted.is_read;
        let has_all = self.has_line && self.answered.size_bytes >= self.wanted.whole_bytes && is_sent;
        self.answered.is_refused || has_all && !self.wanted.breaks_at_end
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) {
        while self.write_error.is_none() && !self.is_written() {
            let head = self.head.get(self.written..).unwrap_or_default();
            let body = &self.body[self.written.saturating_sub(self.head.len())..];
            let rest = [io::IoSlice::new(head), io::IoSlice::new(body)];
            match Pin::new(&mut *self.stream).poll_write_vectored(cx, &rest) {
                Poll::Pending => return,
                Poll::Ready(Ok(bytes)) => {
                    self.written += bytes;
                    self.marks.sent_bytes.set(self.written.saturating_sub(self.head.len()) as u64);
                    if self.is_written() {
                        mark(&self.marks.sent);
                    }
                }
                Poll::Ready(Err(error)) => self.write_error = Some(ErrorClass::of_send(&error)),
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending<Answered>>> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut into = ReadBuf::new(buffer);
            if let Err(error) = ready!(Pin::new(&mut *self.stream).poll_read(cx, &mut into)) {
                return Poll::Ready(Err(ending_of(&error)));
            }
            Poll::Ready(match into.filled() {
                [] => Err(self.write_error.map_or(Ending::Closed, of_class)),
                bytes => self.take(bytes),
            })
        })
    }

    /// Takes the next bytes of the answer.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Ending<Answered>> {
        mark(&self.marks.first_byte);
        if !self.has_line {
            let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end..];
            let begins = self.line.iter().zip(TCP_PREFIX).all(|(a, b)| a == b);
            if !begins || self.line.len() > REPLY_MAX_BYTES {
                return Err(Ending::Malformed);
            }
            if !self.line.ends_with(b"\n") {
                return Ok(());
            }
            match self.wanted.line(self.line, self.marks) {
                Line::Ours { id_matches } => self.answered.id_matches = id_matches,
                // One connection carries one request after the other: what was answered before cannot come again.
                Line::Earlier => self.answered.id_matches = Some(false),
                Line::Refused => self.answered.is_refused = true,
                Line::Malformed => return Err(Ending::Malformed),
            }
            self.has_line = true;
        }
        let left = self.wanted.whole_bytes.saturating_sub(self.answered.size_bytes);
        let (piece, surplus) = bytes.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
        let mut content = std::mem::replace(&mut self.wanted.content, super::content::Content::Any);
        self.answered.content_matches &= self.wanted.matches(&mut content, self.answered.size_bytes, piece);
        self.wanted.content = content;
        self.answered.size_bytes += piece.len() as u64;
        self.answered.surplus_bytes += surplus.len() as u64;
        self.marks.received_bytes.set(self.answered.size_bytes);
        Ok(())
    }
}
