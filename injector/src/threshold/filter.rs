//! Which requests a condition is about.

use std::fmt;

use crate::compat;
use crate::plan::Operation;

/// By what requests are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The operation's name.
    Operation,
    /// What it speaks: `http`, `http2`, `grpc`, `tcp`, `udp`, `dns_udp`, `dns_tcp`.
    Protocol,
    /// Whether it asks for a fault.
    Injected,
    /// HTTP's method.
    Method,
    /// The URL of an HTTP operation; of gRPC `host:port/package.Service/Method`.
    Url,
    /// Whether the answer was as expected: of k6's HTTP durations and counts only.
    ExpectedResponse,
    /// The status of HTTP answers: of `http_reqs` only.
    Status,
}

/// k6's words where they mean the same: a scenario there is what an operation is here.
const NAMES: [(&str, Key); 11] = [
    ("operation", Key::Operation),
    ("protocol", Key::Protocol),
    ("injected", Key::Injected),
    ("method", Key::Method),
    ("url", Key::Url),
    ("expected_response", Key::ExpectedResponse),
    ("status", Key::Status),
    ("scenario", Key::Operation),
    ("type", Key::Operation),
    ("name", Key::Url),
    ("proto", Key::Protocol),
];

impl Key {
    pub(super) fn named(name: &str) -> Option<Key> {
        NAMES.iter().find(|(held, _)| *held == name).map(|(_, key)| *key)
    }

    /// How it is written.
    pub fn name(self) -> &'static str {
        NAMES[self as usize].0
    }

    /// Those that may be written, for messages.
    pub(super) fn listed() -> String {
        NAMES.map(|(name, _)| name).join(", ")
    }
}

/// Requests whose key has one of these values, or none of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    /// Of what.
    pub key: Key,
    /// None of them, instead of one.
    pub is_negated: bool,
    /// At least one.
    pub values: Vec<String>,
}

impl Filter {
    /// Whether requests of an operation may fit: what only an answer tells is not looked at.
    pub(super) fn fits(&self, operation: &Operation) -> bool {
        let is = |actual: &str| self.values.iter().any(|value| value == actual) != self.is_negated;
        match self.key {
            Key::Operation => is(operation.name.as_str()),
            Key::Protocol => is(operation.protocol().as_str()),
            Key::Injected => is(if operation.injected { "true" } else { "false" }),
            Key::Method => compat::method_and_url(operation).is_some_and(|(method, _)| is(&method)),
            Key::Url => compat::method_and_url(operation).is_some_and(|(_, url)| is(&url)),
            Key::ExpectedResponse | Key::Status => true,
        }
    }

    /// Whether k6's braces can say it: one value, and none of their own signs in it.
    pub(super) fn fits_braces(&self) -> bool {
        !self.is_negated && matches!(&self.values[..], [value] if is_plain(value, &[',', '}', '{', '"', '\'']))
    }

    pub(super) fn in_braces(&self) -> String {
        format!("{}:{}", self.key.name(), self.values[0])
    }
}

/// Whether a value needs no quotes where these characters mean something.
fn is_plain(value: &str, signs: &[char]) -> bool {
    !value.is_empty() && !value.contains(signs) && !value.chars().any(char::is_whitespace)
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.key.name(), if self.is_negated { "!=" } else { "=" })?;
        for (at, value) in self.values.iter().enumerate() {
            let or = if at > 0 { "|" } else { "" };
            let is_plain = is_plain(value, &['|', ',', '"', '\'']);
            if is_plain { write!(f, "{or}{value}")? } else { write!(f, "{or}\"{value}\"")? }
        }
        Ok(())
    }
}
