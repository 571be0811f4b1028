//! How late this machine wakes a worker up, tried with the worker's own timer.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use crate::pacer::{Pacer, Quantum};

/// Wake-ups that are tried, a millisecond apart.
const TRIES: u32 = 50;
const APART: Duration = Duration::from_millis(1);
/// A machine that stands still is not waited for any longer than this.
const TRYING_MAX: Duration = Duration::from_millis(250);

/// How late wake-ups were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lateness {
    pub(super) median: Duration,
    pub(super) worst: Duration,
    /// How many were tried.
    pub(super) tries: u32,
}

impl Lateness {
    /// Tries it on the current runtime, for about 50 ms.
    ///
    /// # Errors
    /// If the kernel has no descriptor for the timer.
    pub(super) async fn measure(quantum: Quantum) -> io::Result<Lateness> {
        let mut pacer = Pacer::new(quantum)?;
        let begin = Instant::now();
        let mut late = Vec::with_capacity(TRIES as usize);
        while late.len() < TRIES as usize && begin.elapsed() < TRYING_MAX {
            let due = Instant::now() + APART;
            poll_fn(|cx| pacer.poll_until(due, Instant::now(), cx)).await?;
            late.push(due.elapsed());
        }
        Ok(Lateness::of(late))
    }

    fn of(mut late: Vec<Duration>) -> Lateness {
        late.sort_unstable();
        let median = late.get(late.len() / 2).copied().unwrap_or_default();
        let tries = u32::try_from(late.len()).unwrap_or(u32::MAX);
        Lateness { median, worst: late.last().copied().unwrap_or_default(), tries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_are_no_later_than_the_median() {
        let ms = Duration::from_millis;
        let of = |late: &[u64]| Lateness::of(late.iter().map(|late| ms(*late)).collect());
        assert_eq!(of(&[5, 1, 3]), Lateness { median: ms(3), worst: ms(5), tries: 3 });
        assert_eq!(of(&[]), Lateness { median: ms(0), worst: ms(0), tries: 0 });
    }

    #[tokio::test]
    async fn this_machine_wakes_up() {
        // Nothing of how late it is: that is the machine's business, and it may be busy.
        let lateness = Lateness::measure(Quantum::Precise).await.unwrap();
        assert!((1..=TRIES).contains(&lateness.tries) && lateness.median <= lateness.worst, "{lateness:?}");
    }
}
