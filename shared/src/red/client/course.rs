//! What the injector exports of the course of a run: which phase it is in, and whether it stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::super::exposition::{Described, descs, gauge, label};
use crate::identity::{Name, Source};

const PHASE: Described = Described::gauge(
    "continuous_load_client_phase_info",
    "1 for the phase of the scenario that the run is in, else 0.",
);
const PAUSED: Described = Described::gauge(
    "continuous_load_client_paused",
    "1 while nothing is sent because the run was paused or waits to be started, else 0.",
);

/// The collector of a run's course. Cloning shares it.
#[derive(Clone, Debug)]
pub struct CourseRed {
    descs: Vec<Desc>,
    source: Source,
    /// Bounded by the plan.
    phases: Arc<[Name]>,
    current: Arc<(AtomicUsize, AtomicBool)>,
}

impl CourseRed {
    /// Of a run through these phases, in the first of them.
    pub fn new(source: Source, phases: impl IntoIterator<Item = Name>) -> CourseRed {
        let phases = phases.into_iter().collect();
        let mut red = CourseRed { descs: Vec::new(), source, phases, current: Arc::default() };
        red.descs = descs(&red.collect());
        red
    }

    /// The run is in this phase now, and stands still or not.
    pub fn is_in(&self, phase: usize, is_paused: bool) {
        self.current.0.store(phase, Ordering::Relaxed);
        self.current.1.store(is_paused, Ordering::Relaxed);
    }
}

impl Collector for CourseRed {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let source = || label("source", self.source.to_string());
        let current = self.current.0.load(Ordering::Relaxed);
        let phase = |(index, name): (usize, &Name)| {
            gauge(vec![label("phase", name.as_str()), source()], f64::from(u8::from(index == current)))
        };
        let is_paused = self.current.1.load(Ordering::Relaxed);
        vec![
            PHASE.family(self.phases.iter().enumerate().map(phase).collect()),
            PAUSED.family(vec![gauge(vec![source()], f64::from(u8::from(is_paused)))]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_phase_is_the_current_one() {
        let red = CourseRed::new("team/load".parse().unwrap(), ["warmup", "main"].map(|name| name.parse().unwrap()));
        red.is_in(1, true);
        let families = red.collect();
        let values = |family: &MetricFamily| {
            let sample = |metric: &prometheus::proto::Metric| {
                format!("{} {}", metric.get_label()[0].value(), metric.get_gauge().get_value())
            };
            family.get_metric().iter().map(sample).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(values(&families[0]), "warmup 0, main 1");
        assert_eq!(values(&families[1]), "team/load 1");
    }
}
