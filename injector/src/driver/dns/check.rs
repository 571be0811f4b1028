//! An answer against what was asked: the first thing about it that is wrong.

use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{RData, Record, RecordType};
use shared::carrier::EDNS_OPTION;
use shared::dnsanswer::{self, UDP_SIZE_MAX_BYTES, filler_min_bytes, oversize, size_bounds, udp_limit};
use shared::fault::{FaultKind, Transport};
use shared::instance::Instance;
use shared::outcome::Code;
use shared::reply::Reply;

use super::judge::{Answered, Wanted};
use crate::driver::{Declared, Marks};
use crate::plan::Carrier;

/// Padding (RFC 7830) and the extended error (RFC 8914).
const PADDING: u16 = 12;
const EXTENDED_ERROR: u16 = 15;
/// What the bounds on a size allow the target's mark beyond what marks are like: nobody's names are as long as they may be.
const MARK_SPARE_BYTES: usize = 800;

pub(super) fn answered(wanted: &Wanted, answer: &Message, size: usize, marks: &Marks) -> Answered {
    let reply = option(answer, EDNS_OPTION).and_then(|text| Reply::parse_option(text).ok());
    // Of a query that is asked again, the first byte is the first answer's, and so is the target's time before it.
    if let (Some(reply), None) = (&reply, marks.first_byte.get()) {
        marks.server.set(Some(reply.own));
        marks.asked.set(Some(reply.asked));
    }
    if let Some(reply) = &reply {
        marks.declare(&Declared::of_reply(reply));
        marks.backend.set(Instance::read(reply.server.as_bytes()));
    }
    let rcode = u16::from(answer.metadata.response_code);
    let id_matches = reply.and_then(|reply| Some(reply.id? == wanted.id));
    let flaw = match wanted.call.is_plain() {
        true => None,
        false => of_ours(wanted, answer, size, id_matches),
    };
    Answered {
        code: Code::Rcode(rcode),
        answers: answer.answers.len(),
        size_bytes: size as u64,
        is_truncated: answer.metadata.truncation,
        flaw: flaw.or_else(|| of_file(wanted, answer, size)),
    }
}

/// What the file itself expects.
fn of_file(wanted: &Wanted, answer: &Message, size: usize) -> Option<&'static str> {
    let expect = &wanted.call.expect;
    let address = |record: &Record| match &record.data {
        RData::A(ip) => Some(IpAddr::V4(ip.0)),
        RData::AAAA(ip) => Some(IpAddr::V6(ip.0)),
        _ => None,
    };
    let is_cut = wanted.call.is_plain() && answer.metadata.truncation;
    let flaws = [
        (is_cut, "truncated; fallback: true asks again over TCP"),
        (expect.answers.is_some_and(|count| count != answer.answers.len()), "another number of answers"),
        (expect.size_bytes.is_some_and(|bytes| bytes != size as u64), "another size"),
        (expect.ttl_s.is_some_and(|ttl| answer.answers.iter().any(|record| record.ttl != ttl)), "another time to live"),
        (
            expect.address.is_some_and(|ip| !answer.answers.iter().any(|record| address(record) == Some(ip))),
            "without the address",
        ),
    ];
    flaws.into_iter().find(|(applies, _)| *applies).map(|(_, words)| words)
}

/// What our own target was asked for.
fn of_ours(wanted: &Wanted, answer: &Message, size: usize, id_matches: Option<bool>) -> Option<&'static str> {
    let (call, verdict, shape) = (&*wanted.call, &wanted.verdict, &wanted.shape);
    let expect = &call.expect;
    let rcode = u16::from(answer.metadata.response_code);
    if rcode != shape.rcode {
        // The code itself is judged; what comes with another one is not the target's.
        return None;
    }
    let is_truncated = answer.metadata.truncation;
    if id_matches == Some(false) {
        return Some("the answer to another query");
    }
    if id_matches.is_none() && call.carrier == Carrier::Option && !is_truncated {
        return Some("without the query's id");
    }
    if is_truncated != shape.is_truncated {
        let is_udp = call.transport == Transport::Udp && verdict.fault != Some(FaultKind::Oversize);
        let (least, most) = size_bounds(verdict, shape, call.kind, wanted.question_bytes, call.edns_size.is_some());
        let limit = udp_limit(call.edns_size, UDP_SIZE_MAX_BYTES);
        return match is_truncated {
            false => Some("not truncated"),
            true if is_udp && most.saturating_sub(MARK_SPARE_BYTES) > limit => None,
            true if least > limit => None,
            true => Some("truncated"),
        };
    }
    let authoritative = answer.metadata.authoritative;
    let records_right = expect.answers.is_some() || answer.answers.len() == shape.aliases + shape.records;
    let ttl_right = expect.ttl_s.is_some() || answer.answers.iter().all(|record| record.ttl == shape.ttl_s);
    let minimum_s = answer.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.minimum),
        _ => None,
    });
    let extended = option(answer, EXTENDED_ERROR).and_then(|content| content.first_chunk::<2>());
    let has_error = is_truncated || extended.copied().map(u16::from_be_bytes) == verdict.ede;
    let flaws = [
        (minimum_s.is_some_and(|minimum_s| minimum_s != shape.neg_s), "another minimum in its SOA"),
        (call.edns_size.is_some() && !has_error, "another extended error"),
        (authoritative != shape.is_authoritative, "with the wrong authority"),
        (!records_right, "another number of answers"),
        (!ttl_right, "another time to live"),
        (expect.answers.is_none() && !content_is_right(wanted, answer), "other records than those asked for"),
        (expect.size_bytes.is_none() && !size_is_right(wanted, answer, size), "another size"),
    ];
    flaws.into_iter().find(|(applies, _)| *applies).map(|(_, words)| words)
}

fn content_is_right(wanted: &Wanted, answer: &Message) -> bool {
    let (call, shape, verdict) = (&*wanted.call, &wanted.shape, &wanted.verdict);
    let Some((aliases, records)) = answer.answers.split_at_checked(shape.aliases) else { return false };
    let is_target =
        |name: &hickory_proto::rr::Name, i: usize| name.iter().next() == Some(dnsanswer::target_label(i).as_bytes());
    let is_right = |(i, record): (usize, &Record)| match &record.data {
        _ if u16::from(record.record_type()) != call.kind => false,
        RData::A(ip) => IpAddr::V4(ip.0) == dnsanswer::address(call.kind, verdict.addr, i),
        RData::AAAA(ip) => IpAddr::V6(ip.0) == dnsanswer::address(call.kind, verdict.addr, i),
        // About the query; only the target knows what to say.
        RData::TXT(_) if verdict.answer.is_some() => true,
        RData::TXT(text) => text.txt_data.concat() == dnsanswer::text(i).as_bytes(),
        RData::MX(mx) => usize::from(mx.preference) == i && is_target(&mx.exchange, i),
        RData::SRV(srv) => usize::from(srv.priority) == i && is_target(&srv.target, i),
        RData::PTR(ptr) => is_target(&ptr.0, i),
        RData::CNAME(cname) => is_target(&cname.0, i),
        _ => false,
    };
    aliases.iter().all(|record| record.record_type() == RecordType::CNAME) && records.iter().enumerate().all(is_right)
}

/// As large as asked; larger only by itself, smaller only by what filler cannot add.
fn size_is_right(wanted: &Wanted, answer: &Message, size: usize) -> bool {
    let has_edns = wanted.call.edns_size.is_some();
    let asked = match (wanted.verdict.fault, wanted.verdict.size_bytes) {
        (Some(FaultKind::Oversize), _) => oversize(wanted.call.edns_size),
        (_, Some(bytes)) => usize::try_from(bytes).unwrap_or(usize::MAX),
        (_, None) => return true,
    };
    let is_padded = match has_edns {
        true => option(answer, PADDING).is_some(),
        false => answer.additionals.iter().any(|record| record.name.is_root()),
    };
    size == asked || !is_padded && (size > asked || asked - size < filler_min_bytes(has_edns))
}

fn option(answer: &Message, code: u16) -> Option<&[u8]> {
    match answer.edns.as_ref()?.option(EdnsCode::from(code))? {
        EdnsOption::Unknown(_, content) => Some(content),
        _ => None,
    }
}
