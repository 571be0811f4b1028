//! Giving memory back that parked connections no longer use.
//!
//! hyper's buffers of many connections lie between what stays allocated, so that freeing them leaves holes the allocator
//! keeps: after a burst on 10 000 connections, 20 KiB each. Asking it to return whole free pages makes a parked connection
//! as small as it looks. Another allocator was the alternative; those measured took more memory when busy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::interval;

/// How often to look. The call below holds the allocator's locks for some milliseconds per 100 MiB.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Connections parked since the last look that make it worth while: about 16 MiB of buffers.
const PARKED_MIN: usize = 1000;

/// Counts connections as they are parked.
#[derive(Debug, Default)]
pub(super) struct Parked(AtomicUsize);

impl Parked {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Looks again and again.
    pub(super) async fn watch(&self) {
        let mut look = interval(LOOK_EVERY);
        loop {
            look.tick().await;
            self.look();
        }
    }

    /// Gives memory back if many were parked since the last time.
    fn look(&self) {
        let parked = self.0.swap(0, Ordering::Relaxed);
        if parked >= PARKED_MIN {
            // Off the runtime's threads: it may take as long as a request.
            tokio::task::spawn_blocking(give_back);
        }
    }
}

#[cfg(target_env = "gnu")]
fn give_back() {
    // SAFETY: takes no pointers, and is safe to call beside any other thread's allocations.
    unsafe { nix::libc::malloc_trim(0) };
}

/// Other allocators return pages by themselves.
#[cfg(not(target_env = "gnu"))]
fn give_back() {}
