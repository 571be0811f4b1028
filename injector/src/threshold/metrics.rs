//! What a run exports of its thresholds: `continuous_load_client_threshold_*`. The label `threshold` is the text of the
//! scenario, at most [`THRESHOLDS_MAX`](super::THRESHOLDS_MAX) of them.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntCounterVec, Opts};

const LABELS: [&str; 2] = ["source", "threshold"];

/// The series of all thresholds. Cloning shares them.
#[derive(Clone, Debug)]
pub struct ThresholdRed {
    source: String,
    ok: GaugeVec,
    value: GaugeVec,
    limit: GaugeVec,
    crossings: IntCounterVec,
}

impl ThresholdRed {
    /// Without any yet: `ok` and `value` are missing until there is a judgement.
    pub(super) fn new(source: String) -> ThresholdRed {
        let gauge = |name: &str, help: &str| {
            let opts = Opts::new(name, help);
            GaugeVec::new(opts, &LABELS).expect("a constant name with constant labels is valid")
        };
        let crossings = Opts::new(
            "continuous_load_client_threshold_crossings_total",
            "How often the condition stopped holding, the first time included.",
        );
        ThresholdRed {
            source,
            ok: gauge(
                "continuous_load_client_threshold_ok",
                "Whether the condition holds: 1 or 0; missing until there is enough data to tell.",
            ),
            value: gauge(
                "continuous_load_client_threshold_value",
                "What was measured last: seconds, a share from 0 to 1, a count, or a second.",
            ),
            limit: gauge("continuous_load_client_threshold_limit", "What it is compared with, in the same unit."),
            crossings: IntCounterVec::new(crossings, &LABELS).expect("a constant name with constant labels is valid"),
        }
    }

    /// There is such a threshold from now on, with this limit.
    pub(super) fn watches(&self, threshold: &str, limit: f64) {
        let labels = [self.source.as_str(), threshold];
        self.limit.with_label_values(&labels).set(limit);
        // Made with 0 if it was not there.
        self.crossings.with_label_values(&labels);
    }

    /// There is no such threshold any more. What it counted stays: a counter that goes looks like one that restarts.
    pub(super) fn forgets(&self, threshold: &str) {
        let labels = [self.source.as_str(), threshold];
        for gauge in [&self.ok, &self.value, &self.limit] {
            // It may never have been judged.
            let _ = gauge.remove_label_values(&labels);
        }
    }

    /// It was judged.
    pub(super) fn judged(&self, threshold: &str, is_ok: bool, value: Option<f64>) {
        let labels = [self.source.as_str(), threshold];
        self.ok.with_label_values(&labels).set(if is_ok { 1.0 } else { 0.0 });
        match value {
            Some(value) => self.value.with_label_values(&labels).set(value),
            // Nothing was measured; the last figure is none of now.
            None => drop(self.value.remove_label_values(&labels)),
        }
    }

    /// It stopped holding.
    pub(super) fn crossed(&self, threshold: &str) {
        self.crossings.with_label_values(&[self.source.as_str(), threshold]).inc();
    }
}

impl Collector for ThresholdRed {
    fn desc(&self) -> Vec<&Desc> {
        [self.ok.desc(), self.value.desc(), self.limit.desc(), self.crossings.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let families = [self.ok.collect(), self.value.collect(), self.limit.collect(), self.crossings.collect()];
        // A family without a sample is no family.
        families.concat().into_iter().filter(|family| !family.get_metric().is_empty()).collect()
    }
}
