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
use shared::outcome::ErrorClass;
use tokio::time::{Instant, sleep};

use super::{Change, Life, QUESTION_TIMEOUT, born};
use crate::fault::client::{AT_ONCE_MAX, Call, Client};
use crate::names::Names;
use crate::plan::{Endpoint, Plan};

/// How long to wait for the target to have finished its own records after our last answer.
const SETTLE_MAX: Duration = Duration::from_secs(1);
/// Between two looks while it settles.
const SETTLE_STEP: Duration = Duration::from_millis(20);
/// How long everybody is asked again, if not all have told.
const WHOLE_MAX: Duration = Duration::from_secs(3);
/// Between two questions until all have told.
const WHOLE_STEP: Duration = Duration::from_millis(250);
/// Most replicas asked: as many as the other commands ask.
pub(crate) const REPLICAS_MAX: usize = 256;

/// Who was there when the run began, or came since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Met {
    who: BTreeMap<SocketAddr, Who>,
    /// When the session began: what a target forgot before is nothing of it.
    began: Option<Instant>,
    /// When the last of them went that is gone, or is another by now.
    gone_at: Option<Instant>,
    /// Whether several answer in turn at one address.
    is_shared: bool,
}

/// An instance and its life, as it says them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Who {
    life: Life,
    /// There was another life at this address.
    is_another: bool,
}

impl Met {
    /// Those who say who they are; the others the end of the run finds out again.
    fn of(asked: Vec<Asked>) -> Met {
        let who = |one: Asked| {
            let Account { server, boot, .. } = one.said.ok()?.account;
            let life = Life { server, boot, heard: one.asked };
            Some((one.address, Who { life, is_another: false }))
        };
        Met { who: asked.into_iter().filter_map(who).collect(), ..Met::default() }
    }

    /// Remembers who has told, and was not there before, at most [`REPLICAS_MAX`]; forgets who is gone, so that nobody waits
    /// for it every time.
    pub(crate) fn keep(&mut self, told: &Told) {
        self.gone_at = self.gone_at.max(told.gone_at);
        self.is_shared |= told.is_shared;
        for replica in told.replicas.iter().filter(|replica| replica.said.is_err() && replica.has_restarted) {
            self.who.remove(&replica.address);
        }
        for replica in &told.replicas {
            let Ok(Account { server, boot, .. }) = &replica.said else { continue };
            if self.who.contains_key(&replica.address) || self.who.len() < REPLICAS_MAX {
                let life = Life { server: server.clone(), boot: boot.clone(), heard: replica.asked };
                self.who.insert(replica.address, Who { life, is_another: replica.has_restarted });
            }
        }
    }
}

/// The account of all the target's replicas together.
#[derive(Debug, Default)]
pub struct Told {
    /// The sum; its `server` names them all.
    pub account: Account,
    /// Which part is missing, in words; nothing if every replica has told.
    pub missing: Option<String>,
    /// When the last one went that has begun anew since the run began, or is gone, with what it had counted.
    pub gone_at: Option<Instant>,
    /// Whether several processes answer in turn at one address; then not all have told.
    pub is_shared: bool,
    /// Who was asked, by address.
    pub replicas: Vec<Replica>,
}

impl Told {
    /// Whether every replica has told.
    pub(crate) fn is_whole(&self) -> bool {
        self.missing.is_none()
    }

    /// Those who have told.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &str> {
        self.replicas.iter().filter(|replica| replica.said.is_ok()).map(|replica| &*replica.server)
    }
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
    /// When it was asked.
    pub asked: Instant,
    /// What it says. Without operations if nothing of the session reached it; why not, if it says nothing.
    pub said: Result<Account, String>,
}

/// Who is there before the first request. Who does not answer is not met, which the end of the run finds out again.
pub(crate) async fn meet(names: &Names, admin: &Endpoint, session: Session) -> Met {
    let began = Some(Instant::now());
    let answers = ask(names, admin, session, &Met::default()).await.map(|(answers, _)| answers);
    Met { began, ..Met::of(answers.unwrap_or_default()) }
}

/// The target's account of a session, once it has no request of it in flight (or after a second of waiting for that). Not
/// all may tell at first: they are asked again for a while.
///
/// # Errors
/// Why there is none, in words.
pub(crate) async fn account(plan: &Plan, session: Session, met: &Met) -> Result<Told, String> {
    let names = Names::asking(plan.nameserver, QUESTION_TIMEOUT).map_err(|error| error.to_string())?;
    let start = Instant::now();
    loop {
        let told = told(&names, &plan.admin, session, met).await;
        let is_whole = told.as_ref().is_ok_and(Told::is_whole);
        let accounts = told.as_ref().map(|told| &told.account.operations);
        let is_settled = accounts.is_ok_and(|accounts| accounts.values().all(|operation| operation.in_flight == 0));
        let longest = match is_whole {
            true if is_settled => Duration::ZERO,
            true => SETTLE_MAX,
            false => WHOLE_MAX,
        };
        if start.elapsed() >= longest {
            return told;
        }
        sleep(if is_whole { SETTLE_STEP } else { WHOLE_STEP }).await;
    }
}

/// What the replicas say now.
///
/// # Errors
/// If none knows what reached it: why the first does not.
pub(crate) async fn told(names: &Names, admin: &Endpoint, session: Session, met: &Met) -> Result<Told, String> {
    let (answers, unnamed) = ask(names, admin, session, met).await?;
    let mut told = together(answers, met)?;
    if let Some(class) = unnamed {
        told.missing.get_or_insert_with(|| format!("the replicas are not known: {}", super::words(class)));
    }
    Ok(told)
}

/// One answer.
struct Asked {
    address: SocketAddr,
    /// Whether the name has it.
    is_named: bool,
    asked: Instant,
    answered: Instant,
    said: Result<Said, String>,
}

struct Said {
    account: Account,
    /// Whether it has an account, or says that nothing reached it and that it forgot nothing.
    is_certain: bool,
}

/// Asks everybody once. If the name cannot be looked up, those who were met, and why that is: they may not be all.
async fn ask(
    names: &Names,
    admin: &Endpoint,
    session: Session,
    met: &Met,
) -> Result<(Vec<Asked>, Option<ErrorClass>), String> {
    let (named, unnamed): (BTreeSet<SocketAddr>, _) = match names.all(admin).await {
        Ok(named) => (named.into_iter().collect(), None),
        Err(class) if !met.who.is_empty() => (met.who.keys().copied().collect(), Some(class)),
        Err(class) => return Err(super::words(class).to_owned()),
    };
    // Those met come first, so that whoever is gone makes room.
    let new = named.iter().filter(|address| !met.who.contains_key(address));
    let everybody: Vec<SocketAddr> = met.who.keys().chain(new).copied().collect();
    let client = Client { token: None, timeout: QUESTION_TIMEOUT };
    let call = Call { method: "GET", path: account::path(session), json: None };
    let (client, call, named) = (&client, &call, &named);
    let now = Instant::now();
    let beyond = everybody.iter().skip(REPLICAS_MAX).map(|address| Asked {
        address: *address,
        is_named: true,
        asked: now,
        answered: now,
        said: Err(format!("not asked: more than {REPLICAS_MAX} replicas")),
    });
    let asking = everybody.iter().take(REPLICAS_MAX).map(async |address| {
        let asked = Instant::now();
        let said = one(client, *address, call).await;
        Asked { address: *address, is_named: named.contains(address), asked, answered: Instant::now(), said }
    });
    let mut answers: Vec<Asked> = iter(asking).buffered(AT_ONCE_MAX).collect().await;
    answers.extend(beyond);
    answers.sort_unstable_by_key(|one| one.address);
    Ok((answers, unnamed))
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
            let NoAccount { server, boot, uptime_seconds, is_certain, forgotten_seconds, .. } =
                serde_json::from_slice(&body).unwrap_or_default();
            let account = Account { server, boot, uptime_seconds, forgotten_seconds, ..Account::default() };
            Ok(Said { account, is_certain: is_certain || forgotten_seconds.is_some() })
        }
        status => Err(format!("GET {} was answered {status}", call.path)),
    }
}

/// All answers together.
fn together(answers: Vec<Asked>, met: &Met) -> Result<Told, String> {
    let (mut sum, mut servers, mut boots) = (Account::default(), Vec::new(), BTreeSet::new());
    let (mut missing, mut gone_at, mut is_shared, mut why) = (None, met.gone_at, met.is_shared, None);
    let mut replicas = Vec::new();
    for Asked { address, is_named, asked, answered, said } in answers {
        let before = met.who.get(&address);
        let replica = |server: String, has_restarted, said| Replica { address, server, has_restarted, asked, said };
        match said {
            Err(reason) => {
                if is_named {
                    missing.get_or_insert_with(|| format!("{address}: {reason}"));
                } else {
                    // Neither in the name nor there: gone, and its account with it.
                    gone_at = gone_at.max(Some(answered));
                }
                let server = before.map(|before| before.life.server.clone()).unwrap_or_default();
                replicas.push(replica(server, !is_named, Err(reason.clone())));
                why.get_or_insert(reason);
            }
            Ok(Said { account, is_certain }) => {
                // One process at two addresses has one account.
                if !account.boot.is_empty() && !boots.insert(account.boot.clone()) {
                    continue;
                }
                let born = born(answered, account.uptime_seconds);
                let change = before.map_or(Change::Same, |before| before.life.change(&account.boot, born));
                match change {
                    Change::Same => {}
                    Change::Restarted(born) => gone_at = gone_at.max(Some(born)),
                    Change::Several => is_shared = true,
                }
                let is_another = before.is_some_and(|before| before.is_another);
                let is_another = is_another || matches!(change, Change::Restarted(_));
                // What it forgot since the session began may have been this session.
                let forgotten = account.forgotten_seconds.and_then(|seconds| self::born(answered, seconds));
                let has_forgotten = forgotten.is_some_and(|at| met.began.is_none_or(|began| at >= began));
                if has_forgotten {
                    missing.get_or_insert_with(|| format!("{address}: it has forgotten sessions since the run began"));
                }
                let is_certain = is_certain && !(has_forgotten && account.operations.is_empty());
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
    if is_shared {
        missing.get_or_insert_with(|| "several processes answer in turn at one address of the admin port".to_owned());
    }
    sum.server = servers.join(", ");
    Ok(Told { account: sum, missing, gone_at, is_shared, replicas })
}

#[cfg(test)]
mod tests;
