//! Stand-in until the rule set is merged.
#![allow(dead_code, reason = "stand-in")]
use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use shared::fault::Fault;
use shared::protocol::Protocol;

#[derive(Debug, Default)]
pub(crate) struct Rules;
pub(crate) struct Facts<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) client: IpAddr,
    pub(crate) detail: Detail<'a>,
}
pub(crate) enum Detail<'a> {
    Http { method: &'a str, path: &'a str, host: Option<&'a str>, headers: &'a HeaderMap },
    Grpc { method: &'a str, headers: &'a HeaderMap },
    Echo,
    Dns { name: &'a str, kind: &'a str },
}
#[derive(Debug)]
pub(crate) struct ActiveRule;
pub(crate) struct Struck {
    pub(crate) rule: Arc<ActiveRule>,
    pub(crate) fault: Fault,
}
impl Rules {
    pub(crate) fn is_empty(&self) -> bool {
        true
    }
    pub(crate) fn is_enabled(&self) -> bool {
        true
    }
    pub(crate) fn generation(&self) -> u64 {
        0
    }
    pub(crate) fn strike(&self, _: &Facts<'_>, _: &str, _: u64) -> Option<Struck> {
        None
    }
}
impl ActiveRule {
    pub(crate) fn id(&self) -> &str {
        ""
    }
    pub(crate) fn overrides_request(&self) -> bool {
        false
    }
    pub(crate) fn instead(&self) -> Option<&'static str> {
        None
    }
    pub(crate) fn source(&self) -> &'static str {
        "rule"
    }
    pub(crate) fn count_injected(&self) {}
    pub(crate) fn count_overflow(&self) {}
}
