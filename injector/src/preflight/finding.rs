//! What was looked at before a run, what this machine can do of it, and the remedy where that is doubtful. Pure.

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::timer::Lateness;
use super::{System, cost};
use crate::plan::Plan;
use crate::rounded;

/// One thing that was looked at. What cannot work at all is refused where the plan is made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Finding {
    /// What was looked at, in one word.
    pub check: String,
    /// What the machine can do, and what the plan needs of it.
    pub says: String,
    /// What to do about it; nothing if all is well.
    pub remedy: Option<String>,
}

impl Finding {
    /// What is said before the first request; nothing if all is well.
    pub fn warning(&self) -> Option<String> {
        Some(format!("warning: {}: {}: {}", self.check, self.says, self.remedy.as_ref()?))
    }
}

/// Share of a countable thing beyond which other programs, or a burst, may be in the way.
const SHARE_MAX: f64 = 0.8;
/// Share of its cores that an open loop may plan for: beyond it a wake-up finds no free core when it is due.
const CORES_SHARE_MAX: f64 = 0.7;
/// The same of a quota: whoever has used it up stands still for the rest of the period of 100 ms.
const QUOTA_SHARE_MAX: f64 = 0.5;
/// How late a wake-up may be at the median, and at worst. A calm machine has 50 µs and less than 5 ms.
const MEDIAN_MAX_US: u128 = 500;
const WORST_MAX_MS: u128 = 20;
/// Clocks that are read by a call into the kernel, or tick in milliseconds.
const SLOW_CLOCKS: [&str; 4] = ["hpet", "acpi_pm", "jiffies", "refined-jiffies"];

/// Everything that was looked at, in this order.
pub(super) fn findings(plan: &Plan, system: &System, machine: &Machine, lateness: Lateness) -> Vec<Finding> {
    let mut found = vec![descriptors(plan, system)];
    found.extend(in_flight(plan));
    found.extend(ports(plan, system));
    found.push(timer(lateness));
    found.push(cpu(plan, machine));
    found.extend(load(machine));
    found.extend(memory(plan, machine));
    found.extend(machine.clock.as_deref().map(clock));
    found
}

fn finding(check: &'static str, says: String, remedy: Option<&str>) -> Finding {
    Finding { check: check.to_owned(), says, remedy: remedy.map(str::to_owned) }
}

fn descriptors(plan: &Plan, system: &System) -> Finding {
    let (needed, allowed) = (plan.demand.descriptors, system.descriptors);
    let is_tight = needed as f64 > allowed as f64 * SHARE_MAX;
    let remedy = is_tight.then_some("raise the limit (ulimit -n), or use fewer connections or a lower max_in_flight");
    finding("files", format!("{allowed} may be open at once, the plan needs up to {needed}"), remedy)
}

/// That a target which hangs would have requests dropped on this side; nothing if there is room for all of them.
fn in_flight(plan: &Plan) -> Option<Finding> {
    let (needed, limit) = (plan.demand.in_flight, plan.max_in_flight.get());
    let says =
        || format!("{limit} requests may be in flight at once, and {needed} are if every one runs into its timeout");
    let remedy = "the rest would be dropped here, as if the generator were too small; lower the rate or the timeout, raise \
                  max_in_flight, or use more injectors";
    (needed > u64::from(limit)).then(|| finding("in flight", says(), Some(remedy)))
}

fn ports<'a>(plan: &'a Plan, system: &'a System) -> impl Iterator<Item = Finding> + 'a {
    plan.demand.endpoints.iter().map(|demand| {
        let sources = demand.source_addresses();
        let has = sources * system.ports();
        let time_wait = system.time_wait(demand.endpoint.is_loopback());
        let from = if sources == 1 { "one source address".to_owned() } else { format!("{sources} source addresses") };
        let says = format!(
            "{has} local ports to {} from {from}, the plan holds up to {}; at most {:.0} fresh connections/s",
            demand.endpoint,
            demand.ports,
            has as f64 / time_wait.as_secs_f64(),
        );
        let is_tight = demand.ports as f64 > has as f64 * SHARE_MAX;
        let remedy = is_tight.then_some(
            "other programs take ports of the same range; use connection: pooled, more source_addresses, a wider \
             net.ipv4.ip_local_port_range, or more injectors",
        );
        finding("ports", says, remedy)
    })
}

fn timer(lateness: Lateness) -> Finding {
    let Lateness { median, worst, tries } = lateness;
    let says = format!(
        "wakes up {} µs late at the median, {:.1} ms at worst of {tries}",
        median.as_micros(),
        worst.as_secs_f64() * 1_000.0,
    );
    let remedy = if median.as_micros() > MEDIAN_MAX_US {
        Some("lags of that size will be part of every response; free a core for the injector, or use another machine")
    } else if worst.as_millis() > WORST_MAX_MS {
        Some("something keeps it from running now and then; free a core for the injector, or raise its cpu limit")
    } else {
        None
    };
    finding("timer", says, remedy)
}

fn cpu(plan: &Plan, machine: &Machine) -> Finding {
    let (needed, cores) = (cost::cores(plan), machine.cores());
    let by = match machine.cgroup.quota_cores {
        Some(quota) => format!("{} may be used, cpu.max grants {}", cpus(machine.allowed), rounded::trimmed(quota, 2)),
        None => format!("{} may be used of {}, without a quota", cpus(machine.allowed), machine.online),
    };
    let about =
        if needed < 0.01 { "less than 0.01".to_owned() } else { format!("about {}", rounded::trimmed(needed, 2)) };
    let says = format!("{by}; the plan needs {about} cores");
    let is_quota = machine.cgroup.quota_cores.is_some_and(|quota| quota < f64::from(machine.allowed));
    let share = if is_quota { QUOTA_SHARE_MAX } else { CORES_SHARE_MAX };
    let remedy = match (needed > cores * share, is_quota) {
        (false, _) => None,
        (true, true) => {
            Some("raise the cpu limit, lower the rate, or use more injectors; a quota stops it in mid-flight")
        }
        (true, false) => Some("give it more cores, lower the rate, or use more injectors"),
    };
    finding("cpu", says, remedy)
}

fn load(machine: &Machine) -> Option<Finding> {
    let load = machine.load?;
    let says = format!("{load:.1} processes ran or waited over the last minute, on {}", cpus(machine.online));
    let is_busy = load > f64::from(machine.online);
    Some(finding("load", says, is_busy.then_some("end what competes for them, or use another machine")))
}

fn memory(plan: &Plan, machine: &Machine) -> Option<Finding> {
    let limits = [
        (machine.cgroup.memory_left_bytes, "the control group's limit leaves"),
        (machine.memory_left_bytes, "the machine has"),
    ];
    let limits = limits.into_iter().filter_map(|(left, whose)| Some((left?, whose)));
    let (left, whose) = limits.min_by_key(|(left, _)| *left)?;
    let needed = cost::memory_bytes(plan);
    let says =
        format!("{whose} {}, the plan needs up to {} or so", rounded::size(left as f64), rounded::size(needed as f64));
    let is_tight = needed as f64 > left as f64 * SHARE_MAX;
    Some(finding(
        "memory",
        says,
        is_tight.then_some("raise the limit, or use fewer connections or a lower max_in_flight"),
    ))
}

fn clock(name: &str) -> Finding {
    let is_slow = SLOW_CLOCKS.contains(&name);
    let remedy = is_slow.then_some(
        "each look at the time is slow or coarse; boot with clocksource=tsc, or what the virtual machine offers, such as \
         kvm-clock",
    );
    finding("clock", format!("the time comes from {name}"), remedy)
}

fn cpus(count: u32) -> String {
    if count == 1 { "1 core".to_owned() } else { format!("{count} cores") }
}

#[cfg(test)]
mod tests;
