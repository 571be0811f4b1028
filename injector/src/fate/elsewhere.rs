//! Requests that arrived at more processes than one: something on the path sent them again, and to another replica. Each
//! of these has seen the number once and calls it no duplicate; only their receipts together show it.
//!
//! The numbers are not known on this side, where such a request is a plain success, so all numbers must be asked for. That
//! is why it is done only when the accounts show more arrivals than anything explains, and costs nothing until then: a
//! question for each 1024 numbers to each process, at most [`QUESTIONS_MAX`] in a row. Numbers are looked at again until
//! they are [`RECENT`] old, as the second arrival may be yet to come. To ask every target for a digest of its ring with
//! each account was rejected: it would cost all runs what few need.

use shared::identity::Name;
use shared::receipt::SEQS_MAX;

use super::replicas::Replicas;

/// Most questions of one look: as many numbers as a target remembers of an operation.
const QUESTIONS_MAX: u64 = 64;
/// Numbers whose repetition may still be under way, counted from the newest.
const RECENT: u64 = 4096;

/// What is known of one operation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Elsewhere {
    /// Below it, numbers are not looked at any more.
    settled: u64,
    /// Arrivals beyond the first process, of settled numbers and of those behind them.
    counted: [u64; 2],
}

impl Elsewhere {
    /// Arrivals that another process than the first had.
    pub(super) fn total(&self) -> u64 {
        self.counted.iter().sum()
    }

    /// Asks for all numbers up to about `end` that are not settled and that the targets can still remember. Changes nothing if it
    /// is broken off, or if one does not answer.
    pub(super) async fn look(&mut self, replicas: &Replicas, operation: Name, end: u64) {
        if replicas.count() < 2 {
            return;
        }
        let step = SEQS_MAX as u64;
        // Workers take up slots independently of each other, so that the highest number may be a little above their sum.
        let end = end + step;
        let mut found = Elsewhere { counted: [self.counted[0], 0], ..*self };
        let settled = end.saturating_sub(RECENT).max(found.settled);
        let mut from = found.settled.max(end.saturating_sub(QUESTIONS_MAX * step));
        while from < end {
            // A question is on one side of what becomes settled.
            let border = if from < settled { settled } else { end };
            let to = (from + step).min(border);
            let told = replicas.ask(operation, &(from..to).collect::<Vec<_>>()).await;
            if !told.is_whole() {
                return;
            }
            found.counted[usize::from(from >= settled)] += told.elsewhere();
            from = to;
        }
        *self = Elsewhere { settled, ..found };
    }
}
