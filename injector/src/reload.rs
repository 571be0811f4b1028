//! Follows the scenario of a run: when one of its files is another, or SIGHUP says so, it is read again, and the run goes on
//! by it, or by the one before if there is anything wrong with it.
//!
//! Files are looked at once a second. The alternative, to be told by the kernel, does not work on every file system, and a
//! ConfigMap changes by a link further up the path than any file that is named; a look costs a few microseconds and sees
//! everything that a reader would.

mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shared::identity::Source;
use shared::red::client::ReloadRed;
use shared::shutdown::Hangups;
use shared::units::counted;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use self::watch::Watch;
use crate::cli;
use crate::control::Control;
use crate::course::Status;
use crate::engine::Reloader;
use crate::plan::{Overrides, Plan};
use crate::scenario::{Files, Scenario};
use crate::ui::Turn;
use crate::verdict::Exit;
use crate::{preflight, reflection};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where a plan comes from: a file, those that it names, and the flags that win over them every time.
#[derive(Debug)]
pub struct Origin {
    given: Arc<Given>,
    watch: Watch,
}

#[derive(Debug)]
struct Given {
    file: PathBuf,
    overrides: Overrides,
}

impl Origin {
    /// Of a plan that was just made of this file: `files` are all that were read for it.
    pub fn new(file: &Path, overrides: Overrides, files: &Files) -> Origin {
        let given = Given { file: file.to_owned(), overrides };
        Origin { given: Arc::new(given), watch: Watch::of(files.seen()) }
    }
}

impl Given {
    /// What it means now, and the files that were read for it, whether they were good or not.
    fn read(&self) -> (Result<Plan, (Exit, String)>, Files) {
        let files = Files::beside(&self.file);
        let scenario = Scenario::read_with(&self.file, &cli::environment, files.clone());
        let scenario = scenario.map_err(|problems| (Exit::Scenario, problems.to_string()));
        (scenario.and_then(|scenario| cli::plan(&scenario, &self.overrides)), files)
    }
}

/// A run and its scenario.
pub(crate) struct Followed {
    name: String,
    origin: Origin,
    hangups: Hangups,
    red: ReloadRed,
    reloader: Reloader,
    control: Control,
}

impl Followed {
    pub(crate) fn new(
        name: &str,
        (origin, hangups): (Origin, Hangups),
        source: Source,
        (reloader, control): (Reloader, Control),
    ) -> Followed {
        Followed { name: name.to_owned(), origin, hangups, red: ReloadRed::new(source), reloader, control }
    }

    /// The collector of what came of it.
    pub(crate) fn red(&self) -> ReloadRed {
        self.red.clone()
    }

    /// Until dropped. `say` is given a line for every time.
    pub(crate) async fn follow(mut self, say: impl Fn(Turn, String)) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_asked = tokio::select! {
                () = self.hangups.next() => true,
                _ = looks.tick() => false,
            };
            // On a thread of its own: a file system that hangs must not hold up the run.
            let (watch, given) = (self.origin.watch.clone(), Arc::clone(&self.origin.given));
            let looked = spawn_blocking(move || look(watch, &given, is_asked)).await;
            let Ok((watch, plan)) = looked else {
                tracing::error!("looking at the scenario's files failed, and they are not followed any more");
                return;
            };
            self.origin.watch = watch;
            if let Some(plan) = plan {
                self.take_up(plan, &say).await;
            }
        }
    }

    async fn take_up(&self, plan: Result<Plan, String>, say: &impl Fn(Turn, String)) {
        let taken = match plan {
            Ok(plan) => self.give(plan).await,
            Err(problems) => Err(problems),
        };
        self.red.reloaded(taken.is_ok());
        let name = &self.name;
        match taken {
            Ok(what) => say(Turn::Notes, format!("reloaded {name}: {what}")),
            Err(problems) => {
                tracing::error!("not reloaded: {name}: the run goes on as it was: {problems}");
                say(Turn::Begins, refusal(name, &problems));
            }
        }
    }

    async fn give(&self, mut plan: Plan) -> Result<String, String> {
        preflight::sources(&plan)?;
        reflection::resolve(&mut plan).await.map_err(|(_, message)| message)?;
        let what = format!("{}, {:.1}/s", counted(plan.operations.len() as u64, "operation"), plan.per_second());
        self.reloader.reload(plan).await?;
        Ok(format!("{what}{}", over_it(&self.control.status().borrow())))
    }
}

/// What is not as the file says, because somebody has said otherwise; nothing if nobody has.
fn over_it(course: &Status) -> String {
    let set = course.set_by_hand();
    if set.is_empty() {
        return String::new();
    }
    let rate = if course.is_paused() { String::new() } else { format!(", so it sends {:.1}/s", course.per_second) };
    format!("; what was set by hand stands over it: {}{rate}", set.join(", "))
}

/// The first problem on one line; the log has all of them.
fn refusal(name: &str, problems: &str) -> String {
    let first = problems.lines().next().unwrap_or_default();
    let first = match first.strip_prefix(name).filter(|rest| rest.starts_with(':')) {
        // It names the file itself, with the place in it.
        Some(place) => place.to_owned(),
        None => format!(": {first}"),
    };
    format!("not reloaded {name}{first}; the run goes on as it was")
}

/// What the files mean if they are others now, or if somebody asks.
fn look(mut watch: Watch, given: &Given, is_asked: bool) -> (Watch, Option<Result<Plan, String>>) {
    if !watch.has_changed() && !is_asked {
        return (watch, None);
    }
    let (plan, files) = given.read();
    // Also those of a file that is wrong: it may be one of them that is put right.
    watch.follow(files.seen(), plan.is_ok());
    (watch, Some(plan.map_err(|(_, problems)| problems)))
}

#[cfg(test)]
mod tests;
