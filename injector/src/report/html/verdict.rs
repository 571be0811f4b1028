//! What a reader sees first: what was run, whether it may be believed, and the figures that matter.

use maud::{Markup, html};
use shared::units::counted;

use super::parts::{Cell, Mood, card, cut, empty, grouped, instant, length, share, state, table};
use crate::summary::{Summary, ThresholdState};
use crate::table::ms;

/// The result in a word and a sentence, and how good that is.
fn judged(summary: &Summary) -> (Mood, &str, &'static str) {
    match summary.verdict.result.as_str() {
        "passed" if summary.thresholds.is_empty() => {
            (Mood::Good, "passed", "The run is valid. No thresholds were set.")
        }
        "passed" => (Mood::Good, "passed", "The run is valid and its thresholds hold."),
        "thresholds" => (Mood::Bad, "failed", "Thresholds do not hold."),
        "invalid" => (Mood::Bad, "not valid", "The run says nothing about the path."),
        "interrupted" => (Mood::Warn, "interrupted", "The run was stopped before its planned end."),
        other => (Mood::None, other, ""),
    }
}

/// Whether the two sides agree, in words, and how good that is.
pub(super) fn agreement(summary: &Summary) -> (Mood, String) {
    let compared: Vec<_> = summary.operations.iter().filter_map(|operation| operation.difference.as_ref()).collect();
    let unexplained: u64 = compared.iter().map(|difference| difference.unexplained).sum();
    match (&summary.target_error, compared.len(), unexplained) {
        (_, _, 1..) => (Mood::Bad, format!("{} not explained", counted(unexplained, "difference"))),
        (Some(_), 0, _) => (Mood::Warn, "not known: the target did not tell".to_owned()),
        (None, 0, _) => (Mood::None, "not compared".to_owned()),
        (_, some, _) if some < summary.operations.len() => {
            (Mood::Good, format!("agree, of {some} of {}", counted(summary.operations.len() as u64, "operation")))
        }
        _ => (Mood::Good, "both sides agree".to_owned()),
    }
}

/// What was run, when, and by whom.
pub(super) fn masthead(name: &str, summary: &Summary) -> Markup {
    html! {
        header.masthead {
            h1 { "Run of " (cut(name)) }
            p."quiet" {
                @if let Some(began) = instant(summary.started_unix_s) { (began) ", " }
                (length(summary.planned_for_s)) ", " (cut(&summary.source)) ", session " span.mono { (cut(&summary.session)) }
            }
        }
    }
}

/// The verdict, its reasons, and a few figures.
pub(super) fn verdict(summary: &Summary) -> Markup {
    let (mood, word, sentence) = judged(summary);
    let (agrees, agreement) = agreement(summary);
    let total = &summary.total;
    let seconds = summary.planned_for_s.max(1e-9);
    let pair = |latency: &crate::summary::Latency| match latency.p50_us {
        None => "–".to_owned(),
        Some(_) => format!("{} / {}", ms(latency.p50_us), ms(latency.p99_us)),
    };
    let dropped = total.dropped_late + total.dropped_limit;
    let tiles = [
        (
            "Right requests",
            share(total.success_ratio()),
            format!("{} of {}", grouped(total.success), grouped(total.wanted())),
        ),
        (
            "Failed",
            grouped(total.failure),
            match dropped {
                0 => "none dropped".to_owned(),
                dropped => format!("and {} dropped", grouped(dropped)),
            },
        ),
        (
            "Planned per second",
            format!("{:.1}", total.planned as f64 / seconds),
            counted(summary.operations.len() as u64, "operation"),
        ),
        ("Response, ms", pair(&total.response), "p50 / p99, from the planned instant".to_owned()),
        ("Path’s share, ms", pair(&total.network), "p50 / p99".to_owned()),
        ("Target’s time, ms", pair(&total.server), "p50 / p99".to_owned()),
    ];
    html! {
        section.{ "card verdict note " (mood.class()) } {
            h2 { (state(mood, &cut(word))) " " (sentence) }
            @if !summary.verdict.reasons.is_empty() {
                ul { @for reason in &summary.verdict.reasons { li { (cut(reason)) } } }
            }
            @if let Some(late) = summary.lateness() { p { "Before these times are believed: " (late) "." } }
            p.small { "Exit code " (summary.verdict.exit_code) " (" (cut(&summary.verdict.result)) "). Injector and target: " (state(agrees, &agreement)) }
        }
        dl.tiles {
            @for (name, value, more) in tiles {
                div.card { dt { (name) } dd { (value) } dd.small.quiet { (more) } }
            }
        }
    }
}

/// What was asked for.
pub(super) fn thresholds(summary: &Summary) -> Markup {
    if summary.thresholds.is_empty() {
        return empty();
    }
    let rows = summary.thresholds.iter().map(|one| {
        let (mood, word) = match one.result {
            ThresholdState::Holds => (Mood::Good, "holds"),
            ThresholdState::Crossed => (Mood::Bad, "crossed"),
            ThresholdState::NoData => (Mood::Bad, "no data"),
        };
        vec![Cell::text(&one.threshold), Cell::State(mood, word.to_owned()), Cell::text(&one.words)]
    });
    card("Thresholds", table("What the run had to meet", &["threshold", "result", "measured"], rows))
}
