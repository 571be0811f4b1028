//! Which requests a rule is about. All that a rule names must hold; what it does not name holds always.

use http::{HeaderMap, HeaderName};
use shared::protocol::Protocol;

use super::facts::{Detail, Facts};
use super::pattern::{Host, Pattern};
use crate::config::Cidr;

/// The match of one rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Matcher {
    /// In the order of [`Protocol::ALL`], each at most once.
    pub(super) protocols: Vec<Protocol>,
    /// Empty: any client.
    pub(super) sources: Vec<Cidr>,
    /// Upper case; empty: any.
    pub(super) methods: Vec<String>,
    pub(super) path: Option<Pattern>,
    pub(super) host: Option<Host>,
    /// `None`: there, with any value.
    pub(super) headers: Vec<(HeaderName, Option<String>)>,
    pub(super) grpc_method: Option<Pattern>,
    pub(super) dns_name: Option<Pattern>,
    /// Upper case; empty: any.
    pub(super) dns_types: Vec<String>,
}

impl Matcher {
    pub(super) fn matches(&self, facts: &Facts<'_>) -> bool {
        if !self.protocols.contains(&facts.protocol) {
            return false;
        }
        if !self.sources.is_empty() && !self.sources.iter().any(|cidr| cidr.contains(facts.client)) {
            return false;
        }
        match &facts.detail {
            Detail::Http { method, path, host, headers } => {
                names(&self.methods, method)
                    && self.path.as_ref().is_none_or(|pattern| pattern.matches(path))
                    && self.host.as_ref().is_none_or(|own| host.is_some_and(|host| own.matches(host)))
                    && self.headers(headers)
            }
            Detail::Grpc { method, headers } => {
                self.grpc_method.as_ref().is_none_or(|pattern| pattern.matches(method)) && self.headers(headers)
            }
            Detail::Echo => true,
            Detail::Dns { name, kind } => {
                names(&self.dns_types, kind) && self.dns_name.as_ref().is_none_or(|pattern| pattern.matches(name))
            }
        }
    }

    fn headers(&self, headers: &HeaderMap) -> bool {
        self.headers.iter().all(|(name, value)| match value {
            None => headers.contains_key(name),
            Some(value) => headers.get_all(name).iter().any(|held| held == value),
        })
    }
}

fn names(words: &[String], word: &str) -> bool {
    words.is_empty() || words.iter().any(|held| held == word)
}
