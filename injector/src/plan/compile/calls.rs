//! What an operation sends: its request, or one for each row of its data.
//!
//! A row is put into the entry as written and then compiled like any entry, so that every check is made for every row, and what
//! is right about an answer is worked out for each.

use serde_saphyr::{Location, Spanned};
use shared::identity::{Name, Source};
use shared::protocol::Protocol;
use std::sync::Arc;
use std::time::Duration;

use super::Found;
use crate::plan::data::template::{self, Piece};
use crate::plan::data::{DataSet, DataSets};
use crate::plan::rows::{CONTENT_MAX_BYTES, RowOrder, Rows};
use crate::plan::{Call, dns, echo, grpc, http};
use crate::scenario::{JsonValue, Problem, Scalar, Scalars, WrittenOperation, position};

/// Problems that are told of an operation's rows: a bad column is bad in all of them.
const PROBLEMS_MAX: usize = 5;

/// What requests are made with, beside the entry.
#[derive(Clone, Copy)]
pub(super) struct Given {
    pub(super) source: Source,
    /// Nothing if it is wrong, which has been reported.
    pub(super) name: Option<Name>,
    pub(super) seed: u64,
    pub(super) timeout: Duration,
}

/// The calls of an entry, which has one if it is right, and its rows. `None` if that cannot be told, which has been reported.
pub(super) fn compile(
    found: &mut Found,
    subject: &str,
    entry: &Spanned<WrittenOperation>,
    sets: &DataSets,
    given: Given,
) -> Option<(Vec<Call>, Option<Rows>)> {
    let written = &entry.value;
    let order = found.read(written.rows.as_ref(), &format!("{subject}: rows"), str::parse::<RowOrder>);
    let set = if sets.is_used { asked(found, subject, written, sets)? } else { None };
    let Some(set) = set else {
        if let Some(rows) = &written.rows {
            let message = "no value of this operation comes from data; write ((set.column)), or leave rows out";
            found.add(rows.referenced, &format!("{subject}: rows"), message);
        }
        return Some((each(found, subject, written, given), None));
    };
    if protocols(written) != 1 {
        // For who looks at the entry as a whole, which is wrong whatever the row.
        let first = filled(written, set, &set.rows[0], |at, message| found.add(at, subject, message));
        return Some((each(found, subject, &first, given), None));
    }
    let calls = of_rows(found, subject, entry, set, given)?;
    let first = calls.first()?.clone();
    let calls: Arc<[Call]> = calls.into();
    let path = written.http.as_ref().and_then(|http| http.value.path.as_ref()).map(|path| path.value.clone());
    let (set, from) = (set.name.clone(), set.from.clone());
    Some((vec![first], Some(Rows { set, from, order: order.unwrap_or_default(), calls, path })))
}

/// The call of each protocol that the entry has.
fn each(found: &mut Found, subject: &str, written: &WrittenOperation, given: Given) -> Vec<Call> {
    let part = |key: &str| format!("{subject}: {key}");
    let Given { source, name, seed, timeout } = given;
    let calls = [
        written.http.as_ref().map(|call| Call::Http(http::compile(found, &part("http"), call, seed, timeout))),
        written
            .grpc
            .as_ref()
            .map(|call| Call::Grpc(Box::new(grpc::compile(found, &part("grpc"), call, seed, timeout)))),
        written
            .tcp
            .as_ref()
            .map(|call| Call::Tcp(echo::compile(found, &part("tcp"), call, Protocol::Tcp, seed, timeout))),
        written
            .udp
            .as_ref()
            .map(|call| Call::Udp(echo::compile(found, &part("udp"), call, Protocol::Udp, seed, timeout))),
        written.dns.as_ref().map(|call| {
            Call::Dns(dns::compile(found, &part("dns"), call, name.map(|name| (source, name)), seed, timeout))
        }),
    ];
    calls.into_iter().flatten().collect()
}

/// Goes through what is sent, and nothing else of an operation.
fn sent(written: &mut WrittenOperation, visit: &mut dyn FnMut(Scalar<'_>)) {
    let WrittenOperation { http, grpc, tcp, udp, dns, .. } = written;
    http.scalars(visit);
    grpc.scalars(visit);
    tcp.scalars(visit);
    udp.scalars(visit);
    dns.scalars(visit);
}

/// The set that an operation takes its values from, if it takes any; `None` if something is wrong about that, which has been
/// reported.
fn asked<'a>(
    found: &mut Found,
    subject: &str,
    written: &WrittenOperation,
    sets: &'a DataSets,
) -> Option<Option<&'a DataSet>> {
    let mut written = written.clone();
    let mut asked: Option<&DataSet> = None;
    let mut is_right = true;
    let mut look = |found: &mut Found, mut scalar: Scalar<'_>, is_sent: bool| {
        let at = scalar.at;
        let pieces = match template::pieces(scalar.value.text()) {
            Ok(pieces) => pieces,
            Err(message) => {
                is_right = false;
                return found.add(at, subject, message);
            }
        };
        for piece in pieces {
            let Piece::Column(name, column) = piece else { continue };
            let Some(set) = sets.of(name) else {
                is_right = false;
                if !sets.is_refused(name) {
                    let names = sets.names();
                    found.add(at, subject, format!("(({name}.{column})): no set {name:?} in data; there are: {names}"));
                }
                continue;
            };
            if !is_sent {
                let message = format!(
                    "(({name}.{column})) cannot stand here; rows are for what is sent: http, grpc, tcp, udp and dns"
                );
                // Whatever was said of it as a value is beside the point.
                found.problems.retain(|problem| problem.location != position(at));
                found.add(at, subject, message);
            } else if !set.columns.iter().any(|held| held == column) {
                let columns = set.columns.join(", ");
                let message = format!("(({name}.{column})): {name} has no column {column:?}; its columns: {columns}");
                found.add(at, subject, message);
            } else if let Some(other) = asked.filter(|other| other.name != set.name) {
                let message = format!(
                    "(({name}.{column})) beside values of {}; an operation takes its rows from one set",
                    other.name
                );
                found.add(at, subject, message);
            } else {
                asked = Some(set);
                continue;
            }
            is_right = false;
        }
    };
    sent(&mut written, &mut |scalar| look(found, scalar, true));
    let mut rest = WrittenOperation { http: None, grpc: None, tcp: None, udp: None, dns: None, ..written };
    rest.scalars(&mut |scalar| look(found, scalar, false));
    is_right.then_some(asked)
}

/// How many protocols an entry has: one, if it is right.
fn protocols(written: &WrittenOperation) -> usize {
    let WrittenOperation { http, grpc, tcp, udp, dns, .. } = written;
    [http.is_some(), grpc.is_some(), tcp.is_some(), udp.is_some(), dns.is_some()].into_iter().filter(|is| *is).count()
}

/// An entry with a row's values in it.
fn filled(
    written: &WrittenOperation,
    set: &DataSet,
    row: &[JsonValue],
    mut refuse: impl FnMut(Location, String),
) -> WrittenOperation {
    let mut written = written.clone();
    sent(&mut written, &mut |scalar| {
        let at = scalar.at;
        if let Err(message) = template::fill(scalar.value, set, row) {
            refuse(at, message);
        }
    });
    written
}

/// One call for each row; `None` if there is something wrong with any, which has been reported.
fn of_rows(
    found: &mut Found,
    subject: &str,
    entry: &Spanned<WrittenOperation>,
    set: &DataSet,
    given: Given,
) -> Option<Vec<Call>> {
    let mut calls: Vec<Call> = Vec::with_capacity(set.rows.len());
    let mut bad: Vec<(Problem, usize, usize)> = Vec::new();
    let mut content_bytes = 0;
    for (index, row) in set.rows.iter().enumerate() {
        let mut tried = Found::default();
        let written = filled(&entry.value, set, row, |at, message| tried.add(at, subject, message));
        let mut compiled = each(&mut tried, subject, &written, given);
        let call = compiled.pop().expect("an entry of one protocol");
        content_bytes += call.content_bytes();
        if let Some(difference) = calls.first().and_then(|first| difference(first, &call)) {
            tried.add(entry.referenced, subject, difference);
        }
        for problem in tried.problems {
            match bad.iter().position(|(known, ..)| *known == problem) {
                Some(known) => bad[known].2 += 1,
                None if bad.len() < PROBLEMS_MAX => bad.push((problem, index + 1, 1)),
                None => {}
            }
        }
        calls.push(call);
    }
    if content_bytes > CONTENT_MAX_BYTES {
        let message = format!(
            "the contents of {} rows are {content_bytes} bytes together, and the limit is {CONTENT_MAX_BYTES}",
            set.rows.len()
        );
        found.add(entry.referenced, subject, message);
        return None;
    }
    if bad.is_empty() {
        return Some(calls);
    }
    for (mut problem, row, count) in bad {
        // What is wrong in every row has nothing to do with the rows.
        if count < set.rows.len() || set.rows.len() == 1 {
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            problem.message = format!("{} (in row {row}{more} of {}, {})", problem.message, set.name, set.from);
        }
        found.problems.push(problem);
    }
    None
}

/// What a row must not change: it is the operation's, and stands in its labels.
fn difference(first: &Call, other: &Call) -> Option<String> {
    let method = |call: &Call| call.grpc().map(|call| call.method.clone());
    let what = if first.protocol() != other.protocol() {
        "what is spoken"
    } else if first.carries_id() != other.carries_id() {
        "plain"
    } else if first.falls_back() != other.falls_back() {
        "fallback"
    } else if method(first) != method(other) {
        "method"
    } else {
        return None;
    };
    Some(format!("{what} must be the same in every row"))
}
