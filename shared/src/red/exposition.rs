//! From our arrays to the families that the `prometheus` crate prints.

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::Labels;
use super::histogram::Snapshot;

/// One metric: its name, what it means, how it behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: MetricType,
}

impl Described {
    pub(super) const fn counter(name: &'static str, help: &'static str) -> Described {
        Described { name, help, kind: MetricType::COUNTER }
    }
    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Described {
        Described { name, help, kind: MetricType::GAUGE }
    }
    pub(super) const fn histogram(name: &'static str, help: &'static str) -> Described {
        Described { name, help, kind: MetricType::HISTOGRAM }
    }

    /// The family with these samples.
    pub(super) fn family(&self, samples: Vec<Metric>) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(self.kind);
        family.set_metric(samples);
        family
    }
}

/// What the registry wants to know before it accepts a collector: the names and helps of the families it gives, which are
/// the same at every scrape.
pub(super) fn descs(families: &[MetricFamily]) -> Vec<Desc> {
    let desc = |family: &MetricFamily| {
        Desc::new(family.name().to_owned(), family.help().to_owned(), Vec::new(), Default::default())
            .expect("names and helps are constants that the tests expose")
    };
    families.iter().map(desc).collect()
}

/// A label with its value.
pub(super) fn label(name: &str, value: impl Into<String>) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.into());
    pair
}

impl Labels {
    /// `source, protocol, operation`, and `more` behind them.
    pub(super) fn pairs(&self, more: impl IntoIterator<Item = LabelPair>) -> Vec<LabelPair> {
        let mut pairs = vec![
            label("source", self.source.to_string()),
            label("protocol", self.protocol.as_str()),
            label("operation", self.operation.as_str()),
        ];
        pairs.extend(more);
        pairs
    }

    /// The label `injected`.
    pub(super) fn injected(&self) -> LabelPair {
        label("injected", if self.injected { "true" } else { "false" })
    }
}

pub(super) fn counter(labels: Vec<LabelPair>, value: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(value as f64);
    let mut metric = Metric::from_label(labels);
    metric.set_counter(counter);
    metric
}

pub(super) fn gauge(labels: Vec<LabelPair>, value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::from_label(labels);
    metric.set_gauge(gauge);
    metric
}

pub(super) fn histogram(labels: Vec<LabelPair>, snapshot: &Snapshot) -> Metric {
    let mut metric = Metric::from_label(labels);
    metric.set_histogram(snapshot.to_proto());
    metric
}

/// `continuous_load_build_info`: constant 1, with what was built as labels.
#[derive(Debug)]
pub struct BuildInfo {
    descs: Vec<Desc>,
    role: &'static str,
}

const BUILD_INFO: Described = Described::gauge("continuous_load_build_info", "What is running; always 1.");

impl BuildInfo {
    /// For a process in this role (`target` or `injector`).
    pub fn new(role: &'static str) -> BuildInfo {
        let mut info = BuildInfo { descs: Vec::new(), role };
        info.descs = descs(&info.collect());
        info
    }
}

impl Collector for BuildInfo {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let labels = vec![label("role", self.role), label("version", env!("CARGO_PKG_VERSION"))];
        vec![BUILD_INFO.family(vec![gauge(labels, 1.0)])]
    }
}
