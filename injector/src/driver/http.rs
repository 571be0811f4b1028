//! HTTP/1.1 on a bare socket.
//!
//! A codec of our own and not a client library, for three reasons: every failure must be seen as it happened on the wire
//! (libraries retry dead pooled connections, or fold a reset into "connection closed"), the instants must be those of the
//! bytes, and an idle connection must cost a socket and a few words. The request is formatted once per operation; a call
//! appends a number. Bytes are read into one buffer per thread.

mod answer;
mod get;
mod judge;

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::sync::Arc;

use shared::identity::{HEADER_IDENTITY, RequestId};
use shared::outcome::{Code, ErrorClass, Outcome};
use tokio::io::Interest;
use tokio::net::TcpStream;

use self::answer::Answer;
use self::judge::Wanted;
use super::{Answered, Driver, Ending, IdentityTemplate, Marks, mark};
use crate::names::Names;
use crate::plan::{Method, Operation, StatusExpectation};

pub(crate) use self::get::get;

/// Size of the read buffer that the connections of a thread share.
const READ_BUFFER_BYTES: usize = 64 * 1024;

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BUFFER_BYTES]);
}

/// One HTTP/1.1 connection.
pub struct Http {
    stream: TcpStream,
    reusable: bool,
}

/// An operation's request, ready to be sent.
pub struct Prepared {
    operation: Operation,
    /// Everything up to the sequence number.
    before_seq: Vec<u8>,
    /// Everything behind it, the request's body included.
    after_seq: Vec<u8>,
    body: Arc<[u8]>,
    any_of: Option<Arc<[u16]>>,
}

impl Driver for Http {
    type Prepared = Prepared;
    type Wanted = Wanted;

    fn prepare(operation: &Operation, identity: IdentityTemplate) -> Prepared {
        let call = &operation.http;
        let body: Arc<[u8]> = call.body.bytes().into();
        let mut before_seq = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", call.method, call.path, operation.endpoint);
        for (name, value) in call.wire_headers() {
            before_seq.push_str(&format!("{name}: {value}\r\n"));
        }
        before_seq.push_str(&format!(
            "{HEADER_IDENTITY}: source={};op={};id={}.",
            identity.source, operation.name, identity.session
        ));
        let mut after_seq = String::from("\r\n");
        if operation.connection.is_fresh() {
            after_seq.push_str("connection: close\r\n");
        }
        if !body.is_empty() || call.method.wants_body() {
            after_seq.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        after_seq.push_str("\r\n");
        let mut after_seq = after_seq.into_bytes();
        after_seq.extend_from_slice(&body);
        let any_of = match &call.expect.status {
            StatusExpectation::Predicted => None,
            StatusExpectation::AnyOf(codes) => Some(codes.as_slice().into()),
        };
        Prepared { operation: operation.clone(), before_seq: before_seq.into_bytes(), after_seq, body, any_of }
    }

    fn want(prepared: &Prepared, id: RequestId) -> Wanted {
        Wanted::new(&prepared.operation.http, prepared.any_of.clone(), &prepared.body, id)
    }

    async fn connect(prepared: &Prepared, names: &Names, marks: &Marks) -> Result<Http, ErrorClass> {
        mark(&marks.resolving);
        let address = names.resolve(&prepared.operation.endpoint).await?;
        mark(&marks.connecting);
        let stream = TcpStream::connect(address).await.map_err(|error| ErrorClass::of_connect(&error))?;
        // Requests are small and alone on the wire; waiting to fill a segment would be measured as latency.
        stream.set_nodelay(true).map_err(|_| ErrorClass::Internal)?;
        mark(&marks.connected);
        Ok(Http { stream, reusable: true })
    }

    async fn call(&mut self, prepared: &Prepared, id: RequestId, wanted: &mut Wanted, marks: &Marks) -> Ending {
        let mut request = Vec::with_capacity(prepared.before_seq.len() + 20 + prepared.after_seq.len());
        request.extend_from_slice(&prepared.before_seq);
        write!(request, "{}", id.seq).expect("a Vec takes every byte");
        request.extend_from_slice(&prepared.after_seq);
        let mut exchange = Exchange {
            answer: Answer::new(prepared.operation.http.method == Method::Head),
            request: &request,
            written: 0,
            write_error: None,
            wanted,
            marks,
        };
        self.reusable = false;
        mark(&marks.sending);
        let ending = exchange.run(&self.stream).await;
        let written = exchange.written == request.len();
        let head_says_close = exchange.answer.head().is_none_or(|head| head.close);
        marks.sent_bytes.set(exchange.payload_written(prepared) as u64);
        marks.received_bytes.set(exchange.answer.body_bytes());
        let Some(at_end) = ending else {
            let answered = exchange.answered(id);
            self.reusable = written && !head_says_close && answered.surplus_bytes == 0;
            return Ending::Answered(answered);
        };
        at_end
    }

    fn is_reusable(&self) -> bool {
        self.reusable
    }

    async fn lost(&mut self) {
        let mut byte = [0];
        loop {
            if self.stream.readable().await.is_err() {
                return;
            }
            match self.stream.try_read(&mut byte) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Closed, reset, or bytes that belong to no request: nothing can follow on this connection.
                _ => return,
            }
        }
    }

    fn judge(wanted: &Wanted, ending: Ending) -> Outcome<ErrorClass> {
        wanted.judge(ending)
    }
}

/// One request being written and its answer being read, at the same time: a target may answer early.
struct Exchange<'a> {
    answer: Answer,
    request: &'a [u8],
    written: usize,
    /// What stopped the writing. The answer may still come: a target that refuses a body answers, then closes.
    write_error: Option<io::ErrorKind>,
    wanted: &'a mut Wanted,
    marks: &'a Marks,
}

impl Exchange<'_> {
    /// Runs to the end of the answer; anything else is an ending.
    async fn run(&mut self, stream: &TcpStream) -> Option<Ending> {
        loop {
            if self.wants_to_write() {
                self.write(stream);
            }
            let interest =
                if self.wants_to_write() { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            match stream.ready(interest).await {
                Ok(ready) if !ready.is_readable() => continue,
                Ok(_) => {}
                Err(_) => return Some(Ending::Failed(ErrorClass::Internal)),
            }
            match self.read(stream) {
                Ok(0) => return if self.answer.end_of_stream() { None } else { Some(self.ended_early()) },
                Ok(_) if self.answer.is_done() => return None,
                Ok(_) => {}
                Err(ReadError::Malformed) => return Some(Ending::Malformed),
                Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(ReadError::Io(error)) => {
                    return Some(match ErrorClass::of_receive(&error) {
                        ErrorClass::Reset => Ending::Reset,
                        ErrorClass::Closed => Ending::Closed,
                        ErrorClass::Timeout => Ending::TimedOut,
                        class => Ending::Failed(class),
                    });
                }
            }
        }
    }

    fn wants_to_write(&self) -> bool {
        self.write_error.is_none() && self.written < self.request.len()
    }

    fn write(&mut self, stream: &TcpStream) {
        while self.written < self.request.len() {
            match stream.try_write(&self.request[self.written..]) {
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    self.write_error = Some(error.kind());
                    return;
                }
            }
        }
        mark(&self.marks.sent);
    }

    fn read(&mut self, stream: &TcpStream) -> Result<usize, ReadError> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let bytes = stream.try_read(buffer).map_err(ReadError::Io)?;
            if bytes > 0 {
                mark(&self.marks.first_byte);
            }
            let had_head = self.answer.head().is_some();
            let wanted = &mut *self.wanted;
            let result = self.answer.push(&buffer[..bytes], &mut |piece| wanted.take(piece));
            if let (false, Some(head)) = (had_head, self.answer.head()) {
                self.marks.server.set(head.server);
                self.marks.asked.set(head.asked);
            }
            result.map(|()| bytes).map_err(|_| ReadError::Malformed)
        })
    }

    /// The stream ended before the answer: in the kernel's words for what stopped the writing, if it was that.
    fn ended_early(&self) -> Ending {
        match self.write_error {
            Some(io::ErrorKind::ConnectionReset) => Ending::Reset,
            _ => Ending::Closed,
        }
    }

    fn answered(&self, id: RequestId) -> Answered {
        let head = self.answer.head().copied().unwrap_or_default();
        Answered {
            code: Code(head.status),
            size_bytes: self.answer.body_bytes(),
            content_matches: self.wanted.content_matches(),
            id_matches: head.id.map(|echoed| echoed == id),
            surplus_bytes: self.answer.surplus_bytes(),
        }
    }

    fn payload_written(&self, prepared: &Prepared) -> usize {
        let head = self.request.len() - prepared.body.len();
        self.written.saturating_sub(head)
    }
}

enum ReadError {
    Io(io::Error),
    Malformed,
}
