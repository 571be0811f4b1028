//! What a rule would do, in figures, before it does it.

use shared::fault::Fault;

use super::read::Spec;
use super::view::{DelayPreview, Preview};

/// Rolls from which the delays are estimated. About 5 ms of arithmetic; the estimate of a p99 then rests on 40 values.
const SAMPLES: u32 = 4096;

/// The preview of a rule that makes sense.
pub(super) fn of(spec: Spec, default_seed: u64) -> Preview {
    let share = spec.chance.share();
    Preview {
        protocols: spec.matcher.protocols.iter().map(|protocol| protocol.as_str()).collect(),
        // Exact, from the weights: an effect of one in a million shows up in no sample.
        rates: spec.fault.effect_rates().into_iter().map(|(effect, rate)| (effect, rate * share)).collect(),
        delay: delay(&spec.fault, spec.seed.unwrap_or(default_seed)),
        rule: spec.normal,
    }
}

/// By how much answers are delayed, if any is. Sampled: most sums of distributions have no formula.
pub(crate) fn delay(fault: &Fault, seed: u64) -> Option<DelayPreview> {
    let roll = |n: u32| fault.roll(seed, &n.to_string(), 0);
    let rolled = (0..SAMPLES).map(roll).filter(|verdict| verdict.applied);
    let mut delays_s: Vec<f64> = rolled.map(|verdict| verdict.asked_delay().as_secs_f64()).collect();
    delays_s.sort_unstable_by(f64::total_cmp);
    let longest = delays_s.last().copied().unwrap_or(0.0);
    (longest > 0.0).then(|| DelayPreview {
        mean_seconds: delays_s.iter().sum::<f64>() / delays_s.len() as f64,
        p99_seconds: delays_s[(delays_s.len() - 1) * 99 / 100],
    })
}
