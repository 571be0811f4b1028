//! One alternative of a parameter, whatever its form; and the small closed word lists.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::at::AtAsk;
use super::dist::{Dist, Shape, Unit};
use super::error::Flaw;
use super::key::Form;
use super::kind::FaultKind;
use super::rcode::{self, Rcode};
use super::status::Status;
use super::token::Token;
use super::words::{Cname, DnsAnswer, Mode, Transport};
use crate::units::print_duration;

/// One alternative, not yet rolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expr {
    Amount(Dist),
    Status(Status),
    Flag(bool),
    Body(Body),
    Read(ReadAsk),
    Fault(FaultKind),
    At(AtAsk),
    Details(Details),
    Trailers(TrailersAt),
    Rcode(Rcode),
    Cname(Cname),
    Ede(u16),
    Switch(bool),
    Mode(Mode),
    Addr(IpAddr),
    Answer(DnsAnswer),
    Over(Transport),
}

impl Expr {
    /// Reads one choice of a parameter of this form, or its only value. The forms that are no expressions never come here.
    pub(crate) fn parse(token: Token<'_>, form: Form) -> Result<Self, Flaw> {
        match form {
            Form::Amount(unit) => Dist::parse(token, unit).map(Expr::Amount),
            Form::Status => Status::parse(token).map(Expr::Status),
            Form::Body => word(token, &Body::ALL, Body::as_str).map(Expr::Body),
            Form::Read => ReadAsk::parse(token).map(Expr::Read),
            Form::Fault => FaultKind::parse(token).map(Expr::Fault),
            Form::At => AtAsk::parse(token).map(Expr::At),
            Form::Details => Details::parse(token).map(Expr::Details),
            Form::Trailers => word(token, &TrailersAt::ALL, TrailersAt::as_str).map(Expr::Trailers),
            Form::Rcode => Rcode::parse(token).map(Expr::Rcode),
            Form::Cname => Cname::parse(token).map(Expr::Cname),
            Form::Ede => rcode::number(token.text)
                .map(Expr::Ede)
                .ok_or_else(|| token.flaw(format!("{:?} is no code", token.text))),
            Form::Switch => match token.text {
                "1" | "true" => Ok(Expr::Switch(true)),
                "0" | "false" => Ok(Expr::Switch(false)),
                text => Err(token.flaw(format!("{text:?} is neither on nor off"))),
            },
            Form::Mode => word(token, &Mode::ALL, Mode::as_str).map(Expr::Mode),
            Form::Length => match Dist::parse(token, Unit::Bytes)? {
                dist if matches!(dist.shape, Shape::Exactly(_)) => Ok(Expr::Amount(dist)),
                _ => Err(token.flaw(format!("{:?} leaves to chance where the request ends", token.text))),
            },
            Form::Addr => {
                let addr = token.text.parse().map(Expr::Addr);
                addr.map_err(|_| token.flaw(format!("{:?} is no address", token.text)))
            }
            Form::Answer => word(token, &DnsAnswer::ALL, DnsAnswer::as_str).map(Expr::Answer),
            Form::Over => word(token, &Transport::ALL, Transport::as_str).map(Expr::Over),
            Form::Flag | Form::Percent | Form::Seed | Form::Id | Form::Field | Form::Text => match token.text {
                "true" => Ok(Expr::Flag(true)),
                "false" => Ok(Expr::Flag(false)),
                text => Err(token.flaw(format!("{text:?} is neither true nor false"))),
            },
        }
    }

    /// True if an answer with this is no worse than one without: `delay=0`, `close=false`, `status=200`.
    pub(crate) fn is_harmless(&self) -> bool {
        match self {
            Expr::Amount(dist) => dist.largest() == 0,
            Expr::Status(status) => !status.is_error(),
            Expr::Flag(on) => !on,
            Expr::Read(read) => *read == ReadAsk::All,
            Expr::Rcode(rcode) => *rcode == Rcode::NOERROR,
            Expr::Cname(cname) => *cname != Cname::Loop,
            Expr::Body(_) | Expr::At(_) | Expr::Details(_) | Expr::Trailers(_) | Expr::Ede(_) => true,
            Expr::Switch(_) | Expr::Mode(_) | Expr::Addr(_) | Expr::Answer(_) | Expr::Over(_) => true,
            Expr::Fault(_) => false,
        }
    }

    /// The amount inside, if there is one.
    pub(crate) fn amount(&self) -> Option<&Dist> {
        match self {
            Expr::Amount(dist)
            | Expr::Read(ReadAsk::Rate(dist) | ReadAsk::First(dist))
            | Expr::At(AtAsk::Bytes(dist) | AtAsk::After(dist)) => Some(dist),
            _ => None,
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Amount(dist) => dist.fmt(f),
            Expr::Status(status) => status.fmt(f),
            Expr::Flag(on) => on.fmt(f),
            Expr::Body(body) => f.write_str(body.as_str()),
            Expr::Read(read) => read.fmt(f),
            Expr::Fault(kind) => kind.fmt(f),
            Expr::At(at) => at.fmt(f),
            Expr::Details(details) => details.fmt(f),
            Expr::Trailers(at) => f.write_str(at.as_str()),
            Expr::Rcode(rcode) => rcode.fmt(f),
            Expr::Cname(cname) => cname.fmt(f),
            Expr::Ede(code) => code.fmt(f),
            Expr::Switch(on) => f.write_str(if *on { "1" } else { "0" }),
            Expr::Mode(mode) => f.write_str(mode.as_str()),
            Expr::Addr(addr) => addr.fmt(f),
            Expr::Answer(answer) => f.write_str(answer.as_str()),
            Expr::Over(transport) => f.write_str(transport.as_str()),
        }
    }
}

/// What an answer's body consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Body {
    /// Incompressible pseudo-random bytes.
    Random,
    /// NUL bytes.
    Zero,
    /// Readable, compressible text.
    Text,
    /// `a` to `z` by offset.
    Seq,
    /// One JSON document.
    Json,
    /// The request's own body.
    #[default]
    Echo,
}

impl Body {
    /// Every kind of body.
    pub const ALL: [Body; 6] = [Self::Random, Self::Zero, Self::Text, Self::Seq, Self::Json, Self::Echo];

    /// The word in a spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Zero => "zero",
            Self::Text => "text",
            Self::Seq => "seq",
            Self::Json => "json",
            Self::Echo => "echo",
        }
    }
}

/// How the request's body is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Read {
    /// Whole, before the answer.
    #[default]
    All,
    /// Not at all.
    None,
    /// At this many bytes per second.
    Rate(u64),
    /// This many bytes, then the answer comes early.
    First(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadAsk {
    All,
    None,
    Rate(Dist),
    First(Dist),
}

impl ReadAsk {
    fn parse(token: Token<'_>) -> Result<Self, Flaw> {
        match (token.text, token.call()) {
            ("all", _) => Ok(Self::All),
            ("none", _) => Ok(Self::None),
            (_, Some(("rate", argument))) => Dist::parse(argument, Unit::Rate).map(Self::Rate),
            (_, Some(("first", argument))) => Dist::parse(argument, Unit::Bytes).map(Self::First),
            (text, _) => Err(token.flaw(format!("unknown way to read {text:?}"))),
        }
    }

    pub(crate) fn resolve(&self, u: f64, load: u64) -> Read {
        match self {
            Self::All => Read::All,
            Self::None => Read::None,
            Self::Rate(dist) => Read::Rate(dist.sample(u, load)),
            Self::First(dist) => Read::First(dist.sample(u, load)),
        }
    }

    /// The inverse of [`ReadAsk::resolve`].
    pub(crate) fn settled(read: Read) -> Self {
        match read {
            Read::All => Self::All,
            Read::None => Self::None,
            Read::Rate(rate) => Self::Rate(Dist::exactly(Unit::Rate, rate)),
            Read::First(bytes) => Self::First(Dist::exactly(Unit::Bytes, bytes)),
        }
    }
}

impl fmt::Display for ReadAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::None => f.write_str("none"),
            Self::Rate(dist) => write!(f, "rate({dist})"),
            Self::First(dist) => write!(f, "first({dist})"),
        }
    }
}

/// gRPC: which error details accompany a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Details {
    /// `google.rpc.ErrorInfo`.
    ErrorInfo,
    /// `google.rpc.RetryInfo` with this delay.
    RetryInfo(Duration),
    /// `google.rpc.QuotaFailure`.
    Quota,
    /// `google.rpc.BadRequest`.
    BadRequest,
}

impl Details {
    fn parse(token: Token<'_>) -> Result<Self, Flaw> {
        match (token.text, token.call()) {
            ("errorinfo", _) => Ok(Self::ErrorInfo),
            ("quota", _) => Ok(Self::Quota),
            ("badrequest", _) => Ok(Self::BadRequest),
            (_, Some(("retryinfo", argument))) => match Unit::Duration.parse(argument.text) {
                Ok(ns) => Ok(Self::RetryInfo(Duration::from_nanos(ns))),
                Err(error) => Err(argument.flaw("").unit(error)),
            },
            (text, _) => Err(token.flaw(format!("unknown details {text:?}"))),
        }
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ErrorInfo => f.write_str("errorinfo"),
            Self::RetryInfo(delay) => write!(f, "retryinfo({})", print_duration(*delay)),
            Self::Quota => f.write_str("quota"),
            Self::BadRequest => f.write_str("badrequest"),
        }
    }
}

/// gRPC: where an error status travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrailersAt {
    /// A single header block, no message.
    Only,
    /// After the response headers.
    After,
}

impl TrailersAt {
    const ALL: [TrailersAt; 2] = [Self::Only, Self::After];

    /// The word in a spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::After => "after",
        }
    }
}

fn word<T: Copy>(token: Token<'_>, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, Flaw> {
    let found = all.iter().find(|value| as_str(**value) == token.text);
    found.copied().ok_or_else(|| token.flaw(format!("unknown word {:?}", token.text)))
}
