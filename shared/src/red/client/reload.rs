//! What the injector exports of the scenario it follows: how often it was read again, and whether the last time was good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::super::exposition::{Described, counter, descs, gauge, label};
use crate::identity::Source;
use crate::outcome::{FAILURE, SUCCESS};

const RELOADS: Described = Described::counter(
    "continuous_load_client_config_reloads_total",
    "How often the scenario was read again while it was run, by whether it was taken up.",
);
const SUCCESSFUL: Described = Described::gauge(
    "continuous_load_client_config_last_reload_successful",
    "1 if the run is by the scenario as it was read last, 0 if that was refused and the one before goes on.",
);

/// The collector of a run's reloads. Cloning shares it.
#[derive(Clone, Debug)]
pub struct ReloadRed {
    descs: Vec<Desc>,
    source: Source,
    counted: Arc<Counted>,
}

#[derive(Debug)]
struct Counted {
    /// Refused, and taken up.
    reloads: [AtomicU64; 2],
    is_last_good: AtomicBool,
}

impl ReloadRed {
    /// Of a run whose scenario has been read once, and was good.
    pub fn new(source: Source) -> ReloadRed {
        let counted = Counted { reloads: Default::default(), is_last_good: AtomicBool::new(true) };
        let mut red = ReloadRed { descs: Vec::new(), source, counted: Arc::new(counted) };
        red.descs = descs(&red.collect());
        red
    }

    /// The scenario was read again, and taken up or refused.
    pub fn reloaded(&self, is_good: bool) {
        self.counted.reloads[usize::from(is_good)].fetch_add(1, Ordering::Relaxed);
        self.counted.is_last_good.store(is_good, Ordering::Relaxed);
    }
}

impl Collector for ReloadRed {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let source = || label("source", self.source.to_string());
        let reloads = |(word, at): (&str, usize)| {
            let count = self.counted.reloads[at].load(Ordering::Relaxed);
            counter(vec![label("result", word), source()], count)
        };
        let is_good = self.counted.is_last_good.load(Ordering::Relaxed);
        vec![
            RELOADS.family([(SUCCESS, 1), (FAILURE, 0)].map(reloads).into()),
            SUCCESSFUL.family(vec![gauge(vec![source()], f64::from(u8::from(is_good)))]),
        ]
    }
}
