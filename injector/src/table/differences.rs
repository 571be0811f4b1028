//! What failed, and where the two sides differ. Pure.

use std::fmt::Write as _;

use shared::account::OperationAccount as TargetAccount;
use shared::units::counted;

use crate::difference::Difference;
use crate::signature::Sign;
use crate::summary::{Operation, Rules, Summary, Unanswered};

pub(super) fn errors(text: &mut String, summary: &Summary, width: usize) -> std::fmt::Result {
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
pub(super) fn differences(text: &mut String, summary: &Summary) -> std::fmt::Result {
    common(text, summary)?;
    for operation in &summary.operations {
        let (name, client) = (&operation.name, &operation.client);
        if let Some(words) = rules(&operation.rules, client.failure) {
            writeln!(text, "rules: {name}: {words}")?;
        }
        if let Some(words) = unanswered(&client.unanswered) {
            writeln!(text, "unanswered: {name}: {words}")?;
        }
        for sign in Sign::ALL {
            if let Some(count) = client.signs.get(sign.as_str()) {
                writeln!(text, "signs: {name}: {}", sign.words(*count))?;
            }
        }
        let Some(server) = &operation.server else { continue };
        if client.fallbacks > 0 {
            writeln!(text, "fallback: {name}: {} of {} sent were asked again over TCP", client.fallbacks, client.sent)?;
        }
        let known = operation.difference.as_ref();
        let twice = known.map_or(server.duplicates.saturating_sub(client.fallbacks), |known| known.duplicates);
        if twice > 0 {
            let elsewhere = match known.map_or(0, |known| known.duplicates_elsewhere) {
                0 => String::new(),
                elsewhere => format!(", {elsewhere} of them to another replica"),
            };
            writeln!(
                text,
                "duplicates: {name}: {twice} arrived twice: something on the path sent them again{elsewhere}"
            )?;
        }
        match &operation.difference {
            None if is_not_known(operation) => writeln!(
                text,
                "difference: {name}: {} sent and {} answered here, {} received and {} answered by what is known",
                client.sent,
                client.answered,
                server.received,
                server.answered_total()
            )?,
            None => {}
            Some(difference) => {
                if let Some(words) = difference.words() {
                    let label = if difference.is_even() { "no difference" } else { "difference" };
                    writeln!(text, "{label}: {name}: {words}")?;
                }
                if difference.unexplained > 0 {
                    writeln!(text, "unexplained: {name}: {}", difference.unexplained)?;
                }
            }
        }
    }
    Ok(())
}

/// What several operations have in common.
fn common(text: &mut String, summary: &Summary) -> std::fmt::Result {
    let differs = |difference: &Difference| difference.restarted && !difference.is_none();
    if summary.operations.iter().filter_map(|operation| operation.difference.as_ref()).any(differs) {
        writeln!(text, "difference: a process of the target is gone, and its account with it:")?;
    }
    if summary.operations.iter().any(is_not_known) {
        writeln!(text, "difference: a part of the target's side is missing, so nothing is explained:")?;
    }
    Ok(())
}

/// Whether its sides differ, and a part of the other one is missing.
fn is_not_known(operation: &Operation) -> bool {
    let client = &operation.client;
    let differs = |server: &TargetAccount| (server.received, server.answered_total()) != (client.sent, client.answered);
    operation.difference.is_none() && operation.server.as_ref().is_some_and(differs)
}

/// `of 12 unanswered: 7 requests lost, 3 answers lost, 2 unknown (restarted)`; nothing if there were none.
fn unanswered(fates: &Unanswered) -> Option<String> {
    if fates.total == 0 {
        return None;
    }
    let reasons = match fates.reasons.len() {
        0 => String::new(),
        1 => format!(" ({})", fates.reasons.keys().map(String::as_str).collect::<String>()),
        _ => {
            let reasons: Vec<_> = fates.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            format!(" ({})", reasons.join(", "))
        }
    };
    let Unanswered { total, request_lost, response_lost, unknown, .. } = fates;
    Some(format!(
        "of {total} unanswered: {} lost, {} lost, {unknown} unknown{reasons}",
        counted(*request_lost, "request"),
        counted(*response_lost, "answer"),
    ))
}

/// What rules of the target did to an operation that failed this often here; nothing if nothing. A failure here that the
/// target calls its success is no difference between the two if one of its rules made it.
fn rules(rules: &Rules, failed: u64) -> Option<String> {
    let explained = match rules {
        Rules { hits: 0, .. } => return None,
        _ if failed == 0 => "and nothing failed here".to_owned(),
        Rules { failures: 1, .. } if failed == 1 => "which explains the one failure here".to_owned(),
        Rules { failures, .. } if *failures == failed => format!("which explains all {failed} failures here"),
        Rules { failures, .. } => format!("which explains {failures} of {failed} failures here"),
    };
    let (hits, declared) = (rules.hits, rules.declared);
    Some(format!(
        "{} hit by fault rules of the target ({declared} declared by the answer), {explained}",
        counted(hits, "request"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_by_rules_are_explained() {
        let words = |hits, declared, failures, failed| rules(&Rules { hits, declared, failures }, failed);
        assert_eq!(words(0, 0, 0, 7), None);
        let hit = "9 requests hit by fault rules of the target (5 declared by the answer)";
        let once = "1 request hit by fault rules of the target (1 declared by the answer), which explains the one failure here";
        assert_eq!(words(1, 1, 1, 1).unwrap(), once);
        assert_eq!(words(9, 5, 9, 9).unwrap(), format!("{hit}, which explains all 9 failures here"));
        assert_eq!(words(9, 5, 9, 12).unwrap(), format!("{hit}, which explains 9 of 12 failures here"));
        assert_eq!(words(9, 5, 0, 0).unwrap(), format!("{hit}, and nothing failed here"));
    }

    #[test]
    fn fates_are_told_with_their_reasons() {
        let mut fates = Unanswered { total: 12, request_lost: 7, response_lost: 3, unknown: 2, ..Default::default() };
        fates.reasons.insert("restarted".to_owned(), 2);
        let words = "of 12 unanswered: 7 requests lost, 3 answers lost, 2 unknown (restarted)";
        assert_eq!(unanswered(&fates).unwrap(), words);
        fates.reasons.insert("overflow".to_owned(), 1);
        assert!(unanswered(&fates).unwrap().ends_with("(overflow 1, restarted 2)"));
        assert_eq!(unanswered(&Unanswered::default()), None);
    }
}
