//! What tests of this crate stand on: scenarios run by the engine, HTTP/2 servers, certificates.

mod certificates;
mod frames;
mod h2server;

use std::num::NonZeroU32;
use std::time::Duration;

use shared::outcome::ConnectionEnd;
use tokio_util::sync::CancellationToken;

use crate::account::OperationAccount;
use crate::engine::{Engine, Options};
use crate::pacer::Quantum;
use crate::plan::{Overrides, Plan};
use crate::preflight::{System, TimeWaitReuse};
use crate::scenario::Scenario;

pub(crate) use certificates::{Authority, Validity};
pub(crate) use frames::{Frames, Then, frame};
pub(crate) use h2server::{Act, H2Server};

const SYSTEM: System =
    System { port_first: 32_768, port_last: 60_999, time_wait_reuse: TimeWaitReuse::On, descriptors: 1_024 };

/// The plan of a scenario.
pub(crate) fn plan(scenario: &str) -> Plan {
    let scenario = Scenario::parse("test", scenario).unwrap_or_else(|problems| panic!("{problems}"));
    Plan::new(&scenario, &Overrides::default(), &SYSTEM).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Runs a scenario of one operation on this many workers for a while; every planned request is in exactly one place.
pub(crate) async fn inject(scenario: &str, workers: u32, length: Duration) -> OperationAccount {
    let options = Options {
        length: Some(length),
        is_paused: false,
        workers: NonZeroU32::new(workers),
        quantum: Quantum::Precise,
    };
    let engine = Engine::new(plan(scenario), options, shared::identity::session_from_bits(7));
    let mut finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
    let account = finished.accounts.remove(0);
    assert!(account.adds_up() && account.in_flight == 0, "{account:?}");
    assert_eq!(account.connections_open(), 0, "opened = ended + open: {account:?}");
    account
}

/// Why an account's connections ended, each reason with how often.
pub(crate) fn closed(account: &OperationAccount) -> Vec<(&'static str, u64)> {
    let reasons = ConnectionEnd::ALL.into_iter();
    reasons.map(|end| (end.as_str(), account.connections_closed[end.index()])).filter(|(_, n)| *n > 0).collect()
}

/// The failures of an account by class, with the first of each in words.
pub(crate) fn failures(account: &OperationAccount) -> Vec<(&'static str, u64, String)> {
    let classes = shared::outcome::ErrorClass::ALL.into_iter();
    let counted = classes.map(|class| (class, account.failures[class.index()])).filter(|(_, n)| *n > 0);
    counted.map(|(class, n)| (class.as_str(), n, account.examples[class.index()].clone().unwrap_or_default())).collect()
}
