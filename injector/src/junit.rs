//! The result of a run as JUnit XML, which every CI system shows: a suite with a case per operation, per threshold, for the
//! agreement of both sides, and for the verdict. Pure.
//!
//! A case fails for a reason of its own: an operation that the injector or a bound of the plan spoilt, a threshold that does
//! not hold, requests that the two sides count differently for no known reason. Failed requests are figures: whether there
//! are too many of them is for thresholds to say. What cannot be told is skipped, never passed.

use std::fmt::Write as _;

use crate::summary::{Operation, Side, Summary, ThresholdResult, ThresholdState};
use crate::table::ms;

/// The flag that asks for it.
pub(crate) const FLAG: &str = "--junit";

/// How a case ended.
enum End {
    Passed,
    Failed(String),
    Skipped(String),
}

struct Case {
    group: &'static str,
    name: String,
    took_s: f64,
    end: End,
    said: String,
}

/// The whole file.
pub fn render(summary: &Summary) -> String {
    let mut cases: Vec<Case> = summary.operations.iter().map(|operation| of_operation(summary, operation)).collect();
    cases.extend(summary.thresholds.iter().map(of_threshold));
    cases.push(agreement(summary));
    cases.push(verdict(summary));
    let failures = cases.iter().filter(|case| matches!(case.end, End::Failed(_))).count();
    let skipped = cases.iter().filter(|case| matches!(case.end, End::Skipped(_))).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"", cases.len());
    let time = format!("time=\"{:.3}\"", summary.took_s);
    let name = if summary.scenario.is_empty() { &summary.source } else { &summary.scenario };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "<testsuites name=\"injector\" {counts} {time}>");
    let host = escaped(&summary.environment.host);
    let _ = writeln!(text, "  <testsuite name=\"{}\" {counts} {time} hostname=\"{host}\">", escaped(name));
    properties(&mut text, summary);
    for one in &cases {
        case(&mut text, one);
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn properties(text: &mut String, summary: &Summary) {
    let rate = summary.total.planned as f64 / summary.planned_for_s.max(1e-9);
    let values = [
        ("version", summary.version.clone()),
        ("source", summary.source.clone()),
        ("session", summary.session.clone()),
        ("target", summary.target.clone().unwrap_or_default()),
        ("planned_for_s", format!("{:.3}", summary.planned_for_s)),
        ("planned_per_s", format!("{rate:.3}")),
        ("exit_code", summary.verdict.exit_code.to_string()),
    ];
    text.push_str("    <properties>\n");
    for (name, value) in values {
        let _ = writeln!(text, "      <property name=\"{name}\" value=\"{}\"/>", escaped(&value));
    }
    text.push_str("    </properties>\n");
}

fn case(text: &mut String, case: &Case) {
    let Case { group, name, took_s, end, said } = case;
    let name = escaped(name);
    let _ = writeln!(text, "    <testcase classname=\"{group}\" name=\"{name}\" time=\"{took_s:.3}\">");
    let _ = match end {
        End::Passed => Ok(()),
        End::Failed(why) => writeln!(text, "      <failure message=\"{}\"/>", escaped(why)),
        End::Skipped(why) => writeln!(text, "      <skipped message=\"{}\"/>", escaped(why)),
    };
    if !said.is_empty() {
        let _ = writeln!(text, "      <system-out>{}</system-out>", escaped(said));
    }
    text.push_str("    </testcase>\n");
}

fn of_operation(summary: &Summary, operation: &Operation) -> Case {
    let client = &operation.client;
    // The verdict's reasons that are about one operation begin with its name.
    let own = format!("{}: ", operation.name);
    let reasons: Vec<&str> = summary.verdict.reasons.iter().filter_map(|reason| reason.strip_prefix(&own)).collect();
    let unexplained = operation.difference.map_or(0, |difference| difference.unexplained);
    let end = if !reasons.is_empty() {
        End::Failed(reasons.join("; "))
    } else if unexplained > 0 {
        End::Failed(format!("the two sides differ by {unexplained} for no known reason"))
    } else if client.planned == 0 {
        End::Skipped("no request came due".to_owned())
    } else if client.answered + client.success == 0 {
        End::Skipped(format!("not one of {} requests was answered", client.planned))
    } else {
        End::Passed
    };
    // Of the mean request: a case's time is how long the thing takes, and cases are added up.
    Case { group: "operation", name: operation.name.clone(), took_s: mean_s(client), end, said: figures(client) }
}

fn mean_s(side: &Side) -> f64 {
    let sum: f64 = side.response.histogram.iter().map(|(us, count)| *us as f64 * *count as f64).sum();
    sum / 1e6 / (side.response.count.max(1) as f64)
}

fn figures(side: &Side) -> String {
    let dropped = side.dropped_late + side.dropped_limit;
    let mut text = format!(
        "{} planned, {} right, {} failed, {dropped} dropped; response p50 {} ms, p99 {} ms",
        side.planned,
        side.success,
        side.failure,
        ms(side.response.p50_us),
        ms(side.response.p99_us)
    );
    for (class, count) in &side.errors {
        let _ = write!(text, "\n{class} {count}: {}", side.examples.get(class).map_or("", String::as_str));
    }
    text
}

fn of_threshold(one: &ThresholdResult) -> Case {
    let end = match one.result {
        ThresholdState::Holds => End::Passed,
        // A threshold without data does not hold: no data never passes.
        ThresholdState::Crossed | ThresholdState::NoData => End::Failed(one.words.clone()),
    };
    Case { group: "threshold", name: one.threshold.clone(), took_s: 0.0, end, said: one.words.clone() }
}

fn agreement(summary: &Summary) -> Case {
    let differences = || summary.operations.iter().filter_map(|operation| operation.difference);
    let unexplained: u64 = differences().map(|difference| difference.unexplained).sum();
    let not_compared =
        summary.verdict.reasons.iter().find(|reason| reason.starts_with("the two sides were not compared"));
    let end = match (unexplained, differences().count()) {
        (1.., _) => End::Failed(format!("{unexplained} requests are counted differently for no known reason")),
        (0, 0) => End::Skipped(not_compared.cloned().unwrap_or_else(|| "the target gave no account".to_owned())),
        // Some operations were, so something is known; what is missing is said.
        (0, _) => End::Passed,
    };
    let said = not_compared.cloned().unwrap_or_default();
    Case { group: "run", name: "both sides agree".to_owned(), took_s: 0.0, end, said }
}

fn verdict(summary: &Summary) -> Case {
    let verdict = &summary.verdict;
    let why = verdict.reasons.join("\n");
    let end = match verdict.exit_code {
        0 => End::Passed,
        code => End::Failed(format!("{} (exit code {code})", verdict.result)),
    };
    Case { group: "run", name: "verdict".to_owned(), took_s: summary.took_s, end, said: why }
}

/// Safe in text and in attributes. XML 1.0 has no way to write most control characters, so they are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // As they are, they would be read as blanks in an attribute.
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
