//! The closed word lists of the protocols without headers: TCP and DNS.

use std::fmt;

use super::error::Flaw;
use super::rcode::number;
use super::token::Token;

/// TCP: what is done with the bytes that come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// They are sent back (RFC 862).
    #[default]
    Echo,
    /// They are thrown away (RFC 863).
    Discard,
    /// They are not waited for: `size` pseudo-random bytes, or bytes without end, are sent.
    Source,
    /// The same with a pattern of printable characters (RFC 864).
    Chargen,
    /// They are sent back with `a` to `z` turned to capitals.
    Upper,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 5] = [Mode::Echo, Mode::Discard, Mode::Source, Mode::Chargen, Mode::Upper];

    /// The word in a spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Echo => "echo",
            Mode::Discard => "discard",
            Mode::Source => "source",
            Mode::Chargen => "chargen",
            Mode::Upper => "upper",
        }
    }

    /// True if what is sent does not depend on what comes.
    pub const fn generates(self) -> bool {
        matches!(self, Mode::Source | Mode::Chargen)
    }
}

/// What carries a DNS message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram.
    Udp,
    /// A stream with length prefixes.
    Tcp,
}

impl Transport {
    /// Both.
    pub const ALL: [Transport; 2] = [Transport::Udp, Transport::Tcp];

    /// The word in a spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }
}

/// DNS: an answer about the query itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DnsAnswer {
    /// Who asked, and how: address, port, transport, EDNS, the name's case.
    Who,
    /// How often this nonce was asked, by transport and source.
    Count,
}

impl DnsAnswer {
    /// Every such answer.
    pub const ALL: [DnsAnswer; 2] = [DnsAnswer::Who, DnsAnswer::Count];

    /// The word in a spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            DnsAnswer::Who => "who",
            DnsAnswer::Count => "cnt",
        }
    }
}

/// DNS: the aliases before the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cname {
    /// This many, 1 ..= [`Cname::CHAIN_MAX`].
    Chain(u8),
    /// They lead back to where they began.
    Loop,
}

impl Cname {
    /// The longest chain: resolvers give up at about this length.
    pub const CHAIN_MAX: u8 = 16;

    pub(crate) fn parse(token: Token<'_>) -> Result<Self, Flaw> {
        if token.text == "loop" {
            return Ok(Cname::Loop);
        }
        let length = number(token.text).filter(|length| (1..=Cname::CHAIN_MAX).contains(length));
        length.map(Cname::Chain).ok_or_else(|| token.flaw(format!("{:?} is no length of a chain", token.text)))
    }
}

impl fmt::Display for Cname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cname::Chain(length) => length.fmt(f),
            Cname::Loop => f.write_str("loop"),
        }
    }
}
