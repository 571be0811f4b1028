//! What is wrong with a spec: every fault in it at once, each with where it is and what would have been accepted.

use std::fmt;

use crate::units::UnitError;

/// The class of a spec error; stable, part of the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpecErrorCode {
    /// The value cannot be read.
    InvalidParameter,
    /// There is no such key.
    UnknownParameter,
    /// Readable, but more than this target allows; [`SpecError::limit`] says how much it does.
    LimitExceeded,
    /// Two parts of the spec exclude each other.
    Conflict,
    /// The protocol that carried the spec cannot do this.
    UnsupportedOnProtocol,
    /// The weights of one parameter sum to more than 100 %.
    WeightsExceed100,
    /// The text is longer than a spec may be; it was not read.
    SpecTooLong,
}

impl SpecErrorCode {
    /// Every code; `ALL[c.index()] == c`.
    pub const ALL: [SpecErrorCode; 7] = [
        Self::InvalidParameter,
        Self::UnknownParameter,
        Self::LimitExceeded,
        Self::Conflict,
        Self::UnsupportedOnProtocol,
        Self::WeightsExceed100,
        Self::SpecTooLong,
    ];

    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameter => "invalid_parameter",
            Self::UnknownParameter => "unknown_parameter",
            Self::LimitExceeded => "limit_exceeded",
            Self::Conflict => "conflict",
            Self::UnsupportedOnProtocol => "unsupported_on_protocol",
            Self::WeightsExceed100 => "weights_exceed_100",
            Self::SpecTooLong => "spec_too_long",
        }
    }

    /// Position in [`SpecErrorCode::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for SpecErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which text a position counts in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// A bare spec: a rule, a scenario file, a command line.
    #[default]
    Text,
    /// The raw query of a URL, after the `?`.
    Query,
    /// The value of the fault header.
    Header,
    /// The path of a URL.
    Path,
    /// The first line of a TCP or UDP exchange, after its prefix.
    Line,
    /// The text of the EDNS option.
    Edns,
    /// A DNS name, labels between dots.
    Name,
}

impl Source {
    /// The word used in error answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Query => "query",
            Self::Header => "header",
            Self::Path => "path",
            Self::Line => "line",
            Self::Edns => "edns",
            Self::Name => "name",
        }
    }
}

/// One thing wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// The class of the error.
    pub code: SpecErrorCode,
    /// The key as written; empty when the text as a whole is at fault.
    pub parameter: String,
    /// The offending token, decoded.
    pub value: String,
    /// Which text `position` counts in.
    pub source: Source,
    /// Byte offset of the offending token in the carrier's text as it arrived, before any decoding.
    pub position: usize,
    /// A lowercase fragment.
    pub reason: String,
    /// What would have been accepted.
    pub expected: String,
    /// The limit that was exceeded, in the parameter's unit.
    pub limit: Option<String>,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, parameter, position, reason, expected, .. } = self;
        match parameter.as_str() {
            "" => write!(f, "{code}")?,
            _ => write!(f, "{parameter}: {code}")?,
        }
        write!(f, " at byte {position} of the {}: {reason}; expected {expected}", self.source.as_str())
    }
}

/// Everything wrong with a spec, in the order of the text; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecErrors(Vec<SpecError>);

impl SpecErrors {
    /// `Ok` if there is nothing to report.
    pub(crate) fn none_or(mut errors: Vec<SpecError>) -> Result<(), Self> {
        errors.sort_by_key(|error| error.position);
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }

    /// The error that comes first in the text.
    pub fn first(&self) -> &SpecError {
        &self.0[0]
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, SpecError> {
        self.0.iter()
    }

    /// Both lists as one, for carriers that are read separately.
    pub fn and(mut self, other: SpecErrors) -> SpecErrors {
        self.0.extend(other.0);
        self
    }
}

impl From<SpecError> for SpecErrors {
    fn from(error: SpecError) -> Self {
        Self(vec![error])
    }
}

impl<'a> IntoIterator for &'a SpecErrors {
    type Item = &'a SpecError;
    type IntoIter = std::slice::Iter<'a, SpecError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecErrors {}

/// Where a parameter was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) source: Source,
    pub(crate) position: usize,
}

/// A spec error that does not know yet which parameter it is in, or where that parameter is.
#[derive(Clone, Debug)]
pub(crate) struct Flaw {
    pub(crate) code: SpecErrorCode,
    pub(crate) value: String,
    /// Offset in the parameter's decoded value.
    pub(crate) at: usize,
    pub(crate) reason: String,
    /// Empty: what the parameter expects in general.
    pub(crate) expected: String,
}

impl Flaw {
    pub(crate) fn expecting(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    pub(crate) fn coded(mut self, code: SpecErrorCode) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn unit(self, error: UnitError) -> Self {
        Self { reason: error.reason, ..self }.expecting(error.expected)
    }
}
