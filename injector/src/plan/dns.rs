//! A DNS operation: the query, and what is right about its answer.

mod request;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use shared::carrier::dns::Zone;
use shared::dnsanswer::{self, End, end};
use shared::fault::{Fault, Transport, Verdict};
use shared::outcome::Code;
use shared::protocol::Protocol;

pub(super) use request::compile;

/// The query of an operation and what is right about its answer.
#[derive(Clone, Debug)]
pub struct DnsCall {
    /// What is asked for: absolute, in lower case. `None`: the name carries the identity and differs from query to query.
    pub name: Option<String>,
    /// The type asked for.
    pub kind: u16,
    /// Over what.
    pub transport: Transport,
    /// The zone that the target serves.
    pub zone: Zone,
    /// The EDNS size; `None`: without EDNS.
    pub edns_size: Option<u16>,
    /// Everything asked of the target, on this transport.
    pub fault: Fault,
    /// The same as it was written, with its seed: what travels.
    pub asked: Fault,
    /// Where identity and fault travel.
    pub carrier: Carrier,
    /// Whether the letters of the name are in random case (0x20), which a right answer repeats.
    pub is_mixed: bool,
    /// The records' own time to live: that of the part of the zone asked.
    pub ttl_s: u32,
    /// What makes an answer right.
    pub expect: DnsExpect,
    /// The same over TCP, asked if the answer over UDP is truncated.
    pub fallback: Option<Arc<DnsCall>>,
}

/// Where identity and fault travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In EDNS option 65001.
    Option,
    /// In the labels of the name.
    Name,
    /// Nowhere: the server is not ours.
    None,
}

impl Carrier {
    fn parse(text: &str) -> Result<Carrier, String> {
        match text {
            "option" => Ok(Carrier::Option),
            "name" => Ok(Carrier::Name),
            _ => Err(format!("{text:?} is not a carrier; expected option or name")),
        }
    }
}

/// What the file expects instead of what is predicted, property by property. Against a server that is not ours only these, and
/// without an `rcode` NOERROR.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsExpect {
    /// One of these codes.
    pub rcodes: Vec<u16>,
    /// Records in the answer section.
    pub answers: Option<usize>,
    /// Size of the message in bytes.
    pub size_bytes: Option<u64>,
    /// The time to live of every record in seconds.
    pub ttl_s: Option<u32>,
    /// An address that must be among the answers.
    pub address: Option<IpAddr>,
}

impl DnsCall {
    /// What it speaks.
    pub fn protocol(&self) -> Protocol {
        match self.transport {
            Transport::Udp => Protocol::DnsUdp,
            Transport::Tcp => Protocol::DnsTcp,
        }
    }

    /// Whether the server is ours and its answer can be predicted.
    pub fn is_plain(&self) -> bool {
        self.carrier == Carrier::None
    }

    /// What the target will decide for the request with this key (the text of its id) if it is idle.
    pub fn predict(&self, key: &str) -> Verdict {
        self.fault.roll(0, key, 0)
    }

    /// How the query with this verdict ends.
    pub fn end(&self, verdict: &Verdict) -> End {
        end(verdict, self.transport, self.is_mixed)
    }

    /// What is right about the answer with this verdict.
    pub fn shape(&self, verdict: &Verdict) -> dnsanswer::Shape {
        dnsanswer::shape(verdict, self.kind, self.transport, self.edns_size.is_some(), self.ttl_s)
    }

    /// What the request with this key comes to: what is asked last, and the verdict there. An answer that is truncated for its
    /// size alone shows only on the wire.
    pub fn predict_last(&self, key: &str) -> (&DnsCall, Verdict) {
        let verdict = self.predict(key);
        match &self.fallback {
            Some(again) if self.end(&verdict) == End::Answer && self.shape(&verdict).is_truncated => {
                again.predict_last(key)
            }
            _ => (self, verdict),
        }
    }

    /// Keys for which the answer is worked out to know which codes there can be.
    const SAMPLE: u32 = 1_000;

    /// The codes a right answer may have.
    pub(super) fn expected_codes(&self) -> Vec<Code> {
        if !self.expect.rcodes.is_empty() {
            return self.expect.rcodes.iter().copied().map(Code::Rcode).collect();
        }
        let keys = if self.fault.is_empty() { 1 } else { Self::SAMPLE };
        let mut codes: Vec<Code> = Vec::new();
        for n in 0..keys {
            let (last, verdict) = self.predict_last(&format!("check.{n}"));
            let code = Code::Rcode(last.shape(&verdict).rcode);
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }
}

/// The query in words: `A ok.cload.test. over udp`.
impl fmt::Display for DnsCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = dnsanswer::TYPES.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name);
        match &self.name {
            Some(name) => write!(f, "{kind} {name} over {}", self.transport.as_str())?,
            None => write!(f, "{kind} of names under {} over {}", self.zone, self.transport.as_str())?,
        }
        f.write_str(if self.fallback.is_some() { ", and over tcp if truncated" } else { "" })
    }
}
