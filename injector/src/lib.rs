//! The injector: drives scripted mixes of operations against a target, open loop, and accounts for every planned request.
//!
//! Data walks one way: `scenario` (as written) → `plan` (as meant) → `schedule` → `worker` (pace) → `driver` (observe) →
//! `account` → `summary`. The engine shards and does not share: each worker has its own runtime, pacer, connections and
//! ledger.

pub mod account;
mod api;
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
pub(crate) mod csv;
mod dial;
mod difference;
pub mod driver;
pub mod engine;
pub mod fate;
pub mod fault;
#[cfg(test)]
mod fixture;
pub mod history;
pub mod junit;
pub mod k6env;
mod lanes;
mod live;
pub mod log;
mod measured;
pub mod names;
mod output;
pub mod outputs;
pub mod pacer;
mod packing;
pub mod plan;
pub mod preflight;
pub mod probe;
pub mod program;
pub mod rate;
mod reflection;
mod registry;
pub mod reload;
pub mod remote;
pub mod report;

mod resent;
mod rounded;
mod rows;
pub mod scenario;
pub mod schedule;
pub mod schema;
pub mod session;
pub mod signature;
mod socket;
pub mod starter;
mod stream;
pub mod summary;
pub mod table;
mod target;
pub mod threshold;
pub mod timeline;
mod tls;
mod trunk;
mod turns;
pub mod ui;
pub mod verdict;
mod worker;
