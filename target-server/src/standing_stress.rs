//! `--stress-cpu` and `--stress-memory`: load that stands from start to end, for tests of autoscalers and limits.
//!
//! Invariants:
//! - No more threads than cores, each at the lowest priority, so that whatever else runs here comes first.
//! - Memory is refused before it is allocated if the machine has not got it: a target that is killed tests nothing.
//! - Both end with the value.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::stress::burn_here;

/// podinfo's megabyte.
const MEGABYTE: u64 = 1_000_000;
/// The last in line for a core (`setpriority(2)`).
const LOWEST_PRIORITY: i32 = 19;

/// Why the load cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StressError {
    /// The kernel has not got so much to give.
    #[error("--stress-memory {asked_mb}: only {available_mb} MB are available here; expected at most that")]
    Memory {
        /// What was asked for, in 10^6 bytes.
        asked_mb: u32,
        /// What there is.
        available_mb: u64,
    },
    /// The kernel grants no thread.
    #[error("--stress-cpu: cannot start a thread")]
    Thread(#[source] std::io::Error),
}

/// The load, until dropped.
#[derive(Debug)]
pub(crate) struct StandingStress {
    stopped: Arc<AtomicBool>,
    /// Held, not read.
    _memory: Vec<u8>,
}

impl StandingStress {
    /// Keeps `cpu` cores busy, or all there are, and holds `memory_mb` million bytes.
    pub(crate) fn start(cpu: u16, memory_mb: u32) -> Result<StandingStress, StressError> {
        let memory = held(memory_mb, available_bytes())?;
        // Made first, so that threads already started end if a later one cannot be had.
        let stress = StandingStress { stopped: Arc::default(), _memory: memory };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = usize::from(cpu).min(cores);
        if threads < usize::from(cpu) {
            tracing::warn!(asked = cpu, cores, "--stress-cpu keeps no more cores busy than there are");
        }
        for _ in 0..threads {
            let stopped = Arc::clone(&stress.stopped);
            let burner = thread::Builder::new().name("stress-cpu".to_owned());
            burner.spawn(move || burn(&stopped)).map_err(StressError::Thread)?;
        }
        Ok(stress)
    }
}

impl Drop for StandingStress {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

fn burn(stopped: &AtomicBool) {
    // On Linux a priority belongs to a thread. Lowering one's own needs no privilege.
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST_PRIORITY) {
        tracing::warn!(%error, "--stress-cpu runs at the priority of everything else");
    }
    burn_here(Duration::MAX, stopped);
}

fn held(memory_mb: u32, available_bytes: Option<u64>) -> Result<Vec<u8>, StressError> {
    let bytes = u64::from(memory_mb) * MEGABYTE;
    let refused = |available: u64| StressError::Memory { asked_mb: memory_mb, available_mb: available / MEGABYTE };
    match available_bytes {
        Some(available) if bytes > available => Err(refused(available)),
        // Not 0: zeroed allocations are not backed until they are written to.
        _ => Ok(vec![1; usize::try_from(bytes).map_err(|_| refused(usize::MAX as u64))?]),
    }
}

/// What can be allocated without swapping; nothing where the kernel does not say.
fn available_bytes() -> Option<u64> {
    available_in(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn available_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_held_or_refused_with_what_there_is() {
        assert_eq!(held(3, None).unwrap().len(), 3_000_000);
        assert_eq!(held(3, Some(3_000_000)).unwrap().len(), 3_000_000);
        let error = held(3, Some(2_999_999)).unwrap_err().to_string();
        assert!(error.contains("--stress-memory 3") && error.contains("2 MB"), "{error}");
        assert!(StandingStress::start(0, u32::MAX).is_err(), "no machine of ours has four petabytes");
    }

    #[test]
    fn what_is_available_is_read_from_the_kernels_words() {
        let text = "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:    8192 kB\n";
        assert_eq!(available_in(text), Some(8192 * 1024));
        for strange in ["", "MemAvailable: 12", "MemAvailable: x kB", "MemAvailable: 18446744073709551615 kB"] {
            assert_eq!(available_in(strange), None, "{strange}");
        }
        assert!(available_bytes().is_some_and(|bytes| bytes > MEGABYTE), "this machine says");
    }

    #[test]
    fn the_load_ends_with_its_value() {
        let stress = StandingStress::start(u16::MAX, 0).unwrap();
        let stopped = Arc::clone(&stress.stopped);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(Arc::strong_count(&stopped), 2 + cores, "a thread per core and no more");
        drop(stress);
        while Arc::strong_count(&stopped) > 1 {
            thread::yield_now();
        }
    }
}
