//! How a [`Fault`] rides on each protocol: in a URL's query, a header, the two paths podinfo and httpbin made customary; in
//! the first line of a TCP or UDP exchange; in a DNS name or its EDNS option.
//!
//! Carriers only take text apart and decode it; what it means is `fault`'s business. Reading nothing costs nothing.

pub mod dns;
mod line;
mod path;

pub use line::{EDNS_OPTION, Line, TCP_LINE_MAX_BYTES, TCP_PREFIX, command, compose_line, line};
pub use path::{path, path_seconds};

use std::fmt;

use crate::fault::{Fault, Key, Separator, Source, SpecErrors, Syntax, parse};

/// The header that carries a spec on a request, and the verdict on an answer.
pub const HEADER_FAULT: &str = "x-cload-fault";

/// The header that names, on an answer, the target's rule that had a hand in its fault.
pub const HEADER_RULE: &str = "x-cload-rule";

/// Reads the raw query of a URL (without the `?`). Keys and values are percent-decoded; in free text (`header`,
/// `trailer`, `msg`) `+` is a space, elsewhere it is a plus, because `clen(+5)` needs one and no number needs a space.
pub fn query(raw_query: &str) -> Result<Fault, SpecErrors> {
    let syntax = Syntax { separator: Separator::Ampersand, source: Source::Query, escapes: true, plus_is_space: true };
    parse(raw_query, syntax)
}

/// Reads the value of [`HEADER_FAULT`].
pub fn header(value: &str) -> Result<Fault, SpecErrors> {
    let syntax =
        Syntax { separator: Separator::Semicolon, source: Source::Header, escapes: false, plus_is_space: false };
    parse(value, syntax)
}

/// Whether a raw query is meant for us: one of its keys is a key, or so near to one that it was meant to be. Others are
/// those of trackers and cache busters, which an endpoint has to let pass.
pub fn is_spoken(raw_query: &str) -> bool {
    let keys = raw_query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    keys.filter(|key| !key.is_empty()).any(|key| Key::parse(key).is_some() || Key::nearest(key).is_some())
}

/// Why something cannot be said in a carrier's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsayable {
    /// The key it is about; empty when it is the whole.
    pub parameter: &'static str,
    /// A lowercase fragment.
    pub reason: String,
}

impl Unsayable {
    fn new(parameter: &'static str, reason: impl Into<String>) -> Self {
        Self { parameter, reason: reason.into() }
    }
}

impl fmt::Display for Unsayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parameter {
            "" => f.write_str(&self.reason),
            parameter => write!(f, "{parameter}: {}", self.reason),
        }
    }
}

impl std::error::Error for Unsayable {}

#[cfg(test)]
mod tests;
