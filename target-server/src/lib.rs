//! The target: an echo whose status, delay, size and misbehaviour any caller sets per request.
//!
//! [`Target::bind`] reserves the sockets, [`Target::serve`] runs until it is told to stop, drains, and reports. The binary
//! is a paragraph over these two; the pair in one process and the tests call the same.

mod accept;
pub mod config;
mod core;
mod dns;
mod effects;
mod faults;
#[cfg(test)]
mod fixture;
mod http;
pub mod log;
mod record;
mod sessions;
mod slots;
mod stress;
mod target;

pub use config::Config;
pub use target::{Addresses, BindError, Report, Target, runtime};
