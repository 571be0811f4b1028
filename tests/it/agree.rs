//! One run of a plan against a target of ours, after which both sides must have said the same of every request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use injector::account::OperationAccount;
use injector::plan::Plan;
use prometheus::{Registry, TextEncoder};
use shared::account::Account;
use tokio_util::sync::CancellationToken;

use crate::fixture::{assert_accounted, engine, eventually};
use crate::metrics::metric;
use crate::process::get;

/// The labels whose counts must be equal on both sides, operation by operation.
const LABELS: [&str; 4] = ["code", "result", "injected", "protocol"];

/// What both sides say of a run.
pub(crate) struct Said {
    /// The operations, in the plan's order.
    pub(crate) names: Vec<String>,
    /// Our account of each.
    pub(crate) ours: Vec<OperationAccount>,
    /// The target's account of the session.
    pub(crate) theirs: Account,
    /// The injector's metrics.
    pub(crate) client: String,
    /// The target's metrics.
    pub(crate) server: String,
}

/// Runs the plan for a while against a target whose admin port this is, and asks both sides once nothing is in flight.
pub(crate) async fn both_sides(plan: Plan, admin: SocketAddr, length: Duration) -> Said {
    let engine = engine(plan, length);
    let registry = Registry::new();
    registry.register(Box::new(engine.red())).unwrap();
    let names = engine.plan().operations.iter().map(|o| o.name.to_string()).collect();
    let session = engine.session();
    let ours = engine.run(CancellationToken::new(), |_| ()).await.unwrap().accounts;
    let client = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    // The target records a request when its last byte is out, or when it sees that the client is gone.
    let mut server = String::new();
    eventually("the target has nothing in flight", async || {
        server = get(admin, "/metrics");
        let left = metric("continuous_load_server_inflight_requests").label("source", "local/injector").sum_in(&server);
        if left == 0.0 { Ok(()) } else { Err(left) }
    })
    .await;
    let theirs = serde_json::from_str(&get(admin, &shared::account::path(session))).unwrap();
    Said { names, ours, theirs, client, server }
}

/// Runs in which this machine may stand still, before one has to be calm.
const TRIES: u32 = 5;
/// A run in which nothing of ours was later than this was calm.
const LAG_CALM: Duration = Duration::from_millis(50);

/// Runs the plan for a while. Every request must be what was asked for, and on the target's side, whose admin port this
/// is, the same as on ours. What the injector's metrics and the target's say in the end.
///
/// A machine that stands still makes timeouts and deadlines pass where none was planned. What is wrong in such a run is
/// said, and followed by another; what is wrong in a calm one is wrong.
pub(crate) async fn agreed(plan: Plan, admin: SocketAddr, length: Duration) -> (String, String) {
    for _ in 0..TRIES {
        let before = get(admin, "/metrics");
        let said = both_sides(plan.clone(), admin, length).await;
        let wrong = said.wrong(&before);
        if wrong.is_empty() {
            return (said.client, said.server);
        }
        let text = format!("{} wrong of {}:\n{}", wrong.len(), said.names.len(), wrong.join("\n"));
        assert!(!said.is_calm(), "{text}");
        println!("this machine stood still, once more: {text}");
    }
    panic!("{TRIES} runs in a row in which this machine stood still");
}

impl Said {
    /// Whether nothing was later than a machine that has time makes it.
    fn is_calm(&self) -> bool {
        self.ours.iter().all(|ours| ours.dropped == [0, 0] && ours.lag.max().is_none_or(|lag| lag < LAG_CALM))
    }

    /// What is not as it was asked for, or not the same on both sides. The target's metrics began as `before`.
    fn wrong(&self, before: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, ours) in self.names.iter().zip(&self.ours) {
            assert_accounted(ours);
            assert!(ours.planned > 0, "{name}");
            let theirs = self.theirs.operations.get(name).cloned().unwrap_or_default();
            let codes = ours.codes.iter();
            let answered: BTreeMap<String, u64> = codes.map(|(code, count)| (code.label(), *count)).collect();
            if ours.success != ours.planned {
                let examples: Vec<_> = ours.examples.iter().flatten().collect();
                wrong.push(format!(
                    "{name}: {} of {}, dropped {:?}: {examples:?}",
                    ours.success, ours.planned, ours.dropped
                ));
            } else if (theirs.received, &theirs.answered) != (ours.sent, &answered) {
                wrong.push(format!("{name}: sent {} and answered {answered:?} here, there {theirs:?}", ours.sent));
            }
            for label in LABELS {
                let of = |side: &str, text: &str| {
                    metric(&format!("continuous_load_{side}_requests_total")).label("operation", name).by(label, text)
                };
                let here = of("client", &self.client);
                let mut there: BTreeMap<_, _> = of("server", &self.server).into_iter().collect();
                for (value, count) in of("server", before) {
                    *there.entry(value).or_default() -= count;
                }
                let there: Vec<_> = there.into_iter().filter(|(_, count)| *count != 0.0).collect();
                if here != there {
                    wrong.push(format!("{name}: by {label} {here:?} here, {there:?} there"));
                }
            }
        }
        wrong
    }
}
