//! What the target exports of its rules.
//!
//! The rule set is read when it is scraped: it knows which rules there are, how long they are remembered, and how many of them
//! have series.

use std::fmt;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};

use super::exposition::{Described, counter, descs, gauge, label};

const ACTIVE: Described = Described::gauge(
    "continuous_load_server_fault_rules_active",
    "Rules that may strike now, those of flags included.",
);
const HITS: Described = Described::counter(
    "continuous_load_server_fault_rule_hits_total",
    "Requests that a rule matched, whatever its percentage then said; gone 15 minutes after the rule's end.",
);
const INJECTED: Described = Described::counter(
    "continuous_load_server_fault_rule_injected_total",
    "Requests whose answer a rule changed; gone 15 minutes after the rule's end.",
);
const EXPIRY: Described = Described::gauge(
    "continuous_load_server_fault_rule_expiry_timestamp_seconds",
    "When a live rule ends, in seconds since 1970.",
);
const ENABLED: Described = Described::gauge(
    "continuous_load_server_faults_enabled",
    "0 while the kill switch holds back every fault, a request's own included; else 1.",
);

/// The rule set at one moment.
#[derive(Clone, Debug, Default)]
pub struct RuleFigures {
    /// False while the kill switch is off.
    pub is_enabled: bool,
    /// Rules that may strike.
    pub active: usize,
    /// The rules that have series; whoever fills this in bounds their number.
    pub rules: Vec<RuleFigure>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct RuleFigure {
    /// Its id: `[a-z0-9._-]`, at most 64 bytes.
    pub rule: String,
    /// Requests that it matched.
    pub hits: u64,
    /// Those whose answer it changed.
    pub injected: u64,
    /// Seconds since 1970; `None` once it ended, or if it has no end.
    pub expires_unix_s: Option<f64>,
}

/// The collector of a rule set.
pub struct RuleRed {
    descs: Vec<Desc>,
    read: Box<dyn Fn() -> RuleFigures + Send + Sync>,
}

impl RuleRed {
    /// Of the rule set that `read` looks at.
    pub fn new(read: impl Fn() -> RuleFigures + Send + Sync + 'static) -> RuleRed {
        let mut red = RuleRed { descs: Vec::new(), read: Box::new(read) };
        red.descs = descs(&red.collect());
        red
    }
}

impl fmt::Debug for RuleRed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleRed").finish_non_exhaustive()
    }
}

impl Collector for RuleRed {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let figures = (self.read)();
        let each = |sample: &dyn Fn(&RuleFigure) -> Option<Metric>| figures.rules.iter().filter_map(sample).collect();
        let named = |figure: &RuleFigure| vec![label("rule", figure.rule.as_str())];
        vec![
            ACTIVE.family(vec![gauge(Vec::new(), figures.active as f64)]),
            HITS.family(each(&|figure| Some(counter(named(figure), figure.hits)))),
            INJECTED.family(each(&|figure| Some(counter(named(figure), figure.injected)))),
            EXPIRY.family(each(&|figure| figure.expires_unix_s.map(|at| gauge(named(figure), at)))),
            ENABLED.family(vec![gauge(Vec::new(), f64::from(u8::from(figures.is_enabled)))]),
        ]
    }
}
