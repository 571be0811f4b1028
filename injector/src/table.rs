//! The end of a run in text: both sides in one table, the latencies, the identity, the verdict. Pure.

mod names;

use std::fmt::Write as _;

use crate::summary::{Latency, Operation, Rules, Side, Summary, Unanswered};

/// The whole report, about 120 columns wide: names are at most 32.
pub fn render(summary: &Summary) -> String {
    let mut text = String::new();
    let width = summary.operations.iter().map(|operation| operation.name.len()).max().unwrap_or(0).max(9);
    // Writing to a String cannot fail.
    let _ = requests(&mut text, summary, width);
    let _ = latencies(&mut text, summary, width);
    let _ = errors(&mut text, summary, width);
    let _ = differences(&mut text, summary);
    let _ = names::names(&mut text, summary, width);
    let _ = footer(&mut text, summary);
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

fn requests(text: &mut String, summary: &Summary, width: usize) -> std::fmt::Result {
    let rate = summary.total.planned as f64 / summary.planned_for_s.max(1e-9);
    writeln!(
        text,
        "\nrequests of {} in {:.1} s ({rate:.1}/s planned), both sides",
        summary.source, summary.planned_for_s
    )?;
    request_heads(text, width, &["", "", "injector", "", "target", "", "injector", "", "", "", "", ""])?;
    let columns = [
        "protocol", "planned", "sent", "received", "answered", "answered", "success", "failure", "dropped", "cut off",
        "ok",
    ];
    request_heads(text, width, &[&["operation"], &columns[..]].concat())?;
    for operation in &summary.operations {
        let name = [operation.name.as_str(), operation.protocol];
        request_line(text, width, name, &operation.client, received(operation), answered(operation))?;
    }
    let sum = |count: fn(&Operation) -> Option<u64>| summary.operations.iter().map(count).sum::<Option<u64>>();
    request_line(text, width, ["total", ""], &summary.total, sum(received), sum(answered))
}

fn request_heads(text: &mut String, width: usize, words: &[&str]) -> std::fmt::Result {
    write!(text, "{:width$}  {:<8} {:>8} {:>8} |", words[0], words[1], words[2], words[3])?;
    write!(text, " {:>8} {:>8} |", words[4], words[5])?;
    words[6..].iter().try_for_each(|word| write!(text, " {word:>8}"))?;
    writeln!(text)
}

fn received(operation: &Operation) -> Option<u64> {
    operation.server.as_ref().map(|server| server.received)
}

fn answered(operation: &Operation) -> Option<u64> {
    operation.server.as_ref().map(|server| server.answered_total())
}

fn request_line(
    text: &mut String,
    width: usize,
    [name, protocol]: [&str; 2],
    side: &Side,
    received: Option<u64>,
    answered: Option<u64>,
) -> std::fmt::Result {
    let blank = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let ratio = side.success_ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{:.2}%", ratio * 100.0));
    let dropped = side.dropped_late + side.dropped_limit;
    writeln!(
        text,
        "{name:width$}  {protocol:<8} {:>8} {:>8} | {:>8} {:>8} | {:>8} {:>8} {:>8} {dropped:>8} {:>8} {ratio:>8}",
        side.planned,
        side.sent,
        blank(received),
        blank(answered),
        side.answered,
        side.success,
        side.failure,
        side.interrupted,
    )
}

fn latencies(text: &mut String, summary: &Summary, width: usize) -> std::fmt::Result {
    writeln!(text, "\nlatency in ms")?;
    writeln!(
        text,
        "{:width$}  {:<8} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "operation", "", "p50", "p90", "p99", "max", "count"
    )?;
    for operation in &summary.operations {
        latency_lines(text, width, &operation.name, &operation.client)?;
    }
    latency_lines(text, width, "total", &summary.total)?;
    latency_line(text, width, "", "lag", &summary.total.lag)?;
    latency_line(text, width, "", "wait", &summary.total.wait)
}

fn latency_lines(text: &mut String, width: usize, name: &str, side: &Side) -> std::fmt::Result {
    latency_line(text, width, name, "response", &side.response)?;
    latency_line(text, width, "", "service", &side.service)?;
    latency_line(text, width, "", "server", &side.server)?;
    // Only streams have more messages than answers.
    if side.messages.count > 0 { latency_line(text, width, "", "message", &side.messages) } else { Ok(()) }
}

fn latency_line(text: &mut String, width: usize, name: &str, kind: &str, latency: &Latency) -> std::fmt::Result {
    writeln!(
        text,
        "{name:width$}  {kind:<8} {:>9} {:>9} {:>9} {:>9} {:>9}",
        ms(latency.p50_us),
        ms(latency.p90_us),
        ms(latency.p99_us),
        ms(latency.max_us),
        latency.count,
    )
}

/// Microseconds as milliseconds with three significant digits; a dash for nothing.
pub(crate) fn ms(us: Option<u64>) -> String {
    let Some(us) = us else { return "-".to_owned() };
    let ms = us as f64 / 1e3;
    match ms {
        ..10.0 => format!("{ms:.3}"),
        ..100.0 => format!("{ms:.2}"),
        ..1000.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

fn errors(text: &mut String, summary: &Summary, width: usize) -> std::fmt::Result {
    if summary.total.failure == 0 {
        return writeln!(text, "\nerrors: none");
    }
    writeln!(text, "\nerrors, each with its first example")?;
    for operation in summary.operations.iter().filter(|operation| operation.client.failure > 0) {
        for (class, count) in &operation.client.errors {
            let example = operation.client.examples.get(class).map_or("", String::as_str);
            writeln!(text, "{:width$}  {class} {count}  {example}", operation.name)?;
        }
    }
    Ok(())
}

/// Where the two sides differ, and what of it is known: a request that failed on this side may have been received, and
/// even answered, on the other.
fn differences(text: &mut String, summary: &Summary) -> std::fmt::Result {
    for operation in &summary.operations {
        let (name, client) = (&operation.name, &operation.client);
        if let Some(words) = rules(&operation.rules, client.failure) {
            writeln!(text, "rules: {name}: {words}")?;
        }
        if let Some(words) = unanswered(&client.unanswered) {
            writeln!(text, "unanswered: {name}: {words}")?;
        }
        let Some(server) = &operation.server else { continue };
        if client.fallbacks > 0 {
            writeln!(text, "fallback: {name}: {} of {} sent were asked again over TCP", client.fallbacks, client.sent)?;
        }
        let twice = server.duplicates.saturating_sub(client.fallbacks);
        if twice > 0 {
            writeln!(text, "duplicates: {name}: {twice} arrived twice: something on the path sent them again")?;
        }
        match &operation.difference {
            None if (server.received, server.answered_total()) != (client.sent, client.answered) => writeln!(
                text,
                "difference: {name}: {} sent and {} answered here, {} received and {} answered by what is known of the \
                 target; not explained, as a part of its side is missing",
                client.sent,
                client.answered,
                server.received,
                server.answered_total()
            )?,
            None => {}
            Some(difference) => {
                if let Some(words) = difference.words() {
                    writeln!(text, "difference: {name}: {words}")?;
                }
                if difference.unexplained > 0 {
                    writeln!(text, "unexplained: {name}: {}", difference.unexplained)?;
                }
            }
        }
    }
    Ok(())
}

/// `of 12 unanswered: 7 requests lost, 3 answers lost, 2 unknown (restarted)`; nothing if there were none.
fn unanswered(fates: &Unanswered) -> Option<String> {
    if fates.total == 0 {
        return None;
    }
    let reasons = match fates.reasons.len() {
        0 => String::new(),
        1 => format!(" ({})", fates.reasons.keys().copied().collect::<String>()),
        _ => {
            let reasons: Vec<_> = fates.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            format!(" ({})", reasons.join(", "))
        }
    };
    let Unanswered { total, request_lost, response_lost, unknown, .. } = fates;
    Some(format!(
        "of {total} unanswered: {request_lost} requests lost, {response_lost} answers lost, {unknown} unknown{reasons}"
    ))
}

/// What rules of the target did to an operation that failed this often here; nothing if nothing. A failure here that the
/// target calls its success is no difference between the two if one of its rules made it.
fn rules(rules: &Rules, failed: u64) -> Option<String> {
    let explained = match rules {
        Rules { hits: 0, .. } => return None,
        _ if failed == 0 => "and nothing failed here".to_owned(),
        Rules { failures, .. } if *failures == failed => format!("which explains all {failed} failures here"),
        Rules { failures, .. } => format!("which explains {failures} of {failed} failures here"),
    };
    let (hits, declared) = (rules.hits, rules.declared);
    Some(format!(
        "{hits} requests were hit by fault rules of the target ({declared} of them declared by the answer), {explained}"
    ))
}

fn footer(text: &mut String, summary: &Summary) -> std::fmt::Result {
    let total = &summary.total;
    writeln!(
        text,
        "\nidentity: {} planned = {} success + {} failure + {} dropped(late) + {} dropped(limit)\n          \
         + {} interrupted + {} in flight",
        total.planned,
        total.success,
        total.failure,
        total.dropped_late,
        total.dropped_limit,
        total.interrupted,
        total.in_flight,
    )?;
    writeln!(text, "{}", connections(total))?;
    match (&summary.target, &summary.target_error) {
        (Some(server), _) => writeln!(text, "target: {server}, session {}", summary.session)?,
        (None, error) => writeln!(
            text,
            "target: no account of session {}: {}",
            summary.session,
            error.as_deref().unwrap_or("not asked")
        )?,
    }
    let verdict = &summary.verdict;
    let ratio = total
        .success_ratio()
        .map_or_else(|| "nothing finished".to_owned(), |ratio| format!("{:.2}% success", ratio * 100.0));
    let spoilt = match total.failure + total.dropped_late + total.dropped_limit {
        0 => String::new(),
        _ => format!(" ({} failed, {} dropped)", total.failure, total.dropped_late + total.dropped_limit),
    };
    writeln!(
        text,
        "verdict: {} (exit code {}; no thresholds are set), {ratio}{spoilt}",
        verdict.result, verdict.exit_code
    )?;
    for reason in &verdict.reasons {
        writeln!(text, "  - {reason}")?;
    }
    Ok(())
}

fn connections(total: &Side) -> String {
    let lost = match total.connections_lost {
        0 => String::new(),
        lost => format!(", {lost} ended by the peer while idle"),
    };
    format!("connections: {} opened{lost}", total.connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_by_rules_are_explained() {
        let words = |hits, declared, failures, failed| rules(&Rules { hits, declared, failures }, failed);
        assert_eq!(words(0, 0, 0, 7), None);
        let hit = "9 requests were hit by fault rules of the target (5 of them declared by the answer)";
        assert_eq!(words(9, 5, 9, 9).unwrap(), format!("{hit}, which explains all 9 failures here"));
        assert_eq!(words(9, 5, 9, 12).unwrap(), format!("{hit}, which explains 9 of 12 failures here"));
        assert_eq!(words(9, 5, 0, 0).unwrap(), format!("{hit}, and nothing failed here"));
    }

    #[test]
    fn fates_are_told_with_their_reasons() {
        let mut fates = Unanswered { total: 12, request_lost: 7, response_lost: 3, unknown: 2, ..Default::default() };
        fates.reasons.insert("restarted", 2);
        let words = "of 12 unanswered: 7 requests lost, 3 answers lost, 2 unknown (restarted)";
        assert_eq!(unanswered(&fates).unwrap(), words);
        fates.reasons.insert("overflow", 1);
        assert!(unanswered(&fates).unwrap().ends_with("(overflow 1, restarted 2)"));
        assert_eq!(unanswered(&Unanswered::default()), None);
    }

    #[test]
    fn milliseconds_keep_three_digits() {
        let cases = [
            (None, "-"),
            (Some(1), "0.001"),
            (Some(314), "0.314"),
            (Some(9_999), "9.999"),
            (Some(10_000), "10.00"),
            (Some(123_456), "123.5"),
            (Some(1_234_567), "1235"),
        ];
        for (us, text) in cases {
            assert_eq!(ms(us), text);
        }
    }
}
