//! Both sides by replica: what each says it answered, and what this side had from it. Pure.
//!
//! What a replica received can only be set against what was sent if it is known whom a request went to, and it is not: a
//! proxy may stand between. Who answered is known, for the answer says so.

mod words;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use shared::account::OperationAccount as TargetAccount;
use shared::instance::Instance;

use self::words::Doubts;
use crate::account::{OperationAccount, Seen};
use crate::target::{self, Told};

/// One server: who was asked, who answered, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replica {
    /// Its name, as in `x-cload-server`; empty if it never said.
    pub server: String,
    /// Where it was asked for its account. None: it answered requests, and is at no address that was asked. Several:
    /// processes of one name, which answers do not tell apart.
    pub addresses: Vec<SocketAddr>,
    /// The life of each that told.
    pub boots: Vec<String>,
    /// Whether it began anew in the run, or is gone.
    pub restarted: bool,
    /// Why its account, or a part of it, is missing.
    pub error: Option<String>,
    /// All operations together.
    pub total: Row,
    /// By operation, those of which either side knows anything.
    pub operations: BTreeMap<String, Row>,
    /// What does not agree, in words.
    pub remarks: Vec<String>,
}

/// Both sides of one replica's part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// As the answers say, counted here.
    pub client: Seen,
    /// As it says itself; nothing if it says nothing.
    pub server: Option<Counts>,
    /// Answered by what it says, minus what was had from it here; nothing if a part of that is missing.
    pub difference: Option<i64>,
}

/// What a replica says of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Request heads that arrived whole.
    pub received: u64,
    /// Of those, the ones that had arrived there before.
    pub duplicates: u64,
    /// Of those, the ones that came too late to tell.
    pub late: u64,
    /// Complete answers.
    pub answered: u64,
    /// Deliberately left without one.
    pub unanswered: u64,
    /// Ended against its will.
    pub failed: u64,
    /// Still being worked on.
    pub in_flight: u64,
}

impl From<&TargetAccount> for Counts {
    fn from(account: &TargetAccount) -> Counts {
        Counts {
            received: account.received,
            duplicates: account.duplicates,
            late: account.late,
            answered: account.answered_total(),
            unanswered: account.unanswered,
            failed: account.failed_total(),
            in_flight: account.in_flight,
        }
    }
}

impl Counts {
    fn merge(&mut self, other: &Counts) {
        self.received += other.received;
        self.duplicates += other.duplicates;
        self.late += other.late;
        self.answered += other.answered;
        self.unanswered += other.unanswered;
        self.failed += other.failed;
        self.in_flight += other.in_flight;
    }
}

impl Row {
    /// Adds another's figures.
    pub(crate) fn merge(&mut self, other: &Row) {
        self.client.merge(&other.client);
        if let Some(theirs) = &other.server {
            self.server.get_or_insert_default().merge(theirs);
        }
        self.settle();
    }

    fn settle(&mut self) {
        let minus = |server: Counts| i128::from(server.answered) - i128::from(self.client.answered);
        self.difference = self.server.map(|server| i64::try_from(minus(server)).unwrap_or(i64::MAX));
    }
}

/// The servers of the operations whose requests say who they are, by name, then those that never said theirs. Of the other
/// operations the target has no account of ours.
pub(crate) fn replicas(told: Option<&Told>, operations: &[(&str, &OperationAccount)]) -> Vec<Replica> {
    let mut named: BTreeMap<String, Replica> = BTreeMap::new();
    let mut nameless = Vec::new();
    for one in told.map_or(&[][..], |told| &told.replicas) {
        match Instance::read(one.server.as_bytes()) {
            Some(server) => asked(named.entry(server.to_string()).or_default(), one),
            None => {
                let mut replica = Replica::default();
                asked(&mut replica, one);
                nameless.push(replica);
            }
        }
    }
    for (operation, account) in operations {
        for (server, seen) in account.by_backend.servers() {
            let replica = named.entry(server.to_owned()).or_default();
            replica.operations.entry((*operation).to_owned()).or_default().client = *seen;
        }
    }
    for (server, replica) in &mut named {
        replica.server.clone_from(server);
        if replica.addresses.is_empty() && told.is_some() {
            replica.error = Some("at none of the addresses that were asked".to_owned());
        }
    }
    let mut replicas: Vec<Replica> = named.into_values().chain(nameless).collect();
    for replica in &mut replicas {
        for row in replica.operations.values_mut() {
            // Who has told and does not mention an operation has had nothing of it.
            if !replica.boots.is_empty() && replica.error.is_none() {
                row.server.get_or_insert_default();
            }
            row.settle();
            replica.total.merge(row);
        }
        if replica.error.is_some() {
            let rows = replica.operations.values_mut().chain([&mut replica.total]);
            rows.for_each(|row| row.difference = None);
        }
    }
    let doubts: Vec<Doubts> = operations.iter().map(|one| Doubts::new(one, &replicas)).collect();
    for replica in &mut replicas {
        replica.remarks = words::remarks(replica, &doubts);
    }
    replicas
}

/// Adds what one process says to the row of its name.
fn asked(replica: &mut Replica, one: &target::Replica) {
    replica.addresses.push(one.address);
    replica.restarted |= one.has_restarted;
    match &one.said {
        Err(why) => replica.error = Some(why.clone()),
        Ok(account) => {
            replica.boots.push(account.boot.clone());
            for (name, part) in &account.operations {
                replica.operations.entry(name.clone()).or_default().server.get_or_insert_default().merge(&part.into());
            }
        }
    }
}

#[cfg(test)]
mod tests;
