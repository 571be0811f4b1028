//! What the machine and its kernel say beyond the limits of a plan: processors, how busy they are, memory, the clock.

use super::cgroup::Cgroup;
use super::files::Files;

/// What a run has to live on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Machine {
    /// Processors that this process may run on.
    pub(super) allowed: u32,
    /// Processors that the machine has.
    pub(super) online: u32,
    /// What the control group grants.
    pub(super) cgroup: Cgroup,
    /// Processes that ran or waited to, on average over the last minute, of the whole machine.
    pub(super) load: Option<f64>,
    /// Bytes that the machine can still give, whatever the control group says.
    pub(super) memory_left_bytes: Option<u64>,
    /// Where the kernel reads the time.
    pub(super) clock: Option<String>,
}

impl Machine {
    pub(super) fn read(files: &Files) -> Machine {
        let status = files.text("/proc/self/status").unwrap_or_default();
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).and_then(listed);
        let online = files.text("/sys/devices/system/cpu/online").as_deref().and_then(listed);
        let load = files.text("/proc/loadavg");
        Machine {
            allowed: allowed.or(online).unwrap_or(1),
            online: online.or(allowed).unwrap_or(1),
            cgroup: Cgroup::read(files),
            load: load.and_then(|text| text.split_whitespace().next()?.parse().ok()),
            memory_left_bytes: files.entry("/proc/meminfo", "MemAvailable").map(|kib| kib * 1024),
            clock: files.text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        }
    }

    /// Cores' worth of processor time that this process can have.
    pub(super) fn cores(&self) -> f64 {
        let allowed = f64::from(self.allowed);
        self.cgroup.quota_cores.map_or(allowed, |quota| quota.min(allowed))
    }
}

/// How many numbers `0-3,8` lists.
fn listed(text: &str) -> Option<u32> {
    let mut count = 0;
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count += last.checked_sub(first)?.checked_add(1)?;
    }
    (count > 0).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::tree;
    use super::*;

    #[test]
    fn lists_of_processors_are_counted() {
        for (text, count) in
            [("0-1\n", Some(2)), ("3", Some(1)), ("\t0-3,8,10-11", Some(7)), ("", None), ("3-1", None), ("a", None)]
        {
            assert_eq!(listed(text), count, "{text:?}");
        }
    }

    #[test]
    fn a_machine_is_read_and_a_quota_is_less_than_its_cores() {
        let root = tree(&[
            ("/proc/self/status", "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3\n"),
            ("/sys/devices/system/cpu/online", "0-7\n"),
            ("/proc/loadavg", "3.25 2.00 1.00 2/300 4711\n"),
            ("/proc/meminfo", "MemTotal:       100 kB\nMemAvailable:   50 kB\n"),
            ("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
            ("/proc/self/cgroup", "0::/\n"),
            ("/sys/fs/cgroup/cpu.max", "250000 100000\n"),
        ]);
        let machine = Machine::read(&Files::below(root.path()));
        assert_eq!((machine.allowed, machine.online, machine.load), (4, 8, Some(3.25)));
        assert_eq!(machine.memory_left_bytes, Some(51_200));
        assert_eq!(machine.clock.as_deref(), Some("tsc"));
        assert_eq!(machine.cores(), 2.5);
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        let root = tree(&[]);
        let machine = Machine::read(&Files::below(root.path()));
        assert_eq!((machine.allowed, machine.online, machine.load, machine.memory_left_bytes), (1, 1, None, None));
        assert_eq!(machine.cores(), 1.0);
    }
}
