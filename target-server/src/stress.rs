//! `cpu=` and `mem=`: load on this process's own resources, for tests of autoscalers and limits.
//!
//! Invariants:
//! - CPU is burned on the blocking pool, on at most cores − 1 threads at once, so that the runtime keeps answering.
//! - Memory is reserved before it is allocated, and never more than the budget in all.
//! - Both end when their request does, whatever ended it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Budget is counted in pages of this size, so that a semaphore's permits can hold gigabytes.
const PAGE_BYTES: u64 = 4096;

/// The resources that requests may burn.
#[derive(Debug)]
pub(crate) struct Stress {
    burners: Arc<Semaphore>,
    pages: Arc<Semaphore>,
}

/// A part of the memory budget, filled by [`Memory::touch`]; given back when dropped.
#[derive(Debug)]
pub(crate) struct Memory {
    bytes: u64,
    pages: Vec<u8>,
    reserved: OwnedSemaphorePermit,
}

impl Stress {
    pub(crate) fn new(mem_total_max_bytes: u64) -> Stress {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pages = usize::try_from(mem_total_max_bytes / PAGE_BYTES).unwrap_or(usize::MAX);
        Stress {
            burners: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            pages: Arc::new(Semaphore::new(pages.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// A part of the budget, or nothing if too much of it is held.
    pub(crate) fn reserve(&self, bytes: u64) -> Option<Memory> {
        let pages = u32::try_from(bytes.div_ceil(PAGE_BYTES)).ok()?;
        let reserved = Arc::clone(&self.pages).try_acquire_many_owned(pages).ok()?;
        Some(Memory { bytes, pages: Vec::new(), reserved })
    }

    /// Uses up this much CPU time, waiting for a core first if all that may be used are.
    pub(crate) async fn burn(&self, cpu: Duration) {
        let Ok(turn) = Arc::clone(&self.burners).acquire_owned().await else { return };
        let stop = StopOnDrop::default();
        let stopped = Arc::clone(&stop.0);
        let burnt = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            burn_here(cpu, &stopped);
        });
        // The pool is shut down, or the loop below panicked: either way there is nothing left to wait for.
        let _ = burnt.await;
    }
}

impl Memory {
    /// Makes it so many bytes; false, and nothing is changed, if the budget has no room for them.
    pub(crate) fn resize(&mut self, bytes: u64) -> bool {
        let pages = usize::try_from(bytes.div_ceil(PAGE_BYTES)).unwrap_or(usize::MAX);
        let held = self.reserved.num_permits();
        if pages > held {
            let Ok(more) = u32::try_from(pages - held) else { return false };
            match Arc::clone(self.reserved.semaphore()).try_acquire_many_owned(more) {
                Ok(more) => self.reserved.merge(more),
                Err(_) => return false,
            }
        } else {
            drop(self.reserved.split(held - pages));
        }
        self.bytes = bytes;
        true
    }

    /// Allocates it and writes to every page, so that the kernel has to back it.
    ///
    /// The reservation goes along to the thread that does it: if the client leaves meanwhile, the budget comes back when the
    /// memory does, and not before.
    pub(crate) async fn touch(mut self) -> Option<Memory> {
        let touched = tokio::task::spawn_blocking(move || {
            // Not 0: zeroed allocations are not backed until they are written to.
            self.pages = vec![1; usize::try_from(self.bytes).unwrap_or(usize::MAX)];
            self
        });
        touched.await.ok()
    }
}

/// Tells the thread that burns that nobody waits any more.
#[derive(Debug, Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Uses up this much CPU time of the calling thread, or less if it is told to stop.
pub(crate) fn burn_here(cpu: Duration, stopped: &AtomicBool) {
    // Between two looks at the clock: about 20 µs, well below what anyone asks for.
    const ROUNDS: u64 = 20_000;
    let start = thread_cpu_time();
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    while thread_cpu_time().saturating_sub(start) < cpu && !stopped.load(Ordering::Relaxed) {
        for i in 0..ROUNDS {
            x = std::hint::black_box(x.rotate_left(7) ^ i);
        }
    }
}

/// CPU time of this thread; time spent waiting for a core does not count.
fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has had this clock since 2.6.12").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_budget_is_never_exceeded_and_comes_back() {
        let stress = Stress::new(100 * PAGE_BYTES);
        let first = stress.reserve(60 * PAGE_BYTES).unwrap().touch().await.unwrap();
        assert_eq!(first.pages.len() as u64, 60 * PAGE_BYTES);
        assert!(stress.reserve(60 * PAGE_BYTES).is_none());
        drop(first);
        let mut all = stress.reserve(100 * PAGE_BYTES).unwrap();
        assert!(!all.resize(101 * PAGE_BYTES));
        assert!(all.resize(40 * PAGE_BYTES));
        let rest = stress.reserve(60 * PAGE_BYTES).unwrap();
        assert!(!all.resize(41 * PAGE_BYTES));
        drop(rest);
        assert!(all.resize(100 * PAGE_BYTES) && stress.reserve(1).is_none());
    }

    #[tokio::test]
    async fn burning_takes_the_cpu_time_asked_for() {
        let start = tokio::time::Instant::now();
        Stress::new(0).burn(Duration::from_millis(30)).await;
        assert!(start.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn a_stopped_burner_stops() {
        let start = thread_cpu_time();
        burn_here(Duration::from_secs(3600), &AtomicBool::new(true));
        assert!(thread_cpu_time() - start < Duration::from_secs(1));
    }
}
