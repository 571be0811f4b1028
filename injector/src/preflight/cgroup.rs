//! What the control group of this process grants it: processor time and memory, in both versions of the interface.
//!
//! A limit of any group above counts as well as one's own, so that the least of all levels is the limit. What cannot be read
//! is no limit: outside of containers nobody sets one.

use std::time::Duration;

use super::files::Files;

/// Where version 2 is mounted.
const UNIFIED: &str = "/sys/fs/cgroup";
/// Where the parts of version 1 are mounted, by the name of the controller.
const CPU: &str = "/sys/fs/cgroup/cpu";
const MEMORY: &str = "/sys/fs/cgroup/memory";

/// What is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cgroup {
    /// Cores' worth of processor time; nothing without a limit.
    pub(super) quota_cores: Option<f64>,
    /// How long the group has been kept from running so far, on all its cores together.
    pub(super) throttled: Duration,
    /// Bytes that may still be taken; nothing without a limit. What the kernel caches of files it gives back, so that it is
    /// counted as free.
    pub(super) memory_left_bytes: Option<u64>,
}

impl Cgroup {
    pub(super) fn read(files: &Files) -> Cgroup {
        let mut granted = Cgroup::default();
        for folder in levels(files, "cpu", CPU) {
            granted.cpu(files, &folder);
        }
        for folder in levels(files, "memory", MEMORY) {
            let left = memory_left(files, &folder);
            granted.memory_left_bytes = [granted.memory_left_bytes, left].into_iter().flatten().min();
        }
        granted
    }

    /// Takes what one level says, if that is less than what others do.
    fn cpu(&mut self, files: &Files, folder: &str) {
        let Some(cores) = quota(files, folder) else { return };
        if self.quota_cores.is_none_or(|least| cores < least) {
            self.quota_cores = Some(cores);
        }
        // Version 2 counts microseconds, version 1 nanoseconds.
        let stat = format!("{folder}/cpu.stat");
        let version2 = files.entry(&stat, "throttled_usec").map(Duration::from_micros);
        let version1 = || files.entry(&stat, "throttled_time").map(Duration::from_nanos);
        // Each level counts what it stopped itself.
        self.throttled += version2.or_else(version1).unwrap_or_default();
    }
}

fn quota(files: &Files, folder: &str) -> Option<f64> {
    let (quota, period) = match files.text(&format!("{folder}/cpu.max")) {
        Some(text) => {
            let (quota, period) = text.split_once(' ')?;
            (quota.parse().ok()?, period.parse().ok()?)
        }
        // No limit is -1, which is no number of ours.
        None => (
            files.number(&format!("{folder}/cpu.cfs_quota_us"))?,
            files.number(&format!("{folder}/cpu.cfs_period_us"))?,
        ),
    };
    (period > 0).then(|| quota as f64 / period as f64)
}

fn memory_left(files: &Files, folder: &str) -> Option<u64> {
    let number = |name: &str| files.number(&format!("{folder}/{name}"));
    let entry = |key: &str| files.entry(&format!("{folder}/memory.stat"), key);
    let (limit, used, cached) = match number("memory.current") {
        Some(used) => (number("memory.max")?, used, entry("inactive_file")),
        None => (number("memory.limit_in_bytes")?, number("memory.usage_in_bytes")?, entry("total_inactive_file")),
    };
    // Version 1 says "none" by a number near the largest.
    (limit < 1 << 60).then(|| limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))))
}

/// The folders of this process's group and of those above it, the mount's own last. In a container that sees only its own group
/// the path may be one of the host's: folders that are not there say nothing.
fn levels(files: &Files, controller: &str, mount: &str) -> Vec<String> {
    let groups = files.text("/proc/self/cgroup").unwrap_or_default();
    let mut parts = groups.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':')
    });
    let of_its_own = parts.clone().find(|(controllers, _)| controllers.split(',').any(|name| name == controller));
    let (mount, path) = match of_its_own {
        Some((_, path)) => (mount, path),
        None => (UNIFIED, parts.find(|(controllers, _)| controllers.is_empty()).map_or("/", |(_, path)| path)),
    };
    let mut path = path.trim_end_matches('/');
    let mut folders = Vec::new();
    while let Some((above, _)) = path.rsplit_once('/') {
        folders.push(format!("{mount}{path}"));
        path = above;
    }
    folders.push(mount.to_owned());
    folders
}

#[cfg(test)]
mod tests;
