//! From the scenario as written to the plan as meant.
//!
//! Nothing stops at the first problem: a value that cannot be read is reported, its default stands in, and the rest is
//! looked at. The stand-ins never get out, because a plan is returned only if nothing was reported.

mod calls;
mod operations;
mod rates;
mod routes;
mod values;

use std::fmt::Display;
use std::time::Duration;

use serde_saphyr::{Location, Spanned};
use shared::identity::Source;
use shared::protocol::{ADMIN_PORT, Protocol};

use super::address::is_behind_https;
use super::data::DataSets;
use super::tls::CommonTls;
use super::{
    Address, Endpoint, Host, Keepalive, Operation, Overrides, Phase, Plan, Ports, Route, arrival, capacity, phases,
    thresholds,
};
use crate::preflight::System;
use crate::scenario::{Problem, Problems, Scenario, Sources, Text, Written, WrittenOperation, position};

pub(super) use values::{digits, duration, yes_or_no};
pub(crate) use values::{in_flight, seed};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

/// Gathers what is wrong.
#[derive(Default)]
pub(super) struct Found {
    problems: Vec<Problem>,
}

impl Found {
    /// Something wrong at a place in the file.
    pub(super) fn add(&mut self, location: Location, subject: &str, message: impl Display) {
        self.add_at(position(location), subject, message);
    }

    /// The same where the place is known to the character.
    pub(super) fn add_at(&mut self, place: Option<(u64, u64)>, subject: &str, message: impl Display) {
        let message = message.to_string();
        self.problems.push(Problem { location: place, subject: subject.to_owned(), message });
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Reads a value; `None` when it is absent or wrong.
    pub(super) fn read<T, E: Display>(
        &mut self,
        text: Option<&Text>,
        subject: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = text?;
        parse(&text.value).map_err(|error| self.add(text.referenced, subject, error)).ok()
    }
}

/// What operations inherit.
struct Common<'a> {
    /// A port written here is HTTP's, with TLS HTTPS's.
    target: Address,
    tls: CommonTls<'a>,
    ports: Ports,
    phases: Vec<Phase>,
    timeout: Duration,
    keepalive: Keepalive,
    source: Source,
    seed: u64,
    route: Route,
    data: DataSets,
    sources: &'a Sources,
    /// Whether the target is a flag's, and not the one that the file was written for.
    is_redirected: bool,
}

pub(super) fn plan(scenario: &Scenario, overrides: &Overrides, system: &System) -> Result<Plan, Problems> {
    let written = &scenario.written;
    let mut found = Found::default();

    let timeout = found.read(written.timeout.as_ref(), "timeout", values::duration);
    let timeout = overrides.timeout.or(timeout).unwrap_or(DEFAULT_TIMEOUT);
    let keepalive = found.read(written.keepalive.as_ref(), "keepalive", str::parse::<Keepalive>);
    let max_lag = found.read(written.max_lag.as_ref(), "max_lag", values::duration);
    let max_in_flight = found.read(written.max_in_flight.as_ref(), "max_in_flight", values::in_flight);
    let seed = found.read(written.seed.as_ref(), "seed", values::seed);
    let source = found.read(written.source.as_ref(), "source", values::source);
    let nameserver = found.read(written.nameserver.as_ref(), "nameserver", str::parse);
    let phases = phases::compile(&mut found, written);
    let arrivals = arrival::compile(&mut found, scenario, overrides.arrival.as_ref());
    let target = found.read(written.target.as_ref(), "target", str::parse::<Address>);
    let admin = found.read(written.admin.as_ref(), "admin", str::parse::<Address>);
    let schemes = [target.as_ref(), overrides.target.as_ref()].map(|target| target.and_then(|target| target.scheme));
    let tls = CommonTls::new(&mut found, written.tls.as_ref(), schemes[0], schemes[1], &scenario.files);
    let target = overrides.target.clone().or(target);
    if let (None, None, Some(entry)) = (&target, &written.target, first_without_target(written)) {
        found.add(entry.referenced, "target", "missing; write target: host, or give --target");
    }
    let has_target = target.is_some();
    let common = Common {
        target: target.unwrap_or_else(stand_in),
        tls,
        ports: overrides.ports,
        phases,
        timeout,
        keepalive: overrides.keepalive.or(keepalive).unwrap_or_default(),
        source: overrides.source.or(source).unwrap_or_else(values::default_source),
        seed: overrides.seed.or(seed).unwrap_or(0),
        route: routes::common(&mut found, written, overrides),
        data: DataSets::read(&mut found, written.data.as_ref(), &scenario.files),
        sources: &scenario.sources,
        is_redirected: overrides.target.is_some(),
    };
    for (flag, value) in [("--timeout", overrides.timeout), ("--max-lag", overrides.max_lag)] {
        if let Some(Err(message)) = value.map(values::in_range) {
            found.add(Location::UNKNOWN, flag, message);
        }
    }

    let rates = rates::rates(&mut found, written, overrides.rate, &arrivals);
    let operations = operations::operations(&mut found, written, &rates, &arrivals, &common);

    let thresholds = thresholds::thresholds(&mut found, scenario, overrides, &operations);

    let max_in_flight =
        overrides.max_in_flight.or(max_in_flight).unwrap_or_else(|| capacity::default_in_flight(&operations));
    let demand = capacity::demand(&operations, max_in_flight, system);
    if found.problems.is_empty() {
        // Numbers made of stand-ins would mislead, so the machine is asked only once everything else is right.
        refuse_ports(&mut found, written, &demand.port_problems(system), &operations);
        if let Some(problem) = demand.descriptor_problem(system) {
            found.add(written.mix().referenced, "mix", problem);
        }
    }
    if !found.problems.is_empty() {
        return Err(Problems::of(&scenario.sources, found.problems));
    }
    let admin = overrides.admin.clone().or(admin).map(|admin| admin.endpoint(ADMIN_PORT));
    // Without a target every operation has one, and nobody has named the stand-in.
    let first = operations.first().filter(|_| !has_target).map(|operation| operation.endpoint.host.clone());
    let plan = Plan {
        phases: common.phases,
        max_lag: overrides.max_lag.or(max_lag).unwrap_or(timeout),
        max_in_flight,
        source: common.source,
        seed: common.seed,
        admin: admin.unwrap_or(Endpoint { host: first.unwrap_or(common.target.host), port: ADMIN_PORT }),
        nameserver: overrides.nameserver.or(nameserver),
        operations,
        thresholds,
        sources: scenario.sources.clone(),
        demand,
    };
    match phases::fit(written, &plan) {
        Some(problem) => Err(Problems::of(&scenario.sources, vec![problem])),
        None => Ok(plan),
    }
}

/// A port problem belongs to the streams that cause it, by connections that do not stay.
fn refuse_ports(found: &mut Found, written: &Written, problems: &[(Endpoint, String)], operations: &[Operation]) {
    for (endpoint, message) in problems {
        let cause =
            operations.iter().position(|operation| operation.endpoint == *endpoint && operation.connection.renews());
        let entry = cause.and_then(|index| Some((index, written.mix().value.get(index)?)));
        match entry {
            Some((index, entry)) => {
                let location = entry.value.connection.as_ref().map_or(entry.referenced, |text| text.referenced);
                found.add(location, &format!("{}: connection", subject(index, &entry.value)), message);
            }
            None => found.add(written.mix().referenced, "mix", message),
        }
    }
}

fn subject(index: usize, written: &WrittenOperation) -> String {
    match written.name.value.as_str() {
        "" => format!("operation {}", index + 1),
        name => format!("operation {name:?}"),
    }
}

fn first_without_target(written: &Written) -> Option<&Spanned<WrittenOperation>> {
    written.mix().value.iter().find(|entry| entry.value.target.is_none())
}

/// Keeps the compilation going when there is no target; never part of a plan.
fn stand_in() -> Address {
    Address { scheme: None, host: Host::Name("localhost".to_owned()), port: None }
}

impl Common<'_> {
    /// Where an operation goes: to its own target if it names one, else to the common one. The common port is for what the
    /// common scheme is for: an operation that departs from it goes to the protocol's port. A port without a scheme is for
    /// both, unless HTTPS is known to be elsewhere.
    fn endpoint(&self, own: Option<Address>, protocol: Protocol, is_secure: bool) -> Endpoint {
        let is_http = matches!(protocol, Protocol::Http | Protocol::Http2) || is_secure && is_behind_https(protocol);
        let is_open = self.target.scheme.is_none() && !self.tls.is_on && !self.ports.has_https();
        let keeps_port = is_http && (is_open || is_secure == self.tls.is_on);
        let common = || Address { port: self.target.port.filter(|_| keeps_port), ..self.target.clone() };
        own.unwrap_or_else(common).endpoint(self.ports.of(protocol, is_secure))
    }
}
