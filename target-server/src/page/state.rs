//! `GET /page/state`: who answers, where, and which rules are active.

use std::net::IpAddr;

use serde::Serialize;

use super::About;
use crate::podinfo::Info;
use crate::rules::{State, View, Words, WrittenMatch};

#[derive(Serialize)]
pub(super) struct Shown {
    info: Info,
    place: String,
    listeners: Vec<Listener>,
    zone: String,
    /// Why a request's own fault would not be injected, if it would not: `disabled`, `forbidden`.
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<&'static str>,
    /// Whether rules are in effect.
    rules_enabled: bool,
    /// When the switch lets faults happen again, from now; absent if it is on, or stays off until somebody turns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    switch_expires_in_seconds: Option<f64>,
    /// Those that live, in the order in which they are asked; absent for who may not ask for faults.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<Rule>>,
}

#[derive(Serialize)]
struct Listener {
    name: &'static str,
    port: u16,
}

/// What is shown of a rule. Who set it, why, and by what it matches may be nobody's business.
#[derive(Serialize)]
struct Rule {
    id: String,
    state: State,
    /// `flag` for one that a flag of the command line asks for.
    source: &'static str,
    protocols: Vec<String>,
    /// Whether it looks at more than the protocol.
    is_narrowed: bool,
    fault: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_seconds: Option<f64>,
    hits: u64,
    injected: u64,
    overflow: u64,
}

/// Whether and why a request of this client's own would be served without its fault.
pub(super) fn withheld(about: &About, client: IpAddr) -> Option<&'static str> {
    match ((about.takes_requests)(), (about.trusts)(client)) {
        (false, _) => Some("disabled"),
        (true, false) => Some("forbidden"),
        (true, true) => None,
    }
}

pub(super) fn of(about: &About, client: IpAddr) -> Shown {
    let rules = (about.trusts)(client).then(|| {
        let listed = about.rules.list(None, None).faults.into_iter();
        listed.filter(|view| matches!(view.state, State::Pending | State::Active)).map(Rule::of).collect()
    });
    Shown {
        info: about.info.now(),
        place: about.place.clone(),
        listeners: about.ports.iter().map(|(name, port)| Listener { name, port: *port }).collect(),
        zone: about.zone.to_string(),
        withheld: withheld(about, client),
        rules_enabled: (about.takes_rules)(),
        switch_expires_in_seconds: about.rules.switch_view().expires_in_seconds,
        rules,
    }
}

impl Rule {
    fn of(view: View) -> Rule {
        let matches = view.rule.matches.unwrap_or_default();
        let protocols = matches.protocol.as_ref().map(Words::list).unwrap_or_default().to_vec();
        let protocol = WrittenMatch { protocol: matches.protocol.clone(), ..Default::default() };
        Rule {
            id: view.rule.id.unwrap_or_default(),
            state: view.state,
            source: view.source,
            protocols,
            is_narrowed: matches != protocol,
            fault: view.rule.fault.unwrap_or_default(),
            percent: view.rule.percent,
            every: view.rule.every,
            expires_in_seconds: view.expires_in_seconds,
            hits: view.hits,
            injected: view.injected,
            overflow: view.overflow,
        }
    }
}
