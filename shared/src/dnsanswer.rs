//! What a DNS answer consists of when this verdict is asked of it: how it ends, how many records it has, which, and how large
//! it is at least and at most. The target builds it, the injector expects it; pure arithmetic, no wire format.
//!
//! Record types are the numbers of RFC 1035, section 3.2.2, and RFC 3596 (AAAA) and RFC 2782 (SRV).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::fault::{Cname, FaultKind, Transport, Verdict};

/// An IPv4 address.
pub const A: u16 = 1;
/// Another name for this one.
pub const CNAME: u16 = 5;
/// A pointer to a name.
pub const PTR: u16 = 12;
/// A mail exchange.
pub const MX: u16 = 15;
/// Text.
pub const TXT: u16 = 16;
/// An IPv6 address.
pub const AAAA: u16 = 28;
/// A service.
pub const SRV: u16 = 33;
/// All types; refused (RFC 8482).
pub const ANY: u16 = 255;

/// The types a name under `ok` or `f` has records of.
pub const TYPES: [(&str, u16); 7] =
    [("A", A), ("CNAME", CNAME), ("PTR", PTR), ("MX", MX), ("TXT", TXT), ("AAAA", AAAA), ("SRV", SRV)];

/// The time to live of records under `ok`, in seconds, unless asked otherwise: short, so that a resolver asks again.
pub const OK_TTL_S: u32 = 5;
/// The same under `f`: a fault is for one query.
pub const FAULT_TTL_S: u32 = 0;
/// The largest answer over UDP, unless the operator says otherwise: no fragments on any path (DNS flag day 2020).
pub const UDP_SIZE_MAX_BYTES: u16 = 1232;
/// The largest answer to a query without EDNS (RFC 1035, section 4.2.1), and the least that EDNS can say.
pub const PLAIN_SIZE_MAX_BYTES: u16 = 512;
/// By how much `fault=oversize` is larger than the client takes.
pub const OVERSIZE_BYTES: usize = 256;

/// The largest size that `fault=oversize` exceeds: the most a resolver has any use for over UDP.
pub const OVERSIZE_BASE_MAX_BYTES: u16 = 4096;

/// How a query ends that asks for this, when everything works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With an answer that a resolver accepts.
    Answer,
    /// Without any, or with none that a resolver would take for one.
    Silence,
    /// With a reset of the connection.
    Reset,
    /// With the connection closed in the middle of a message.
    Closed,
    /// With a message that is the answer and cannot be read.
    Malformed,
}

/// How it ends. `is_mixed`: the question's name has a capital letter, by which a client tells an answer to its own question
/// from a guessed one (0x20).
pub fn end(verdict: &Verdict, transport: Transport, is_mixed: bool) -> End {
    let is_tcp = transport == Transport::Tcp;
    let over = |tcp: End, udp: End| if is_tcp { tcp } else { udp };
    match verdict.fault {
        None => End::Answer,
        Some(FaultKind::Drop | FaultKind::BadId | FaultKind::BadQ | FaultKind::Qr0) => End::Silence,
        Some(FaultKind::BadCase) if is_mixed => End::Silence,
        Some(FaultKind::Empty) => over(End::Malformed, End::Silence),
        Some(FaultKind::Reset) => over(End::Reset, End::Silence),
        Some(FaultKind::Abort) => over(End::Closed, End::Malformed),
        // Without an id it is nobody's answer; a stream has framed it all the same.
        Some(FaultKind::Cut(Some(..2))) => over(End::Malformed, End::Silence),
        Some(FaultKind::Garbage | FaultKind::BadHead | FaultKind::Cut(_)) => End::Malformed,
        Some(FaultKind::Clen(1..)) => over(End::Closed, End::Answer),
        Some(FaultKind::Clen(_)) => over(End::Malformed, End::Answer),
        Some(_) => End::Answer,
    }
}

/// What a whole answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The response code, twelve bits.
    pub rcode: u16,
    /// Aliases in the answer section, before the records.
    pub aliases: usize,
    /// Records of the asked type.
    pub records: usize,
    /// Their time to live in seconds.
    pub ttl_s: u32,
    /// The minimum of the SOA record in seconds, where one stands in the authority section.
    pub neg_s: u32,
    /// TC, and an empty answer section.
    pub is_truncated: bool,
    /// AA.
    pub is_authoritative: bool,
}

/// The shape of the answer to a query of this type for a name whose records live `ttl_s` by themselves.
pub fn shape(verdict: &Verdict, kind: u16, transport: Transport, has_edns: bool, ttl_s: u32) -> Shape {
    let fault = verdict.fault;
    let rcode = match verdict.rcode.map_or(0, |rcode| rcode.get()) {
        _ if fault == Some(FaultKind::Late) => SERVFAIL,
        // Only EDNS has room for its upper bits (RFC 6891, section 6.1.3).
        16.. if !has_edns => SERVFAIL,
        rcode => rcode,
    };
    let is_truncated = match fault {
        Some(FaultKind::Tc) => transport == Transport::Udp,
        fault => fault == Some(FaultKind::TcForced),
    };
    let is_empty = rcode != 0 || verdict.nodata || is_truncated || fault == Some(FaultKind::Lame);
    let aliases = match verdict.cname {
        _ if is_empty => 0,
        None => 0,
        Some(_) if kind == CNAME => 1,
        Some(Cname::Chain(length)) => usize::from(length),
        Some(Cname::Loop) => 2,
    };
    let is_answered = TYPES.iter().any(|(_, known)| *known == kind);
    let other_family = matches!((kind, verdict.addr), (A, Some(IpAddr::V6(_))) | (AAAA, Some(IpAddr::V4(_))));
    let records = match verdict.cname {
        _ if is_empty || other_family || !is_answered => 0,
        Some(Cname::Loop) => 0,
        Some(_) if kind == CNAME => 0,
        _ if kind == TXT && verdict.answer.is_some() => 1,
        // A name has one alias.
        _ if kind == CNAME => verdict.count.unwrap_or(1).min(1) as usize,
        _ => usize::try_from(verdict.count.unwrap_or(1)).unwrap_or(usize::MAX),
    };
    let seconds = |asked: Option<u64>, usual: u32| asked.map_or(usual, |s| u32::try_from(s).unwrap_or(u32::MAX));
    Shape {
        rcode,
        aliases,
        records,
        ttl_s: seconds(verdict.ttl_s, ttl_s),
        neg_s: seconds(verdict.neg_s, 0),
        is_truncated,
        is_authoritative: !matches!(fault, Some(FaultKind::NoAa | FaultKind::Lame)),
    }
}

const SERVFAIL: u16 = 2;

/// The `i`-th address of an answer, counted from 0: the one that was asked for first, then those of the documentation
/// networks (RFC 5737, RFC 3849), all different up to 762.
pub fn address(kind: u16, asked: Option<IpAddr>, i: usize) -> IpAddr {
    match asked {
        Some(asked) if i == 0 => asked,
        _ if kind == AAAA => IpAddr::V6(Ipv6Addr::from((0x2001_0db8_u128 << 96) | (i as u128 + 1))),
        _ => {
            let [a, b, c] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]][i / 254 % 3];
            IpAddr::V4(Ipv4Addr::new(a, b, c, (i % 254) as u8 + 1))
        }
    }
}

/// The text of the `i`-th TXT record.
pub fn text(i: usize) -> String {
    format!("cload {i}")
}

/// The first label of the name, under `ok`, that the `i`-th MX, SRV, PTR or CNAME record points at.
pub fn target_label(i: usize) -> String {
    format!("n{i}")
}

/// The largest answer over UDP, for a client that takes `edns_size` bytes (nothing: it has no EDNS).
pub fn udp_limit(edns_size: Option<u16>, size_max_bytes: u16) -> usize {
    usize::from(edns_size.unwrap_or(0).max(PLAIN_SIZE_MAX_BYTES).min(size_max_bytes.max(PLAIN_SIZE_MAX_BYTES)))
}

/// The size `fault=oversize` has at least. What a client says that it takes beyond [`OVERSIZE_BASE_MAX_BYTES`] does not
/// count: a forged sender must not be sent a thousand times what it was asked for with.
pub fn oversize(edns_size: Option<u16>) -> usize {
    let taken = edns_size.unwrap_or(0).clamp(PLAIN_SIZE_MAX_BYTES, OVERSIZE_BASE_MAX_BYTES);
    usize::from(taken) + OVERSIZE_BYTES
}

/// The least that filler can add to an answer: an EDNS option of no content (RFC 7830), or a TXT record of one empty string
/// behind the others. What lacks fewer bytes stays as it is.
pub const fn filler_min_bytes(has_edns: bool) -> usize {
    if has_edns { 4 } else { 12 }
}

/// Bounds on the size of an answer of this shape to a question of `question_bytes`, filler included. They differ by what only
/// the target knows: the text of its mark, and how well names compress.
pub fn size_bounds(
    verdict: &Verdict,
    shape: &Shape,
    kind: u16,
    question_bytes: usize,
    has_edns: bool,
) -> (usize, usize) {
    let alias = (shape.aliases * 14, shape.aliases * 64);
    let record = |i: usize| match kind {
        A => (16, 16),
        AAAA => (28, 28),
        TXT if verdict.answer.is_some() => (14, 640),
        TXT => (13 + text(i).len(), 13 + text(i).len()),
        _ => (14, 80),
    };
    let records = (0..shape.records).map(record).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    // OPT, its mark and extended error; an SOA or a record about the query.
    let (least, most) = if has_edns { (11, 11 + MARK_MAX_BYTES) } else { (0, 0) };
    let about = if verdict.answer.is_some() && kind != TXT { 640 } else { 0 };
    let fixed = 12 + question_bytes;
    let bounds = (fixed + alias.0 + records.0 + least, fixed + alias.1 + records.1 + most + about + 160);
    let padded = verdict.size_bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
    (bounds.0.max(padded.saturating_sub(filler_min_bytes(has_edns))), bounds.1.max(padded))
}

/// The target's mark and the text of an extended error.
const MARK_MAX_BYTES: usize = 1024 + 264;

/// The number of a type by its name.
pub fn type_number(name: &str) -> Option<u16> {
    TYPES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Separator};
    use std::collections::HashSet;

    fn verdict(spec: &str) -> Verdict {
        Fault::parse(spec, Separator::Ampersand).unwrap().roll(0, "k", 0)
    }

    #[test]
    fn every_fault_has_its_end() {
        use End::{Answer, Closed, Malformed, Reset, Silence};
        for (kind, udp, tcp) in [
            ("drop", Silence, Silence),
            ("badid", Silence, Silence),
            ("badq", Silence, Silence),
            ("qr0", Silence, Silence),
            ("badcase", Silence, Silence),
            ("empty", Silence, Malformed),
            ("reset", Silence, Reset),
            ("abort", Malformed, Closed),
            ("garbage", Malformed, Malformed),
            ("badhead", Malformed, Malformed),
            ("cut", Malformed, Malformed),
            ("cut(1)", Silence, Malformed),
            ("cut(2)", Malformed, Malformed),
            ("clen(+5)", Answer, Closed),
            ("clen(-5)", Answer, Malformed),
            ("tc", Answer, Answer),
            ("tcf", Answer, Answer),
            ("lame", Answer, Answer),
            ("noaa", Answer, Answer),
            ("dup", Answer, Answer),
            ("late", Answer, Answer),
            ("oversize", Answer, Answer),
        ] {
            let verdict = verdict(&format!("fault={kind}"));
            assert_eq!(end(&verdict, Transport::Udp, true), udp, "{kind}");
            assert_eq!(end(&verdict, Transport::Tcp, true), tcp, "{kind}");
        }
        assert_eq!(end(&verdict("fault=badcase"), Transport::Udp, false), Answer);
    }

    #[test]
    fn shapes_follow_the_verdict() {
        for (spec, kind, rcode, aliases, records) in [
            ("", A, 0, 0, 1),
            ("", 65, 0, 0, 0),
            ("count=3", AAAA, 0, 0, 3),
            ("count=0", A, 0, 0, 0),
            ("rcode=NXDOMAIN", A, 3, 0, 0),
            ("nodata=true", A, 0, 0, 0),
            ("cname=3", A, 0, 3, 1),
            ("cname=3", CNAME, 0, 1, 0),
            ("cname=loop", A, 0, 2, 0),
            ("count=4", CNAME, 0, 0, 1),
            ("addr=127.0.0.7", AAAA, 0, 0, 0),
            ("answer=who&count=9", TXT, 0, 0, 1),
            ("fault=late", A, 2, 0, 0),
            ("fault=lame", A, 0, 0, 0),
            ("fault=tc", A, 0, 0, 0),
        ] {
            let shape = shape(&verdict(spec), kind, Transport::Udp, true, 5);
            assert_eq!((shape.rcode, shape.aliases, shape.records), (rcode, aliases, records), "{spec} {kind}");
        }
        assert_eq!(shape(&verdict("rcode=22"), A, Transport::Udp, false, 5).rcode, 2, "no room without EDNS");
        assert_eq!(shape(&verdict("rcode=22"), A, Transport::Udp, true, 5).rcode, 22);
        assert!(!shape(&verdict("fault=tc"), A, Transport::Tcp, true, 5).is_truncated);
        assert!(shape(&verdict("fault=tcf"), A, Transport::Tcp, true, 5).is_truncated);
    }

    #[test]
    fn addresses_differ() {
        for kind in [A, AAAA] {
            assert_eq!((0..512).map(|i| address(kind, None, i)).collect::<HashSet<_>>().len(), 512);
        }
        assert_eq!(address(A, None, 0).to_string(), "192.0.2.1");
        assert_eq!(address(AAAA, None, 0).to_string(), "2001:db8::1");
    }
}
