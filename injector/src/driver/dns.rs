//! DNS queries on bare sockets, over UDP and TCP, with hickory's codec.
//!
//! One query is one message: no retry, no second server, no change of transport. An answer must have the query's id, its
//! question, and QR; whatever has not is passed over, as a resolver does, and counted as evidence.

mod check;
mod judge;
mod wire;

use std::io;
use std::sync::Arc;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinEncodable as _};
use shared::carrier::dns::{fault_name, ok_name};
use shared::carrier::{EDNS_OPTION, compose_line};
use shared::draw::Draw;
use shared::fault::{Separator, Transport};
use shared::identity::{Identity, RequestId};
use shared::outcome::{ErrorClass, Outcome};

use self::judge::{Answered, Wanted};
use self::wire::Wire;
use super::{Driver, Ending, IdentityTemplate, Marks, mark};
use crate::counter::{Counter, Open};
use crate::names::Names;
use crate::plan::{Carrier, DnsCall, Endpoint, Operation};

/// One source port, or one connection.
pub struct Dns {
    wire: Wire,
    open: Open,
    reusable: bool,
}

/// An operation's query.
pub struct Prepared {
    call: Arc<DnsCall>,
    endpoint: Endpoint,
    /// The plan's draws for ids and letters, which are not the target's business.
    seed: u64,
    operation: shared::identity::Name,
    identity: IdentityTemplate,
}

impl Driver for Dns {
    type Call = DnsCall;
    type Prepared = Prepared;
    type Wanted = Wanted;
    type Answered = Answered;

    fn prepare(operation: &Operation, call: &DnsCall, identity: IdentityTemplate) -> Prepared {
        Prepared {
            call: Arc::new(call.clone()),
            endpoint: operation.endpoint.clone(),
            seed: operation.seed,
            operation: operation.name,
            identity,
        }
    }

    fn want(prepared: &Prepared, id: RequestId) -> Wanted {
        Wanted::new(&prepared.call, id)
    }

    async fn connect(prepared: &Prepared, names: &Names, marks: &Marks, counter: &Counter) -> Result<Dns, ErrorClass> {
        let wire = Wire::connect(prepared.call.transport, names, &prepared.endpoint, marks).await?;
        Ok(Dns { wire, open: counter.opened(), reusable: true })
    }

    async fn call(
        &mut self,
        prepared: &Prepared,
        id: RequestId,
        wanted: &mut Wanted,
        marks: &Marks,
    ) -> Ending<Answered> {
        // An answer that comes late is known by its id, so a datagram's port stays good; on a stream it would hold up the next.
        self.reusable = prepared.call.transport == Transport::Udp;
        let Some((query, bytes)) = query(prepared, id) else { return Ending::Failed(ErrorClass::Internal) };
        wanted.question_bytes =
            bytes.len() - 12 - if prepared.call.edns_size.is_some() { opt_bytes(&query) } else { 0 };
        mark(&marks.sending);
        if let Err(error) = self.wire.send(&bytes).await {
            return failed(&error, ErrorClass::of_send(&error));
        }
        mark(&marks.sent);
        marks.sent_bytes.set(bytes.len() as u64);
        let mut ignored = 0_u32;
        loop {
            let message = match self.wire.receive().await {
                Ok(Some(message)) => message,
                Ok(None) => return Ending::Closed,
                Err(error) => return failed(&error, ErrorClass::of_receive(&error)),
            };
            let is_datagram = prepared.call.transport == Transport::Udp;
            let is_ours = message.len() >= 2 && message[..2] == bytes[..2];
            match Message::from_bytes(&message) {
                _ if !is_ours && (is_datagram || message.len() >= 2) => {}
                Err(_) => {
                    mark(&marks.first_byte);
                    self.reusable = is_datagram;
                    return Ending::Malformed;
                }
                Ok(answer) if !answers(&query, &answer, prepared.call.is_mixed) => {}
                Ok(answer) => {
                    mark(&marks.first_byte);
                    marks.received_bytes.set(message.len() as u64);
                    self.reusable = true;
                    return Ending::Answered(check::answered(wanted, &answer, message.len(), ignored, marks));
                }
            }
            ignored += 1;
            wanted.ignored = ignored;
        }
    }

    fn open(&self) -> &Open {
        &self.open
    }

    fn is_reusable(&self) -> bool {
        self.reusable
    }

    async fn lost(&mut self) {
        // What still comes belongs to a query that is over.
        while let Ok(Some(_)) = self.wire.receive().await {}
    }

    fn judge(wanted: &Wanted, ending: &Ending<Answered>) -> Outcome<ErrorClass> {
        wanted.judge(*ending)
    }

    fn explain(wanted: &Wanted, ending: &Ending<Answered>) -> String {
        wanted.explain(*ending)
    }
}

fn failed(error: &io::Error, class: ErrorClass) -> Ending<Answered> {
    match (error.kind(), class) {
        // Over UDP: nobody listens on the port.
        (io::ErrorKind::ConnectionRefused, _) | (_, ErrorClass::Reset) => Ending::Reset,
        (_, ErrorClass::Closed) => Ending::Closed,
        (_, ErrorClass::Timeout) => Ending::TimedOut,
        (_, class) => Ending::Failed(class),
    }
}

/// Whether this is the answer to that query, and not to another one or to somebody's guess.
fn answers(query: &Message, answer: &Message, is_mixed: bool) -> bool {
    let ([asked], [repeated]) = (query.queries.as_slice(), answer.queries.as_slice()) else { return false };
    let same_name = if is_mixed { asked.name.eq_case(&repeated.name) } else { asked.name == repeated.name };
    answer.metadata.message_type == MessageType::Response
        && same_name
        && asked.query_type == repeated.query_type
        && asked.query_class == repeated.query_class
}

/// The query and its bytes; nothing if it cannot be said, which is the plan's mistake.
fn query(prepared: &Prepared, id: RequestId) -> Option<(Message, Vec<u8>)> {
    let call = &*prepared.call;
    let identity = Identity { source: prepared.identity.source, operation: prepared.operation, id };
    let name = match &call.name {
        Some(name) => name.clone(),
        None if call.asked.is_empty() => ok_name(identity, &call.zone).ok()?,
        None => fault_name(identity, &call.asked, &call.zone).ok()?,
    };
    let draw = Draw::new(prepared.seed, &id.to_string());
    let name = if call.is_mixed { mixed(&name, draw) } else { name };
    let name = Name::from_ascii(name).ok()?;
    let mut query = Message::new((draw.bits("dns-id") >> 48) as u16, MessageType::Query, OpCode::Query);
    // A resolver looks further only if it is told to; an authoritative server does not mind.
    query.metadata.recursion_desired = true;
    query.queries.push(Query::query(name, RecordType::from(call.kind)));
    if let Some(size) = call.edns_size {
        let mut edns = Edns::new();
        edns.set_max_payload(size);
        if call.carrier == Carrier::Option {
            let text = compose_line(Some(identity), &call.asked, Separator::Semicolon).ok()?;
            edns.options_mut().insert(EdnsOption::Unknown(EDNS_OPTION, text.into_bytes()));
        }
        query.edns = Some(edns);
    }
    let bytes = query.to_bytes().ok()?;
    Some((query, bytes))
}

/// Eleven bytes of record, four of option.
fn opt_bytes(query: &Message) -> usize {
    let options = query.edns.iter().flat_map(|edns| edns.options().as_ref());
    11 + options.map(|(_, option)| 4 + usize::from(option.len())).sum::<usize>()
}

/// Letters in random case, the first one a capital, so that the case always says something.
fn mixed(name: &str, draw: Draw) -> String {
    let mut is_first = true;
    let letters = name.chars().enumerate().map(|(i, letter)| {
        if !letter.is_ascii_alphabetic() {
            return letter;
        }
        let is_capital = std::mem::take(&mut is_first) || draw.u("dns-case", i as u64) < 0.5;
        if is_capital { letter.to_ascii_uppercase() } else { letter }
    });
    letters.collect()
}
