//! Waking up on time: a `timerfd` on the worker's own runtime.
//!
//! The runtime's timer wheel rounds up to whole milliseconds and releases about 1.1 ms late at the median; a timerfd in
//! the same event loop is about 50 µs late (figures in `docs/benchmarks.md`). Spinning would be better still, and would
//! take a core for it.
//!
//! A quantum bounds the cost: after a wake-up the next one is at least a quantum away, and everything that came due in
//! between is released together. The lateness this adds is part of the response time and is exported, never hidden.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::task::{Context, Poll};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// How often a worker may wake up for its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Quantum {
    /// 100 µs: about a sixth of a core at any high rate.
    Precise,
    /// 250 µs: a third of that cost.
    Standard,
}

impl Quantum {
    /// Least time between two wake-ups.
    pub const fn duration(self) -> Duration {
        match self {
            Quantum::Precise => Duration::from_micros(100),
            Quantum::Standard => Duration::from_micros(250),
        }
    }
}

/// A timer that wakes the task that polls it.
pub struct Pacer {
    timer: AsyncFd<Timer>,
    armed: Option<Instant>,
    quantum: Duration,
    woken: Instant,
}

impl Pacer {
    /// A pacer on the current runtime.
    ///
    /// # Errors
    /// If the kernel has no descriptor for the timer.
    pub fn new(quantum: Quantum) -> io::Result<Pacer> {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        // SAFETY: `Timer` owns its descriptor, gives the same one at every call, and `AsyncFd` drops it last.
        let timer = unsafe { AsyncFd::register_with_interest(Timer(timer), Interest::READABLE) };
        Ok(Pacer {
            timer: timer.map_err(io::Error::from)?,
            armed: None,
            quantum: quantum.duration(),
            woken: Instant::now(),
        })
    }

    /// Ready once `due` has come; otherwise the task is woken then. Polling again with another instant re-arms.
    ///
    /// # Errors
    /// If the kernel refuses to arm the timer.
    pub fn poll_until(&mut self, due: Instant, now: Instant, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wake = due.max(self.woken + self.quantum);
        if wake <= now {
            self.woken = now;
            return Poll::Ready(Ok(()));
        }
        if self.armed != Some(wake) {
            self.arm(wake - now)?;
            self.armed = Some(wake);
        }
        // The count is never read: arming the timer anew resets it, and its next expiry is a new event.
        while let Poll::Ready(guard) = self.timer.poll_read_ready(cx) {
            let mut guard = guard?;
            if wake <= Instant::now() {
                self.armed = None;
                self.woken = Instant::now();
                return Poll::Ready(Ok(()));
            }
            guard.clear_ready();
        }
        Poll::Pending
    }

    fn arm(&self, after: Duration) -> io::Result<()> {
        // A zero would disarm the timer.
        let after = TimeSpec::from_duration(after.max(Duration::from_nanos(1)));
        Ok(self.timer.get_ref().0.set(Expiration::OneShot(after), TimerSetTimeFlags::empty())?)
    }
}

/// What `AsyncFd` wants to know of a timer.
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn wakes_after_the_instant_and_never_before() {
        runtime().block_on(async {
            let mut pacer = Pacer::new(Quantum::Precise).unwrap();
            for step_us in [0, 50, 300, 2_000, 150] {
                let due = Instant::now() + Duration::from_micros(step_us);
                poll_fn(|cx| pacer.poll_until(due, Instant::now(), cx)).await.unwrap();
                assert!(Instant::now() >= due, "woken before {step_us} µs were over");
            }
        });
    }

    #[test]
    fn wake_ups_are_a_quantum_apart() {
        runtime().block_on(async {
            let mut pacer = Pacer::new(Quantum::Standard).unwrap();
            let start = Instant::now();
            for _ in 0..20 {
                poll_fn(|cx| pacer.poll_until(start, Instant::now(), cx)).await.unwrap();
            }
            // The first may follow the pacer's birth at once.
            assert!(start.elapsed() >= Quantum::Standard.duration() * 19, "{:?}", start.elapsed());
        });
    }

    #[test]
    fn re_arming_for_an_earlier_instant_wins() {
        runtime().block_on(async {
            let mut pacer = Pacer::new(Quantum::Precise).unwrap();
            let far = Instant::now() + Duration::from_secs(3600);
            let polled = poll_fn(|cx| Poll::Ready(pacer.poll_until(far, Instant::now(), cx).is_pending())).await;
            assert!(polled);
            let near = Instant::now() + Duration::from_millis(1);
            poll_fn(|cx| pacer.poll_until(near, Instant::now(), cx)).await.unwrap();
            assert!(Instant::now() < far);
        });
    }
}
