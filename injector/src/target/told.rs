//! The target's account of our session: of each replica, and of all together.
//!
//! Invariant: everybody is asked who may have an account: every address that the name has now, and every one that it had
//! when the run began, for a replica that is being taken out of the name still serves its connections.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{StreamExt as _, iter};
use shared::account::{self, Account, NoAccount};
use shared::identity::Session;
use tokio::time::{Instant, sleep};

use super::QUESTION_TIMEOUT;
use crate::fault::client::{AT_ONCE_MAX, Call, Client};
use crate::names::Names;
use crate::plan::{Endpoint, Plan};

/// How long to wait for the target to have finished its own records after our last answer.
const SETTLE_MAX: Duration = Duration::from_secs(1);
/// Between two looks while it settles.
const SETTLE_STEP: Duration = Duration::from_millis(20);
/// Most replicas asked: as many as the other commands ask.
const REPLICAS_MAX: usize = 256;

/// Who was there when the run began, or came since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Met {
    who: BTreeMap<SocketAddr, Who>,
    /// Whether one of them is gone, or is another by now.
    has_lost: bool,
}

/// An instance and its life, as it says them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Who {
    server: String,
    boot: String,
    /// There was another life at this address.
    is_another: bool,
}

impl Met {
    /// Those who say who they are; the others the end of the run finds out again.
    fn of(asked: Vec<Asked>) -> Met {
        let who = |one: Asked| {
            let Account { server, boot, .. } = one.said.ok()?.account;
            Some((one.address, Who { server, boot, is_another: false }))
        };
        Met { who: asked.into_iter().filter_map(who).collect(), has_lost: false }
    }

    /// How many processes there are.
    pub(crate) fn count(&self) -> usize {
        self.who.len()
    }

    /// Remembers who has told, and was not there before, at most [`REPLICAS_MAX`]; forgets who is gone, so that nobody waits
    /// for it every time.
    pub(crate) fn keep(&mut self, told: &Told) {
        self.has_lost |= told.has_restarted;
        for replica in &told.replicas {
            match &replica.said {
                Ok(Account { server, boot, .. }) => {
                    if self.who.contains_key(&replica.address) || self.who.len() < REPLICAS_MAX {
                        let is_another = replica.has_restarted;
                        let who = Who { server: server.clone(), boot: boot.clone(), is_another };
                        self.who.insert(replica.address, who);
                    }
                }
                Err(_) if replica.has_restarted => drop(self.who.remove(&replica.address)),
                Err(_) => {}
            }
        }
    }
}

/// The account of all the target's replicas together.
#[derive(Debug)]
pub struct Told {
    /// The sum; its `server` names them all.
    pub account: Account,
    /// Whether every replica has told.
    pub is_whole: bool,
    /// Whether one has begun anew since the run began, or is gone, with what it had counted.
    pub has_restarted: bool,
    /// Who was asked, by address.
    pub replicas: Vec<Replica>,
}

/// One that was asked.
#[derive(Debug)]
pub struct Replica {
    /// Where.
    pub address: SocketAddr,
    /// Its name: as it says now, or said when the run began; empty if it never did.
    pub server: String,
    /// Whether it is not who it was when the run began.
    pub has_restarted: bool,
    /// What it says. Without operations if nothing of the session reached it; why not, if it says nothing.
    pub said: Result<Account, String>,
}

/// Who is there before the first request. Who does not answer is not met, which the end of the run finds out again.
pub(crate) async fn meet(names: &Names, admin: &Endpoint, session: Session) -> Met {
    Met::of(ask(names, admin, session, &Met::default()).await.unwrap_or_default())
}

/// The target's account of a session, once it has no request of it in flight (or after a second of waiting for that).
///
/// # Errors
/// Why there is none, in words.
pub(crate) async fn account(plan: &Plan, session: Session, met: &Met) -> Result<Told, String> {
    let names = Names::asking(plan.nameserver, QUESTION_TIMEOUT).map_err(|error| error.to_string())?;
    let deadline = Instant::now() + SETTLE_MAX;
    loop {
        let told = told(&names, &plan.admin, session, met).await?;
        let settled = told.account.operations.values().all(|operation| operation.in_flight == 0);
        if settled || Instant::now() >= deadline {
            return Ok(told);
        }
        sleep(SETTLE_STEP).await;
    }
}

/// What the replicas say now.
///
/// # Errors
/// If none knows what reached it: why the first does not.
pub(crate) async fn told(names: &Names, admin: &Endpoint, session: Session, met: &Met) -> Result<Told, String> {
    together(ask(names, admin, session, met).await?, met)
}

/// One answer.
struct Asked {
    address: SocketAddr,
    /// Whether the name has it.
    is_named: bool,
    said: Result<Said, String>,
}

struct Said {
    account: Account,
    /// Whether it knows what reached it of the session, if only that nothing did. Otherwise it may have forgotten.
    is_certain: bool,
}

/// Asks everybody once.
async fn ask(names: &Names, admin: &Endpoint, session: Session, met: &Met) -> Result<Vec<Asked>, String> {
    let named = names.all(admin).await.map_err(|class| class.as_str().to_owned())?;
    let named: BTreeSet<SocketAddr> = named.into_iter().collect();
    let everybody: BTreeSet<SocketAddr> = met.who.keys().chain(&named).copied().collect();
    let client = Client { token: None, timeout: QUESTION_TIMEOUT };
    let call = Call { method: "GET", path: account::path(session), json: None };
    let (client, call, named) = (&client, &call, &named);
    let beyond = everybody.iter().skip(REPLICAS_MAX).map(|address| Asked {
        address: *address,
        is_named: true,
        said: Err(format!("not asked: more than {REPLICAS_MAX} replicas")),
    });
    let beyond: Vec<Asked> = beyond.collect();
    let asking = everybody.into_iter().take(REPLICAS_MAX).map(async |address| Asked {
        address,
        is_named: named.contains(&address),
        said: one(client, address, call).await,
    });
    let mut answers: Vec<Asked> = iter(asking).buffered(AT_ONCE_MAX).collect().await;
    answers.extend(beyond);
    Ok(answers)
}

/// What one says. That nothing of the session reached it is as good as an empty account, as long as another has one.
async fn one(client: &Client, at: SocketAddr, call: &Call) -> Result<Said, String> {
    let (status, body) = client.ask(at, call).await.map_err(|failure| failure.to_string())?;
    match status {
        200 => {
            let account =
                serde_json::from_slice(&body).map_err(|error| format!("its answer is no account: {error}"))?;
            Ok(Said { account, is_certain: true })
        }
        // Who it is stands beside the no.
        404 => {
            let NoAccount { server, boot, is_certain, .. } = serde_json::from_slice(&body).unwrap_or_default();
            Ok(Said { account: Account { server, boot, ..Account::default() }, is_certain })
        }
        status => Err(format!("GET {} was answered {status}", call.path)),
    }
}

/// All answers together.
fn together(asked: Vec<Asked>, met: &Met) -> Result<Told, String> {
    let (mut sum, mut servers, mut boots) = (Account::default(), Vec::new(), BTreeSet::new());
    let (mut is_whole, mut has_restarted, mut why) = (true, met.has_lost, None);
    let mut replicas = Vec::new();
    for Asked { address, is_named, said } in asked {
        let before = met.who.get(&address);
        let replica = |server: String, has_restarted, said| Replica { address, server, has_restarted, said };
        match said {
            Err(reason) => {
                // Neither in the name nor there: gone, and its account with it.
                is_whole &= !is_named;
                has_restarted |= !is_named;
                let server = before.map(|before| before.server.clone()).unwrap_or_default();
                replicas.push(replica(server, !is_named, Err(reason.clone())));
                why.get_or_insert(reason);
            }
            Ok(Said { account, is_certain }) => {
                // One process at two addresses has one account.
                if !account.boot.is_empty() && !boots.insert(account.boot.clone()) {
                    continue;
                }
                let is_another = before.is_some_and(|before| before.is_another || before.boot != account.boot);
                has_restarted |= is_another;
                for (name, part) in &account.operations {
                    sum.operations.entry(name.clone()).or_default().merge(part);
                }
                if is_certain {
                    servers.push(account.server.clone());
                } else {
                    why.get_or_insert_with(|| "it has nothing of the session, or has forgotten it".to_owned());
                }
                replicas.push(replica(account.server.clone(), is_another, Ok(account)));
            }
        }
    }
    if servers.is_empty() {
        return Err(why.unwrap_or_else(|| "no replica".to_owned()));
    }
    sum.server = servers.join(", ");
    Ok(Told { account: sum, is_whole, has_restarted, replicas })
}

#[cfg(test)]
mod tests;
