//! What the target and the injector must agree on, and nothing else.
//!
//! A thing is admitted here only if both sides have to mean the same by it: spelling, meaning, label, bucket.
//! Convenience is not a reason.
//!
//! | half | modules | may use |
//! |---|---|---|
//! | pure | `protocol` `units` `draw` `weighted` `fault` `carrier` `dnsanswer` `reply` `identity` `instance` `payload` `echo` `route` `code` `deadline` `outcome` | std and rand; no I/O, no clock, no runtime |
//! | edge | `red` `account` `receipt` `admin` `page` `manual` `shutdown` `proto` | the pure half, clap, serde, prometheus, axum, tokio, tonic |
//!
//! A test in the root package (`tests/it/tidy.rs`) reads the `use` lines and holds the table above to its word.
#![forbid(unsafe_code)]

pub mod account;
pub mod admin;
pub mod carrier;
pub mod code;
pub mod deadline;
pub mod dnsanswer;
pub mod draw;
pub mod echo;
pub mod fault;
pub mod identity;
pub mod instance;
pub mod manual;
pub mod outcome;
pub mod page;
pub mod payload;
pub mod proto;
pub mod protocol;
pub mod receipt;
pub mod red;
pub mod reply;
pub mod route;
pub mod shutdown;
pub mod units;
pub mod weighted;
