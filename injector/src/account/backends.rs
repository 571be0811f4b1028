//! Answers by the server that gave them, as the answers themselves say.
//!
//! Invariants:
//! - At most [`SERVERS_MAX`] servers, however many names come: the one not heard of for longest makes room, and its figures
//!   go to `other`. In a run of months replicas come and go.
//! - No memory is taken for a request: usually it is the server of the one before, and else one that is known.

use serde::{Deserialize, Serialize};
use shared::instance::Instance;
use shared::outcome::{Code, ErrorClass, Outcome};

/// Most servers told apart in one operation: as many replicas as are ever asked.
pub(crate) const SERVERS_MAX: usize = 256;

/// What one server did, as this side saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// Complete answers, right or wrong, those included after which it was asked again.
    pub answered: u64,
    /// Requests that were what was asked for.
    pub success: u64,
    /// Requests that were not, among them those whose answer only began.
    pub failure: u64,
}

impl Seen {
    fn is_none(&self) -> bool {
        *self == Seen::default()
    }

    /// Adds another's figures.
    pub fn merge(&mut self, other: &Seen) {
        self.answered += other.answered;
        self.success += other.success;
        self.failure += other.failure;
    }

    fn finished(&mut self, outcome: Outcome<ErrorClass>) {
        self.answered += u64::from(outcome.code() != Code::NONE);
        self.success += u64::from(outcome.is_success());
        self.failure += u64::from(!outcome.is_success());
    }
}

#[derive(Clone, Debug)]
struct Row {
    name: Box<str>,
    seen: Seen,
    /// The last turn in which it was heard of.
    turn: u64,
}

/// The servers of one operation.
#[derive(Clone, Debug, Default)]
pub struct Backends {
    /// By name.
    rows: Vec<Row>,
    /// The row counted into last.
    last: usize,
    /// Counts clearings and mergings.
    turn: u64,
    other: Seen,
    unnamed: Seen,
}

impl Backends {
    /// A request has its result; of one without an answer there is no server, and nothing is counted.
    pub(crate) fn count(&mut self, server: Option<&Instance>, outcome: Outcome<ErrorClass>) {
        match server {
            Some(server) => self.row(server.as_str()).finished(outcome),
            None if outcome.code() != Code::NONE => self.unnamed.finished(outcome),
            None => {}
        }
    }

    /// An answer came after which the request is made again elsewhere.
    pub(crate) fn again(&mut self, server: Option<&Instance>) {
        let seen = match server {
            Some(server) => self.row(server.as_str()),
            None => &mut self.unnamed,
        };
        seen.answered += 1;
    }

    /// What each server did, by name.
    pub fn servers(&self) -> impl Iterator<Item = (&str, &Seen)> {
        self.rows.iter().map(|row| (&*row.name, &row.seen))
    }

    /// Of servers for which there was no room.
    pub fn other(&self) -> Seen {
        self.other
    }

    /// Of answers that name no server.
    pub fn unnamed(&self) -> Seen {
        self.unnamed
    }

    /// The figures of a server, whose row is made if there is none.
    fn row(&mut self, name: &str) -> &mut Seen {
        if self.rows.get(self.last).is_none_or(|row| *row.name != *name) {
            let found = self.rows.binary_search_by(|row| (*row.name).cmp(name));
            self.last = found.unwrap_or_else(|_| self.insert(name));
        }
        let row = &mut self.rows[self.last];
        row.turn = self.turn;
        &mut row.seen
    }

    fn insert(&mut self, name: &str) -> usize {
        if self.rows.len() >= SERVERS_MAX
            && let Some(idlest) = (0..self.rows.len()).min_by_key(|at| self.rows[*at].turn)
        {
            self.other.merge(&self.rows.remove(idlest).seen);
        }
        let at = self.rows.partition_point(|row| *row.name < *name);
        self.rows.insert(at, Row { name: name.into(), seen: Seen::default(), turn: self.turn });
        at
    }

    /// Forgets the figures, and the names that had none: the memory stays with those that are heard of.
    pub(super) fn clear(&mut self) {
        self.rows.retain(|row| !row.seen.is_none());
        self.rows.iter_mut().for_each(|row| row.seen = Seen::default());
        (self.other, self.unnamed, self.last) = (Seen::default(), Seen::default(), 0);
        self.turn += 1;
    }

    /// Adds another's figures.
    pub(super) fn merge(&mut self, other: &Backends) {
        self.turn += 1;
        for theirs in other.rows.iter().filter(|row| !row.seen.is_none()) {
            self.row(&theirs.name).merge(&theirs.seen);
        }
        self.other.merge(&other.other);
        self.unnamed.merge(&other.unnamed);
    }
}

#[cfg(test)]
mod tests;
