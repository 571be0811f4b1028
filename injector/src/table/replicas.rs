//! Both sides by replica, and how many of them answered. Pure.

use std::fmt::Write as _;

use super::Detail;
use crate::summary::{Replica, ReplicaRow, Summary};

/// Most rows; the rest is added up in one more.
const ROWS_MAX: usize = 32;
/// The same in the compact table.
const COMPACT_ROWS_MAX: usize = 8;
/// Most remarks; how many more there are is said.
const REMARKS_MAX: usize = 32;
/// Longest name that is not cut.
const NAME_MAX: usize = 48;

/// A row for each replica where there are several, or one does not agree.
pub(super) fn replicas(text: &mut String, summary: &Summary, detail: Detail) -> std::fmt::Result {
    for backends in &summary.backends {
        if let Some(words) = backends.words() {
            writeln!(text, "backends: {words}")?;
        }
    }
    let rows_max = if detail == Detail::Full { ROWS_MAX } else { COMPACT_ROWS_MAX };
    block(text, &summary.replicas, rows_max)
}

fn block(text: &mut String, replicas: &[Replica], rows_max: usize) -> std::fmt::Result {
    if replicas.len() < 2 && replicas.iter().all(|replica| replica.remarks.is_empty()) {
        return Ok(());
    }
    let width = replicas.iter().map(|replica| name(replica).chars().count()).max().unwrap_or(0).max("replica".len());
    writeln!(text, "\nby replica, what it says and what this side had from it")?;
    line(text, width, "", ["target", "target", "injector", "", "", ""])?;
    line(text, width, "replica", ["received", "answered", "answered", "success", "failure", "difference"])?;
    let (shown, rest) = replicas.split_at(replicas.len().min(rows_max));
    for replica in shown {
        row(text, width, &name(replica), &replica.total)?;
    }
    if !rest.is_empty() {
        let mut sum = ReplicaRow::default();
        rest.iter().for_each(|replica| sum.merge(&replica.total));
        row(text, width, &format!("others ({})", rest.len()), &sum)?;
    }
    let remarks: Vec<_> =
        replicas.iter().flat_map(|one| one.remarks.iter().map(|remark| (name(one), remark))).collect();
    for (name, remark) in remarks.iter().take(REMARKS_MAX) {
        writeln!(text, "replica {name}: {remark}")?;
    }
    if remarks.len() > REMARKS_MAX {
        writeln!(text, "and {} remarks more, in the JSON", remarks.len() - REMARKS_MAX)?;
    }
    Ok(())
}

/// Its name, or where it is if it never said.
fn name(replica: &Replica) -> String {
    let name = match replica.addresses.as_slice() {
        [address, ..] if replica.server.is_empty() => address.to_string(),
        _ => replica.server.clone(),
    };
    if name.len() <= NAME_MAX { name } else { format!("{}..", name.chars().take(NAME_MAX - 2).collect::<String>()) }
}

fn row(text: &mut String, width: usize, name: &str, row: &ReplicaRow) -> std::fmt::Result {
    let blank = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let difference = row.difference.map_or_else(|| "-".to_owned(), |difference| format!("{difference:+}"));
    let (received, answered) = (row.server.map(|server| server.received), row.server.map(|server| server.answered));
    let seen = &row.client;
    let counts = [blank(received), blank(answered), seen.answered.to_string(), seen.success.to_string()];
    let [received, answered, seen_answered, success] = counts.each_ref().map(String::as_str);
    let failure = seen.failure.to_string();
    let difference = if difference == "+0" { "0" } else { &difference };
    line(text, width, name, [received, answered, seen_answered, success, &failure, difference])
}

fn line(text: &mut String, width: usize, name: &str, words: [&str; 6]) -> std::fmt::Result {
    let [received, answered, seen, success, failure, difference] = words;
    write!(text, "{name:width$} | {received:>9} {answered:>9} | {seen:>9} {success:>9} {failure:>9} |")?;
    writeln!(text, " {difference:>10}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(count: usize, remarks: &[&str]) -> String {
        let replica = |n: usize| {
            let mut replica = Replica { server: format!("web-{n:03}/-/-"), ..Replica::default() };
            replica.total.client.answered = 10;
            replica.remarks = remarks.iter().map(|&remark| remark.to_owned()).collect();
            replica
        };
        let mut text = String::new();
        block(&mut text, &(0..count).map(replica).collect::<Vec<_>>(), ROWS_MAX).unwrap();
        text
    }

    #[test]
    fn one_replica_that_agrees_needs_no_row() {
        assert_eq!(many(1, &[]), "");
        assert!(many(1, &["odd"]).ends_with("\nreplica web-000/-/-: odd\n"));
        assert_eq!(many(2, &[]).lines().count(), 6);
    }

    #[test]
    fn rows_and_remarks_are_bounded_and_the_rest_is_added_up() {
        let text = many(100, &["odd"]);
        let others = text.lines().find(|line| line.starts_with("others (68)")).unwrap();
        assert!(others.split('|').nth(2).unwrap().split_whitespace().eq(["680", "0", "0"]), "{others}");
        assert!(text.ends_with("replica web-031/-/-: odd\nand 68 remarks more, in the JSON\n"), "{text}");
        assert!(text.lines().filter(|line| line.contains('|')).map(str::len).is_sorted(), "{text}");
    }

    #[test]
    fn a_long_name_is_cut() {
        let replica = Replica { server: "x".repeat(200), ..Replica::default() };
        assert_eq!(name(&replica), format!("{}..", "x".repeat(46)));
    }
}
