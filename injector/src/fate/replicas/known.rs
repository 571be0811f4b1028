//! What is known of the target's processes: who answers where, who is gone, and who has ever told. Pure, but for instants.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use shared::instance::Instance;
use shared::receipt::Receipts;
use tokio::time::Instant;

use super::super::heard::Heard;
use crate::target::{Change, Life, QUESTION_TIMEOUT, REPLICAS_MAX, born};

/// Names that are kept; beyond it, those of processes that are gone and have answered nothing lately make room.
const SERVERS_MAX: usize = 1024;
/// Between two look-ups of the name, at most, for an address to be new in the second. After a longer time nobody knows
/// since when it is there.
const LOOKED_MAX: Duration = Duration::from_secs(2);
/// Who did not answer in time is spared for so long: others wait for each question to it.
const SPARED: Duration = QUESTION_TIMEOUT;

pub(super) struct Known {
    /// The processes met, by address: at most [`REPLICAS_MAX`].
    lives: BTreeMap<SocketAddr, Life>,
    /// The names of all that ever told.
    pub(super) servers: BTreeSet<Box<str>>,
    /// Those of processes that are gone, or began anew.
    pub(super) gone: BTreeSet<Box<str>>,
    /// Addresses that the name has and where nobody was met yet, since when they may serve.
    unmet: BTreeMap<SocketAddr, Instant>,
    /// Who ran into the timeout, and when.
    silent: BTreeMap<SocketAddr, Instant>,
    /// When the name was last looked up with success; at first, when all began.
    looked: Instant,
    /// When the youngest of those met began.
    pub(super) youngest: Option<Instant>,
    /// Who was asked before this instant may be gone with what it knew; nothing: nobody has answered yet.
    pub(super) clear_from: Option<Instant>,
    /// When the last one went that is gone.
    pub(super) gone_at: Option<Instant>,
    /// Several processes answer in turn at one address. For good: who was met there is known by chance only.
    pub(super) is_shared: bool,
}

impl Known {
    pub(super) fn new(now: Instant) -> Known {
        Known {
            lives: BTreeMap::new(),
            servers: BTreeSet::new(),
            gone: BTreeSet::new(),
            unmet: BTreeMap::new(),
            silent: BTreeMap::new(),
            looked: now,
            youngest: None,
            clear_from: None,
            gone_at: None,
            is_shared: false,
        }
    }

    /// How many processes there are: one may have several addresses.
    pub(super) fn count(&self) -> usize {
        self.lives.values().map(|life| &life.boot).collect::<HashSet<_>>().len()
    }

    /// The name has these addresses now.
    pub(super) fn has_looked(&mut self, named: &BTreeSet<SocketAddr>, now: Instant) {
        let since = if now.duration_since(self.looked) <= LOOKED_MAX { now } else { self.looked };
        self.looked = now;
        self.unmet.retain(|at, _| named.contains(at));
        self.silent.retain(|at, _| named.contains(at) || self.lives.contains_key(at));
        for at in named.iter().filter(|at| !self.lives.contains_key(at)).take(REPLICAS_MAX) {
            self.unmet.entry(*at).or_insert(since);
        }
    }

    /// Who is to be asked; how many are spared, and how many are too many. Those met come first, so that whoever is gone
    /// makes room.
    pub(super) fn everybody(&self, named: &BTreeSet<SocketAddr>) -> (Vec<SocketAddr>, usize, usize) {
        let new = named.iter().filter(|at| !self.lives.contains_key(at));
        let mut asked: Vec<SocketAddr> = self.lives.keys().chain(new).copied().collect();
        let beyond = asked.len().saturating_sub(REPLICAS_MAX);
        asked.truncate(REPLICAS_MAX);
        let all = asked.len();
        asked.retain(|at| !self.is_spared(at));
        let spared = all - asked.len();
        (asked, spared, beyond)
    }

    /// Of these addresses, those where nobody was met yet and somebody may be now.
    pub(super) fn unmet(&self, named: &BTreeSet<SocketAddr>) -> Vec<SocketAddr> {
        let room = REPLICAS_MAX.saturating_sub(self.lives.len());
        let unmet = named.iter().filter(|at| !self.lives.contains_key(at) && !self.is_spared(at));
        unmet.take(room).copied().collect()
    }

    fn is_spared(&self, at: &SocketAddr) -> bool {
        self.silent.get(at).is_some_and(|since| since.elapsed() < SPARED)
    }

    /// One was asked at this instant and has answered.
    pub(super) fn has_answered(&mut self, at: SocketAddr, receipts: &Receipts, asked: Instant) {
        let now = Instant::now();
        let born = born(now, receipts.uptime_seconds);
        self.has_told(&receipts.server);
        self.silent.remove(&at);
        let unmet = self.unmet.remove(&at);
        let mut heard = asked;
        match self.lives.get(&at) {
            Some(life) => {
                // Answers may come in another order than they were given: this one is older than what is known.
                if life.boot != receipts.boot && now <= life.heard {
                    return;
                }
                match life.change(&receipts.boot, born) {
                    Change::Same => heard = heard.max(life.heard),
                    Change::Restarted(born) => {
                        let server = life.server.clone();
                        self.has_lost(&server, born);
                    }
                    Change::Several => self.is_shared = true,
                }
            }
            // It may have served before it began: then it was another one, of which nobody knows anything.
            None => {
                if let (Some(since), Some(born)) = (unmet, born)
                    && born > since
                {
                    self.has_lost(&receipts.server, born);
                }
            }
        }
        self.youngest = self.youngest.max(born);
        self.lives.insert(at, Life { server: receipts.server.clone(), boot: receipts.boot.clone(), heard });
    }

    /// One was asked at this instant and has not answered. Neither in the name nor there, it is gone, and with it what it
    /// knew.
    pub(super) fn is_silent(&mut self, at: SocketAddr, is_named: bool, asked: Instant) {
        if asked.elapsed() >= QUESTION_TIMEOUT / 2 {
            self.silent.insert(at, Instant::now());
        }
        if !is_named && let Some(life) = self.lives.remove(&at) {
            self.has_lost(&life.server, Instant::now());
        }
    }

    /// A process of this name is gone by now.
    fn has_lost(&mut self, server: &str, at: Instant) {
        if let Some(server) = Instance::read(server.as_bytes())
            && self.gone.len() < 2 * SERVERS_MAX
        {
            self.gone.insert(server.as_str().into());
        }
        self.restarted(at);
    }

    pub(super) fn restarted(&mut self, at: Instant) {
        self.gone_at = self.gone_at.max(Some(at));
        self.clear_from = self.clear_from.max(Some(at));
    }

    /// One of this name has told, in receipts or in an account. Compared with answers, which name it as they can.
    pub(super) fn has_told(&mut self, server: &str) {
        if let Some(server) = Instance::read(server.as_bytes())
            && self.servers.len() < 2 * SERVERS_MAX
        {
            self.servers.insert(server.as_str().into());
        }
    }

    /// Forgets names that nobody will look for any more.
    pub(super) fn make_room(&mut self, heard: &Heard) {
        for names in [&mut self.servers, &mut self.gone] {
            if names.len() > SERVERS_MAX {
                names.retain(|server| heard.has(server));
            }
        }
    }

    #[cfg(test)]
    pub(super) fn met(&mut self, at: SocketAddr, boot: &str) {
        self.lives.insert(at, Life { server: String::new(), boot: boot.to_owned(), heard: Instant::now() });
    }
}
