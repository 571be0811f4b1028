//! A result, or two set against each other, as one HTML file to keep and pass around.
//!
//! Invariants:
//! - It needs nothing but itself, and its own policy (CSP) sees to it: what it runs is named by its hash, and nothing is
//!   loaded.
//! - Every text of a run gets in as text: [`maud`] escapes it, and in the embedded data no `<` is left.
//! - At most [`BYTES_MAX`] bytes: tables are bounded, and charts of operations make room.
//! - All of it but the charts is there without a script.

mod assets;
mod comparison;
mod data;
mod happened;
mod made;
mod parts;
mod sides;
mod verdict;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::assets::Assets;
use self::data::Embedded;
use super::compare::Comparison;
use crate::summary::Summary;

/// Longest file, in bytes: it is attached to tickets and mails.
pub(crate) const BYTES_MAX: usize = 500_000;
/// Of these, for what stands around the charts beside the tables.
const RESERVE_BYTES: usize = 4_000;

/// One result.
pub(crate) fn one(summary: &Summary) -> String {
    let name = if summary.scenario.is_empty() { &summary.source } else { &summary.scenario };
    let title = format!("Run of {name}: {}", summary.verdict.result);
    let body = html! {
        (verdict::masthead(name, summary))
        (verdict::verdict(summary))
        (verdict::thresholds(summary))
        (PLACE_OF_CHARTS)
        (sides::sides(summary))
        (happened::happened(summary))
        (made::scenario(summary, None))
        (made::machine(summary))
    };
    document(&title, body, &[(name, summary)])
}

/// Two results, the second measured by the first.
pub(super) fn two(comparison: &Comparison, a: &Summary, b: &Summary) -> String {
    let title = format!("{} against {}: {}", comparison.b.file, comparison.a.file, comparison.result);
    let body = html! {
        (comparison::comparison(comparison))
        (PLACE_OF_CHARTS)
        @for (letter, summary) in [("A", a), ("B", b)] {
            (comparison::run_heading(letter, summary))
            (verdict::verdict(summary))
            (verdict::thresholds(summary))
            (sides::sides(summary))
            (happened::happened(summary))
            @if letter == "A" || a.scenario_text != b.scenario_text {
                (made::scenario(summary, Some(letter)))
            }
            (made::machine(summary))
        }
    };
    document(&title, body, &[("A", a), ("B", b)])
}

/// Stands for the charts until it is known how much room they have. No text of a run holds it: `<` is escaped there.
const PLACE_OF_CHARTS: PreEscaped<&str> = PreEscaped("<charts/>");

fn document(title: &str, body: Markup, runs: &[(&str, &Summary)]) -> String {
    let assets = Assets::new();
    let body = body.into_string();
    let taken = body.len() + assets.style.len() + assets.script.len() + RESERVE_BYTES;
    let runs: Vec<_> = runs.iter().map(|(name, summary)| (*name, summary.timeline.as_ref())).collect();
    let embedded = Embedded::new(&runs, BYTES_MAX.saturating_sub(taken));
    let body = body.replacen(PLACE_OF_CHARTS.0, &charts(&embedded).into_string(), 1);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(assets.policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "continuous-load " (env!("CARGO_PKG_VERSION")) };
                title { (title) }
                style { (PreEscaped(&assets.style)) }
            }
            body {
                main.page { (PreEscaped(body)) }
                script type="application/json" id="data" { (PreEscaped(&embedded.json)) }
                script { (PreEscaped(&assets.script)) }
            }
        }
    };
    page.into_string()
}

fn charts(embedded: &Embedded) -> Markup {
    html! {
        section #charts aria-labelledby="charts-title" {
            h2 #charts-title { "Over time" }
            @for words in &embedded.left_out {
                p."note" { (words) }
            }
            @if embedded.runs > 0 {
                @if embedded.runs > 1 {
                    p."quiet small" { "Each run from its own first slot. Bands, where something was the matter, are those of A." }
                }
                noscript { p."note" { "Charts need scripts, which are switched off here. All else on this page is complete." } }
                div #charts-choice ."row screen-only" {}
                div #charts-place {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
