//! Results of shards of one run, added up: counts and histograms exactly, verdicts to the worst of them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::Durations;
use crate::difference::Difference;
use crate::summary::{
    Address, Backends, Latency, NameBackends, Names, Operation, Replica, Side, Summary, ThresholdResult,
    ThresholdState, Unanswered,
};

/// Adds up results, each with the name to call it by. Rates of operations add up too; lengths do not, for shards run at once.
///
/// # Errors
/// If there is nothing to add up, or an operation is not the same thing in two of them.
pub fn merge(results: Vec<(String, Summary)>) -> Result<Summary, String> {
    let mut results = results.into_iter();
    let (first, mut sum) = results.next().ok_or("no file is named; shards of one run would be")?;
    let mut sessions = BTreeSet::from([sum.session.clone()]);
    sum.verdict.reasons = told(&sum);
    for (name, one) in results {
        if !sessions.insert(one.session.clone()) {
            return Err(format!(
                "{name}: session {} is there already; each shard has a session of its own",
                one.session
            ));
        }
        add(&mut sum, one).map_err(|why| format!("{name}: {why} in {first}; shards of one run agree on that"))?;
    }
    // Quantiles of points do not add up.
    sum.timeline = None;
    sum.session = sessions.into_iter().collect::<Vec<_>>().join("+");
    for backends in &mut sum.backends {
        let of_host = sum.operations.iter().filter(|operation| operation.host == backends.name);
        let servers: BTreeSet<&String> = of_host.flat_map(|one| one.client.by_backend.servers.keys()).collect();
        backends.seen = servers.len();
    }
    Ok(sum)
}

fn add(sum: &mut Summary, mut one: Summary) -> Result<(), String> {
    let reasons = told(&one);
    sum.verdict.reasons.extend(reasons);
    if gravity(one.verdict.exit_code) > gravity(sum.verdict.exit_code) {
        (sum.verdict.result, sum.verdict.exit_code) = (one.verdict.result.clone(), one.verdict.exit_code);
    }
    let began = [sum.started_unix_s, one.started_unix_s].into_iter().flatten().reduce(f64::min);
    sum.started_unix_s = began;
    sum.planned_for_s = sum.planned_for_s.max(one.planned_for_s);
    sum.took_s = sum.took_s.max(one.took_s);
    sum.workers += one.workers;
    side(&mut sum.total, &one.total);
    for theirs in std::mem::take(&mut one.operations) {
        match sum.operations.iter_mut().find(|mine| mine.name == theirs.name) {
            Some(mine) => operation(mine, theirs)?,
            None => sum.operations.push(theirs),
        }
    }
    for theirs in one.thresholds {
        match sum.thresholds.iter_mut().find(|mine| mine.threshold == theirs.threshold) {
            Some(mine) if rank(mine) >= rank(&theirs) => {}
            Some(mine) => *mine = theirs,
            None => sum.thresholds.push(theirs),
        }
    }
    for theirs in one.phases {
        match sum.phases.iter_mut().find(|mine| mine.name == theirs.name) {
            Some(mine) => side(&mut mine.client, &theirs.client),
            None => sum.phases.push(theirs),
        }
    }
    sum.reloads = sum.reloads.max(one.reloads);
    for theirs in one.backends {
        match sum.backends.iter_mut().find(|mine| mine.name == theirs.name) {
            Some(mine) => backends(mine, theirs),
            None => sum.backends.push(theirs),
        }
    }
    for theirs in one.replicas {
        match sum.replicas.iter_mut().find(|mine| !mine.server.is_empty() && mine.server == theirs.server) {
            Some(mine) => replica(mine, theirs),
            None => sum.replicas.push(theirs),
        }
    }
    sum.target_error = sum.target_error.take().or(one.target_error);
    Ok(())
}

/// A shard's reasons, with the session that they are of.
fn told(one: &Summary) -> Vec<String> {
    one.verdict.reasons.iter().map(|reason| format!("{reason} (session {})", one.session)).collect()
}

/// Which of two shards says what became of a threshold: figures of both together are not known, and it must hold in each.
fn rank(threshold: &ThresholdResult) -> u8 {
    match threshold.result {
        ThresholdState::Holds => 0,
        ThresholdState::NoData => 1,
        ThresholdState::Crossed => 2,
    }
}

/// Which of two verdicts stands for both: a part that is not valid makes the whole so.
fn gravity(exit_code: u8) -> u8 {
    match exit_code {
        0 => 0,
        105 => 1,
        99 => 2,
        _ => 3,
    }
}

fn operation(mine: &mut Operation, theirs: Operation) -> Result<(), String> {
    if (&mine.protocol, mine.injected, &mine.host) != (&theirs.protocol, theirs.injected, &theirs.host) {
        return Err(format!("{} is another operation than", mine.name));
    }
    mine.rate_per_s += theirs.rate_per_s;
    side(&mut mine.client, &theirs.client);
    // Without one part, nothing is known of the whole.
    mine.server = mine.server.take().zip(theirs.server).map(|(mut mine, theirs)| {
        mine.merge(&theirs);
        mine
    });
    mine.rules.hits += theirs.rules.hits;
    mine.rules.declared += theirs.rules.declared;
    mine.rules.failures += theirs.rules.failures;
    mine.difference = mine.difference.zip(theirs.difference).map(|(mine, theirs)| Difference::sum(&mine, &theirs));
    Ok(())
}

pub(super) fn side(mine: &mut Side, theirs: &Side) {
    let counts = [
        (&mut mine.planned, theirs.planned),
        (&mut mine.sent, theirs.sent),
        (&mut mine.answered, theirs.answered),
        (&mut mine.success, theirs.success),
        (&mut mine.failure, theirs.failure),
        (&mut mine.dropped_late, theirs.dropped_late),
        (&mut mine.dropped_limit, theirs.dropped_limit),
        (&mut mine.interrupted, theirs.interrupted),
        (&mut mine.by_rule, theirs.by_rule),
        (&mut mine.failure_by_rule, theirs.failure_by_rule),
        (&mut mine.sent_bytes, theirs.sent_bytes),
        (&mut mine.received_bytes, theirs.received_bytes),
        (&mut mine.connections, theirs.connections),
        (&mut mine.retransmits, theirs.retransmits),
        (&mut mine.fallbacks, theirs.fallbacks),
    ];
    counts.into_iter().for_each(|(mine, theirs)| *mine += theirs);
    mine.in_flight += theirs.in_flight;
    unanswered(&mut mine.unanswered, &theirs.unanswered);
    by_name(&mut mine.errors, &theirs.errors);
    for (class, example) in &theirs.examples {
        mine.examples.entry(class.clone()).or_insert_with(|| example.clone());
    }
    by_name(&mut mine.codes, &theirs.codes);
    by_name(&mut mine.signs, &theirs.signs);
    by_name(&mut mine.connections_closed, &theirs.connections_closed);
    by_backend(&mut mine.by_backend, &theirs.by_backend);
    names(&mut mine.names, &theirs.names);
    let latencies = [
        (&mut mine.response, &theirs.response),
        (&mut mine.service, &theirs.service),
        (&mut mine.server, &theirs.server),
        (&mut mine.network, &theirs.network),
        (&mut mine.messages, &theirs.messages),
        (&mut mine.lag, &theirs.lag),
        (&mut mine.wait, &theirs.wait),
    ];
    for (mine, theirs) in latencies {
        let mut sum = Durations::of_recorded_us(&mine.histogram);
        sum.merge(&Durations::of_recorded_us(&theirs.histogram));
        *mine = Latency::from(&sum);
    }
}

fn by_name(mine: &mut BTreeMap<String, u64>, theirs: &BTreeMap<String, u64>) {
    for (name, count) in theirs {
        *mine.entry(name.clone()).or_default() += count;
    }
}

fn unanswered(mine: &mut Unanswered, theirs: &Unanswered) {
    mine.total += theirs.total;
    mine.request_lost += theirs.request_lost;
    mine.response_lost += theirs.response_lost;
    mine.unknown += theirs.unknown;
    by_name(&mut mine.reasons, &theirs.reasons);
}

fn by_backend(mine: &mut Backends, theirs: &Backends) {
    for (server, seen) in &theirs.servers {
        mine.servers.entry(server.clone()).or_default().merge(seen);
    }
    mine.other.merge(&theirs.other);
    mine.unnamed.merge(&theirs.unnamed);
}

/// Shards look up the same name, each for itself: how often it changed is what the one that saw most saw.
fn names(mine: &mut Names, theirs: &Names) {
    by_name(&mut mine.lookups, &theirs.lookups);
    mine.changes = mine.changes.max(theirs.changes);
    for (mine, theirs) in [(&mut mine.joined, &theirs.joined), (&mut mine.left, &theirs.left)] {
        mine.extend(theirs.iter().filter(|one| !mine.contains(one)).cloned().collect::<Vec<_>>());
    }
    mine.stale_answers += theirs.stale_answers;
    mine.departed_requests += theirs.departed_requests;
    for row in &theirs.addresses {
        match mine.addresses.iter_mut().find(|one| one.address == row.address) {
            Some(one) => address(one, row),
            None => mine.addresses.push(row.clone()),
        }
    }
}

fn address(mine: &mut Address, theirs: &Address) {
    mine.planned = mine.planned.zip(theirs.planned).map(|(mine, theirs)| mine + theirs);
    mine.sent += theirs.sent;
    mine.answered += theirs.answered;
    mine.success += theirs.success;
    mine.failure += theirs.failure;
}

/// Who answered one of the shards has answered; how many were seen is counted anew when all are here.
fn backends(mine: &mut NameBackends, theirs: NameBackends) {
    mine.addresses = mine.addresses.max(theirs.addresses);
    let silent = mine.never_answered.take().zip(theirs.never_answered);
    mine.never_answered = silent.map(|(mine, theirs)| mine.into_iter().filter(|one| theirs.contains(one)).collect());
}

fn replica(mine: &mut Replica, theirs: Replica) {
    mine.addresses
        .extend(theirs.addresses.iter().filter(|one| !mine.addresses.contains(one)).copied().collect::<Vec<_>>());
    mine.boots.extend(theirs.boots.iter().filter(|one| !mine.boots.contains(one)).cloned().collect::<Vec<_>>());
    mine.restarted |= theirs.restarted;
    mine.error = mine.error.take().or(theirs.error);
    mine.total.merge(&theirs.total);
    for (name, row) in theirs.operations {
        mine.operations.entry(name).or_default().merge(&row);
    }
    mine.remarks.extend(theirs.remarks);
}

#[cfg(test)]
mod tests;
