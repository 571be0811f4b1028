//! What is seen of a rule at a glance: enough to pass over nearly every rule that does not match.
//!
//! Rules lie scattered over the heap, each with texts of its own, and what they cost a request is mostly the fetching. The
//! glances of all rules lie side by side, and none takes more than a few comparisons of numbers.
//!
//! Invariant: a rule that matches is never passed over. What lets through too much only costs time.

use http::HeaderMap;
use shared::protocol::Protocol;

use super::facts::{Detail, Facts};
use super::matcher::Matcher;
use super::pattern::{Pattern, bare};
use crate::config::Cidr;

/// What a rule wants, as far as numbers say it.
#[derive(Debug)]
pub(super) struct Sieve {
    head: Bits,
    tail: Bits,
    host_tail: Bits,
    /// The places of its headers' names, all of which must be taken.
    headers: u64,
    /// Its network, if it has just one.
    source: Option<Cidr>,
}

/// Bytes of a text as a number, of which those under the mask count.
#[derive(Debug, Default)]
struct Bits {
    value: u64,
    mask: u64,
}

/// The same of a request, worked out once for all rules.
pub(super) struct Digest {
    head: u64,
    tail: u64,
    host_tail: u64,
    headers: u64,
}

impl Sieve {
    /// Of a rule, for requests of this protocol.
    pub(super) fn new(matcher: &Matcher, protocol: Protocol) -> Sieve {
        let is_http = matches!(protocol, Protocol::Http | Protocol::Http2);
        let pattern = match protocol {
            Protocol::Http | Protocol::Http2 => &matcher.path,
            Protocol::Grpc => &matcher.grpc_method,
            Protocol::DnsUdp | Protocol::DnsTcp => &matcher.dns_name,
            Protocol::Tcp | Protocol::Udp => &None,
        };
        let (start, end) = pattern.as_ref().map(Pattern::ends).unwrap_or_default();
        let host_end = matcher.host.as_ref().filter(|_| is_http).map(|host| host.end()).unwrap_or_default();
        let has_headers = is_http || protocol == Protocol::Grpc;
        let headers = matcher.headers.iter().filter(|_| has_headers).map(|(name, _)| place(name.as_str()));
        Sieve {
            head: Bits { value: head(start), mask: head(&ones(start)) },
            tail: Bits { value: tail(end), mask: tail(&ones(end)) },
            host_tail: Bits { value: tail(host_end.as_bytes()), mask: tail(&ones(host_end.as_bytes())) },
            headers: headers.fold(0, |all, one| all | one),
            source: <[Cidr; 1]>::try_from(matcher.sources.as_slice()).ok().map(|[cidr]| cidr),
        }
    }

    /// False only if the rule does not match.
    pub(super) fn lets_through(&self, digest: &Digest, facts: &Facts<'_>) -> bool {
        self.head.fits(digest.head)
            && self.tail.fits(digest.tail)
            && self.headers & !digest.headers == 0
            && self.host_tail.fits(digest.host_tail)
            && self.source.is_none_or(|cidr| cidr.contains(facts.client))
    }
}

impl Bits {
    fn fits(&self, value: u64) -> bool {
        (value ^ self.value) & self.mask == 0
    }
}

impl Digest {
    pub(super) fn of(facts: &Facts<'_>) -> Digest {
        let (text, host, headers) = match facts.detail {
            Detail::Http { path, host, headers, .. } => (path, host, Some(headers)),
            Detail::Grpc { method, headers } => (method, None, Some(headers)),
            Detail::Echo => ("", None, None),
            Detail::Dns { name, .. } => (name, None, None),
        };
        let host_end = tail(host.map(bare).unwrap_or_default().as_bytes());
        Digest {
            head: head(text.as_bytes()),
            tail: tail(text.as_bytes()),
            host_tail: u64::from_le_bytes(host_end.to_le_bytes().map(|byte| byte.to_ascii_lowercase())),
            headers: headers.map_or(0, places),
        }
    }
}

/// The places of all names. Two names may share one; that only lets more through.
fn places(headers: &HeaderMap) -> u64 {
    headers.keys().fold(0, |all, name| all | place(name.as_str()))
}

fn place(name: &str) -> u64 {
    let byte = |at: usize| name.as_bytes().get(at).map_or(0, |byte| usize::from(*byte));
    let mixed = name.len() * 7 + byte(2) + byte(name.len() / 2) * 3 + byte(name.len().saturating_sub(1)) * 5;
    1 << (mixed % 64)
}

/// The first eight bytes; where there are fewer, zeros follow.
fn head(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_le_bytes(bytes)
}

/// The last eight bytes; where there are fewer, zeros stand before them.
fn tail(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[8 - length..].copy_from_slice(&text[text.len() - length..]);
    u64::from_le_bytes(bytes)
}

fn ones(text: &[u8]) -> Vec<u8> {
    vec![u8::MAX; text.len().min(8)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_texts_are_compared_as_far_as_they_are_named() {
        for (named, text, fits) in [
            ("", "", true),
            ("", "x", true),
            ("/a", "/a", true),
            ("/a", "/b", false),
            ("/123456789", "/1234567", false),
        ] {
            let bits = Bits { value: tail(named.as_bytes()), mask: tail(&ones(named.as_bytes())) };
            assert_eq!(bits.fits(tail(text.as_bytes())), fits, "{named} {text}");
        }
        let bits = Bits { value: head(b"/shop/"), mask: head(&ones(b"/shop/")) };
        assert!(bits.fits(head(b"/shop/carts")) && !bits.fits(head(b"/shops")) && !bits.fits(head(b"/shop")));
    }

    proptest::proptest! {
        #[test]
        fn what_matches_is_let_through(
            path in "[/ab]{0,10}", start in "[/ab]{0,2}", end in "[/ab]{0,2}", name in "[a-c]{1,3}", host in "[a-cA-C.]{1,12}(:1)?",
        ) {
            let pattern = format!("{start}*{end}");
            let mut headers = HeaderMap::new();
            headers.insert("host", "h".parse().unwrap());
            headers.insert("aa", "x".parse().unwrap());
            let matcher = Matcher {
                protocols: vec![Protocol::Http],
                sources: vec!["127.0.0.0/8".parse().unwrap()],
                path: Some(Pattern::parse(&pattern).unwrap()),
                host: super::super::pattern::Host::parse("*.b").ok(),
                headers: Vec::from([(name.parse().unwrap(), None)]),
                ..Matcher::default()
            };
            let detail = Detail::Http { method: "GET", path: &path, host: Some(&host), headers: &headers };
            for part in 0..4 {
                let mut matcher = matcher.clone();
                // Each part alone, then all: together they rarely match.
                if part != 0 && part != 3 { matcher.path = None; }
                if part != 1 && part != 3 { matcher.host = None; }
                if part != 2 && part != 3 { matcher.headers.clear(); }
                let facts = Facts { protocol: Protocol::Http, client: [127, 0, 0, 1].into(), detail };
                let sieve = Sieve::new(&matcher, Protocol::Http);
                proptest::prop_assert!(sieve.lets_through(&Digest::of(&facts), &facts) || !matcher.matches(&facts));
            }
        }
    }
}
