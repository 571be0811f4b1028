//! The UDP echo: one datagram out, one back (two where `dup` asks for it), from a source port of its own.
//!
//! `fresh` takes a new port for each request, `pooled(n)` keeps n of them. An answer that comes too late for its request is
//! known by its id and passed over. Nothing is ever sent again.

use shared::carrier;
use shared::identity::RequestId;
use shared::outcome::{ConnectionEnd, ErrorClass, Outcome};
use tokio::net::UdpSocket;

use super::echo::{Answered, Line, Prepared, Wanted};
use super::{Driver, Ending, IdentityTemplate, Marks, datagram, mark, of_class};
use crate::counter::{Counter, Open};
use crate::dial;
use crate::names::Names;
use crate::plan::{Call, EchoCall, ExpectedEnd, Operation};

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

    fn own(call: &Call) -> Option<&Self::Call> {
        call.echo()
    }

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
        if let Err(class) = datagram::send(&self.socket, &self.datagram, marks).await {
            self.reusable = false;
            return Ending::Failed(class);
        }
        marks.sent_bytes.set(prepared.body.len() as u64);
        for copy in 1.. {
            let ending = datagram::receive(&self.socket, |datagram| take(datagram, wanted, marks)).await;
            let is_right = matches!(ending, Ending::Answered(answered) if !answered.is_refused);
            if !is_right || copy >= wanted.copies {
                // Whoever is gone from an address is perhaps at another one: the next request looks the name up anew.
                self.reusable = (self.reusable || is_right) && !matches!(ending, Ending::Failed(_));
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
    async fn lost(&mut self) -> ConnectionEnd {
        std::future::pending().await
    }

    fn judge(wanted: &Wanted, ending: &Ending<Answered>) -> Outcome<ErrorClass> {
        wanted.judge(*ending)
    }

    fn explain(wanted: &Wanted, ending: &Ending<Answered>) -> String {
        wanted.explain(*ending)
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
