//! What a plan needs of the machine, and whether the machine has it.
//!
//! Worst case throughout: every request in flight until its timeout, every port held for the whole TIME_WAIT. A plan that
//! only fits while the target is fast would fail on our side exactly when the target is slow, and be blamed on it.

use std::num::NonZeroU32;

use shared::units::print_duration;

use super::{ConnectionLimits, ConnectionPolicy, Endpoint, Host, JITTER, Operation, Sources};
use crate::preflight::System;
use crate::rate::Rate;

/// Descriptors that are not connections: listeners, timers, pollers, files, the standard streams.
const DESCRIPTORS_RESERVED: u64 = 64;
/// Room for bursts and small mixes costs nothing: a permit is a number.
const DEFAULT_IN_FLIGHT_MIN: u64 = 1_024;
/// A request in flight holds some KiB: this many are what a process may be asked to hold without saying so.
const DEFAULT_IN_FLIGHT_MAX: u64 = 65_536;

/// What a plan needs in the worst case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Requests in flight if every one runs into its timeout: Σ rate × timeout (Little's law).
    pub in_flight: u64,
    /// File descriptors, those of the process itself included.
    pub descriptors: u64,
    /// Local ports by destination, in the order of the operations.
    pub endpoints: Vec<EndpointDemand>,
}

/// Local ports needed towards one destination, from all source addresses together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointDemand {
    /// The destination. Two names of one address are counted apart.
    pub endpoint: Endpoint,
    /// Where they are; two operations with different ones are counted apart.
    pub sources: Sources,
    /// Kept connections, plus fresh ones per second × how long each holds its port.
    pub ports: u64,
}

/// Twice what the plan holds if every request runs into its timeout, within 1 024 ..= 65 536: a hanging target then shows as
/// timeouts, which it is guilty of, and not as `dropped(limit)`, which reads as a generator that is too small. Twice,
/// because Poisson arrivals come in bunches.
pub(super) fn default_in_flight(operations: &[Operation]) -> NonZeroU32 {
    let wanted = (2 * in_flight(operations)).clamp(DEFAULT_IN_FLIGHT_MIN, DEFAULT_IN_FLIGHT_MAX);
    u32::try_from(wanted).ok().and_then(NonZeroU32::new).expect("clamped to 1024 ..= 65536")
}

fn in_flight(operations: &[Operation]) -> u64 {
    operations
        .iter()
        .map(|operation| held(operation.peak, operation.timeout.as_secs_f64()) + u64::from(operation.at_once()))
        .sum()
}

/// What `operations` need.
pub(super) fn demand(operations: &[Operation], max_in_flight: NonZeroU32, system: &System) -> Demand {
    let mut kept = 0;
    let mut fresh = 0;
    let mut again = 0;
    let mut endpoints: Vec<EndpointDemand> = Vec::new();
    for operation in operations {
        let time_wait = system.time_wait(operation.endpoint.is_loopback());
        // A query that falls back has a connection of its own beside its port.
        let fallbacks = match operation.call.falls_back() {
            true => {
                again += held(operation.peak, operation.timeout.as_secs_f64());
                held(operation.peak, time_wait.as_secs_f64())
            }
            false => 0,
        };
        let ports = match operation.connection {
            ConnectionPolicy::Pooled { connections } => {
                kept += u64::from(connections.get());
                u64::from(connections.get())
            }
            ConnectionPolicy::Rotating { connections, limits } => {
                // A shared one that is retired comes to its end while its successors are open.
                let retiring = if operation.call.has_streams() { retiring(operation, connections, limits) } else { 0 };
                let open = u64::from(connections.get()) + retiring;
                kept += open;
                open + match operation.protocol().is_datagram() {
                    // A datagram's port is free at once.
                    true => 0,
                    false => {
                        (retired_per_s(operation.peak, connections, limits) * time_wait.as_secs_f64()).ceil() as u64
                    }
                }
            }
            ConnectionPolicy::Fresh => {
                fresh += held(operation.peak, operation.timeout.as_secs_f64());
                // A datagram's port is free as soon as its answer is here or given up.
                let port_held = match operation.protocol().is_datagram() {
                    true => operation.timeout,
                    false => time_wait,
                };
                held(operation.peak, port_held.as_secs_f64())
            }
        };
        let ports = ports + fallbacks;
        match endpoints.iter_mut().find(|known| known.is_of(operation)) {
            Some(known) => known.ports += ports,
            None => endpoints.push(EndpointDemand {
                endpoint: operation.endpoint.clone(),
                sources: operation.route.sources.clone(),
                ports,
            }),
        }
    }
    let most = u64::from(max_in_flight.get());
    let descriptors = kept + fresh.min(most) + again.min(most) + DESCRIPTORS_RESERVED;
    Demand { in_flight: in_flight(operations), descriptors, endpoints }
}

impl EndpointDemand {
    fn is_of(&self, operation: &Operation) -> bool {
        self.endpoint == operation.endpoint && self.sources == operation.route.sources
    }

    /// Source addresses to reach it from, at least one. Of a name's family nothing is known yet, so it is the larger number:
    /// a list is mostly of one.
    pub fn source_addresses(&self) -> u64 {
        let count = match &self.endpoint.host {
            Host::Ip(ip) => self.sources.count(ip.is_ipv6()),
            Host::Name(_) => self.sources.count(false).max(self.sources.count(true)),
        };
        count.max(1)
    }
}

impl Demand {
    /// Why the machine cannot do it: the destinations whose ports do not suffice.
    pub(super) fn port_problems(&self, system: &System) -> Vec<(Endpoint, String)> {
        let short = self.endpoints.iter().filter(|demand| demand.ports > demand.source_addresses() * system.ports());
        short.map(|demand| (demand.endpoint.clone(), port_problem(demand, system))).collect()
    }

    /// Why the machine cannot do it: too few file descriptors.
    pub(super) fn descriptor_problem(&self, system: &System) -> Option<String> {
        (self.descriptors > system.descriptors).then(|| {
            format!(
                "the plan needs up to {} file descriptors and this process may open {}; \
                 use fewer connections, a lower max_in_flight or timeout, or raise the limit (ulimit -n)",
                self.descriptors, system.descriptors
            )
        })
    }
}

fn port_problem(demand: &EndpointDemand, system: &System) -> String {
    let time_wait = system.time_wait(demand.endpoint.is_loopback());
    let sources = demand.source_addresses();
    let ports = sources * system.ports();
    format!(
        "connections to {} need {} local ports (each is held for {} after its connection closes) and {} source address{} \
         {} {} (net.ipv4.ip_local_port_range {} to {}): at most {:.0} fresh connections/s; \
         use connection: pooled, a lower rate, more source_addresses, a wider ip_local_port_range, tcp_tw_reuse=1, or more injectors",
        demand.endpoint,
        demand.ports,
        print_duration(time_wait),
        sources,
        if sources == 1 { "" } else { "es" },
        if sources == 1 { "has" } else { "have" },
        ports,
        system.port_first,
        system.port_last,
        ports as f64 / time_wait.as_secs_f64(),
    )
}

/// The most shared connections that are retired and still carry a request: each has one at least. Where a connection may carry
/// fewer requests than its lanes have at once, they need several; one that is young enough to be replaced again and again
/// within the timeout of a request leaves as many behind.
fn retiring(operation: &Operation, connections: NonZeroU32, limits: ConnectionLimits) -> u64 {
    let streams = u64::from(operation.streams.get());
    let by_requests = limits.max_requests().map_or(0, |most| {
        let most = u64::from(most.get());
        streams.div_ceil(most - most / u64::from(JITTER))
    });
    let by_age = limits.max_age().map_or(0, |most| {
        let least = most - most / JITTER;
        (operation.timeout.as_secs_f64() / least.as_secs_f64()).ceil() as u64
    });
    let lanes = u64::from(connections.get()) * streams;
    let in_flight = held(operation.peak, operation.timeout.as_secs_f64());
    (u64::from(connections.get()) * (by_requests + by_age)).min(lanes).min(in_flight)
}

/// The most connections that are retired in a second, all drawing the least.
fn retired_per_s(rate: Rate, connections: NonZeroU32, limits: ConnectionLimits) -> f64 {
    let least = 1.0 - 1.0 / f64::from(JITTER);
    let by_requests = limits.max_requests().map_or(0.0, |most| rate.per_second() / (f64::from(most.get()) * least));
    let by_age = limits.max_age().map_or(0.0, |most| f64::from(connections.get()) / (most.as_secs_f64() * least));
    by_requests + by_age
}

/// How many are held at once when `rate` come and each stays for `seconds`. A float's relative error of 2⁻⁵² is nothing to
/// a bound.
fn held(rate: Rate, seconds: f64) -> u64 {
    (rate.per_second() * seconds).ceil() as u64
}
