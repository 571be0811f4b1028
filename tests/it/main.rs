//! The one integration test binary: one link for all that needs more than a module to prove.
// Always true here; it tells clippy that helpers are test code as well.
#![cfg(test)]

mod agree;
mod agreement;
mod battery;
mod chart;
mod cli;
mod dns;
mod echo;
mod fates;
mod fault_cli;
mod fault_rules;
mod fixture;
mod generated;
mod grpc;
mod grpc_agreement;
mod grpc_stranger;
mod hostile;
mod http2;
mod injector_sees;
mod k6;
mod k6_compat;
mod lifecycle;
mod metrics;
mod nginx;
mod pki;
mod podinfo;
mod probe;
mod process;
mod promtool;
mod receipts;
mod rules;
mod rules_seen;
mod strangers;
mod target_program;
mod tidy;
mod tls_agreement;
mod tools;
