//! What a run was made of: its scenario, the machine, the programs.

use maud::{Markup, html};
use shared::units::counted;

use super::parts::{Cell, Mood, card, cut, cut_to, empty, facts, instant, length, table};
use crate::summary::Summary;

/// Longest text of a scenario, in characters; a run of ours saves no longer one.
const TEXT_MAX: usize = 33_000;

/// The scenario's text; `letter` of the run, where there are two.
pub(super) fn scenario(summary: &Summary, letter: Option<&str>) -> Markup {
    if summary.scenario_text.is_empty() {
        return empty();
    }
    let heading = match letter {
        Some(letter) => format!("Scenario of {letter}"),
        None => "Scenario".to_owned(),
    };
    card(
        &heading,
        html! {
            p.small.quiet {
                (cut(&summary.scenario)) ", as it was written: what sounds like a secret is left out, variables stand by their names, and "
                "flags may have said something else."
            }
            pre tabindex="0" role="region" aria-label="text of the scenario" { code { (cut_to(&summary.scenario_text, TEXT_MAX)) } }
        },
    )
}

/// The machine, what was looked at before the run, and versions.
pub(super) fn machine(summary: &Summary) -> Markup {
    let environment = &summary.environment;
    let known = [
        ("began", instant(summary.started_unix_s).unwrap_or_default()),
        ("planned for", length(summary.planned_for_s)),
        ("took", length(summary.took_s)),
        ("program", format!("continuous-load {}", summary.version)),
        ("source", summary.source.clone()),
        ("session", summary.session.clone()),
        ("host", environment.host.clone()),
        ("kernel", environment.kernel.clone()),
        ("cores", if environment.cores == 0 { String::new() } else { environment.cores.to_string() }),
        ("sent by", counted(summary.workers.into(), "worker")),
        ("target", summary.target.clone().unwrap_or_default()),
    ];
    let findings = summary.preflight.iter().map(|finding| {
        let (mood, word) = if finding.remedy.is_some() { (Mood::Warn, "doubtful") } else { (Mood::Good, "well") };
        vec![
            Cell::text(&finding.check),
            Cell::State(mood, word.to_owned()),
            Cell::text(&finding.says),
            Cell::text(finding.remedy.as_deref().unwrap_or("")),
        ]
    });
    card(
        "Where and how it ran",
        html! {
            (facts(known))
            @if !summary.preflight.is_empty() {
                h3.after { "Before the run" }
                (table("What the machine could do", &["looked at", "is", "found", "remedy"], findings))
            }
        },
    )
}
