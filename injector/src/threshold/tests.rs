//! The grammar by tables and properties; figures and windows on accounts that were made up.

mod figures;
mod files;
mod grammar;
mod windows;

use std::time::Duration;

use shared::outcome::{Code, DropReason, ErrorClass, Outcome as Ended};

use crate::account::{Finished, OperationAccount, Started};
use crate::plan::{Operation, Overrides, Plan};
use crate::preflight::{System, TimeWaitReuse};
use crate::scenario::Scenario;

/// Three operations of 10/s each: over HTTP, one with a fault, over gRPC, and over DNS.
const SCENARIO: &str = "
target: localhost:8080
mix:
- { name: web, rate: 10/s, http: { path: /a } }
- { name: slow, rate: 10/s, http: { method: POST, fault: 'delay=10ms' } }
- { name: rpc, rate: 10/s, grpc: {} }
- { name: lookup, rate: 10/s, dns: { name: ok } }
";

fn try_plan(thresholds: &str) -> Result<Plan, String> {
    let system = System {
        port_first: 32_768,
        port_last: 60_999,
        time_wait_reuse: TimeWaitReuse::Loopback,
        descriptors: 1 << 20,
    };
    let scenario = Scenario::parse("x.yaml", &format!("{thresholds}{SCENARIO}")).map_err(|error| error.to_string())?;
    Plan::new(&scenario, &Overrides::default(), &system).map_err(|error| error.to_string())
}

fn plan(thresholds: &[&str]) -> Plan {
    if thresholds.is_empty() {
        return try_plan("").unwrap();
    }
    let lines: String = thresholds.iter().map(|one| format!("- '{one}'\n")).collect();
    try_plan(&format!("thresholds:\n{lines}")).unwrap_or_else(|error| panic!("{error}"))
}

fn operations() -> Vec<Operation> {
    try_plan("").unwrap().operations
}

/// Requests that took so long each, of which some failed and some were dropped.
fn account(requests: u64, failed: u64, dropped: u64, took: Duration) -> OperationAccount {
    let mut account = OperationAccount::default();
    for n in 0..requests + dropped {
        account.scheduled();
        if n >= requests {
            account.dropped(DropReason::Limit, Duration::ZERO);
            continue;
        }
        account.started(&Started { lag: Duration::from_micros(70), wait: Duration::from_micros(5) });
        account.sent += 1;
        let outcome = match n < failed {
            true => Ended::Failure(Code::Http(503), ErrorClass::Status),
            false => Ended::Success(Code::Http(200)),
        };
        account.finished(&Finished {
            outcome,
            response: took,
            service: took,
            server: Some(took / 2),
            network: Some(took / 4),
            backend: None,
            is_declared: false,
            by_rule: false,
            sent_bytes: 100,
            received_bytes: 1_000,
        });
    }
    account
}
