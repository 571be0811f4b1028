//! What a run is doing, for whoever asks: the terminal, the admin port, the metrics.

use std::time::Duration;

use shared::identity::Name;
use shared::protocol::Protocol;

use super::Course;
use crate::rate::Rate;
use crate::schedule::Scale;

/// Whether a run is sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// It sends.
    Runs,
    /// Somebody paused it, or it waits to be started.
    Paused,
    /// It is paused, and will run from this instant (since t0).
    Starts(Duration),
    /// Planning is over; what is in flight may still come to its end.
    Over,
}

/// What a run is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Whether it sends.
    pub motion: Motion,
    /// The phase, also while paused.
    pub phase: Name,
    /// Its number, from 0.
    pub phase_index: usize,
    /// How many there are.
    pub phases: usize,
    /// The phase whose gate it waits for.
    pub waits_for: Option<Name>,
    /// Until when that gate may be shut, since t0.
    pub gate_until: Option<Duration>,
    /// How long it has been paused, or has waited to be started, before `since` or before now, whichever it is of: with it
    /// [`Status::active`] is known at every instant.
    pub idle: Duration,
    /// Since when, since t0: of this phase, or of the pause.
    pub since: Duration,
    /// Until when, since t0, if nothing is changed; nothing: for ever, or until a gate opens, or until resumed.
    pub until: Option<Duration>,
    /// What was set over the phase's own scale.
    pub scale: Scale,
    /// The rate of all weighted operations together that was set over the plan.
    pub set_rate: Option<Rate>,
    /// Requests per second that are asked for now, of all operations together; 0 while paused.
    pub per_second: f64,
    /// In the plan's order; what a scenario that was read again has brought comes behind.
    pub operations: Vec<OperationStatus>,
}

/// The same of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationStatus {
    /// Which.
    pub name: Name,
    /// What it speaks.
    pub protocol: Protocol,
    /// The scenario was read again and has it no more.
    pub is_left: bool,
    /// Nobody has switched it off.
    pub is_enabled: bool,
    /// The rate of its own that was set over the plan.
    pub set_rate: Option<Rate>,
    /// The rate that its arrival is of, before any slope; nothing: it sends nothing.
    pub rate: Option<Rate>,
    /// Requests per second that are asked for now; 0 while paused.
    pub per_second: f64,
}

impl Status {
    /// Whether nothing is planned until somebody says so, or an instant comes.
    pub fn is_paused(&self) -> bool {
        matches!(self.motion, Motion::Paused | Motion::Starts(_))
    }

    /// What people have set over the scenario, which stands over it also when it is read again: each as `injector control`
    /// is told it.
    pub fn set_by_hand(&self) -> Vec<String> {
        let rate = self.set_rate.map(|rate| format!("rate {rate}"));
        let scale = (self.scale != Scale::FULL).then(|| format!("scale {}", self.scale));
        let operations = self.operations.iter().filter(|operation| !operation.is_left).flat_map(|operation| {
            let name = operation.name.as_str();
            let rate = operation.set_rate.map(|rate| format!("rate {rate} --operation {name}"));
            rate.into_iter().chain((!operation.is_enabled).then(|| format!("disable {name}")))
        });
        rate.into_iter().chain(scale).chain(operations).collect()
    }

    /// Whether it has not run yet, and waits to be started.
    pub(crate) fn waits_to_start(&self) -> bool {
        self.is_paused() && self.idle == self.since
    }

    /// How long it has run by then, without pauses.
    pub(crate) fn active(&self, elapsed: Duration) -> Duration {
        let until = if self.motion == Motion::Runs { elapsed } else { self.since };
        until.saturating_sub(self.idle)
    }
}

#[cfg(test)]
impl Status {
    /// Of the first of so many phases, without operations.
    pub(crate) fn plain(motion: Motion, phases: usize) -> Status {
        Status {
            motion,
            phase: Name::from_static("warmup"),
            phase_index: 0,
            phases,
            waits_for: None,
            gate_until: None,
            idle: Duration::ZERO,
            since: Duration::ZERO,
            until: None,
            scale: Scale::FULL,
            set_rate: None,
            per_second: 0.0,
            operations: Vec::new(),
        }
    }
}

impl Course {
    /// As it stands.
    pub(crate) fn status(&self) -> Status {
        let standing = &self.standing;
        let is_running = standing.motion == Motion::Runs;
        let gate = self.gate();
        let operations = self.lanes.iter().map(|lane| OperationStatus {
            name: lane.name,
            protocol: lane.protocol,
            is_left: lane.is_left,
            is_enabled: lane.is_enabled,
            set_rate: lane.rate,
            rate: lane.rate_now(self).ok().flatten().filter(|_| is_running),
            per_second: if is_running { lane.per_second(self) } else { 0.0 },
        });
        let operations: Vec<OperationStatus> = operations.collect();
        Status {
            motion: standing.motion,
            phase: self.phase().name,
            phase_index: standing.phase,
            phases: self.phases.len(),
            waits_for: gate.map(|(next, _)| self.phases[next].name),
            gate_until: gate.and_then(|(next, waited)| {
                let timeout = self.phases[next].gate.as_ref()?.timeout;
                Some(standing.at + timeout.saturating_sub(waited))
            }),
            idle: if is_running { standing.at } else { standing.since }.saturating_sub(standing.active),
            since: standing.since,
            until: self.next_change(),
            scale: self.wishes.scale,
            set_rate: self.wishes.rate,
            per_second: operations.iter().map(|operation| operation.per_second).sum(),
            operations,
        }
    }
}
