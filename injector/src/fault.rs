//! `injector fault`: rules that make targets misbehave for a while, on every replica or on none.
//!
//! Each command asks every replica once and says what each of them said. Nothing is asked again by itself, but for the
//! wait, whose purpose that is. A rule that was forgotten, or left behind by a command that was killed, ends with its ttl.

mod apply;
pub(crate) mod client;
mod draft;
mod replicas;
mod report;
mod rule;
mod wait;
mod wire;

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::apply::path;
use self::client::{Call, Client, Said, escaped};
use self::replicas::replicas;
use self::report::{Done, done};
pub use self::rule::{Matches, Ramp, Rule, Spec, Time};
use self::wait::{Wanted, wait};
pub use self::wire::State;
use self::wire::{Count, Installed, Listing, Removed};
use crate::cli::{AdminArgs, ApplyArgs, FaultArgs, FaultCommand, Power};
use crate::verdict::Exit;

/// How long rules stay switched off if nothing is said: as long as the longest of them lives.
const OFF_TTL: Time = Time(Duration::from_hours(1));

/// Asks, prints, and says how it went.
///
/// # Errors
/// What failed on which replica, and the exit code: 1 if one refused, 2 for wrong flags or a wrong file, 97 if one could
/// not be reached.
pub fn run(args: &FaultArgs) -> Result<Exit, (Exit, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| (Exit::Invalid, error.to_string()))?;
    let done = runtime.block_on(execute(&args.command))?;
    let mut out = std::io::stdout().lock();
    // If nobody reads, the exit code still says it.
    let _ =
        if args.command.admin().json { writeln!(out, "{}", done.json) } else { out.write_all(done.text.as_bytes()) };
    done.end
}

async fn execute(command: &FaultCommand) -> Result<Done, (Exit, String)> {
    Ok(match command {
        FaultCommand::Apply(args) => {
            // Before any question: a wrong file is wrong whatever the targets say.
            let rule = draft::rule(args.file.as_deref(), args.rule()).map_err(|why| (Exit::Usage, why))?;
            Asking::new(&args.admin).await?.apply(&rule, args).await
        }
        FaultCommand::List { state, owner, admin } => {
            Asking::new(admin).await?.list(state.as_ref(), owner.as_deref()).await
        }
        FaultCommand::Renew { rule, ttl, admin } => Asking::new(admin).await?.renew(&rule.id, *ttl).await,
        FaultCommand::Remove { id, owner, admin } => {
            Asking::new(admin).await?.remove(id.as_deref(), owner.as_deref()).await
        }
        FaultCommand::Wait { rule, injected, wait: args, admin } => {
            let Asking { client, replicas } = Asking::new(admin).await?;
            let before = vec![0; replicas.len()];
            let wanted = Wanted { id: &rule.id, injected: *injected, before, limit: args.timeout };
            wait(&client, &replicas, &wanted).await
        }
        FaultCommand::Switch { power: Some(Power::On), ttl: Some(_), .. } => {
            return Err((Exit::Usage, "switch on takes no --ttl: on is for good".to_owned()));
        }
        FaultCommand::Switch { power, ttl, admin } => {
            Asking::new(admin).await?.switch(*power, ttl.unwrap_or(OFF_TTL)).await
        }
        FaultCommand::Events { since, admin } => Asking::new(admin).await?.events(*since).await,
    })
}

/// Whom to ask, and with what.
struct Asking {
    client: Client,
    replicas: Vec<SocketAddr>,
}

impl Asking {
    async fn new(args: &AdminArgs) -> Result<Asking, (Exit, String)> {
        let client = Client::new(args.token_file.as_deref(), args.request_timeout);
        Ok(Asking { client: client.map_err(|why| (Exit::Usage, why))?, replicas: replicas(args).await? })
    }

    async fn all<T: DeserializeOwned>(&self, method: &'static str, path: String, json: Option<Value>) -> Vec<Said<T>> {
        self.client.all(&self.replicas, &Call { method, path, json }).await
    }

    async fn apply(&self, rule: &Rule, args: &ApplyArgs) -> Done {
        let id = rule.id.as_deref().expect("a draft without an id is refused");
        let said = match apply::install(&self.client, &self.replicas, id, rule).await {
            Ok(said) => said,
            Err(done) => return *done,
        };
        let mut done = apply::installed(&said);
        let Some(injected) = args.wait_injected else { return done };
        // A rule that was replaced may keep its count.
        let before = said.iter().map(|one| one.answer.as_ref().map_or(0, |(_, rule)| rule.injected)).collect();
        let wanted = Wanted { id, injected, before, limit: args.wait.timeout };
        let waited = wait(&self.client, &self.replicas, &wanted).await;
        done.text += &waited.text;
        done.json = waited.json;
        done.end = waited.end;
        done
    }

    async fn list(&self, state: Option<&State>, owner: Option<&str>) -> Done {
        let mut said: Vec<Said<Listing>> = self.all("GET", "/faults".to_owned(), None).await;
        for (_, listing) in said.iter_mut().filter_map(|one| one.answer.as_mut().ok()) {
            let is_owned = |rule: &Installed| {
                owner.is_none_or(|owner| rule.asked.get("owner").and_then(Value::as_str) == Some(owner))
            };
            listing.faults.retain(|rule| state.is_none_or(|state| rule.state == *state) && is_owned(rule));
        }
        Done { text: report::rules(&said), ..done(&said, "listing rules", "list", |_| String::new()) }
    }

    async fn renew(&self, id: &str, ttl: Time) -> Done {
        let said = self.all("POST", format!("{}/renew", path(id)), Some(json!({ "ttl": ttl }))).await;
        done(&said, &format!("renewing rule {id:?}"), "rule", |rule: &Installed| {
            format!("renewed, {}", report::life(rule))
        })
    }

    async fn remove(&self, id: Option<&str>, owner: Option<&str>) -> Done {
        let (path, what) = match (id, owner) {
            (Some(id), _) => (path(id), format!("rule {id:?}")),
            (None, owner) => {
                let owner = owner.unwrap_or_default();
                (format!("/faults?owner={}", escaped(owner)), format!("the rules of {owner:?}"))
            }
        };
        let said = self.all("DELETE", path, None).await;
        done(&said, &format!("removing {what}"), "answer", |answer: &Removed| match answer.removed {
            Count::One(true) => "removed".to_owned(),
            Count::One(false) | Count::Many(0) => "nothing to remove".to_owned(),
            Count::Many(count) => format!("removed {count}"),
        })
    }

    async fn switch(&self, power: Option<Power>, ttl: Time) -> Done {
        let path = "/switch".to_owned();
        let said = match power {
            None => self.all("GET", path, None).await,
            Some(Power::On) => self.all("PUT", path, Some(json!({ "enabled": true }))).await,
            Some(Power::Off) => self.all("PUT", path, Some(json!({ "enabled": false, "ttl": ttl }))).await,
        };
        done(&said, "the switch", "switch", report::pairs)
    }

    async fn events(&self, since: u64) -> Done {
        let said: Vec<Said<Value>> = self.all("GET", format!("/events?since={since}"), None).await;
        let mut text = String::new();
        for one in &said {
            let events = one.answer.as_ref().ok().and_then(|(_, answer)| answer.get("events")?.as_array());
            for event in events.into_iter().flatten() {
                text += &format!("{}  {}\n", one.replica, report::pairs(event));
            }
        }
        if text.is_empty() && said.iter().any(|one| one.answer.is_ok()) {
            text = format!("no events after revision {since}\n");
        }
        Done { text, ..done(&said, "reading events", "events", |_| String::new()) }
    }
}

#[cfg(test)]
mod tests;
