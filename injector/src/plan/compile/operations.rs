//! The streams of the mix.

use std::collections::HashMap;
use std::time::Duration;

use serde_saphyr::{Location, Spanned};
use shared::draw::Draw;
use shared::identity::Name;

use super::values::duration;
use super::{Common, Found, subject};
use crate::plan::{Address, Call, ConnectionPolicy, OPERATIONS_MAX, Operation, dns, http};
use crate::rate::Rate;
use crate::scenario::{Written, WrittenOperation};

/// All streams whose name and rate can be told, in the file's order.
pub(super) fn operations(
    found: &mut Found,
    written: &Written,
    rates: &[Option<Rate>],
    common: &Common,
) -> Vec<Operation> {
    let entries = &written.mix.value;
    if entries.is_empty() {
        found.add(written.mix.referenced, "mix", "no operations; at least one is needed");
    }
    if let Some(over) = entries.get(OPERATIONS_MAX) {
        let message = format!("{} operations are over the limit of {OPERATIONS_MAX}", entries.len());
        found.add(over.referenced, "mix", message);
    }
    let mut names: HashMap<&str, Location> = HashMap::new();
    let mut operations = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let text = &entry.value.name;
        if let Some(first) = names.insert(&text.value, text.referenced) {
            let message = format!("the operation in line {} has the same name", first.line());
            found.add(text.referenced, &format!("{}: name", subject(index, &entry.value)), message);
        }
        let rate = rates.get(index).copied().flatten();
        operations.extend(operation(found, index, entries.len(), entry, rate, common));
    }
    operations
}

/// One stream; `None` when its name or rate is wrong, which has been reported.
fn operation(
    found: &mut Found,
    index: usize,
    n_operations: usize,
    entry: &Spanned<WrittenOperation>,
    rate: Option<Rate>,
    common: &Common,
) -> Option<Operation> {
    let written = &entry.value;
    let subject = subject(index, written);
    let part = |key: &str| format!("{subject}: {key}");

    let name = found.read(Some(&written.name), &part("name"), str::parse::<Name>);
    let timeout = found.read(written.timeout.as_ref(), &part("timeout"), duration).unwrap_or(common.timeout);
    let target = found.read(written.target.as_ref(), &part("target"), str::parse::<Address>);
    let connection = found.read(written.connection.as_ref(), &part("connection"), ConnectionPolicy::parse).flatten();
    let seed = name.map_or(0, |name| Draw::new(common.seed, name.as_str()).bits("operation"));
    let call = match (&written.http, &written.dns) {
        (Some(call), None) => Call::Http(http::compile(found, &part("http"), call, seed, timeout)),
        (None, Some(call)) => Call::Dns(dns::compile(found, &part("dns"), call, seed, timeout)),
        (Some(_), Some(_)) => {
            found.add(entry.referenced, &subject, "has two protocols; an operation speaks one");
            return None;
        }
        (None, None) => {
            found.add(
                entry.referenced,
                &subject,
                "needs a protocol; this version has http and dns: write http: {} for a plain GET /",
            );
            return None;
        }
    };
    let endpoint = common.endpoint(target, call.protocol());

    let (name, rate) = (name?, rate?);
    Some(Operation {
        name,
        rate,
        arrival: common.arrival,
        phase: phase(rate, index, n_operations),
        seed,
        endpoint,
        connection: connection.unwrap_or_else(|| ConnectionPolicy::pooled_for(rate, timeout)),
        timeout,
        injected: call.fault().injects(),
        call,
    })
}

/// k/N of the stream's own period: streams of one rate are evenly interleaved, and none fires with another at t0.
fn phase(rate: Rate, index: usize, n_operations: usize) -> Duration {
    let (events, seconds) = (u128::from(rate.events().get()), u128::from(rate.seconds().get()));
    let whole = events * n_operations.max(1) as u128;
    // seconds < 2⁶⁴, index < 2⁶ by the limit on operations, 10⁹ < 2³⁰: no overflow for a mix that is accepted.
    let nanos = seconds.saturating_mul(index as u128).saturating_mul(1_000_000_000) / whole;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
