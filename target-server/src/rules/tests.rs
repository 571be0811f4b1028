//! The rule set from outside: what is written, what then strikes, what is shown.

mod counting;
mod living;
mod matching;
mod reading;
mod shims;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use http::HeaderMap;
use serde_json::{Value, json};
use shared::fault::Limits;
use shared::protocol::Protocol;

use super::*;

static NO_HEADERS: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);

fn rules() -> Arc<Rules> {
    Rules::new(Limits::default(), TTL_MAX, 0)
}

/// A rule for HTTP that always strikes, with `changes` over it; a change to null takes the field away.
fn written(changes: Value) -> Written {
    let mut rule = json!({ "id": "one", "ttl": "1m", "match": { "protocol": "http" }, "fault": "status=503" });
    for (key, value) in changes.as_object().unwrap() {
        rule[key] = value.clone();
    }
    serde_json::from_value(rule).unwrap()
}

fn id(text: &str) -> RuleId {
    text.parse().unwrap()
}

fn get<'a>(path: &'a str, headers: &'a HeaderMap) -> Facts<'a> {
    http(Protocol::Http, "GET", path, None, headers)
}

fn http<'a>(
    protocol: Protocol,
    method: &'a str,
    path: &'a str,
    host: Option<&'a str>,
    headers: &'a HeaderMap,
) -> Facts<'a> {
    Facts { protocol, client: IpAddr::V4(Ipv4Addr::LOCALHOST), detail: Detail::Http { method, path, host, headers } }
}

fn plain() -> Facts<'static> {
    get("/", &NO_HEADERS)
}

/// What happens to a request of this key: its spec, or nothing.
fn fate(rules: &Rules, key: &str) -> Option<String> {
    rules.strike(&plain(), || key, 0).map(|struck| struck.fault.to_string())
}

fn is_struck(rules: &Rules) -> bool {
    fate(rules, "k").is_some()
}

fn kinds(rules: &Rules) -> Vec<EventKind> {
    rules.events(0).events.iter().map(|event| event.kind).collect()
}
