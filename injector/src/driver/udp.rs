//! The UDP echo: one datagram out, one back (two where `dup` asks for it), from a source port of its own.
//!
//! `fresh` takes a new port for each request, `pooled(n)` keeps n of them. An answer that comes too late for its request is
//! known by its id and passed over. Nothing is ever sent again.

use std::future::poll_fn;
use std::io;
use std::task::{Poll, ready};

use shared::carrier;
use shared::identity::RequestId;
use shared::outcome::{ErrorClass, Outcome};
use tokio::io::{Interest, ReadBuf};
use tokio::net::UdpSocket;

use super::buffer::READ_BUFFER;
use super::echo::{Answered, Line, Prepared, Wanted};
use super::{Driver, Ending, IdentityTemplate, Marks, ending_of, mark, of_class};
use crate::counter::{Counter, Open};
use crate::dial;
use crate::names::Names;
use crate::plan::{EchoCall, ExpectedEnd, Operation};

/// One source port.
pub struct Udp {
    socket: UdpSocket,
    open: Open,
    /// The current request; kept, so that the next needs no memory of its own.
    datagram: Vec<u8>,
    reusable: bool,
}

impl Driver for Udp {
    type Call = EchoCall;
    type Prepared = Prepared;
    type Wanted = Wanted;
    type Answered = Answered;

    fn prepare(operation: &Operation, call: &EchoCall, identity: IdentityTemplate) -> Prepared {
        Prepared::new(operation, call, identity)
    }

    fn want(prepared: &Prepared, id: RequestId) -> Wanted {
        Wanted::new(prepared, id)
    }

    async fn connect(prepared: &Prepared, names: &Names, marks: &Marks, counter: &Counter) -> Result<Udp, ErrorClass> {
        let socket = dial::udp(names, &prepared.endpoint, marks).await?;
        Ok(Udp { socket, open: counter.opened(), datagram: Vec::new(), reusable: true })
    }

    async fn call(
        &mut self,
        prepared: &Prepared,
        id: RequestId,
        wanted: &mut Wanted,
        marks: &Marks,
    ) -> Ending<Answered> {
        prepared.write_head(id, &mut self.datagram);
        self.datagram.extend_from_slice(&prepared.body);
        // What names no request, come late, would be taken for the answer to the next one.
        self.reusable = wanted.is_identified() && matches!(wanted.end, ExpectedEnd::Answer | ExpectedEnd::Hang);
        self.forget_error();
        mark(&marks.sending);
        if let Err(error) = self.socket.send(&self.datagram).await {
            return Ending::Failed(class(&error, ErrorClass::of_send));
        }
        mark(&marks.sent);
        marks.sent_bytes.set(prepared.body.len() as u64);
        for copy in 1.. {
            let ending = self.answer(wanted, marks).await;
            let is_right = matches!(ending, Ending::Answered(answered) if !answered.is_refused);
            if !is_right || copy >= wanted.copies {
                self.reusable |= is_right;
                return ending;
            }
        }
        Ending::Malformed
    }

    fn open(&self) -> &Open {
        &self.open
    }

    fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// Never: a port is not lost, and what comes late is passed over by the next request.
    async fn lost(&mut self) {
        std::future::pending().await
    }

    fn judge(wanted: &Wanted, ending: &Ending<Answered>) -> Outcome<ErrorClass> {
        wanted.judge(*ending)
    }

    fn explain(wanted: &Wanted, ending: &Ending<Answered>) -> String {
        wanted.explain(*ending)
    }
}

impl Udp {
    /// The next datagram that belongs to this request, or what an ICMP message says of it.
    async fn answer(&self, wanted: &mut Wanted, marks: &Marks) -> Ending<Answered> {
        let received = poll_fn(|cx| {
            READ_BUFFER.with_borrow_mut(|buffer| {
                loop {
                    let mut into = ReadBuf::new(buffer);
                    if let Err(error) = ready!(self.socket.poll_recv(cx, &mut into)) {
                        return Poll::Ready(ended(&error));
                    }
                    if let Some(ending) = take(into.filled(), wanted, marks) {
                        return Poll::Ready(ending);
                    }
                }
            })
        });
        tokio::select! {
            biased;
            ending = received => ending,
            error = self.error() => ended(&error),
        }
    }

    /// An error of the socket, when there is one: it does not make a socket readable.
    async fn error(&self) -> io::Error {
        loop {
            if let Err(error) = self.socket.ready(Interest::ERROR).await {
                return error;
            }
            match self.socket.take_error() {
                Ok(None) => self.forget_error(),
                Ok(Some(error)) | Err(error) => return error,
            }
        }
    }

    /// What an earlier request left behind is no error of the next.
    fn forget_error(&self) {
        let _ = self.socket.take_error();
        let would_block = || Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock));
        let _ = self.socket.try_io(Interest::ERROR, would_block);
    }
}

fn ended(error: &io::Error) -> Ending<Answered> {
    match class(error, ErrorClass::of_receive) {
        ErrorClass::ConnectRefused => Ending::Failed(ErrorClass::ConnectRefused),
        _ => ending_of(error),
    }
}

/// What a datagram is to this request; nothing if it belongs to an earlier one.
fn take(datagram: &[u8], wanted: &mut Wanted, marks: &Marks) -> Option<Ending<Answered>> {
    let mut answered =
        Answered { size_bytes: 0, content_matches: true, id_matches: None, surplus_bytes: 0, is_refused: false };
    let mut payload = datagram;
    if wanted.is_identified() {
        if datagram.is_empty() {
            mark(&marks.first_byte);
            return Some(of_class(ErrorClass::Closed));
        }
        let behind = carrier::command(datagram).map(|(_, payload)| payload);
        let Some(behind) = behind else {
            mark(&marks.first_byte);
            return Some(Ending::Malformed);
        };
        payload = behind;
        match wanted.line(&datagram[..datagram.len() - payload.len()], marks) {
            Line::Ours { id_matches } => answered.id_matches = id_matches,
            Line::Earlier => return None,
            Line::Refused => answered.is_refused = true,
            Line::Malformed => {
                mark(&marks.first_byte);
                return Some(Ending::Malformed);
            }
        }
    }
    mark(&marks.first_byte);
    // Each copy is compared from its beginning.
    let mut content = wanted.content.clone();
    answered.content_matches = wanted.matches(&mut content, 0, payload);
    answered.size_bytes = payload.len() as u64;
    marks.received_bytes.set(marks.received_bytes.get() + answered.size_bytes);
    Some(Ending::Answered(answered))
}

/// The class of an error that an ICMP message about a datagram may have brought.
fn class(error: &io::Error, otherwise: fn(&io::Error) -> ErrorClass) -> ErrorClass {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            ErrorClass::of_connect(error)
        }
        _ => otherwise(error),
    }
}
