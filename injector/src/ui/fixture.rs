//! Statuses, frames and models for the tests of this folder.

use std::time::Duration;

use shared::identity::Name;
use shared::outcome::ErrorClass;
use shared::protocol::Protocol;

use crate::course::{Motion, OperationStatus, Status};
use crate::ui::figures::{Counts, Figures, Quantiles, Trouble};
use crate::ui::frame::{Frame, Part, Window};
use crate::ui::model::{About, Model};

pub(super) fn name(at: usize) -> Name {
    let names = ["web", "web-fresh", "web-two", "rpc", "tcp", "udp", "dns"];
    names.get(at).map_or_else(|| format!("op-{at}"), |name| (*name).to_owned()).parse().unwrap()
}

/// Of a run that runs.
pub(super) fn status(operations: usize) -> Status {
    let operation = |at| OperationStatus {
        name: name(at),
        protocol: Protocol::Http,
        is_left: false,
        is_enabled: true,
        set_rate: None,
        rate: "10/s".parse().ok(),
        per_second: 10.0,
    };
    Status {
        motion: Motion::Runs,
        phase: "main".parse().unwrap(),
        phase_index: 0,
        phases: 1,
        waits_for: None,
        gate_until: None,
        idle: Duration::ZERO,
        since: Duration::ZERO,
        until: None,
        scale: "100%".parse().unwrap(),
        set_rate: None,
        per_second: 10.0 * operations as f64,
        operations: (0..operations).map(operation).collect(),
    }
}

pub(super) fn quantiles(us: u64, count: u64) -> Quantiles {
    let at = |factor: u64| (count > 0).then(|| Duration::from_micros(us * factor));
    Quantiles { count, p50: at(1), p90: at(2), p99: at(5), max: at(9) }
}

/// Ten a second for a while, of which some failed.
pub(super) fn part(seconds: u64, us: u64, resets: u64) -> Part {
    let mut counts = Counts { planned: 10 * seconds, success: 10 * seconds - resets, ..Counts::default() };
    counts.failures[ErrorClass::Reset.index()] = resets;
    let count = counts.finished();
    let length = Duration::from_secs(seconds);
    let window = Figures {
        length,
        counts,
        response: quantiles(us, count),
        service: quantiles(us, count),
        server: quantiles(us / 10, count),
        network: quantiles(us / 2, count),
        lag: quantiles(60, count),
        wait: quantiles(1, count),
    };
    let reset = Trouble::Failed(ErrorClass::Reset);
    let examples = if resets > 0 { vec![(reset, "connection reset by peer".to_owned())] } else { Vec::new() };
    let second = Counts { planned: 10, success: 10, ..Counts::default() };
    Part {
        window,
        second: (second, Some(Duration::from_micros(us * 5))),
        all: counts,
        in_flight: 1,
        examples,
        codes: vec![(shared::code::Code::Http(200), count)],
        connections: (4, 2),
        sent_bytes: 12_345,
        received_bytes: 678_901,
        ..Part::default()
    }
}

/// A second of a run of so many operations, the second of which fails at times.
pub(super) fn frame(second: u64, operations: usize) -> Frame {
    let resets = |at| if at == 1 { second / 4 } else { 0 };
    let parts: Vec<Part> = (0..operations).map(|at| part(second, 400 + 100 * at as u64, resets(at))).collect();
    let mut total = parts[0].window;
    total.counts.planned = parts.iter().map(|part| part.window.counts.planned).sum();
    total.counts.success = parts.iter().map(|part| part.window.counts.success).sum();
    total.counts.failures[ErrorClass::Reset.index()] = parts.iter().map(|part| part.window.counts.failed()).sum();
    Frame {
        elapsed: Duration::from_secs(second),
        window: (Window::Seconds10, Duration::from_secs(second.min(10))),
        parts,
        total,
        thresholds: Vec::new(),
    }
}

/// After some seconds of a run that lasts a minute.
pub(super) fn model(seconds: u64, operations: usize) -> Model {
    let about = About {
        name: "scenarios/demo.yaml".to_owned(),
        target: "127.0.0.1".to_owned(),
        length: Some(Duration::from_secs(60)),
        unlimited: "until told to stop",
        session: "k3x9".to_owned(),
        workers: 1,
    };
    let mut model = Model::new(about, status(operations));
    (1..=seconds).for_each(|second| model.frame(frame(second, operations)));
    model
}
