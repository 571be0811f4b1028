//! How connections find their way, in words.

use shared::units::print_duration;

use super::Line;
use crate::names::book::WATCH;
use crate::plan::{Host, Operation, Resolve, Select};

/// When the name is looked up and which address is taken; where connections come from. Nothing where there is no name, or no
/// choice.
pub(super) fn lines(operation: &Operation) -> Vec<Line> {
    let route = &operation.route;
    let mut lines = Vec::new();
    match &operation.endpoint.host {
        Host::Name(name) => {
            lines.push(("names", format!("{name}, {}; {}", looked_up(operation), selected(operation))));
        }
        Host::Ip(ip) if (route.resolve, route.select) != Default::default() => {
            lines.push(("names", format!("none: {ip} is an address; resolve and select have no effect")));
        }
        Host::Ip(_) => {}
    }
    if !route.sources.is_empty() {
        let count = route.sources.each().count();
        let turn = if count == 1 { "" } else { " in turn" };
        let noun = if count == 1 { "address" } else { "addresses" };
        lines.push(("from", format!("{count} source {noun}{turn}: {}", route.sources)));
    }
    lines
}

fn looked_up(operation: &Operation) -> String {
    let keeps = !operation.connection.is_fresh() || operation.route.select == Select::All;
    match operation.route.resolve {
        Resolve::PerConnection if keeps => {
            format!("looked up for every new connection, and if there is none every {}", print_duration(WATCH))
        }
        Resolve::PerConnection => "looked up for every new connection".to_owned(),
        Resolve::Ttl => format!("looked up when its time to live is over; {OLD}"),
        Resolve::Interval(every) => format!("looked up every {}; {OLD}", print_duration(every)),
        Resolve::Once => "looked up once, at the start: what changes later is not seen".to_owned(),
    }
}

const OLD: &str = "if that fails, the old answer is used and counted";

fn selected(operation: &Operation) -> &'static str {
    match operation.route.select {
        Select::Rr => "its addresses are taken in turn",
        Select::Random => "one of its addresses is drawn for each connection",
        Select::All if operation.connection.is_fresh() => "requests go to its addresses in turn, counted by address",
        Select::All => "requests go to its addresses in turn, counted by address, each with connections as above",
    }
}
