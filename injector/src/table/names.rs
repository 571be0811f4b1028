//! Names and their addresses in the report: what is not as it should be, and a row for each address where there are several.

use std::collections::BTreeSet;
use std::fmt::Write;

use shared::units::counted;

use super::Detail;
use crate::summary::{Names, Operation, Summary, listed};

/// Nothing where no name did anything worth a word.
pub(super) fn names(text: &mut String, summary: &Summary, width: usize, detail: Detail) -> std::fmt::Result {
    changes(text, &summary.operations)?;
    for operation in &summary.operations {
        if let Some(words) = words(&operation.client.names) {
            writeln!(text, "{}: {words}", operation.name)?;
        }
    }
    // One address of a name is the operation's own line once more.
    let has_rows = |operation: &&Operation| operation.client.names.addresses.len() > 1;
    let mut with_rows = summary.operations.iter().filter(has_rows).peekable();
    if with_rows.peek().is_none() || detail != Detail::Full {
        return Ok(());
    }
    write!(text, "\n{:width$}  {:<39}", "operation", "address")?;
    ["planned", "sent", "success", "failure"].iter().try_for_each(|head| write!(text, " {head:>8}"))?;
    writeln!(text)?;
    for operation in with_rows {
        let names = std::iter::once(operation.name.as_str()).chain(std::iter::repeat(""));
        for (name, row) in names.zip(&operation.client.names.addresses) {
            write!(text, "{name:width$}  {:<39}", row.address)?;
            let planned = row.planned.map_or_else(|| "-".to_owned(), |planned| planned.to_string());
            write!(text, " {planned:>8}")?;
            [row.sent, row.success, row.failure].iter().try_for_each(|count| write!(text, " {count:>8}"))?;
            writeln!(text)?;
        }
    }
    Ok(())
}

/// How each name changed, once for all operations that go to it: one that looks up more often may have seen more.
fn changes(text: &mut String, operations: &[Operation]) -> std::fmt::Result {
    let mut names: Vec<(&str, u64, BTreeSet<&str>, BTreeSet<&str>)> = Vec::new();
    for operation in operations.iter().filter(|operation| operation.client.names.changes > 0) {
        let seen = &operation.client.names;
        let place = names.iter().position(|(host, ..)| *host == operation.host).unwrap_or_else(|| {
            names.push((&operation.host, 0, BTreeSet::new(), BTreeSet::new()));
            names.len() - 1
        });
        let (_, times, joined, left) = &mut names[place];
        *times = seen.changes.max(*times);
        joined.extend(seen.joined.iter().map(String::as_str));
        left.extend(seen.left.iter().map(String::as_str));
    }
    for (host, times, joined, left) in names {
        let parts = [(joined, "joined"), (left, "left")].into_iter().filter(|(addresses, _)| !addresses.is_empty());
        let parts: Vec<String> = parts.map(|(addresses, what)| format!("{} {what}", bounded(&addresses))).collect();
        writeln!(text, "names: {host} had other addresses {}: {}", counted(times, "time"), parts.join("; "))?;
    }
    Ok(())
}

fn bounded(addresses: &BTreeSet<&str>) -> String {
    listed(&addresses.iter().map(|&address| address.to_owned()).collect::<Vec<_>>())
}

/// What happened to an operation's look-ups, in words.
fn words(names: &Names) -> Option<String> {
    let failed: u64 = names.lookups.iter().filter(|(code, _)| *code != "NOERROR").map(|(_, count)| count).sum();
    let asked: u64 = names.lookups.values().sum();
    let parts = [
        (failed, format!("{failed} of {} failed", counted(asked, "look-up"))),
        (names.stale_answers, format!("{} opened by stale answers", counted(names.stale_answers, "connection"))),
        (names.departed_requests, format!("{} to departed addresses", counted(names.departed_requests, "request"))),
    ];
    let words: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_it_should_be_needs_no_words() {
        let mut names = Names::default();
        names.lookups.insert("NOERROR".to_owned(), 9);
        assert_eq!(words(&names), None);
        names.lookups.insert("SERVFAIL".to_owned(), 1);
        names.departed_requests = 1;
        assert_eq!(words(&names).unwrap(), "1 of 10 look-ups failed, 1 request to departed addresses");
    }
}
