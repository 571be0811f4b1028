//! What explains the difference between what this side sent and what the target received, and between the answers of both:
//! a sum of things that were each counted by themselves. What they cannot explain is a defect, of the path's or of ours,
//! and is never passed over. Pure.
//!
//! Two kinds of explanation: what is known to the request (`request_lost`, `path_answered` and `duplicates` must be found
//! in the difference), and what may or may not have arrived (the rest: at most so many).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use shared::account::OperationAccount as TargetAccount;
use shared::outcome::Fate;
use shared::units::counted;

use crate::account::OperationAccount;
use crate::fate::Fates;

/// What this side knows of one operation, as far as it must agree with the other side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    planned: u64,
    sent: u64,
    answered: u64,
    fallbacks: u64,
    interrupted: u64,
    silent: u64,
    answered_wrong: u64,
    fates: Fates,
    /// Sent, and perhaps not yet where they go; 0 when a run is over.
    open: u64,
}

impl From<&OperationAccount> for Figures {
    fn from(account: &OperationAccount) -> Figures {
        Figures {
            planned: account.planned,
            sent: account.sent,
            answered: account.answered(),
            fallbacks: account.fallbacks,
            interrupted: account.interrupted,
            silent: account.silent,
            answered_wrong: account.answered_wrong,
            fates: account.fates,
            open: 0,
        }
    }
}

impl Figures {
    /// These, with the fates decided so far, if the other side was asked after `before` was true and before so many were
    /// sent and answered: what had no end by then is still open. Those two are not left to these figures, which are of up
    /// to a second later: so much would be on its way that it hid what there is.
    pub(crate) fn since(self, before: &Figures, (sent, answered): (u64, u64), fates: Fates) -> Figures {
        let ended = before.answered + before.fallbacks + before.silent + before.interrupted + fates.total();
        let figures = Figures { sent, answered, fates, ..self };
        Figures { open: figures.sendings().saturating_sub(ended), ..figures }
    }

    /// These, with the fates of all.
    pub(crate) fn with(self, fates: Fates) -> Figures {
        Figures { fates, ..self }
    }

    /// Requests of any kind that went out.
    pub(crate) fn sendings(&self) -> u64 {
        self.sent + self.fallbacks
    }

    /// The number behind the last request's.
    pub(crate) fn planned(&self) -> u64 {
        self.planned
    }
}

/// Both sides of one operation set against each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
    /// Of those, the ones that went to another replica; looked for only if nothing else explains a difference.
    pub duplicates_elsewhere: u64,
    /// Called lost, and arrived after that: not among `request_lost` any more.
    pub arrived_late: u64,
    /// Answered by something on the path: the receipts say that they never arrived.
    pub path_answered: u64,
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
    /// Answered, but not as they should, and whether they arrived is not known: perhaps by something else on the path.
    pub answered_wrong: u64,
    /// Aborted, refused, or deliberately left without an answer by the target; some of these had one here.
    pub unanswered: u64,
    /// A process of the target is gone, and its figures with it.
    pub restarted: bool,
    /// Most requests that can have been among those figures: what was sent before it was gone.
    pub excused: u64,
    /// What is left.
    pub unexplained: u64,
}

impl Difference {
    /// Of two runs together.
    pub(crate) fn sum(one: &Difference, other: &Difference) -> Difference {
        Difference {
            received: one.received + other.received,
            answered: one.answered + other.answered,
            request_lost: one.request_lost + other.request_lost,
            response_lost: one.response_lost + other.response_lost,
            duplicates: one.duplicates + other.duplicates,
            duplicates_elsewhere: one.duplicates_elsewhere + other.duplicates_elsewhere,
            arrived_late: one.arrived_late + other.arrived_late,
            path_answered: one.path_answered + other.path_answered,
            late: one.late + other.late,
            unknown: one.unknown + other.unknown,
            open: one.open + other.open,
            interrupted: one.interrupted + other.interrupted,
            silent: one.silent + other.silent,
            answered_wrong: one.answered_wrong + other.answered_wrong,
            unanswered: one.unanswered + other.unanswered,
            restarted: one.restarted || other.restarted,
            excused: one.excused + other.excused,
            unexplained: one.unexplained + other.unexplained,
        }
    }

    /// Of the accounts of both sides.
    pub(crate) fn new(client: &Figures, server: &TargetAccount, restarted: bool) -> Difference {
        // A query that is asked again over TCP is a request of its own to the target, its first answer a complete one.
        let again = client.fallbacks;
        let fates = &client.fates;
        let decided_wrong = fates.of_wrong(Fate::RequestLost) + fates.of_wrong(Fate::ResponseLost);
        let difference = Difference {
            received: minus(server.received, client.sent + again),
            answered: minus(server.answered_total(), client.answered + again),
            request_lost: fates.of(Fate::RequestLost),
            response_lost: fates.of(Fate::ResponseLost),
            // The repeated query has its first one's number, if it arrived.
            duplicates: (server.duplicates + fates.elsewhere).saturating_sub(again.saturating_sub(fates.lost_again)),
            duplicates_elsewhere: fates.elsewhere,
            arrived_late: fates.late,
            path_answered: fates.of_wrong(Fate::RequestLost),
            late: server.late,
            unknown: fates.of(Fate::Unknown),
            open: client.open,
            interrupted: client.interrupted,
            silent: client.silent,
            answered_wrong: client.answered_wrong.saturating_sub(decided_wrong),
            unanswered: server.failed_total() + server.unanswered + server.in_flight,
            restarted,
            excused: fates.excused,
            unexplained: 0,
        };
        Difference { unexplained: difference.received_rest().max(difference.answered_rest()), ..difference }
    }

    /// Whether both sides say the same, and nothing that would have to be explained happened.
    pub(crate) fn is_none(&self) -> bool {
        let lost = self.request_lost + self.response_lost + self.path_answered;
        (self.received, self.answered, lost, self.duplicates) == (0, 0, 0, 0)
    }

    /// Whether both sides counted the same, whatever happened.
    pub(crate) fn is_even(&self) -> bool {
        (self.received, self.answered) == (0, 0)
    }

    fn received_rest(&self) -> u64 {
        let lost = i128::from(self.request_lost) + i128::from(self.path_answered);
        let rest = i128::from(self.received) + lost - i128::from(self.duplicates);
        outside(rest, self.maybe() + self.answered_wrong + self.excused, self.late)
    }

    fn answered_rest(&self) -> u64 {
        let rest = i128::from(self.answered) + i128::from(self.path_answered);
        let ours = self.answered_wrong + self.unanswered + self.open + self.excused;
        outside(rest, ours, self.maybe() + self.response_lost + self.duplicates + self.late)
    }

    /// Sent requests that may have arrived or not.
    fn maybe(&self) -> u64 {
        self.unknown + self.open + self.interrupted + self.silent
    }

    /// What explains it, in words; nothing if there is nothing to say.
    pub(crate) fn words(&self) -> Option<String> {
        if self.is_none() {
            return None;
        }
        let mut text = match (self.received, self.answered) {
            (0, 0) => "the target received and answered as many as this side says".to_owned(),
            (0, answered) => {
                format!("the target received as many and answered {} than this side", more_or_fewer(answered))
            }
            (received, 0) => {
                format!("the target answered as many and received {} than this side", more_or_fewer(received))
            }
            (received, answered) => format!(
                "the target received {} and answered {} than this side",
                more_or_fewer(received),
                more_or_fewer(answered)
            ),
        };
        let parts = [
            (self.request_lost, "requests lost"),
            (self.arrived_late, "arrived after they were called lost"),
            (self.response_lost, "answers lost"),
            (self.duplicates, "arrived twice"),
            (self.path_answered, "answered by something on the path and never arrived"),
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
            write!(text, "; at most {} gone with the process", counted(self.excused, "request"))
                .expect("a String takes every character");
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
