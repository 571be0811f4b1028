//! What a process that is gone can have taken along in its account, at most: no more than was sent before it was gone. What
//! is missing of later requests, it does not excuse. Nor does it excuse more than it can have had: what came back from it, and
//! what came back from nobody.

use std::collections::{BTreeSet, VecDeque};

use shared::instance::Instance;
use tokio::time::Instant;

use super::Fates;
use crate::account::OperationAccount;
use crate::difference::Figures;
use crate::target::Told;

/// Figures that are kept: at one a second, half a minute, which is how long a restart can stay unnoticed at most.
const KEPT_MAX: usize = 32;

/// What was sent by when.
#[derive(Debug, Default)]
pub(super) struct Excuse {
    /// When figures were first seen, and what they say was sent of each operation; oldest first.
    seen: VecDeque<(Instant, Vec<u64>)>,
    /// The restart that has been looked up, and what was sent before it.
    known: Option<(Instant, Vec<u64>)>,
}

impl Excuse {
    /// Keeps figures that are new, and looks up a restart that is.
    pub(super) fn look(&mut self, figures: &[Figures], restart: Option<Instant>) {
        let sent: Vec<u64> = figures.iter().map(Figures::sendings).collect();
        if self.seen.len() == KEPT_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back((Instant::now(), sent));
        if let Some(restart) = restart.filter(|restart| self.known.as_ref().is_none_or(|(known, _)| known < restart))
            && let Some(sent) = self.sent_before(restart)
        {
            self.known = Some((restart, sent));
        }
    }

    /// Figures are counted a moment before they are seen, so only those behind a set that was seen after the restart hold
    /// everything that was sent before it.
    fn sent_before(&self, restart: Instant) -> Option<Vec<u64>> {
        let mut later = self.seen.iter().skip_while(|(seen, _)| *seen < restart);
        later.next();
        later.next().map(|(_, sent)| sent.clone())
    }

    /// Most requests of one operation that were in the accounts of processes gone by `restart`, of all that were sent.
    pub(super) fn of(&self, operation: usize, restart: Option<Instant>, sent: u64) -> u64 {
        match (&self.known, restart) {
            (_, None) => 0,
            (Some((known, before)), Some(restart)) if *known >= restart => least(before, operation, sent),
            // Nobody has looked since.
            (_, Some(restart)) => {
                let before = self.sent_before(restart);
                before.map_or(sent, |before| least(&before, operation, sent))
            }
        }
    }
}

/// An operation that a reload has brought after that has lost nothing by it.
fn least(before: &[u64], operation: usize, sent: u64) -> u64 {
    before.get(operation).map_or(0, |before| *before.min(&sent))
}

/// Most requests that were in accounts that nobody can read any more, by who answered: those of servers of which a process
/// is gone, or that have not told, of nobody known, and without an answer.
pub(super) fn unaccounted(ours: &OperationAccount, fates: &Fates, told: &Told, is_gone: impl Fn(&str) -> bool) -> u64 {
    let name = |server: &str| Some(Instance::read(server.as_bytes())?.as_str().to_owned());
    let of = |has_told: bool| {
        let those = told.replicas.iter().filter(move |one| (one.said.is_ok() && !one.has_restarted) == has_told);
        those.filter_map(|one| name(&one.server)).collect::<BTreeSet<_>>()
    };
    let (whole, broken) = (of(true), of(false));
    let is_lost = |server: &str| is_gone(server) || broken.contains(server) || !whole.contains(server);
    let backends = &ours.by_backend;
    let answered = backends.servers().filter(|(server, _)| is_lost(server)).map(|(_, seen)| seen.answered);
    let unnamed = backends.unnamed().answered + backends.other().answered;
    answered.sum::<u64>() + unnamed + fates.total() + ours.interrupted + ours.silent
}
