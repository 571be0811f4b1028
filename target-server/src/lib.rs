//! The target: an echo whose status, delay, size and misbehaviour any caller sets per request.
//!
//! [`Target::bind`] reserves the sockets, [`Target::serve`] runs until it is told to stop, drains, and reports. The `program`
//! is a paragraph over these two; the pair in one process and the tests call the same.

mod accept;
mod act;
mod asked;
mod bare;
#[allow(dead_code, reason = "as for the rules below")]
mod clock;
mod close;
pub mod config;
mod core;
mod dns;
mod echo;
mod effects;
mod faults;
#[cfg(test)]
mod fixture;
mod grpc;
mod h2body;
mod h2conn;
mod headers;
mod http;
pub mod log;
mod marks;
mod pace;
mod page;
mod panics;
mod podinfo;
pub mod program;
mod receipts;
mod record;
mod rules;
mod sessions;
mod slots;
mod standing_stress;
mod stream;
mod stress;
mod target;
mod tcp;
mod tls;
mod udp;

pub use config::Config;
pub use shared::admin::guard::TokenError;
pub use target::{Addresses, BindError, Report, Target, runtime};
pub use tls::TlsError;
