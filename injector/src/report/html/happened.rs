//! What happened in a run beside its figures: errors, fault rules, phases, and who answered.

use maud::{Markup, html};

use super::parts::{Cell, card, cut, empty, grouped, share, table};
use crate::summary::{Replica, Summary};
use crate::timeline::{Kind, Mark};

/// Most rows of a table whose length the network or a scenario decides.
const ROWS_MAX: usize = 60;

pub(super) fn happened(summary: &Summary) -> Markup {
    html! {
        (errors(summary))
        (rules(summary))
        (phases(summary))
        (marks(summary.timeline.as_ref().map(|timeline| &timeline.marks[..]).unwrap_or_default()))
        (replicas(summary))
    }
}

fn errors(summary: &Summary) -> Markup {
    if summary.total.failure == 0 {
        return card("Errors", html! { p { "None." } });
    }
    let errors = summary
        .operations
        .iter()
        .flat_map(|one| one.client.errors.iter().map(move |(class, count)| (one, class, *count)));
    let mut errors: Vec<_> = errors.collect();
    errors.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    let left_out = errors.len().saturating_sub(ROWS_MAX);
    let rows = errors.into_iter().take(ROWS_MAX).map(|(one, class, count)| {
        let example = one.client.examples.get(class).map_or("", String::as_str);
        vec![Cell::text(&one.name), Cell::text(class), Cell::count(count), Cell::text(example)]
    });
    card(
        "Errors",
        html! {
            (table("Failed requests by operation and class, the most frequent first", &["operation", "class", "requests#", "the first one"], rows))
            (more(left_out))
        },
    )
}

fn rules(summary: &Summary) -> Markup {
    let hit: Vec<_> = summary.operations.iter().filter(|one| one.rules.hits > 0).collect();
    if hit.is_empty() {
        return empty();
    }
    let rows = hit.into_iter().map(|one| {
        vec![
            Cell::text(&one.name),
            Cell::count(one.rules.hits),
            Cell::count(one.rules.declared),
            Cell::count(one.rules.failures),
            Cell::count(one.client.failure),
        ]
    });
    let heads = ["operation", "requests hit#", "declared by the answer#", "failures they explain#", "failures#"];
    card("Fault rules of the target", table("What rules did to each operation, from both sides together", &heads, rows))
}

fn phases(summary: &Summary) -> Markup {
    if summary.phases.is_empty() {
        return empty();
    }
    let rows = summary.phases.iter().take(ROWS_MAX).map(|one| {
        vec![
            Cell::text(&one.name),
            Cell::count(one.client.planned),
            Cell::count(one.client.success),
            Cell::count(one.client.failure),
            Cell::count(one.client.dropped_late + one.client.dropped_limit),
            Cell::Number(share(one.client.success_ratio())),
            Cell::ms(one.client.response.p50_us),
            Cell::ms(one.client.response.p99_us),
        ]
    });
    let heads = ["phase", "planned#", "right#", "failed#", "dropped#", "share right#", "response p50, ms#", "p99, ms#"];
    card("Phases", table("All operations together, by phase", &heads, rows))
}

/// The bands of the charts, for those who do not see them.
fn marks(marks: &[Mark]) -> Markup {
    if marks.is_empty() {
        return empty();
    }
    let rows = marks.iter().take(ROWS_MAX).map(|mark| {
        let what = match mark.kind {
            Kind::Phase => "phase",
            Kind::Pause => "pause",
            Kind::Reload => "scenario read again",
            Kind::Threshold => "threshold crossed",
            Kind::Rule => "fault rule",
            Kind::Other => "other",
        };
        let seconds = |s: f64| Cell::Number(format!("{s:.1}"));
        vec![Cell::text(what), Cell::text(&mark.label), seconds(mark.from_s), seconds(mark.until_s)]
    });
    card(
        "What held when",
        html! {
            (table("Seconds since the first request was due; the bands of the charts", &["what", "which", "from#", "until#"], rows))
            (more(marks.len().saturating_sub(ROWS_MAX)))
        },
    )
}

fn replicas(summary: &Summary) -> Markup {
    let is_dull = summary.replicas.len() < 2 && summary.replicas.iter().all(|one| one.remarks.is_empty());
    let backends: Vec<String> = summary.backends.iter().filter_map(|backends| backends.words()).collect();
    if is_dull && backends.is_empty() {
        return empty();
    }
    let rows = summary.replicas.iter().take(ROWS_MAX).map(|one| {
        let row = &one.total;
        vec![
            Cell::text(name(one)),
            Cell::known(row.server.map(|server| server.received)),
            Cell::known(row.server.map(|server| server.answered)),
            Cell::count(row.client.answered),
            Cell::count(row.client.success),
            Cell::count(row.client.failure),
        ]
    });
    let heads = ["replica", "received#", "answered, it says#", "answered, had here#", "right#", "failed#"];
    let remarks = summary.replicas.iter().flat_map(|one| one.remarks.iter().map(move |remark| (name(one), remark)));
    let remarks: Vec<_> = remarks.collect();
    card(
        "Replicas",
        html! {
            @for words in backends { p { (cut(&words)) "." } }
            (table("What each says, and what this side had from it", &heads, rows))
            (more(summary.replicas.len().saturating_sub(ROWS_MAX)))
            @if !remarks.is_empty() {
                ul.small { @for (name, remark) in remarks.iter().take(ROWS_MAX) { li { b { (name) } ": " (cut(remark)) } } }
                (more(remarks.len().saturating_sub(ROWS_MAX)))
            }
        },
    )
}

/// Its name, or where it is if it never said.
fn name(replica: &Replica) -> String {
    match replica.addresses.first() {
        Some(address) if replica.server.is_empty() => address.to_string(),
        _ => replica.server.clone(),
    }
}

fn more(left_out: usize) -> Markup {
    if left_out == 0 {
        return empty();
    }
    html! { p.small { (grouped(left_out as u64)) " more " (if left_out == 1 { "is" } else { "are" }) " in the result as JSON." } }
}
