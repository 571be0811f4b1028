//! The scenario as meant: every number validated, every default filled in, every operation a stream of its own.
//!
//! A weighted mix compiles to one independent stream per operation with rate = total × weight / sum, exactly, and a phase
//! offset of k/N of its own period for the k-th of N streams, so that streams of one rate do not fire together. What
//! cannot work is refused here, all of it at once, before any socket is opened: see `compile`.
//!
//! Pure: files, flags and the system's limits come in as arguments.

mod address;
mod arrival;
mod body;
mod call;
mod capacity;
mod compile;
mod connection;
mod data;
mod dns;
mod echo;
mod expect;
mod expected;
mod grpc;
mod http;
mod keepalive;
mod names;
mod phases;
mod rows;
mod sources;
mod thresholds;
mod tls;

use std::num::NonZeroU32;
use std::time::Duration;

use shared::draw::Draw;
use shared::identity::{Name, Source};
use shared::outcome::Code;
use shared::protocol::Protocol;

use crate::preflight::System;
use crate::rate::Rate;
use crate::scenario::{self, Problems, Scenario};
use crate::schedule::{Arrival, Schedule, Spacing};
use crate::threshold::{Bound, Condition, Threshold};

pub use crate::tls::{Alpn, Tls};
pub use address::{Address, AddressError, Endpoint, Host, Ports, Scheme};
pub use arrival::{ArrivalError, WrittenArrival};
pub use call::Call;
pub use capacity::{Demand, EndpointDemand};
pub(crate) use compile::{in_flight, seed};
pub(crate) use connection::JITTER;
pub use connection::{ConnectionError, ConnectionLimits, ConnectionPolicy};
pub use data::ROWS_MAX;
pub use dns::{Carrier, DnsCall, DnsExpect};
pub use echo::EchoCall;
pub use expect::{ContentExpectation, Expect, ExpectedEnd, H2End, SizeExpectation, StatusExpectation, expected_end};
pub(crate) use grpc::Held;
pub use grpc::{
    DEADLINE_GRACE, GrpcCall, GrpcEnd, GrpcExpect, GrpcMethod, Messages, Misfit, Open, Own, Replies, Reply,
};
pub use http::{HttpCall, HttpVersion, Method, RequestBody};
pub use keepalive::Keepalive;
pub use names::{NameServer, Resolve, Route, Select};
pub use phases::{PHASES_MAX, Phase};
pub use rows::{RowOrder, Rows};
pub use sources::Sources;

/// Most operations in a mix: the bound on the label `operation`.
pub const OPERATIONS_MAX: usize = 64;

/// A validated scenario.
#[derive(Clone, Debug)]
pub struct Plan {
    /// 1 to 64 streams with distinct names, in the file's order.
    pub operations: Vec<Operation>,
    /// 1 to 32, in order; every one but the last has an end. Default: one, for ever.
    pub phases: Vec<Phase>,
    /// A slot later than this is dropped and counted, never sent. Default: the file's timeout.
    pub max_lag: Duration,
    /// Requests in flight at once, over all operations and workers; beyond it a request waits until `max_lag`, then is
    /// dropped and counted. Default: [`capacity`]'s `default_in_flight`.
    pub max_in_flight: NonZeroU32,
    /// The label `source` of everything this injector sends. Default `local/injector`.
    pub source: Source,
    /// Seed of everything drawn: Poisson gaps, fault choices, payloads. Default 0.
    pub seed: u64,
    /// The target's admin listener. Default: the target's host, of several the first operation's, port 9797.
    pub admin: Endpoint,
    /// Who is asked for the addresses of names; nothing: the first name server of `/etc/resolv.conf`.
    pub nameserver: Option<NameServer>,
    /// What the run has to meet, at most [`THRESHOLDS_MAX`](crate::threshold::THRESHOLDS_MAX), and of which operations.
    pub thresholds: Vec<(Threshold, Bound)>,
    /// What the plan needs of this machine, in the worst case.
    pub demand: Demand,
    /// The files it was made of, for what is found to be wrong later.
    pub sources: scenario::Sources,
}

impl Plan {
    /// Gives a scenario its meaning: flags win over the file, the file over the defaults.
    ///
    /// Errors: every problem of the file and the flags, with its place.
    pub fn new(scenario: &Scenario, overrides: &Overrides, system: &System) -> Result<Plan, Problems> {
        compile::plan(scenario, overrides, system)
    }

    /// The longest timeout of any operation: how long a request in flight may still take.
    pub fn longest_timeout(&self) -> Duration {
        self.operations.iter().map(|operation| operation.timeout).max().unwrap_or_default()
    }

    /// How long a run of it takes if it may take so long; nothing: it has no end, or one that depends on its gates.
    pub fn length(&self, at_most: Option<Duration>) -> Option<Duration> {
        let whole = self.phases.iter().map(|phase| phase.length).sum::<Option<Duration>>();
        let whole = whole.filter(|_| self.phases.iter().all(|phase| phase.gate.is_none()));
        whole.into_iter().chain(at_most).min()
    }

    /// Whether a run of it goes on until it is told to stop.
    pub fn is_endless(&self) -> bool {
        let has_end = self.phases.iter().all(|phase| phase.length.is_some());
        !has_end && self.operations.iter().any(|operation| operation.count().is_none())
    }

    /// Whether the account needs the parts of requests' times that k6 tells apart.
    pub(crate) fn wants_parts(&self) -> bool {
        let thresholds = self.thresholds.iter().map(|(_, bound)| &bound.condition);
        let gates = self.phases.iter().filter_map(|phase| Some(&phase.gate.as_ref()?.condition));
        thresholds.chain(gates).any(Condition::wants_parts)
    }

    /// The most of them that are ever asked for in a second, if all peaks fall together.
    pub fn peak_per_second(&self) -> f64 {
        self.operations.iter().map(|operation| operation.peak.per_second()).sum()
    }

    /// Requests per second of all operations together, for display.
    pub fn per_second(&self) -> f64 {
        self.operations.iter().map(|operation| operation.rate.per_second()).sum()
    }
}

/// One stream of requests of one kind.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The label `operation`.
    pub name: Name,
    /// How often, exactly, before any phase or shape.
    pub rate: Rate,
    /// The most it is ever asked for by phases and shapes: what connections, ports and memory are reckoned with.
    pub peak: Rate,
    /// Its part of the rate of the mix: part and whole; nothing: it has a rate of its own.
    pub share: Option<(u64, u64)>,
    /// How its slots are spaced.
    pub arrival: Arrival,
    /// When its slot 0 is due after t0 (uniform arrival only).
    pub phase: Duration,
    /// Its own seed, drawn from the plan's and its name: adding an operation does not change another's requests.
    pub seed: u64,
    /// Where it goes.
    pub endpoint: Endpoint,
    /// How it gets there.
    pub route: Route,
    /// Over which connections.
    pub connection: ConnectionPolicy,
    /// The silence of a connection after which its peer is asked whether it is still there; nothing: it is not asked.
    pub keepalive: Option<Duration>,
    /// Requests at once on each connection: 1 unless the protocol can have more.
    pub streams: NonZeroU32,
    /// How its connections are secured; nothing: not at all.
    pub tls: Option<Tls>,
    /// From the first byte sent (or the connection begun) to the last byte received.
    pub timeout: Duration,
    /// The label `injected`: the fault asks for something worse than a plain answer.
    pub injected: bool,
    /// The request and what is right about its answer; the first of several, if they differ by a row of data.
    pub call: Call,
    /// One request for each row of data, if the operation takes values from any.
    pub rows: Option<Rows>,
}

impl Operation {
    /// What it speaks.
    pub fn protocol(&self) -> Protocol {
        self.call.protocol()
    }

    /// Whether every request of both is made and judged alike, whenever it is sent: connections of one will do for the other.
    pub(crate) fn asks_the_same(&self, other: &Operation) -> bool {
        let alike = |operation: &Operation| {
            let &Operation { rate, peak, ref share, ref arrival, phase, .. } = self;
            let when = Operation { rate, peak, phase, share: *share, arrival: arrival.clone(), ..operation.clone() };
            // Patterns, descriptors and keys cannot be compared; what is printed of them tells them apart, and a field that
            // is added is among it.
            format!("{when:?}")
        };
        alike(self) == alike(other)
    }

    /// Requests that come due together, beyond what a rate says.
    pub fn at_once(&self) -> u32 {
        match self.arrival.spacing {
            Spacing::Burst { size, .. } => size.get(),
            _ => 0,
        }
    }

    /// How many requests there are in all; nothing: no end.
    pub fn count(&self) -> Option<u64> {
        match &self.arrival.spacing {
            Spacing::Replay(recording) if !recording.repeats() => Some(recording.count()),
            _ => None,
        }
    }

    /// Every request it may send: one, or one for each row.
    pub fn calls(&self) -> &[Call] {
        self.rows.as_ref().map_or(std::slice::from_ref(&self.call), |rows| &rows.calls)
    }

    /// The codes a right answer may have, of any row.
    pub fn expected_codes(&self) -> Vec<Code> {
        let mut codes: Vec<Code> = Vec::new();
        for code in self.calls().iter().flat_map(Call::expected_codes) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }

    /// Its timetable before any phase or shape.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            spacing: self.arrival.spacing.clone(),
            warp: None,
            events: self.rate.events(),
            seconds: self.rate.seconds(),
            phase: self.phase,
            seed: self.seed,
            draw: |seed, n| Draw::new(seed, "").u("arrival", n),
        }
    }
}

/// What flags say; each wins over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Host of every operation that names no target of its own, and its port for HTTP.
    pub target: Option<Address>,
    /// Ports that differ from the protocols' own.
    pub ports: Ports,
    /// The target's admin listener.
    pub admin: Option<Address>,
    /// The rate of all weighted operations together.
    pub rate: Option<Rate>,
    /// The arrival of all operations.
    pub arrival: Option<WrittenArrival>,
    /// The timeout of every operation that has none of its own.
    pub timeout: Option<Duration>,
    /// See [`Operation::keepalive`], of every operation that has none of its own.
    pub keepalive: Option<Keepalive>,
    /// See [`Plan::max_lag`].
    pub max_lag: Option<Duration>,
    /// See [`Plan::max_in_flight`].
    pub max_in_flight: Option<NonZeroU32>,
    /// See [`Plan::source`].
    pub source: Option<Source>,
    /// See [`Plan::seed`].
    pub seed: Option<u64>,
    /// See [`Plan::nameserver`].
    pub nameserver: Option<NameServer>,
    /// When names are looked up, for every operation that does not say it itself.
    pub resolve: Option<Resolve>,
    /// Which of a name's addresses is taken, likewise.
    pub select: Option<Select>,
    /// Where connections come from, likewise.
    pub sources: Option<Sources>,
    /// What the run has to meet, instead of what the file says; none: what the file says.
    pub thresholds: Vec<Threshold>,
}

#[cfg(test)]
mod tests;
