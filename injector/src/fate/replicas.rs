//! The target's processes, as their receipts show them: who is there, who has begun anew, and what they all have seen.
//!
//! That nobody has seen a request means something only if everybody was asked who could have: every address that the name
//! has now, and every process met before, for a replica that is being taken out of the name still serves its connections.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{StreamExt as _, iter};
use shared::identity::{Name, Session};
use shared::receipt::{Receipts, path};
use tokio::time::Instant;

use super::{Doubt, Lost, Verdict};
use crate::fault::client::{AT_ONCE_MAX, Call, Client};
use crate::names::Names;
use crate::plan::Endpoint;
use crate::target::QUESTION_TIMEOUT;

/// Most processes asked: as many as the other commands ask.
const REPLICAS_MAX: usize = 256;

/// Everybody who may have seen a request of this session.
pub(crate) struct Replicas {
    session: Session,
    admin: Endpoint,
    names: Names,
    client: Client,
    /// The processes met, by address.
    boots: BTreeMap<SocketAddr, String>,
    /// Who was asked before this instant may be gone with what it knew; nothing: nobody has answered yet.
    clear_from: Option<Instant>,
    /// When the last one went that is gone.
    gone_at: Option<Instant>,
}

/// What all of them said together.
#[derive(Debug)]
pub(crate) struct Told {
    /// How many processes have seen a number.
    seen: HashMap<u64, u32>,
    /// Those that arrived more than once at one process.
    again: HashSet<u64>,
    /// Of all, the number from which all still know.
    from: u64,
    is_whole: bool,
    clear_from: Option<Instant>,
}

impl Replicas {
    pub(crate) fn new(session: Session, admin: Endpoint, names: Names) -> Replicas {
        let client = Client { token: None, timeout: QUESTION_TIMEOUT };
        Replicas { session, admin, names, client, boots: BTreeMap::new(), clear_from: None, gone_at: None }
    }

    /// Where names are looked up.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Whether everybody has been met at least once.
    pub(crate) fn are_known(&self) -> bool {
        self.clear_from.is_some()
    }

    /// When the last one of those went that began anew, or are gone, since they were met.
    pub(crate) fn gone_at(&self) -> Option<Instant> {
        self.gone_at
    }

    /// How many processes have been met, and are not known to be gone.
    pub(crate) fn count(&self) -> usize {
        self.boots.len()
    }

    /// Looks whether all of them are still there, and whether others have come.
    pub(crate) async fn look(&mut self, operation: Name) {
        self.ask(operation, &[0]).await;
    }

    /// Meets everybody: at the start of a run nobody can have seen anything of it, so all that follows is clear.
    pub(crate) async fn meet(&mut self, operation: Name) {
        let now = Instant::now();
        if self.ask(operation, &[0]).await.is_whole {
            self.clear_from = Some(now);
        }
    }

    /// Asks everybody what they have seen of these numbers, each on a connection of its own.
    pub(crate) async fn ask(&mut self, operation: Name, numbers: &[u64]) -> Told {
        let named = self.names.all(&self.admin).await.map(BTreeSet::from_iter);
        let mut is_whole = named.is_ok();
        let named: BTreeSet<SocketAddr> = named.unwrap_or_default();
        let mut asked: BTreeSet<SocketAddr> = self.boots.keys().copied().collect();
        asked.extend(&named);
        is_whole &= asked.len() <= REPLICAS_MAX;
        let call = Call { method: "GET", path: path(self.session, operation, numbers), json: None };
        let client = &self.client;
        let call = &call;
        let asking = asked.into_iter().take(REPLICAS_MAX).map(async |at| (at, receipts(client, at, call).await));
        let answers: Vec<_> = iter(asking).buffer_unordered(AT_ONCE_MAX).collect().await;
        let now = Instant::now();
        let mut told = Told { seen: HashMap::new(), again: HashSet::new(), from: 0, is_whole: false, clear_from: None };
        let mut youngest = None;
        // Each counts once for each process, and nothing counts that nobody asked for, whatever an answer says.
        let wanted: HashSet<u64> = numbers.iter().copied().collect();
        for (at, receipts) in answers {
            let Some(receipts) = receipts else {
                // Neither in the name nor there: gone, and with it what it knew.
                if is_whole && !named.contains(&at) {
                    self.boots.remove(&at);
                    self.restarted(now);
                } else {
                    is_whole = false;
                }
                continue;
            };
            let born = now.checked_sub(age(receipts.uptime_seconds));
            youngest = youngest.max(born);
            if self.boots.insert(at, receipts.boot.clone()).is_some_and(|before| before != receipts.boot) {
                self.restarted(born.unwrap_or(now));
            }
            told.from = told.from.max(receipts.from);
            let numbers: HashSet<u64> = receipts.seen.into_iter().filter(|seq| wanted.contains(seq)).collect();
            numbers.into_iter().for_each(|seq| *told.seen.entry(seq).or_default() += 1);
            told.again.extend(receipts.duplicate);
        }
        if is_whole && self.clear_from.is_none() {
            self.clear_from = Some(youngest.unwrap_or(now));
        }
        Told { is_whole, clear_from: self.clear_from, ..told }
    }

    /// As if it had answered before, and is in the name no more.
    #[cfg(test)]
    pub(super) fn met(&mut self, at: SocketAddr, boot: &str) {
        self.boots.insert(at, boot.to_owned());
    }

    fn restarted(&mut self, at: Instant) {
        self.gone_at = self.gone_at.max(Some(at));
        self.clear_from = self.clear_from.max(Some(at));
    }
}

impl Told {
    /// What this says of one request.
    pub(crate) fn of(&self, lost: &Lost) -> Verdict {
        if self.has_arrived(lost) {
            Verdict::ResponseLost
        } else if !self.is_whole {
            Verdict::Unknown(Doubt::Unreachable)
        } else if self.clear_from.is_none_or(|clear| lost.started < clear) {
            Verdict::Unknown(Doubt::Restarted)
        } else if lost.seq < self.from {
            Verdict::Unknown(Doubt::Forgotten)
        } else {
            Verdict::RequestLost
        }
    }

    /// Whether it arrived as often as it was sent. What was sent twice, and came once from there and once from elsewhere, is
    /// not told apart from what came as it was sent.
    pub(super) fn has_arrived(&self, lost: &Lost) -> bool {
        let again = u32::from(self.again.contains(&lost.seq));
        self.seen.get(&lost.seq).is_some_and(|processes| processes + again >= lost.sendings)
    }

    /// Arrivals of the numbers that were asked for at another process than the first.
    pub(super) fn elsewhere(&self) -> u64 {
        self.seen.values().map(|processes| u64::from(processes - 1)).sum()
    }

    /// Whether everybody has answered.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// What one says. A process that knows nothing of the session (404) has seen nothing of it, and says which process it is.
async fn receipts(client: &Client, at: SocketAddr, call: &Call) -> Option<Receipts> {
    let (status, body) = client.ask(at, call).await.ok()?;
    matches!(status, 200 | 404).then(|| serde_json::from_slice(&body).ok()).flatten()
}

fn age(uptime_seconds: f64) -> Duration {
    Duration::try_from_secs_f64(uptime_seconds).unwrap_or_default()
}
