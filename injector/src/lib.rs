//! The injector: drives scripted mixes of operations against a target, open loop, and accounts for every planned request.
//!
//! Data walks one way: `scenario` (as written) → `plan` (as meant) → `schedule` → `worker` (pace) → `driver` (observe) →
//! `account` → `summary`. The engine shards and does not share: each worker has its own runtime, pacer, connections and
//! ledger.

pub mod account;
mod attempt;
mod cast;
pub mod check;
pub mod cli;
pub mod compat;
mod context;
pub mod control;
mod counter;
pub mod course;
mod crew;
mod dial;
mod difference;
pub mod driver;
pub mod engine;
pub mod fate;
pub mod fault;
#[cfg(test)]
mod fixture;
mod lanes;
pub mod live;
pub mod log;
mod measured;
pub mod names;
pub mod pacer;
pub mod plan;
pub mod preflight;
pub mod probe;
pub mod rate;
mod reflection;
mod registry;
pub mod reload;

mod resent;
pub mod scenario;
pub mod schedule;
pub mod session;
pub mod signature;
mod socket;
mod stream;
pub mod summary;
pub mod table;
mod target;
mod tls;
mod trunk;
mod turns;
pub mod verdict;
mod worker;
