//! What explains the difference between what this side sent and what the target received, and between the answers of both:
//! a sum of things that were each counted by themselves. What they cannot explain is a defect, of the path's or of ours,
//! and is never passed over. Pure.
//!
//! Two kinds of explanation: what is known to the request (`request_lost` and `duplicates` must be found in the
//! difference), and what may or may not have arrived (the rest: at most so many).

use std::fmt::Write as _;

use serde::Serialize;
use shared::account::OperationAccount as TargetAccount;
use shared::outcome::Fate;

use crate::account::OperationAccount;
use crate::fate::Fates;

/// What this side knows of one operation, as far as it must agree with the other side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    sent: u64,
    answered: u64,
    fallbacks: u64,
    interrupted: u64,
    silent: u64,
    answered_wrong: u64,
    fates: Fates,
    /// Distinct servers that answered.
    servers: usize,
    /// Sent, and perhaps not yet where they go; 0 when a run is over.
    open: u64,
}

impl From<&OperationAccount> for Figures {
    fn from(account: &OperationAccount) -> Figures {
        Figures {
            sent: account.sent,
            answered: account.answered(),
            fallbacks: account.fallbacks,
            interrupted: account.interrupted,
            silent: account.silent,
            answered_wrong: account.answered_wrong,
            fates: account.fates,
            servers: account.by_backend.servers().count(),
            open: 0,
        }
    }
}

impl Figures {
    /// Distinct servers that answered.
    pub(crate) fn servers(&self) -> usize {
        self.servers
    }

    /// These, with the fates decided so far, if the other side was asked after `before` was true: what had no end by then
    /// is still open.
    pub(crate) fn since(self, before: &Figures, fates: Fates) -> Figures {
        let ended = before.answered + before.silent + before.interrupted + fates.total();
        Figures { fates, open: (self.sent + self.fallbacks).saturating_sub(ended), ..self }
    }
}

/// Both sides of one operation set against each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Received by the target minus sent here.
    pub received: i64,
    /// Answered by the target minus answered here.
    pub answered: i64,
    /// Sent, and never arrived: the receipts say so.
    pub request_lost: u64,
    /// Arrived, and the answer did not come back.
    pub response_lost: u64,
    /// Arrived once more than they were sent.
    pub duplicates: u64,
    /// Arrived, once or once more: so late that the target cannot tell.
    pub late: u64,
    /// Without an answer, and it cannot be told why.
    pub unknown: u64,
    /// Not yet at an end, while a run is under way.
    pub open: u64,
    /// Cut off by the end of the run, wherever they were.
    pub interrupted: u64,
    /// Were to have no answer and had none, which is the same to this side if they never arrived.
    pub silent: u64,
    /// Answered, but not as they should: perhaps by something else on the path.
    pub answered_wrong: u64,
    /// Aborted, refused, or deliberately left without an answer by the target; some of these had one here.
    pub unanswered: u64,
    /// A process of the target is gone, and its figures with it.
    pub restarted: bool,
    /// What is left.
    pub unexplained: u64,
}

impl Difference {
    /// Of the accounts of both sides.
    pub(crate) fn new(client: &Figures, server: &TargetAccount, restarted: bool) -> Difference {
        // A query that is asked again over TCP is a request of its own to the target, its first answer a complete one.
        let again = client.fallbacks;
        let difference = Difference {
            received: minus(server.received, client.sent + again),
            answered: minus(server.answered_total(), client.answered + again),
            request_lost: client.fates.of(Fate::RequestLost),
            response_lost: client.fates.of(Fate::ResponseLost),
            // The repeated query has its first one's number.
            duplicates: server.duplicates.saturating_sub(again),
            late: server.late,
            unknown: client.fates.of(Fate::Unknown),
            open: client.open,
            interrupted: client.interrupted,
            silent: client.silent,
            answered_wrong: client.answered_wrong,
            unanswered: server.failed_total() + server.unanswered + server.in_flight,
            restarted,
            unexplained: 0,
        };
        Difference { unexplained: difference.received_rest().max(difference.answered_rest()), ..difference }
    }

    /// Whether both sides say the same, and nothing that would have to be explained happened.
    pub(crate) fn is_none(&self) -> bool {
        (self.received, self.answered, self.request_lost, self.response_lost, self.duplicates) == (0, 0, 0, 0, 0)
    }

    fn received_rest(&self) -> u64 {
        let rest = i128::from(self.received) + i128::from(self.request_lost) - i128::from(self.duplicates);
        outside(rest, self.maybe() + self.answered_wrong, self.late)
    }

    fn answered_rest(&self) -> u64 {
        let lost = self.response_lost + self.unknown + self.open + self.interrupted + self.silent;
        let theirs = lost + self.duplicates + self.late;
        let ours = if self.restarted { u64::MAX } else { self.answered_wrong + self.unanswered + self.open };
        outside(self.answered.into(), ours, theirs)
    }

    /// Sent requests that may have arrived or not.
    fn maybe(&self) -> u64 {
        // Nobody knows how much of its account a process that is gone had.
        if self.restarted { u64::MAX / 2 } else { self.unknown + self.open + self.interrupted + self.silent }
    }

    /// What explains it, in words; nothing if there is nothing to say.
    pub(crate) fn words(&self) -> Option<String> {
        if self.is_none() {
            return None;
        }
        let mut text = format!(
            "the target received {} and answered {} than this side",
            more_or_fewer(self.received),
            more_or_fewer(self.answered)
        );
        let parts = [
            (self.request_lost, "requests lost"),
            (self.response_lost, "answers lost"),
            (self.duplicates, "arrived twice"),
            (self.late, "arrived too late to tell once from twice"),
            (self.unknown, "unknown"),
            (self.interrupted, "cut off by the end of the run"),
            (self.silent, "were to have no answer"),
            (self.answered_wrong, "answered wrongly, perhaps by something on the path"),
            (self.unanswered, "aborted or not answered by the target"),
        ];
        for (at, (count, what)) in parts.into_iter().filter(|(count, _)| *count > 0).enumerate() {
            let comma = if at == 0 { ": " } else { ", " };
            write!(text, "{comma}{count} {what}").expect("a String takes every character");
        }
        if self.restarted {
            text += "; a process of the target is gone, and its account with it";
        }
        Some(text)
    }
}

fn more_or_fewer(count: i64) -> String {
    let word = if count < 0 { "fewer" } else { "more" };
    format!("{} {word}", count.unsigned_abs())
}

fn minus(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(i64::MAX)
}

/// How far a rest is outside of `-below..=above`.
fn outside(rest: i128, below: u64, above: u64) -> u64 {
    let too_few = -rest - i128::from(below);
    let too_many = rest - i128::from(above);
    u64::try_from(too_few.max(too_many).max(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
