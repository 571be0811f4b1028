//! How a [`Fault`] rides on HTTP: in the query, in a header, in the two paths podinfo and httpbin made customary.
//!
//! Carriers only take text apart and decode it; what it means is `fault`'s business. Reading nothing costs nothing.

mod path;

pub use path::path;

use crate::fault::{Fault, Separator, Source, SpecErrors, Syntax, parse};

/// The header that carries a spec on a request, and the verdict on an answer.
pub const HEADER_FAULT: &str = "x-cload-fault";

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

#[cfg(test)]
mod tests;
