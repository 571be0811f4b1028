//! What a difference between a replica and this side may be. Exact where the figures leave only one reading. Pure.

use super::{Replica, Row};
use crate::account::OperationAccount;
use shared::outcome::Fate;

/// What explains, of one operation and all replicas together, that replicas answered more than this side saw from them.
pub(super) struct Doubts<'a> {
    operation: &'a str,
    /// Surplus answers that did not arrive there twice.
    surplus: u64,
    /// Known to be lost.
    lost: u64,
    /// Cut off, of no known fate, or to have no answer.
    unknown: u64,
    /// Arrived at one more replica.
    elsewhere: u64,
    /// Came, and did not say from whom, or from one for which there was no room.
    unnamed: u64,
}

impl<'a> Doubts<'a> {
    pub(super) fn new((operation, account): &(&'a str, &OperationAccount), replicas: &[Replica]) -> Doubts<'a> {
        let surplus = |replica: &Replica| replica.operations.get(*operation).map_or(0, |row| surplus(row).1);
        Doubts {
            operation,
            surplus: replicas.iter().map(surplus).sum(),
            lost: account.fates.of(Fate::ResponseLost),
            unknown: account.fates.of(Fate::Unknown) + account.interrupted + account.silent,
            elsewhere: account.fates.elsewhere,
            unnamed: account.by_backend.unnamed().answered + account.by_backend.other().answered,
        }
    }

    fn why(&self, rest: u64) -> String {
        let Doubts { surplus, lost, unknown, elsewhere, unnamed, .. } = self;
        let each = [
            (lost, "answers lost"),
            (elsewhere, "sent again to it"),
            (unnamed, "answers without a name"),
            (unknown, "cut off, or of no known fate"),
        ];
        let there_are: Vec<_> = each.into_iter().filter(|(count, _)| **count > 0).collect();
        if let Some((_, what)) = there_are.iter().find(|(count, _)| *count == surplus) {
            return format!("{rest} {what}");
        }
        if there_are.iter().map(|(count, _)| **count).sum::<u64>() >= *surplus {
            let those: Vec<_> = there_are.iter().map(|(count, what)| format!("{count} {what}")).collect();
            return format!("{rest} of the {}", those.join(", "));
        }
        format!("{rest} for no known reason")
    }
}

/// Answers that this side did not see: those to requests that arrived there twice, and the rest.
fn surplus(row: &Row) -> (u64, u64) {
    let more = row.difference.and_then(|difference| u64::try_from(difference).ok()).unwrap_or(0);
    let twice = row.server.map_or(0, |server| server.duplicates).min(more);
    (twice, more - twice)
}

/// One line for each thing that does not agree.
pub(super) fn remarks(replica: &Replica, doubts: &[Doubts<'_>]) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(error) = &replica.error {
        let seen = replica.total.client.answered;
        remarks.push(format!("{error}; {seen} answers came from it"));
    }
    if replica.restarted && replica.error.is_none() {
        remarks.push(
            "began anew in the run, or another took its place; what went before is not in its account".to_owned(),
        );
    }
    if replica.addresses.len() > 1 {
        let count = replica.addresses.len();
        remarks.push(format!("{count} processes have this name; --pod gives each its own"));
    }
    for doubt in doubts {
        let Some(row) = replica.operations.get(doubt.operation) else { continue };
        let (Some(difference), Some(server)) = (row.difference, row.server) else { continue };
        if difference == 0 {
            continue;
        }
        let count = difference.unsigned_abs();
        let remark = if difference > 0 {
            let (twice, rest) = surplus(row);
            let twice = (twice > 0).then(|| format!("{twice} arrived there twice"));
            let rest = (rest > 0).then(|| doubt.why(rest));
            let why: Vec<String> = twice.into_iter().chain(rest).collect();
            format!("{}: answered {count} more than this side saw from it: {}", doubt.operation, why.join(", "))
        } else {
            let why = match server.failed + server.unanswered + server.in_flight {
                _ if replica.restarted => "its account began anew",
                unfinished if unfinished >= count => "by its own account they were not finished",
                _ => "for no known reason; does something else answer in its name?",
            };
            format!("{}: answered {count} fewer than this side saw from it: {why}", doubt.operation)
        };
        remarks.push(remark);
    }
    remarks
}
