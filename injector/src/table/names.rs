//! Names and their addresses in the report: what is not as it should be, and a row for each address where there are several.

use std::fmt::Write;

use crate::summary::{Names, Operation, Summary};

/// Nothing where no name did anything worth a word.
pub(super) fn names(text: &mut String, summary: &Summary, width: usize) -> std::fmt::Result {
    for operation in &summary.operations {
        if let Some(words) = words(&operation.client.names) {
            writeln!(text, "{}: {words}", operation.name)?;
        }
    }
    // One address of a name is the operation's own line once more.
    let has_rows = |operation: &&Operation| operation.client.names.addresses.len() > 1;
    let mut with_rows = summary.operations.iter().filter(has_rows).peekable();
    if with_rows.peek().is_none() {
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

/// What happened to a name, in words.
fn words(names: &Names) -> Option<String> {
    let failed: u64 = names.lookups.iter().filter(|(code, _)| *code != "NOERROR").map(|(_, count)| count).sum();
    let asked: u64 = names.lookups.values().sum();
    let parts = [
        (failed, format!("{failed} of {asked} look-ups failed")),
        (names.changes, format!("its name had other addresses {} times", names.changes)),
        (names.stale_answers, format!("{} connections were opened by stale answers", names.stale_answers)),
        (names.departed_requests, format!("{} requests went to departed addresses", names.departed_requests)),
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
        names.departed_requests = 3;
        assert_eq!(words(&names).unwrap(), "1 of 10 look-ups failed, 3 requests went to departed addresses");
    }
}
