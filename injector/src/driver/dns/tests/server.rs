//! A server that answers every question as the target would, but for what its script changes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinEncodable as _};
use shared::carrier::dns::{NameAsk, Zone, name};
use shared::carrier::{EDNS_OPTION, line};
use shared::dnsanswer::{self, FAULT_TTL_S, OK_TTL_S, shape};
use shared::fault::{Fault, Separator, Transport};
use shared::reply::{Plan, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

/// What the server says it took.
pub(super) const OWN: Duration = Duration::from_micros(12);

/// What is done to the bytes of an answer.
pub(super) type Spoil = fn(&mut Vec<u8>);

/// What differs from a good answer.
#[derive(Clone, Copy, Default)]
pub(super) struct Script {
    is_silent: bool,
    rcode: Option<u16>,
    records: Option<usize>,
    ttl_s: Option<u32>,
    first_record: usize,
    is_truncated: bool,
    truncates_udp: bool,
    is_unauthoritative: bool,
    is_unmarked: bool,
    marked_as: Option<&'static str>,
    rule: Option<&'static str>,
    spoil: Option<Spoil>,
    before: Option<Spoil>,
    resets: bool,
    closes_half_way: bool,
    announced: i32,
    is_one_behind: bool,
    bare: Option<u16>,
}

impl Script {
    pub(super) fn good() -> Script {
        Script::default()
    }
    pub(super) fn silent() -> Script {
        Script { is_silent: true, ..Script::default() }
    }
    pub(super) fn rcode(self, rcode: u16) -> Script {
        Script { rcode: Some(rcode), ..self }
    }
    pub(super) fn records(self, records: usize) -> Script {
        Script { records: Some(records), ..self }
    }
    pub(super) fn ttl(self, ttl_s: u32) -> Script {
        Script { ttl_s: Some(ttl_s), ..self }
    }
    /// The number of the first record.
    pub(super) fn record(self, first_record: usize) -> Script {
        Script { first_record, ..self }
    }
    pub(super) fn truncated(self) -> Script {
        Script { is_truncated: true, ..self }
    }
    pub(super) fn truncated_over_udp(self) -> Script {
        Script { truncates_udp: true, ..self }
    }
    pub(super) fn unauthoritative(self) -> Script {
        Script { is_unauthoritative: true, ..self }
    }
    pub(super) fn unmarked(self) -> Script {
        Script { is_unmarked: true, ..self }
    }
    pub(super) fn marked_as(self, id: &'static str) -> Script {
        Script { marked_as: Some(id), ..self }
    }
    pub(super) fn by_rule(self, rule: &'static str) -> Script {
        Script { rule: Some(rule), ..self }
    }
    pub(super) fn spoilt(self, spoil: Spoil) -> Script {
        Script { spoil: Some(spoil), ..self }
    }
    /// A spoilt one, then the good one.
    pub(super) fn after(self, before: Spoil) -> Script {
        Script { before: Some(before), ..self }
    }
    /// A header alone, with this code.
    pub(super) fn bare(self, rcode: u16) -> Script {
        Script { bare: Some(rcode), ..self }
    }
    pub(super) fn resets(self) -> Script {
        Script { resets: true, ..self }
    }
    pub(super) fn closes_half_way(self) -> Script {
        Script { closes_half_way: true, ..self }
    }
    /// A length that is wrong by this, and the end of the connection.
    pub(super) fn announces(self, announced: i32) -> Script {
        Script { announced, ..self }
    }
    /// The first question is answered when the second has come.
    pub(super) fn one_behind(self) -> Script {
        Script { is_one_behind: true, ..self }
    }
}

/// UDP and TCP on one port, until it is dropped with its runtime.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    datagrams: AtomicUsize,
    connections: AtomicUsize,
    port: AtomicU16,
}

impl Server {
    pub(super) async fn start(script: Script) -> Server {
        let (listener, socket) = loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            // The number may be taken over UDP.
            if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()).await {
                break (listener, socket);
            }
        };
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Seen::default()));
        tokio::task::spawn_local(datagrams(socket, script, Arc::clone(&seen)));
        let counted = Arc::clone(&seen);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.connections.fetch_add(1, Ordering::Relaxed);
                tokio::task::spawn_local(connection(stream, script));
            }
        });
        Server { address, seen }
    }

    pub(super) fn datagrams(&self) -> usize {
        self.seen.datagrams.load(Ordering::Relaxed)
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    /// Whence the last datagram came.
    pub(super) fn last_port(&self) -> u16 {
        self.seen.port.load(Ordering::Relaxed)
    }
}

async fn datagrams(socket: UdpSocket, script: Script, seen: Arc<Seen>) {
    let mut buffer = [0; 4096];
    let mut held: Option<Vec<u8>> = None;
    while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
        let number = seen.datagrams.fetch_add(1, Ordering::Relaxed);
        seen.port.store(client.port(), Ordering::Relaxed);
        if script.is_silent {
            continue;
        }
        let answer = answer(&buffer[..length], script, Transport::Udp);
        if script.is_one_behind && number == 0 {
            held = Some(answer);
            continue;
        }
        let before = script.before.map(|spoil| spoilt(&answer, spoil));
        for message in held.take().into_iter().chain(before).chain([answer]) {
            socket.send_to(&message, client).await.unwrap();
        }
    }
}

async fn connection(mut stream: TcpStream, script: Script) {
    while let Ok(length) = stream.read_u16().await {
        let mut query = vec![0; usize::from(length)];
        stream.read_exact(&mut query).await.unwrap();
        if script.is_silent {
            continue;
        }
        if script.resets {
            stream.set_zero_linger().unwrap();
            return;
        }
        let answer = answer(&query, script, Transport::Tcp);
        let announced = u16::try_from(answer.len() as i32 + script.announced).unwrap();
        let mut framed = announced.to_be_bytes().to_vec();
        framed.extend_from_slice(&answer);
        if script.closes_half_way {
            framed.truncate(framed.len() / 2);
        }
        let _ = stream.write_all(&framed).await;
        if script.announced != 0 || script.closes_half_way {
            return;
        }
    }
}

/// What the query asks for by name and option.
fn asked(query: &Message) -> (Fault, Option<String>, u32) {
    let labels: Vec<Vec<u8>> = query.queries[0].name().iter().map(<[u8]>::to_ascii_lowercase).collect();
    let labels: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
    let (mut fault, mut id, mut ttl_s) = (Fault::default(), None, OK_TTL_S);
    match name(&labels, &Zone::default()) {
        NameAsk::Armed { identity, fault: in_name, .. } => {
            (fault, id, ttl_s) = (in_name.unwrap(), identity.map(|identity| identity.id), FAULT_TTL_S);
        }
        NameAsk::Ok { identity, .. } => id = identity.map(|identity| identity.id),
        _ => {}
    }
    if let Some(EdnsOption::Unknown(_, text)) =
        query.edns.as_ref().and_then(|edns| edns.option(EdnsCode::from(EDNS_OPTION)))
    {
        let said = line(text, Separator::Semicolon);
        fault = fault.overridden_by(said.fault.unwrap());
        id = said.identity.map(|identity| identity.id);
    }
    (fault, id.map(|id| id.to_string()), ttl_s)
}

fn answer(query: &[u8], script: Script, transport: Transport) -> Vec<u8> {
    if let Some(rcode) = script.bare {
        return [&query[..2], &[0x80, rcode as u8], &[0; 8]].concat();
    }
    let query = Message::from_bytes(query).unwrap();
    let (fault, id, ttl_s) = asked(&query);
    let verdict = fault.over_transport(transport).roll(0, id.as_deref().unwrap_or(""), 0);
    let question = &query.queries[0];
    let kind = u16::from(question.query_type());
    let shape = shape(&verdict, kind, transport, query.edns.is_some(), ttl_s);
    let rcode = script.rcode.unwrap_or(shape.rcode);
    let mut message = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
    message.metadata.response_code = ResponseCode::from((rcode >> 4) as u8, (rcode & 15) as u8);
    message.metadata.authoritative = shape.is_authoritative && !script.is_unauthoritative;
    message.metadata.truncation = script.is_truncated || script.truncates_udp && transport == Transport::Udp;
    message.queries = query.queries.clone();
    let records = if rcode == 0 && !message.metadata.truncation { script.records.unwrap_or(shape.records) } else { 0 };
    for i in 0..records {
        let data = match dnsanswer::address(kind, verdict.addr, i + script.first_record) {
            std::net::IpAddr::V4(ip) => RData::A(A(ip)),
            std::net::IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
        };
        assert!(matches!(question.query_type(), RecordType::A | RecordType::AAAA));
        message.answers.push(Record::from_rdata(question.name().clone(), script.ttl_s.unwrap_or(shape.ttl_s), data));
    }
    if query.edns.is_some() {
        let mut edns = Edns::new();
        edns.set_rcode_high((rcode >> 4) as u8);
        if !script.is_unmarked {
            let id = script.marked_as.map(str::to_owned).or(id);
            let reply = Reply {
                id: id.as_deref(),
                own: OWN,
                asked: Duration::ZERO,
                rule: script.rule,
                server: "pod/node/zone",
                plan: Plan::of(&verdict),
            };
            edns.options_mut().insert(EdnsOption::Unknown(EDNS_OPTION, reply.option().into_bytes()));
        }
        message.edns = Some(edns);
    }
    let bytes = message.to_bytes().unwrap();
    script.spoil.map_or_else(|| bytes.clone(), |spoil| spoilt(&bytes, spoil))
}

fn spoilt(good: &[u8], spoil: Spoil) -> Vec<u8> {
    let mut bytes = good.to_vec();
    spoil(&mut bytes);
    bytes
}

pub(super) const BAD_ID: Spoil = |message| {
    message[0] ^= 0x5a;
};

pub(super) const QUERY_BIT: Spoil = |message| {
    message[2] &= 0x7f;
};

/// The first letter of the name, in either case.
pub(super) const BAD_QUESTION: Spoil = |message| {
    message[13] = if message[13].eq_ignore_ascii_case(&b'z') { b'y' } else { b'z' };
};

/// Every letter of the first label in the other case.
pub(super) const BAD_CASE: Spoil = |message| {
    for letter in &mut message[13..15] {
        *letter ^= 0x20;
    }
};

pub(super) const MORE_ANSWERS: Spoil = |message| {
    message[7] += 5;
};

pub(super) const ID_ALONE: Spoil = |message| {
    message.truncate(2);
};

/// A port that refuses over both transports while the socket is held: bound and silent over TCP, nobody there over UDP.
pub(super) fn closed_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}
