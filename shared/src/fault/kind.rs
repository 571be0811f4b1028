//! The ways an answer can be broken, and where each protocol can do it.

use std::fmt;

use super::at::At;
use super::dialect::Dialect::{self, Dns, Grpc, Http1, Http2, Tcp, Udp};
use super::error::Flaw;
use super::rcode;
use super::token::Token;

/// A terminal misbehaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Nothing more comes; the connection stays open until the client leaves.
    Hang,
    /// A clean close without a single byte.
    Empty,
    /// A real RST.
    Reset,
    /// The answer is cut short and the connection closed.
    Abort,
    /// RST_STREAM with this code.
    H2Rst(H2Code),
    /// GOAWAY with this code.
    Goaway(H2Code),
    /// A chunk size that is not a number.
    BadChunk,
    /// Random bytes instead of an answer.
    Garbage,
    /// An announced length that is wrong by this many bytes; never 0.
    Clen(i64),
    /// A malformed status line (gRPC: a wrong content type; DNS: wrong section counts).
    BadHead,
    /// A gRPC stream that ends without trailers.
    NoStatus,
    /// An answer larger than the peer must accept.
    Oversize,
    /// DNS: no answer.
    Drop,
    /// DNS: truncated and empty over UDP; whole over TCP.
    Tc,
    /// DNS: truncated and empty over TCP too.
    TcForced,
    /// DNS: wrong message id.
    BadId,
    /// DNS: wrong question.
    BadQ,
    /// DNS: the question's letters in another case.
    BadCase,
    /// DNS: the answer says that it is a query.
    Qr0,
    /// DNS: the answer does not say that it is authoritative.
    NoAa,
    /// DNS: upward referral.
    Lame,
    /// DNS: the message ends after this many bytes, at least 1; without a number, after half of them.
    Cut(Option<u16>),
    /// DNS: answered twice.
    Dup,
    /// DNS: answered late, after a failure.
    Late,
}

/// An HTTP/2 error code (RFC 9113, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct H2Code(u32);

const H2_NAMES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

impl H2Code {
    /// Nothing went wrong.
    pub const NO_ERROR: H2Code = H2Code(0);
    /// What an answer that breaks off ends with.
    pub const INTERNAL_ERROR: H2Code = H2Code(2);

    /// The name of a number on the wire, which may be one that has none.
    pub fn name(code: u32) -> Option<&'static str> {
        H2_NAMES.get(usize::try_from(code).ok()?).copied()
    }

    /// The number on the wire, 0 ..= 13.
    pub const fn get(self) -> u32 {
        self.0
    }

    fn parse(token: Token<'_>) -> Result<Self, Flaw> {
        let by_name = H2_NAMES.iter().position(|name| name.eq_ignore_ascii_case(token.text));
        let by_number = || token.text.parse().ok().filter(|&code: &usize| code < H2_NAMES.len());
        let code = by_name.or_else(by_number).and_then(|code| u32::try_from(code).ok());
        let refuse = || token.flaw(format!("unknown HTTP/2 error code {:?}", token.text));
        code.map(Self).ok_or_else(|| refuse().expecting("a number from 0 to 13, or a name such as REFUSED_STREAM"))
    }
}

impl fmt::Display for H2Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(H2_NAMES.get(self.0 as usize).unwrap_or(&"UNKNOWN"))
    }
}

impl FaultKind {
    pub(crate) const PLAIN: [FaultKind; 21] = [
        Self::Hang,
        Self::Empty,
        Self::Reset,
        Self::Abort,
        Self::BadChunk,
        Self::Garbage,
        Self::BadHead,
        Self::NoStatus,
        Self::Oversize,
        Self::Drop,
        Self::Tc,
        Self::TcForced,
        Self::BadId,
        Self::BadQ,
        Self::BadCase,
        Self::Qr0,
        Self::NoAa,
        Self::Lame,
        Self::Cut(None),
        Self::Dup,
        Self::Late,
    ];

    /// The word without arguments; stable, used as a label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hang => "hang",
            Self::Empty => "empty",
            Self::Reset => "reset",
            Self::Abort => "abort",
            Self::H2Rst(_) => "h2rst",
            Self::Goaway(_) => "goaway",
            Self::BadChunk => "badchunk",
            Self::Garbage => "garbage",
            Self::Clen(_) => "clen",
            Self::BadHead => "badhead",
            Self::NoStatus => "nostatus",
            Self::Oversize => "oversize",
            Self::Drop => "drop",
            Self::Tc => "tc",
            Self::TcForced => "tcf",
            Self::BadId => "badid",
            Self::BadQ => "badq",
            Self::BadCase => "badcase",
            Self::Qr0 => "qr0",
            Self::NoAa => "noaa",
            Self::Lame => "lame",
            Self::Cut(_) => "cut",
            Self::Dup => "dup",
            Self::Late => "late",
        }
    }

    /// The protocols that can do it.
    pub const fn dialects(self) -> &'static [Dialect] {
        match self {
            Self::Hang => &[Http1, Http2, Grpc, Tcp, Udp],
            Self::Empty => &[Http1, Grpc, Tcp, Udp, Dns],
            Self::Reset => &Dialect::ALL,
            Self::Abort => &[Http1, Http2, Grpc, Tcp, Dns],
            Self::H2Rst(_) | Self::Goaway(_) => &[Http2, Grpc],
            Self::BadChunk => &[Http1],
            Self::Garbage => &Dialect::ALL,
            Self::Clen(_) => &[Http1, Http2, Dns],
            Self::BadHead => &[Http1, Grpc, Dns],
            Self::NoStatus => &[Grpc],
            Self::Oversize => &[Grpc, Dns],
            Self::Drop | Self::Tc | Self::TcForced | Self::BadId | Self::BadQ | Self::BadCase => &[Dns],
            Self::Qr0 | Self::NoAa | Self::Lame | Self::Cut(_) | Self::Dup | Self::Late => &[Dns],
        }
    }

    /// True for what breaks the connection and with it every other stream on it, where streams share one.
    pub const fn hits_connection(self) -> bool {
        matches!(self, Self::Reset | Self::Goaway(_) | Self::Garbage)
    }

    /// Where it strikes when the spec does not say: as early as it can.
    pub const fn default_at(self) -> At {
        if self.needs_body() { At::Body } else { At::Head }
    }

    /// True for faults that are a defect of the body, and cannot show without one.
    pub const fn needs_body(self) -> bool {
        matches!(self, Self::Abort | Self::BadChunk | Self::Clen(_))
    }

    pub(crate) fn parse(token: Token<'_>) -> Result<Self, Flaw> {
        if let Some(plain) = Self::PLAIN.into_iter().find(|kind| kind.as_str() == token.text) {
            return Ok(plain);
        }
        let Some((word, argument)) = token.call() else {
            return Err(match token.text {
                "h2rst" | "goaway" => token.flaw(format!("{} needs a code", token.text)),
                "clen" => token.flaw("clen needs a difference").expecting("clen(+n) or clen(-n)"),
                text => token.flaw(format!("unknown fault {text:?}")),
            });
        };
        match word {
            "h2rst" => H2Code::parse(argument).map(Self::H2Rst),
            "goaway" => H2Code::parse(argument).map(Self::Goaway),
            "cut" => match rcode::number(argument.text) {
                Some(0) => Err(argument.flaw("a cut after 0 bytes leaves no message").expecting("cut(n), or empty")),
                Some(bytes) => Ok(Self::Cut(Some(bytes))),
                None => Err(argument
                    .flaw(format!("{:?} is not a number of bytes", argument.text))
                    .expecting("cut, or cut(n) from 1 to 65535")),
            },
            "clen" => match argument.text.parse() {
                Ok(difference) if difference != 0 => Ok(Self::Clen(difference)),
                Ok(_) => Err(argument.flaw("a difference of 0 is no fault").expecting("clen(+n) or clen(-n)")),
                Err(_) => Err(argument
                    .flaw(format!("{:?} is not a difference in bytes", argument.text))
                    .expecting("clen(+n) or clen(-n)")),
            },
            _ if Self::PLAIN.iter().any(|kind| kind.as_str() == word) => {
                Err(token.flaw(format!("{word} takes no argument")).expecting(word))
            }
            _ => Err(token.flaw(format!("unknown fault {word:?}"))),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::H2Rst(code) | Self::Goaway(code) => write!(f, "{}({code})", self.as_str()),
            Self::Cut(Some(bytes)) => write!(f, "cut({bytes})"),
            Self::Clen(difference) => write!(f, "clen({difference:+})"),
            _ => f.write_str(self.as_str()),
        }
    }
}
