//! Waiting until a rule has really struck: what tells an experiment from a rule that matched nothing.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use super::apply::question;
use super::client::{Client, Failure, Said};
use super::report::{self, Done};
use super::wire::Installed;
use crate::verdict::Exit;

/// Between two looks: four a second is soon enough for a person and nothing for a target.
const STEP: Duration = Duration::from_millis(250);

/// What to wait for.
pub(super) struct Wanted<'a> {
    pub(super) id: &'a str,
    /// Strikes on all replicas together.
    pub(super) injected: u64,
    /// Strikes of each replica that do not count: they were there before.
    pub(super) before: Vec<u64>,
    /// The longest wait.
    pub(super) limit: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Reached,
    /// On no replica will it strike again.
    Over,
    TimedOut,
}

impl End {
    fn as_str(self) -> &'static str {
        match self {
            End::Reached => "reached",
            End::Over => "over",
            End::TimedOut => "timed_out",
        }
    }
}

/// Asks all replicas again and again until the strikes are there, the rule is over, or the time is.
///
/// A replica that does not answer counts with what it said last: it may come back.
pub(super) async fn wait(client: &Client, replicas: &[SocketAddr], wanted: &Wanted<'_>) -> Done {
    let deadline = Instant::now() + wanted.limit;
    let silent = |replica: &SocketAddr| Said {
        replica: *replica,
        answer: Err(Failure::Lost(format!("not within the {:?} of --timeout", wanted.limit))),
    };
    let mut said: Vec<Said<Installed>> = replicas.iter().map(silent).collect();
    let mut counts = vec![0; replicas.len()];
    let mut warned = vec![false; replicas.len()];
    let call = question(wanted.id);
    let end = loop {
        let Ok(round) = timeout_at(deadline, client.all::<Installed>(replicas, &call)).await else {
            break End::TimedOut;
        };
        said = round;
        for (at, one) in said.iter().enumerate() {
            match &one.answer {
                Ok((_, rule)) => counts[at] = rule.injected.saturating_sub(wanted.before[at]),
                Err(failure) if !warned[at] && !is_absent(failure) => {
                    warned[at] = true;
                    warn!(replica = %one.replica, %failure, "asked again until the timeout");
                }
                Err(_) => {}
            }
        }
        if counts.iter().sum::<u64>() >= wanted.injected {
            break End::Reached;
        }
        if said.iter().all(is_over) {
            break End::Over;
        }
        if Instant::now() + STEP >= deadline {
            break End::TimedOut;
        }
        sleep(STEP).await;
    };
    told(&said, &counts, end, wanted)
}

fn is_over(one: &Said<Installed>) -> bool {
    one.answer.as_ref().map_or_else(is_absent, |(_, rule)| rule.state.is_over())
}

/// It was there and is forgotten, the replica began anew, or it never was there.
fn is_absent(failure: &Failure) -> bool {
    failure.status() == Some(404)
}

fn told(said: &[Said<Installed>], counts: &[u64], end: End, wanted: &Wanted<'_>) -> Done {
    let sum: u64 = counts.iter().sum();
    let Wanted { id, injected, limit, .. } = wanted;
    let text = report::lines(said, |at, (_, rule)| format!("injected {}, {}", counts[at], report::life(rule)));
    let mut objects = report::objects(said, "rule");
    for (object, count) in objects.iter_mut().zip(counts) {
        object["injected"] = json!(count);
    }
    let json = json!({
        "ok": end == End::Reached,
        "end": end.as_str(),
        "injected": sum,
        "wanted": injected,
        "replicas": objects,
    });
    let reasons = report::reasons(said);
    let is_nowhere = said.iter().all(|one| one.answer.as_ref().is_err_and(is_absent));
    let fewer = format!("rule {id:?} injected {sum} of {injected}");
    let message = match end {
        End::Reached => return Done { text, json, end: Ok(Exit::Passed) },
        End::Over if is_nowhere => format!("no replica has a rule {id:?}: injector fault list shows what there is"),
        End::Over => format!("{fewer}, and it is over on every replica{reasons}"),
        End::TimedOut => format!(
            "{fewer} within {limit:?}; do requests reach it? injector fault list shows what it is for, and its hits{reasons}"
        ),
    };
    Done { text, json, end: Err((Exit::Failed, message)) }
}
