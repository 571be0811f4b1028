//! An answer as it should be: the shape that both sides know, filled with records, marked, padded, and cut to what the client
//! takes.

use std::net::SocketAddr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Question, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, PTR, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::BinEncodable as _;
use shared::carrier::EDNS_OPTION;
use shared::dnsanswer::{self, FAULT_TTL_S, OK_TTL_S, Shape, filler_min_bytes, oversize, shape, udp_limit};
use shared::fault::{Cname, DnsAnswer, FaultKind, Transport, Verdict};

use super::Dns;
use super::ask::Place;
use super::query::Query;
use super::zones::{name_server, soa};

/// EDNS options (IANA's registry): padding (RFC 7830) and the extended error (RFC 8914).
const PADDING: u16 = 12;
const EXTENDED_ERROR: u16 = 15;
/// Most content of one TXT string.
const STRING_MAX_BYTES: usize = 255;

/// What an answer says of itself beside its records.
#[derive(Default)]
pub(super) struct Said {
    /// The text of option 65001.
    pub(super) mark: Option<String>,
    /// An extended error and its text.
    pub(super) error: Option<(u16, String)>,
}

/// One query and where it came from.
pub(super) struct Asked<'a> {
    pub(super) dns: &'a Dns,
    pub(super) query: &'a Query,
    pub(super) transport: Transport,
    pub(super) client: SocketAddr,
}

impl Asked<'_> {
    /// The answer to a name under `ok` or `f`; its code and bytes.
    pub(super) fn verdict(
        &self,
        verdict: &Verdict,
        place: Place,
        nonce: Option<&str>,
        mut said: Said,
    ) -> (u16, Vec<u8>) {
        let query = self.query;
        let (kind, has_edns) = (u16::from(query.kind), query.edns.is_some());
        let ttl_s = if place == Place::Ok { OK_TTL_S } else { FAULT_TTL_S };
        let shape = shape(verdict, kind, self.transport, has_edns, ttl_s);
        let mut message = self.message(shape.rcode, &mut said, verdict.ede);
        message.metadata.authoritative = shape.is_authoritative;
        message.metadata.truncation = shape.is_truncated;
        self.fill(&mut message, verdict, &shape, nonce);
        let size = match verdict.fault {
            Some(FaultKind::Oversize) => Some(oversize(query.edns_size())),
            _ => verdict.size_bytes.and_then(|bytes| usize::try_from(bytes).ok()),
        };
        if let Some(size) = size {
            pad(&mut message, size);
        }
        let limit = match (self.transport, verdict.fault) {
            (Transport::Tcp, _) | (_, Some(FaultKind::Oversize)) => usize::from(u16::MAX),
            (Transport::Udp, _) => udp_limit(query.edns_size(), self.dns.udp_size_max),
        };
        (shape.rcode, fitted(&message, limit))
    }

    /// An answer of nothing but a code, with the zone's SOA where nothing exists; a TXT query gets the text of the error too.
    pub(super) fn code(&self, rcode: u16, mut said: Said) -> Vec<u8> {
        let text = said.error.as_ref().map(|(_, text)| text.clone());
        let mut message = self.message(rcode, &mut said, None);
        if rcode == u16::from(ResponseCode::NXDomain) || rcode == 0 {
            message.metadata.authoritative = true;
            message.authorities.push(self.soa(0));
        }
        if let (RecordType::TXT, Some(text)) = (self.query.kind, text) {
            message.answers.push(txt(&self.query.name, 0, &[text]));
        }
        fitted(&message, self.limit())
    }

    /// `. NS`: we are here.
    pub(super) fn root(&self, mut said: Said) -> Vec<u8> {
        let mut message = self.message(0, &mut said, None);
        message.answers.push(Record::from_rdata(Name::root(), 0, RData::NS(NS(name_server(&self.dns.origin)))));
        fitted(&message, self.limit())
    }

    /// Truncated and empty: come again over TCP.
    pub(super) fn truncated(&self) -> Vec<u8> {
        let mut message = self.message(0, &mut Said::default(), None);
        message.metadata.truncation = true;
        fitted(&message, self.limit())
    }

    /// An answer of the zone's own, with what is said of it beside; as it is if the client did not ask with EDNS.
    pub(super) fn marked(&self, answer: Vec<u8>, said: Said) -> Vec<u8> {
        let Some((mark, mut message)) = said.mark.zip(Message::from_vec(&answer).ok()) else { return answer };
        let Some(edns) = &mut message.edns else { return answer };
        edns.options_mut().insert(EdnsOption::Unknown(EDNS_OPTION, mark.into_bytes()));
        fitted(&message, self.limit())
    }

    fn limit(&self) -> usize {
        match self.transport {
            Transport::Udp => udp_limit(self.query.edns_size(), self.dns.udp_size_max),
            Transport::Tcp => usize::from(u16::MAX),
        }
    }

    fn message(&self, rcode: u16, said: &mut Said, ede: Option<u16>) -> Message {
        let query = self.query;
        let mut message = Message::new(query.id, MessageType::Response, OpCode::Query);
        message.metadata.recursion_desired = query.recursion_desired;
        message.metadata.response_code = ResponseCode::from((rcode >> 4) as u8, (rcode & 15) as u8);
        let mut question = Question::query(query.name.clone(), query.kind);
        question.set_query_class(query.class);
        message.queries.push(question);
        if query.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(self.dns.udp_size_max).set_rcode_high((rcode >> 4) as u8);
            let error = said.error.take().or(ede.map(|code| (code, String::new())));
            if let Some((code, text)) = error {
                let content = [&code.to_be_bytes(), text.as_bytes()].concat();
                edns.options_mut().insert(EdnsOption::Unknown(EXTENDED_ERROR, content));
            }
            if let Some(mark) = said.mark.take() {
                edns.options_mut().insert(EdnsOption::Unknown(EDNS_OPTION, mark.into_bytes()));
            }
            message.edns = Some(edns);
        }
        message
    }

    fn fill(&self, message: &mut Message, verdict: &Verdict, shape: &Shape, nonce: Option<&str>) {
        let (name, kind, ttl) = (&self.query.name, u16::from(self.query.kind), shape.ttl_s);
        let mut owner = name.clone();
        for i in 1..=shape.aliases {
            let loops = verdict.cname == Some(Cname::Loop) && i == shape.aliases && i > 1;
            let target = if loops { name.clone() } else { self.dns.below_ok(&format!("cn{i}")) };
            message.answers.push(Record::from_rdata(owner, ttl, RData::CNAME(CNAME(target.clone()))));
            owner = target;
        }
        let about = verdict.answer.map(|answer| self.about(answer, nonce));
        match about {
            Some(texts) if kind == dnsanswer::TXT && shape.records > 0 => {
                message.answers.push(txt(&owner, ttl, &texts))
            }
            about => {
                let records = (0..shape.records).filter_map(|i| self.data(kind, verdict, i));
                message.answers.extend(records.map(|data| Record::from_rdata(owner.clone(), ttl, data)));
                message.additionals.extend(about.map(|texts| txt(name, 0, &texts)));
            }
        }
        if verdict.fault == Some(FaultKind::Lame) {
            // Upwards, to where the question came from.
            let server = NS(name_server(&self.dns.origin));
            message.authorities.push(Record::from_rdata(Name::root(), ttl, RData::NS(server)));
        } else if message.answers.is_empty() && !shape.is_truncated && matches!(shape.rcode, 0 | 3) {
            message.authorities.push(self.soa(shape.neg_s));
        }
    }

    fn soa(&self, minimum_s: u32) -> Record {
        Record::from_rdata(self.dns.origin.clone(), minimum_s, RData::SOA(soa(&self.dns.origin, minimum_s)))
    }

    fn data(&self, kind: u16, verdict: &Verdict, i: usize) -> Option<RData> {
        let target = || self.dns.below_ok(&dnsanswer::target_label(i));
        let number = u16::try_from(i).unwrap_or(u16::MAX);
        Some(match kind {
            dnsanswer::A | dnsanswer::AAAA => match dnsanswer::address(kind, verdict.addr, i) {
                std::net::IpAddr::V4(ip) => RData::A(A(ip)),
                std::net::IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
            },
            dnsanswer::TXT => RData::TXT(TXT::new(vec![dnsanswer::text(i)])),
            dnsanswer::MX => RData::MX(MX::new(number, target())),
            dnsanswer::SRV => RData::SRV(SRV::new(number, 0, 1053, target())),
            dnsanswer::PTR => RData::PTR(PTR(target())),
            dnsanswer::CNAME => RData::CNAME(CNAME(target())),
            _ => return None,
        })
    }

    /// `who` and `cnt`.
    fn about(&self, answer: DnsAnswer, nonce: Option<&str>) -> Vec<String> {
        let (query, ip) = (self.query, self.client.ip().to_canonical());
        match answer {
            DnsAnswer::Who => {
                let mut texts = vec![
                    format!("client={ip}"),
                    format!("port={}", self.client.port()),
                    format!("transport={}", self.transport.as_str()),
                    format!("edns={}", query.edns_size().map_or_else(|| "none".to_owned(), |size| size.to_string())),
                    format!("name={}", query.name),
                ];
                for option in query.edns.iter().flat_map(|edns| edns.options().as_ref()) {
                    match &option.1 {
                        EdnsOption::Subnet(subnet) => {
                            texts.push(format!("subnet={}/{}", subnet.addr(), subnet.source_prefix()));
                        }
                        _ if u16::from(option.0) == COOKIE => texts.push("cookie=yes".to_owned()),
                        _ => {}
                    }
                }
                texts
            }
            DnsAnswer::Count => {
                let mut counts = self.dns.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                counts.count(nonce.unwrap_or("-"), ip, self.transport)
            }
        }
    }
}

/// DNS cookies (RFC 7873).
const COOKIE: u16 = 10;

/// One TXT record of these strings, each cut to what a string may hold.
fn txt(name: &Name, ttl: u32, texts: &[String]) -> Record {
    let cut = |text: &String| {
        let fits = (0..=STRING_MAX_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text[..fits].to_owned()
    };
    Record::from_rdata(name.clone(), ttl, RData::TXT(TXT::new(texts.iter().map(cut).collect())))
}

/// Adds filler up to `size` bytes in all, if so much is missing that filler fits.
fn pad(message: &mut Message, size: usize) {
    let missing = size.saturating_sub(encoded(message).len());
    if missing < filler_min_bytes(message.edns.is_some()) {
        return;
    }
    match &mut message.edns {
        Some(edns) => edns.options_mut().insert(EdnsOption::Unknown(PADDING, vec![0; missing - 4])),
        None => {
            // Behind the root's name and ten bytes of record come strings of 255 bytes and one for each one's length.
            let mut content = vec![0; missing - 11];
            content.iter_mut().for_each(|byte| *byte = b'-');
            let strings = content.chunks(STRING_MAX_BYTES + 1).map(|string| &string[1..]).collect();
            message.additionals.push(Record::from_rdata(Name::root(), 0, RData::TXT(TXT::from_bytes(strings))));
        }
    }
}

/// The bytes, or where they are too many the same without its records, and TC.
fn fitted(message: &Message, limit: usize) -> Vec<u8> {
    let whole = encoded(message);
    if whole.len() <= limit {
        return whole;
    }
    let mut short = Message::new(message.metadata.id, MessageType::Response, OpCode::Query);
    short.metadata = message.metadata;
    short.metadata.truncation = true;
    short.queries = message.queries.clone();
    short.edns = message.edns.clone();
    if let Some(edns) = &mut short.edns {
        edns.options_mut().remove(PADDING.into());
    }
    let mut bytes = encoded(&short);
    if bytes.len() > limit {
        // A long mark; the client has room for the answer itself, which is what counts.
        if let Some(edns) = &mut short.edns {
            edns.options_mut().remove(EDNS_OPTION.into());
            edns.options_mut().remove(EXTENDED_ERROR.into());
        }
        bytes = encoded(&short);
    }
    bytes
}

/// More than 64 KiB cannot be asked for: the encoder would cut such a message off, and say so.
fn encoded(message: &Message) -> Vec<u8> {
    message.to_bytes().unwrap_or_default()
}
