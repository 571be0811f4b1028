//! Whether the generator itself was at its end during a run: its processor time against its cores, and how long its control
//! group was kept from running.
//!
//! Lateness and drops say the same of the requests; this says why, and also finds a run that kept its plan with no time to
//! spare, where part of every latency is our own. That the group was throttled is told beside it and is no reason by itself:
//! the quota may be other processes', and what it did to this one is in its lateness.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use tokio::time::Instant;

use super::cgroup::Cgroup;
use super::files::Files;
use super::machine::Machine;

/// Share of its cores that a saturated generator uses; of cores that others use as well nobody gets as much.
const USED_SHARE_MAX: f64 = 0.97;
/// A shorter run is mostly its own beginning.
const LENGTH_MIN: Duration = Duration::from_secs(1);

/// What was used up when a run began.
#[derive(Debug)]
pub(crate) struct Strain {
    begun: Instant,
    used: Duration,
    throttled: Duration,
    cores: f64,
}

/// What a run took.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Taken {
    length: Duration,
    /// Processor time of this process.
    used: Duration,
    /// Cores that it could have.
    cores: f64,
    throttled: Duration,
}

impl Strain {
    /// From now on.
    pub(crate) fn begin() -> Strain {
        let machine = Machine::read(&Files::system());
        Strain {
            begun: Instant::now(),
            used: processor_time(),
            throttled: machine.cgroup.throttled,
            cores: machine.cores(),
        }
    }

    /// That the generator was saturated since, in words; nothing if it was not.
    pub(crate) fn saturation(&self) -> Option<String> {
        let throttled = Cgroup::read(&Files::system()).throttled;
        Taken {
            length: self.begun.elapsed(),
            used: processor_time().saturating_sub(self.used),
            cores: self.cores,
            throttled: throttled.saturating_sub(self.throttled),
        }
        .saturation()
    }
}

impl Taken {
    fn saturation(&self) -> Option<String> {
        let used = self.used.as_secs_f64() / self.length.as_secs_f64();
        let is_saturated = used > self.cores * USED_SHARE_MAX;
        if self.length < LENGTH_MIN || !is_saturated {
            return None;
        }
        let plural = if self.cores == 1.0 { "core" } else { "cores" };
        let cores = format!("{:.2}", self.cores);
        let cores = cores.trim_end_matches('0').trim_end_matches('.');
        let mut text = format!("generator saturated: it used {used:.2} of {cores} {plural}");
        if !self.throttled.is_zero() {
            text.push_str(&format!(" and was throttled for {:.1} s", self.throttled.as_secs_f64()));
        }
        text.push_str(": lower the rate, or give it more cores");
        Some(text)
    }
}

/// Of all threads of this process, the kernel's work for them included.
fn processor_time() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Duration::ZERO };
    let us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_is_saturated_without_a_core_to_spare_or_when_it_is_stopped() {
        let taken = |length_s: f64, used_s: f64, cores: f64, throttled_s: f64| {
            let [length, used, throttled] = [length_s, used_s, throttled_s].map(Duration::from_secs_f64);
            Taken { length, used, cores, throttled }.saturation()
        };
        for calm in [
            (60.0, 30.0, 2.0, 0.0),
            (60.0, 115.0, 2.0, 0.0),
            (60.0, 6.0, 0.5, 3.0),
            // Kept from running, by what others in its group used up: told by lateness, if it mattered.
            (60.0, 12.0, 0.5, 3.1),
            // Its own beginning.
            (0.5, 0.5, 0.5, 0.4),
        ] {
            assert_eq!(taken(calm.0, calm.1, calm.2, calm.3), None, "{calm:?}");
        }
        for (case, words) in [
            ((60.0, 118.8, 2.0, 3.2), "it used 1.98 of 2 cores and was throttled for 3.2 s: lower"),
            ((60.0, 60.0, 1.0, 0.0), "it used 1.00 of 1 core: lower"),
            ((10.0, 4.9, 0.5, 0.0), "it used 0.49 of 0.5 cores: lower"),
        ] {
            let told = taken(case.0, case.1, case.2, case.3).unwrap_or_default();
            assert!(told.starts_with("generator saturated: ") && told.contains(words), "{case:?}: {told}");
        }
    }

    #[test]
    fn time_that_is_used_is_counted() {
        let before = processor_time();
        let mut number = 1_u64;
        while processor_time() <= before {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
        assert!(Strain::begin().cores > 0.0);
    }
}
