//! A packet as a query, or why it is none.

use hickory_proto::op::{Edns, Message, MessageType, OpCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use hickory_proto::serialize::binary::BinDecodable as _;
use shared::carrier::EDNS_OPTION;

/// Length of a message's header.
pub(super) const HEADER_BYTES: usize = 12;

const FORMERR: u16 = 1;
/// A defect of the server.
pub(super) const SERVFAIL: u16 = 2;
const NOTIMP: u16 = 4;
/// The only version of EDNS there is (RFC 6891, section 6.1.3).
const BADVERS: u16 = 16;

/// Why a packet is no query.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It has a header: answered with this code.
    Refused(Vec<u8>, u16),
    /// Nothing that may be answered: too short for a header, or itself an answer.
    Unanswerable,
}

/// One question, as asked.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) id: u16,
    pub(super) recursion_desired: bool,
    /// In the case it was written in, which answers repeat.
    pub(super) name: Name,
    /// Its labels in lower case, the leftmost first.
    pub(super) labels: Vec<Vec<u8>>,
    pub(super) kind: RecordType,
    pub(super) class: DNSClass,
    pub(super) edns: Option<Box<Edns>>,
    /// The whole packet.
    pub(super) packet: Vec<u8>,
}

impl Query {
    /// The largest answer its client takes, if it says so.
    pub(super) fn edns_size(&self) -> Option<u16> {
        self.edns.as_ref().map(|edns| edns.max_payload())
    }

    /// What our own option says.
    pub(super) fn option(&self) -> Option<&[u8]> {
        match self.edns.as_ref()?.option(EdnsCode::from(EDNS_OPTION))? {
            EdnsOption::Unknown(_, text) => Some(text),
            _ => None,
        }
    }

    /// Whether the name has a capital letter: the client checks that we repeat it (0x20).
    pub(super) fn is_mixed(&self) -> bool {
        self.name.iter().flatten().any(u8::is_ascii_uppercase)
    }
}

/// Reads a packet.
pub(super) fn read(packet: &[u8]) -> Result<Box<Query>, Unreadable> {
    if !is_answerable(packet) {
        return Err(Unreadable::Unanswerable);
    }
    // Before anything else is looked at: other operations have other bodies.
    if packet[2] & 0x78 != 0 {
        return Err(Unreadable::Refused(bare(packet, NOTIMP), NOTIMP));
    }
    let formerr = || Err(Unreadable::Refused(bare(packet, FORMERR), FORMERR));
    let Ok(mut message) = Message::from_bytes(packet) else { return formerr() };
    let is_query = message.metadata.message_type == MessageType::Query && message.metadata.op_code == OpCode::Query;
    let (true, [question]) = (is_query, message.queries.as_slice()) else { return formerr() };
    if message.edns.as_ref().is_some_and(|edns| edns.version() != 0) {
        return Err(Unreadable::Refused(bad_version(packet), BADVERS));
    }
    Ok(Box::new(Query {
        id: message.metadata.id,
        recursion_desired: message.metadata.recursion_desired,
        name: question.name.clone(),
        labels: question.name.iter().map(<[u8]>::to_ascii_lowercase).collect(),
        kind: question.query_type,
        class: question.query_class,
        edns: message.edns.take().map(Box::new),
        packet: packet.to_vec(),
    }))
}

/// The answer to a query whose handling panicked, if it may have one.
pub(super) fn failure(packet: &[u8]) -> Option<Vec<u8>> {
    is_answerable(packet).then(|| bare(packet, SERVFAIL))
}

/// Whether it has a header, and is no answer itself.
fn is_answerable(packet: &[u8]) -> bool {
    packet.len() >= HEADER_BYTES && packet[2] & 0x80 == 0
}

/// A header alone: id, operation and RD repeated, no sections. Never larger than what came.
fn bare(packet: &[u8], rcode: u16) -> Vec<u8> {
    let mut answer = vec![0; HEADER_BYTES];
    answer[..2].copy_from_slice(&packet[..2]);
    answer[2] = 0x80 | packet[2] & 0x79;
    answer[3] = (rcode & 15) as u8;
    answer
}

/// The same with an OPT record, whose place the upper bits of the code need.
fn bad_version(packet: &[u8]) -> Vec<u8> {
    let mut answer = bare(packet, BADVERS);
    answer[11] = 1;
    answer.extend_from_slice(&[0, 0, 41, 4, 208, (BADVERS >> 4) as u8, 0, 0, 0, 0, 0]);
    answer
}
