//! Where in an answer a fault strikes.

use std::fmt;
use std::time::Duration;

use super::dist::{Dist, Unit};
use super::error::Flaw;
use super::token::Token;
use crate::draw::Draw;
use crate::units::{Ppm, parse_percent, print_duration, print_size};

/// The point of one answer at which its fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum At {
    /// Before the first byte of the answer.
    #[default]
    Head,
    /// After the head, before the first byte of the body.
    Body,
    /// After this many bytes of the body.
    Bytes(u64),
    /// After this share of the body, in percent, 0 ..= 100 with at most 4 decimals.
    Percent(f64),
    /// This long after the request was parsed, wherever the answer is by then.
    After(Duration),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Head => f.write_str("head"),
            At::Body => f.write_str("body"),
            At::Bytes(bytes) => f.write_str(&print_size(*bytes)),
            At::Percent(percent) => write!(f, "{percent}%"),
            At::After(delay) => write!(f, "after({})", print_duration(*delay)),
        }
    }
}

/// The same as asked for: amounts may still be a matter of chance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AtAsk {
    Head,
    Body,
    Bytes(Dist),
    Share(Ppm),
    After(Dist),
}

impl AtAsk {
    pub(crate) fn parse(token: Token<'_>) -> Result<Self, Flaw> {
        match (token.text, token.call()) {
            ("head", _) => Ok(Self::Head),
            ("body", _) => Ok(Self::Body),
            (_, Some(("after", argument))) => Dist::parse(argument, Unit::Duration).map(Self::After),
            (text, _) if text.ends_with('%') => {
                parse_percent(text).map(Self::Share).map_err(|error| token.flaw("").unit(error))
            }
            _ => Dist::parse(token, Unit::Bytes).map(Self::Bytes).map_err(|flaw| match flaw.at == token.at {
                true => flaw.expecting(""),
                false => flaw,
            }),
        }
    }

    pub(crate) fn resolve(&self, draw: Draw, purpose: &str, load: u64) -> At {
        match self {
            Self::Head => At::Head,
            Self::Body => At::Body,
            Self::Bytes(dist) => At::Bytes(dist.sample(draw.u(purpose, 1), load)),
            Self::Share(ppm) => At::Percent(f64::from(ppm.get()) / 10_000.0),
            Self::After(dist) => At::After(Duration::from_nanos(dist.sample(draw.u(purpose, 1), load))),
        }
    }

    /// The inverse of [`AtAsk::resolve`] for a point that has been settled.
    pub(crate) fn settled(at: At) -> Self {
        match at {
            At::Head => Self::Head,
            At::Body => Self::Body,
            At::Bytes(bytes) => Self::Bytes(Dist::exactly(Unit::Bytes, bytes)),
            // `resolve` divided a whole number of ppm; multiplying back and rounding recovers it.
            At::Percent(percent) => Self::Share(Ppm::new((percent * 10_000.0).round() as u32).unwrap_or(Ppm::ONE)),
            At::After(delay) => {
                Self::After(Dist::exactly(Unit::Duration, u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX)))
            }
        }
    }
}

impl fmt::Display for AtAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("head"),
            Self::Body => f.write_str("body"),
            Self::Bytes(dist) => dist.fmt(f),
            Self::Share(ppm) => write!(f, "{ppm}%"),
            Self::After(dist) => write!(f, "after({dist})"),
        }
    }
}
