//! How many requests a plan comes to, where that can be known before it is run.

use std::time::Duration;

use shared::units::print_duration;

use super::{Operation, Phase, Plan};
use crate::schedule::Spacing;

impl Phase {
    /// Requests per second of an operation at the beginning and at the end of the phase, before any shape of its arrival.
    fn per_second(&self, operation: &Operation) -> (f64, f64) {
        let of_mix = self.rate.zip(operation.share);
        let rate = of_mix.map(|(rate, (part, whole))| rate.per_second() * part as f64 / whole as f64);
        let rate = rate.unwrap_or(operation.rate.per_second());
        (rate * self.scale.0.ratio(), rate * self.scale.1.ratio())
    }

    /// The same of all operations together.
    pub(crate) fn per_second_in_all(&self, plan: &Plan) -> (f64, f64) {
        let each = plan.operations.iter().map(|operation| self.per_second(operation));
        each.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

impl Plan {
    /// Requests of an operation that come due in a run that may take so long; nothing: that depends on gates, on who stops it, or
    /// on an arrival that is not the same all the time.
    fn expected_of(&self, operation: &Operation, at_most: Option<Duration>) -> Option<f64> {
        let is_steady = operation.arrival.shape.is_none() && !matches!(operation.arrival.spacing, Spacing::Replay(_));
        let mut left =
            self.length(at_most).filter(|_| is_steady && self.phases.iter().all(|one| one.gate.is_none()))?;
        let mut sum = 0.0;
        for phase in &self.phases {
            let spent = phase.length.map_or(left, |length| length.min(left));
            let (from, to) = phase.per_second(operation);
            let part = phase.length.map_or(0.0, |length| spent.as_secs_f64() / length.as_secs_f64());
            sum += (from + (to - from) * part / 2.0) * spent.as_secs_f64();
            left -= spent;
        }
        Some(sum)
    }

    /// The same of all operations together.
    pub fn expected(&self, at_most: Option<Duration>) -> Option<f64> {
        self.operations.iter().map(|operation| self.expected_of(operation, at_most)).sum()
    }

    /// Thresholds that cannot hold in a run that may take so long, for want of samples; each with what would do.
    pub fn doubts(&self, at_most: Option<Duration>) -> Vec<String> {
        let doubt = |(threshold, bound): &(crate::threshold::Threshold, crate::threshold::Bound)| {
            let length = self.length(at_most)?;
            let picked = bound.operations().iter().map(|place| &self.operations[*place]);
            let expected: f64 = picked.map(|operation| self.expected_of(operation, at_most)).sum::<Option<f64>>()?;
            let needs = bound.condition.needs();
            let is_judged = bound.condition.metric.is_of_run() || expected + 1e-9 >= needs as f64;
            (!is_judged).then(|| {
                let few = (expected * 10.0).round() / 10.0;
                let least = (expected.floor() as u64).max(1);
                let length = print_duration(length);
                format!(
                    "threshold {threshold}: {few} of these requests come due in {length}, and it needs {needs}: with fewer it does \
                     not hold; run for longer, at a higher rate, or write min {least} samples behind it"
                )
            })
        };
        self.thresholds.iter().filter_map(doubt).collect()
    }

    /// Why no request can come due, however long it runs; nothing if one can.
    pub(crate) fn silence(&self) -> Option<&'static str> {
        let is_silent = self.phases.iter().all(|phase| phase.per_second_in_all(self) == (0.0, 0.0));
        is_silent.then_some("every phase has scale: 0%, so that nothing is sent")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Overrides;
    use crate::preflight::{System, TimeWaitReuse};
    use crate::scenario::Scenario;

    fn plan(keys: &str) -> Plan {
        let system = System {
            port_first: 32_768,
            port_last: 60_999,
            time_wait_reuse: TimeWaitReuse::Loopback,
            descriptors: 1_024,
        };
        let text = format!("target: far\nrate: 20/s\nmix: [{{ name: a, weight: 1, http: {{}} }}]\n{keys}");
        let scenario = Scenario::parse("test.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        Plan::new(&scenario, &Overrides::default(), &system).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn requests_are_counted_where_that_can_be_known() {
        for (keys, at_most_s, expected) in [
            ("", None, None),
            ("", Some(10), Some(200.0)),
            ("arrival: poisson", Some(10), Some(200.0)),
            ("arrival: sine(50%, 10m)", Some(10), None),
            ("phases: [{ name: a, for: 10s, scale: 0%..100% }, { name: b, for: 5s, rate: 2/s }]", None, Some(110.0)),
            ("phases: [{ name: a, for: 10s, scale: 0%..100% }, { name: b, for: 5s }]", Some(5), Some(25.0)),
            ("phases: [{ name: a, for: 10s }, { name: b, for: 5s, gate: failed < 1% }]", None, None),
            ("phases: [{ name: a, for: 10s }, { name: b, scale: 0% }]", None, None),
        ] {
            let found = plan(keys).expected(at_most_s.map(Duration::from_secs));
            let is_near = match (found, expected) {
                (Some(found), Some(expected)) => f64::abs(found - expected) < 1e-6,
                (found, expected) => found == expected,
            };
            assert!(is_near, "{keys} {at_most_s:?}: {found:?}");
        }
    }

    #[test]
    fn a_threshold_that_will_lack_samples_is_told_before_the_run() {
        let plan = plan("thresholds: ['p(99) < 100ms', 'p(95) < 100ms', failed < 1%, 'p(99) < 1s min 20 samples']");
        let said = plan.doubts(Some(Duration::from_secs(1)));
        assert_eq!(
            said,
            [
                "threshold p(99) < 100ms: 20 of these requests come due in 1s, and it needs 100: with fewer it does not hold; run for \
              longer, at a higher rate, or write min 20 samples behind it"
            ]
        );
        assert_eq!(plan.doubts(Some(Duration::from_secs(5))), [""; 0]);
        assert_eq!(plan.doubts(None), [""; 0], "it is not known");
    }

    #[test]
    fn a_plan_without_load_says_so() {
        assert!(plan("phases: [{ name: a, for: 1s, scale: 0% }]").silence().unwrap().contains("scale: 0%"));
        assert_eq!(plan("phases: [{ name: a, for: 1s, scale: 0%..1% }]").silence(), None);
        assert_eq!(plan("").silence(), None);
    }
}
