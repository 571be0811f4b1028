//! The label values that k6 would give, and the tags that a user adds.

use std::str::FromStr;

use prometheus::proto::LabelPair;

use crate::identity::Name;
use crate::outcome::{Code, ErrorClass};
use crate::red::exposition::label;

/// The predecessor's one group.
pub(super) const GROUP: &str = "::static";

/// Labels that are k6's or ours; a tag cannot have one of these names.
const TAKEN: [&str; 15] = [
    "name",
    "method",
    "status",
    "proto",
    "group",
    "scenario",
    "expected_response",
    "error",
    "error_code",
    "tls_version",
    "type",
    "service",
    "le",
    "quantile",
    "job",
];

/// Longest name and value of a tag, in bytes.
const TAG_MAX_BYTES: usize = 128;

/// A label that every series carries: `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    name: String,
    value: String,
}

/// Why a text is not a tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}: {1}")]
pub struct TagError(String, String);

impl Tag {
    /// The label's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The label's value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Tag, TagError> {
        let refused = |why: &str| Err(TagError(text.to_owned(), why.to_owned()));
        let Some((name, value)) = text.split_once('=') else { return refused("not a tag; team=payments would be") };
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = name.bytes().all(is_word) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if !is_name || name.starts_with("__") {
            return refused("a tag's name is a-z, A-Z, 0-9 and _, and begins with a letter or one _");
        }
        if TAKEN.contains(&name) {
            return refused("the series have a label of this name already; another works");
        }
        if name.len() > TAG_MAX_BYTES || value.len() > TAG_MAX_BYTES || value.is_empty() {
            return refused("a tag's name and value have 1 to 128 bytes each");
        }
        if value.chars().any(char::is_control) {
            return refused("a tag's value has no control characters");
        }
        Ok(Tag { name: name.to_owned(), value: value.to_owned() })
    }
}

/// The version that a TLS handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// No TLS.
    None,
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl TlsVersion {
    /// Every version; `ALL[v.index()] == v`.
    pub const ALL: [TlsVersion; 3] = [TlsVersion::None, TlsVersion::Tls12, TlsVersion::Tls13];

    /// As k6 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            TlsVersion::None => "",
            TlsVersion::Tls12 => "tls1.2",
            TlsVersion::Tls13 => "tls1.3",
        }
    }

    /// Position in [`TlsVersion::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// An operation has a rate and a schedule of its own, which is what k6 calls a scenario.
pub(super) fn scenario(operation: Name) -> LabelPair {
    label("scenario", operation.as_str())
}

/// `0` where there was no complete answer.
pub(super) fn http_status(code: Option<Code>) -> String {
    match code {
        None => "other".to_owned(),
        Some(Code::NONE) => "0".to_owned(),
        Some(code) => code.label(),
    }
}

/// The number, as everywhere in k6. Where the server gave no status, the one that a gRPC library makes up.
pub(super) fn grpc_status(outcome: Option<(Code, Option<usize>)>) -> String {
    let status = match outcome {
        None => return "other".to_owned(),
        Some((Code::Grpc(status), _)) => status,
        Some((_, Some(error))) if error == ErrorClass::Timeout.index() => 4,
        Some(_) => 14,
    };
    status.to_string()
}

/// Our own closed words: k6 has sentences there.
pub(super) fn error_word(error: Option<ErrorClass>) -> &'static str {
    error.map_or("", ErrorClass::as_str)
}

/// k6's numbers, as its manual lists them; 1000 is its "any other".
pub(super) fn error_code(code: Option<Code>, error: Option<ErrorClass>) -> String {
    let Some(error) = error else { return String::new() };
    let number = match (error, code) {
        (ErrorClass::Status, Some(Code::Http(status @ 400..=599))) => 1000 + status,
        (ErrorClass::DnsTimeout | ErrorClass::DnsServfail | ErrorClass::DnsOther, _) => 1100,
        (ErrorClass::DnsNxdomain, _) => 1101,
        (ErrorClass::ConnectUnreachable, _) => 1210,
        (ErrorClass::ConnectTimeout, _) => 1211,
        (ErrorClass::ConnectRefused, _) => 1212,
        (ErrorClass::Send, _) => 1201,
        (ErrorClass::Reset, _) => 1220,
        (ErrorClass::Tls, _) => 1300,
        (ErrorClass::Timeout, _) => 1050,
        _ => 1000,
    };
    number.to_string()
}
