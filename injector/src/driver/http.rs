//! HTTP/1.1 on a socket, bare or behind TLS; its sister `two` is HTTP/2.
//!
//! A codec of our own and not a client library, for three reasons: every failure must be seen as it happened on the wire
//! (libraries retry dead pooled connections, or fold a reset into "connection closed"), the instants must be those of the
//! bytes, and an idle connection must cost a socket and a few words. The request is formatted once per operation; a call
//! appends a number. Bytes are read into one buffer per thread.

mod answer;
mod ask;
mod judge;
mod two;

use std::future::poll_fn;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use shared::identity::{HEADER_IDENTITY, RequestId};
use shared::outcome::{Code, ConnectionEnd, ErrorClass, Outcome};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use self::answer::Answer;
use self::judge::{Answered, Wanted};
use super::buffer::READ_BUFFER;
use super::content::Content;
use super::{Driver, Ending, H2End, IdentityTemplate, Marks, mark, of_class};
use crate::counter::{Counter, Open};
use crate::dial::{self, Stream};
use crate::names::Names;
use crate::plan::{Call, Endpoint, HttpCall, Method, Operation, Tls};
use crate::socket::Guard;

pub(crate) use self::ask::{Question, connect, exchange};
pub use self::two::Http2;

/// One HTTP/1.1 connection.
pub struct Http {
    stream: Stream,
    open: Open,
    /// The head of the current request; kept, so that the next needs no memory of its own.
    head: Vec<u8>,
    reusable: bool,
}

/// An operation's request, ready to be sent.
pub struct Prepared {
    call: HttpCall,
    endpoint: Endpoint,
    tls: Option<Tls>,
    guard: Guard,
    is_fresh: bool,
    /// Everything up to the sequence number.
    before_seq: Vec<u8>,
    /// The rest of the head.
    after_seq: Vec<u8>,
    body: Arc<[u8]>,
    any_of: Option<Arc<[u16]>>,
}

impl Driver for Http {
    type Call = HttpCall;
    type Prepared = Prepared;
    type Wanted = Wanted;
    type Answered = Answered;

    fn own(call: &Call) -> Option<&Self::Call> {
        call.http()
    }

    fn prepare(operation: &Operation, call: &HttpCall, identity: IdentityTemplate) -> Prepared {
        let body: Arc<[u8]> = call.body.bytes().into();
        let mut before_seq = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", call.method, call.path, operation.endpoint);
        for (name, value) in call.wire_headers() {
            before_seq.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut after_seq = String::new();
        if !call.is_plain {
            before_seq.push_str(&format!(
                "{HEADER_IDENTITY}: source={};op={};id={}.",
                identity.source, operation.name, identity.session
            ));
            after_seq.push_str("\r\n");
        }
        let is_fresh = operation.connection.is_fresh();
        if is_fresh {
            after_seq.push_str("connection: close\r\n");
        }
        if !body.is_empty() || call.method.wants_body() {
            after_seq.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        after_seq.push_str("\r\n");
        let after_seq = after_seq.into_bytes();
        let any_of = call.expect.status.any_of();
        let (call, endpoint, tls) = (call.clone(), operation.endpoint.clone(), operation.tls.clone());
        let (guard, before_seq) = (Guard::of(operation), before_seq.into_bytes());
        Prepared { call, endpoint, tls, guard, is_fresh, before_seq, after_seq, body, any_of }
    }

    fn want(prepared: &Prepared, id: RequestId) -> Wanted {
        Wanted::new(&prepared.call, prepared.any_of.clone(), &prepared.body, id)
    }

    async fn connect(prepared: &Prepared, names: &Names, marks: &Marks, counter: &Counter) -> Result<Http, ErrorClass> {
        let stream =
            dial::stream(names, &prepared.endpoint, prepared.tls.as_ref(), &prepared.guard, marks, Some(counter))
                .await?;
        let open = counter.opened_over(stream.resent());
        Ok(Http { stream, open, head: Vec::new(), reusable: true })
    }

    async fn call(
        &mut self,
        prepared: &Prepared,
        id: RequestId,
        wanted: &mut Wanted,
        marks: &Marks,
    ) -> Ending<Answered> {
        self.head.clear();
        self.head.extend_from_slice(&prepared.before_seq);
        if !prepared.call.is_plain {
            write!(self.head, "{}", id.seq).expect("a Vec takes every byte");
        }
        self.head.extend_from_slice(&prepared.after_seq);
        self.reusable = false;
        let mut exchange = Exchange {
            stream: &mut self.stream,
            answer: Answer::new(prepared.call.method == Method::Head),
            head: &self.head,
            body: &prepared.body,
            written: 0,
            is_flushed: false,
            write_error: None,
            wanted,
            marks,
        };
        mark(&marks.sending);
        let broken = poll_fn(|cx| exchange.poll(cx)).await;
        if let Some(ending) = broken {
            return ending;
        }
        let answered = exchange.answered(id);
        let is_whole = exchange.is_written() && answered.surplus_bytes == 0;
        // What was to be no whole answer and looks like one may still have bytes on the way.
        let is_last = exchange.answer.head().is_none_or(|head| head.close);
        self.reusable = is_whole && exchange.wanted.is_answer() && !is_last;
        // Of its own accord, and not because it was asked to: by a fresh one, or by the fault.
        if is_last && !prepared.is_fresh && !exchange.wanted.is_last() {
            self.open.ends(ConnectionEnd::Said);
        }
        Ending::Answered(answered)
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

/// One request being written and its answer being read, at the same time: a target may answer early.
struct Exchange<'a> {
    stream: &'a mut Stream,
    answer: Answer,
    head: &'a [u8],
    body: &'a [u8],
    /// Of head and body together.
    written: usize,
    /// Whether the kernel has all of it, and not TLS some.
    is_flushed: bool,
    /// What stopped the writing. The answer may still come: a target that refuses a body answers, then closes.
    write_error: Option<ErrorClass>,
    wanted: &'a mut Wanted,
    marks: &'a Marks,
}

impl Exchange<'_> {
    /// Runs to the end of the answer; any other end is an ending.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Ending<Answered>>> {
        self.poll_write(cx);
        loop {
            // Through `poll_read` and not `try_read`: a read that does not fill the buffer leaves the socket known to be
            // empty, which saves asking the kernel once more after every answer.
            match ready!(self.poll_read(cx)) {
                Ok(0) => return Poll::Ready((!self.answer.end_of_stream()).then(|| self.ended_early())),
                Ok(_) if self.answer.is_done() => return Poll::Ready(None),
                Ok(_) => {}
                Err(ending) => return Poll::Ready(Some(ending)),
            }
        }
    }

    fn is_written(&self) -> bool {
        self.written == self.head.len() + self.body.len()
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
                }
                Poll::Ready(Err(error)) => self.write_error = Some(ErrorClass::of_send(&error)),
            }
        }
        if self.write_error.is_none() && !self.is_flushed {
            match Pin::new(&mut *self.stream).poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => {
                    self.is_flushed = true;
                    mark(&self.marks.sent);
                }
                Poll::Ready(Err(error)) => self.write_error = Some(ErrorClass::of_send(&error)),
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Ending<Answered>>> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut into = ReadBuf::new(buffer);
            if let Err(error) = ready!(Pin::new(&mut *self.stream).poll_read(cx, &mut into)) {
                return Poll::Ready(Err(self.broken(&error)));
            }
            Poll::Ready(self.take(into.filled()))
        })
    }

    fn broken(&self, error: &io::Error) -> Ending<Answered> {
        let class = ErrorClass::of_receive(error);
        if class == ErrorClass::Tls {
            self.marks.explain(error.to_string());
        }
        of_class(class)
    }

    /// Takes the next bytes of the answer.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, Ending<Answered>> {
        if !bytes.is_empty() {
            mark(&self.marks.first_byte);
        }
        let had_head = self.answer.head().is_some();
        let wanted = &mut *self.wanted;
        let read = self.answer.push(bytes, &mut |piece| wanted.take(piece));
        self.marks.received_bytes.set(self.answer.body_bytes());
        if let (false, Some(head)) = (had_head, self.answer.head()) {
            self.marks.server.set(head.server);
            self.marks.asked.set(head.asked);
            self.marks.backend.set(head.backend);
            self.marks.declare(&head.declared);
        }
        read.map(|()| bytes.len()).map_err(|_| Ending::Malformed)
    }

    /// The stream ended before the answer: for the reason that stopped the writing, if it was that.
    fn ended_early(&self) -> Ending<Answered> {
        self.write_error.map_or(Ending::Closed, of_class)
    }

    fn answered(&self, id: RequestId) -> Answered {
        let (status, echoed) = self.answer.head().map_or((0, None), |head| (head.status, head.id));
        Answered {
            code: Code::Http(status),
            size_bytes: self.answer.body_bytes(),
            content_matches: self.wanted.content_matches(),
            id_matches: echoed.map(|echoed| echoed == id),
            surplus_bytes: self.answer.surplus_bytes(),
        }
    }
}
