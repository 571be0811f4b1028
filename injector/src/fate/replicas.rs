//! The target's processes, as their receipts show them: who is there, who has begun anew, and what they all have seen.
//!
//! That nobody has seen a request means something only if everybody was asked who could have: every address that the name
//! has now, and every process met before, for a replica that is being taken out of the name still serves its connections;
//! and nobody else may have answered requests. Who has done so without ever having been asked, or answers in turn with
//! others at one address, makes all of that worthless: then nothing is claimed.

mod known;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::stream::{StreamExt as _, iter};
use shared::identity::{Name, Session};
use shared::receipt::{Receipts, path};
use tokio::time::Instant;

use self::known::Known;
use super::heard::Heard;
use super::{Doubt, Lost, Verdict};
use crate::fault::client::{AT_ONCE_MAX, Call, Client};
use crate::names::Names;
use crate::plan::Endpoint;
use crate::target::QUESTION_TIMEOUT;

/// Everybody who may have seen a request of this session.
pub(crate) struct Replicas {
    session: Session,
    admin: Endpoint,
    names: Names,
    client: Client,
    known: Mutex<Known>,
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
    /// Whether one was not asked, because it did not answer a moment ago.
    has_spared: bool,
    clear_from: Option<Instant>,
}

impl Replicas {
    pub(crate) fn new(session: Session, admin: Endpoint, names: Names) -> Replicas {
        let client = Client { token: None, timeout: QUESTION_TIMEOUT };
        Replicas { session, admin, names, client, known: Mutex::new(Known::new(Instant::now())) }
    }

    /// Where names are looked up.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Whether everybody has been met at least once.
    pub(crate) fn are_known(&self) -> bool {
        self.lock().clear_from.is_some()
    }

    /// When the last one of those went that began anew, or are gone.
    pub(crate) fn gone_at(&self) -> Option<Instant> {
        self.lock().gone_at
    }

    /// One is gone since that instant, as its account shows.
    pub(super) fn is_gone(&self, at: Instant) {
        self.lock().restarted(at);
    }

    /// Whether one of this name is gone, whoever has it now.
    pub(super) fn has_lost(&self, server: &str) -> bool {
        self.lock().gone.contains(server)
    }

    /// How many processes have been met, and are not known to be gone.
    pub(crate) fn count(&self) -> usize {
        self.lock().count()
    }

    /// These have told as well.
    pub(super) fn have_told<'a>(&self, servers: impl IntoIterator<Item = &'a str>, heard: &Heard) {
        let mut known = self.lock();
        servers.into_iter().for_each(|server| known.has_told(server));
        known.make_room(heard);
    }

    /// Whether all who answered an operation are among those that were ever asked, and each at an address of its own.
    pub(super) fn were_all_asked(&self, heard: &Heard, operation: usize) -> bool {
        let known = self.lock();
        !known.is_shared && heard.of(operation).iter().all(|server| known.servers.contains(&**server))
    }

    /// Several of them answer in turn at one address, as their accounts show.
    pub(super) fn are_shared(&self) {
        self.lock().is_shared = true;
    }

    /// Looks whether all of them are still there, and whether others have come.
    pub(crate) async fn look(&self, operation: Name) {
        self.ask(operation, &[0]).await;
    }

    /// Looks the name up, and meets those that have come.
    pub(crate) async fn meet_new(&self, operation: Name) {
        let Some(named) = self.named().await else { return };
        let new: Vec<SocketAddr> = self.lock().unmet(&named);
        if !new.is_empty() {
            self.ask_these(new, &named, operation, &[0]).await;
        }
    }

    /// Meets everybody: at the start of a run nobody can have seen anything of it, so all that follows is clear.
    pub(crate) async fn meet(&self, operation: Name) {
        let now = Instant::now();
        if self.ask(operation, &[0]).await.is_whole {
            let mut known = self.lock();
            (known.clear_from, known.gone_at) = (Some(now), None);
        }
    }

    /// Asks everybody what they have seen of these numbers, each on a connection of its own.
    pub(crate) async fn ask(&self, operation: Name, numbers: &[u64]) -> Told {
        let named = self.named().await;
        let is_named = named.is_some();
        let named = named.unwrap_or_default();
        let (asked, spared, beyond) = self.lock().everybody(&named);
        let mut told = if is_named {
            self.ask_these(asked, &named, operation, numbers).await
        } else {
            // Who does not answer now is not gone: it is not known where it should be.
            let everybody = asked.iter().copied().collect();
            self.ask_these(asked, &everybody, operation, numbers).await
        };
        told.is_whole &= is_named && spared == 0 && beyond == 0;
        told.has_spared = spared > 0;
        let mut known = self.lock();
        if told.is_whole && known.clear_from.is_none() {
            known.clear_from = Some(known.youngest.unwrap_or_else(Instant::now));
        }
        Told { clear_from: known.clear_from, ..told }
    }

    /// The addresses that the name has now; nothing if it cannot be looked up.
    async fn named(&self) -> Option<BTreeSet<SocketAddr>> {
        let named: BTreeSet<SocketAddr> = self.names.all(&self.admin).await.ok()?.into_iter().collect();
        self.lock().has_looked(&named, Instant::now());
        Some(named)
    }

    async fn ask_these(
        &self,
        asked: Vec<SocketAddr>,
        named: &BTreeSet<SocketAddr>,
        operation: Name,
        numbers: &[u64],
    ) -> Told {
        let call = Call { method: "GET", path: path(self.session, operation, numbers), json: None };
        let (client, call) = (&self.client, &call);
        let asking = asked.into_iter().map(async |at| {
            let asked = Instant::now();
            let receipts = receipts(client, at, call).await;
            let mut known = self.lock();
            match &receipts {
                Some(receipts) => known.has_answered(at, receipts, asked),
                None => known.is_silent(at, named.contains(&at), asked),
            }
            (at, receipts)
        });
        let answers: Vec<_> = iter(asking).buffer_unordered(AT_ONCE_MAX).collect().await;
        let (seen, again) = (HashMap::new(), HashSet::new());
        let mut told = Told { seen, again, from: 0, is_whole: true, has_spared: false, clear_from: None };
        // Each counts once for each process, whatever addresses it has, and nothing counts that nobody asked for.
        let wanted: HashSet<u64> = numbers.iter().copied().collect();
        let mut boots = HashSet::new();
        for (at, receipts) in answers {
            let Some(receipts) = receipts else {
                told.is_whole &= !named.contains(&at);
                continue;
            };
            if !boots.insert(receipts.boot) {
                continue;
            }
            told.from = told.from.max(receipts.from);
            let numbers: HashSet<u64> = receipts.seen.into_iter().filter(|seq| wanted.contains(seq)).collect();
            numbers.into_iter().for_each(|seq| *told.seen.entry(seq).or_default() += 1);
            told.again.extend(receipts.duplicate);
        }
        told
    }

    /// As if it had answered before, and is in the name no more.
    #[cfg(test)]
    pub(super) fn met(&self, at: SocketAddr, boot: &str) {
        self.lock().met(at, boot);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Whether one was not asked, because it did not answer a moment ago.
    pub(super) fn has_spared(&self) -> bool {
        self.has_spared
    }
}

/// What one says. A process that knows nothing of the session (404) has seen nothing of it, and says which process it is.
async fn receipts(client: &Client, at: SocketAddr, call: &Call) -> Option<Receipts> {
    let (status, body) = client.ask(at, call).await.ok()?;
    matches!(status, 200 | 404).then(|| serde_json::from_slice(&body).ok()).flatten()
}
