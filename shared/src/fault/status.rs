//! Status codes: HTTP's numbers and gRPC's names share one key, because no number is both.

use std::fmt;

use super::error::Flaw;
use super::token::Token;
use crate::code::{Code, GRPC_NAMES};

/// What the answer should say of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// An HTTP status, 200 ..= 999.
    Http(u16),
    /// A gRPC status, 0 ..= 16.
    Grpc(u8),
}

impl Status {
    /// The HTTP status, if it is one.
    pub const fn http(self) -> Option<u16> {
        match self {
            Status::Http(code) => Some(code),
            Status::Grpc(_) => None,
        }
    }

    /// The gRPC status, if it is one.
    pub const fn grpc(self) -> Option<u8> {
        match self {
            Status::Http(_) => None,
            Status::Grpc(code) => Some(code),
        }
    }

    /// True for what a client counts as failed: HTTP 400 and above, gRPC other than OK.
    pub const fn is_error(self) -> bool {
        match self {
            Status::Http(code) => code >= 400,
            Status::Grpc(code) => code != 0,
        }
    }

    /// True if HTTP forbids content: an answer with this status cannot have the size that was asked for.
    pub const fn is_bodiless(self) -> bool {
        matches!(self, Status::Http(204 | 205 | 304))
    }

    pub(crate) fn parse(token: Token<'_>) -> Result<Self, Flaw> {
        let text = token.text;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            let plain = |name: &str| name.replace('_', "").to_ascii_uppercase();
            let code = GRPC_NAMES.iter().position(|name| plain(name) == plain(text));
            let code = code.ok_or_else(|| token.flaw(format!("unknown status {text:?}")))?;
            return Ok(Status::Grpc(u8::try_from(code).expect("17 names")));
        }
        match text.parse::<u16>() {
            Ok(code @ 200..=999) => Ok(Status::Http(code)),
            Ok(100..=199) => Err(token.flaw(format!("{text} is informational and cannot end a request"))),
            Ok(code @ 0..=16) => Ok(Status::Grpc(u8::try_from(code).expect("at most 16"))),
            _ => Err(token.flaw(format!("{text} is neither an HTTP nor a gRPC status"))),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Http(code) => code.fmt(f),
            Status::Grpc(code) => Code::Grpc(*code).fmt(f),
        }
    }
}
