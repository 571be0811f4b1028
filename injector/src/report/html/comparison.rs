//! Two runs set against each other.

use maud::{Markup, html};

use super::parts::{Cell, Mood, NOTHING, card, cut, empty, instant, length, state, table};
use crate::report::compare::{Change, Comparison, Run};
use crate::report::words;
use crate::summary::Summary;

/// The verdict on the second, the runs, and every figure of both.
pub(super) fn comparison(comparison: &Comparison) -> Markup {
    let (mood, word, sentence) = match comparison.result {
        "regression" => (Mood::Bad, "regression", "Something is certainly worse in B."),
        "no_regression" => (Mood::Good, "no regression", "Nothing is certainly worse in B."),
        _ => (Mood::Warn, "not comparable", "It cannot be told whether B is worse."),
    };
    html! {
        header.masthead {
            h1 { "B against A" }
            p.quiet { "B: " (cut(&comparison.b.file)) ", measured by A: " (cut(&comparison.a.file)) }
        }
        section.{ "card verdict note " (mood.class()) } {
            h2 { (state(mood, word)) " " (sentence) }
            @if !comparison.regressions.is_empty() { p { b { "Worse: " } (comparison.regressions.join(", ")) "." } }
            @if !comparison.improvements.is_empty() { p { b { "Better: " } (comparison.improvements.join(", ")) "." } }
            p.small { "Exit code " (comparison.exit_code) ". Different: " (words::bounds(comparison)) "." }
        }
        (caveats(comparison))
        (card("The two runs", runs(&comparison.a, &comparison.b)))
        (card("Every figure", figures(comparison)))
    }
}

fn caveats(comparison: &Comparison) -> Markup {
    let only = [("A", &comparison.only_in_a), ("B", &comparison.only_in_b)];
    if comparison.caveats.is_empty() && only.iter().all(|(_, names)| names.is_empty()) {
        return empty();
    }
    card(
        "Before this is believed",
        html! {
            ul {
                @for caveat in &comparison.caveats { li { (cut(caveat)) } }
                @for (run, names) in only { @if !names.is_empty() { li { "only in " (run) ": " (names.join(", ")) } } }
            }
        },
    )
}

fn runs(a: &Run, b: &Run) -> Markup {
    let row = |name: &str, of: &dyn Fn(&Run) -> String| {
        let cell = |run: &Run| Cell::text(if of(run).is_empty() { NOTHING.to_owned() } else { of(run) });
        vec![Cell::text(name), cell(a), cell(b)]
    };
    let rows = [
        row("file", &|run| run.file.clone()),
        row("scenario", &|run| run.scenario.clone()),
        row("verdict", &|run| run.verdict.clone()),
        row("began", &|run| instant(run.started_unix_s).unwrap_or_default()),
        row("planned for", &|run| length(run.planned_for_s)),
        row("session", &|run| run.session.clone()),
        row("program", &|run| run.version.clone()),
        row("host", &|run| run.host.clone()),
    ];
    table("What is compared", &["", "A", "B"], rows)
}

fn figures(comparison: &Comparison) -> Markup {
    let heads = ["operation", "figure", "A#", "B#", "B − A#", "at least#", "at most#", "B is"];
    let figures = comparison.operations.iter().flat_map(|row| row.figures.iter().map(move |figure| (row, figure)));
    let rows = figures.map(|(row, figure)| {
        let value = |of| Cell::Number(words::value(figure, of));
        let signed =
            |of: Option<f64>| Cell::Number(of.map_or_else(|| NOTHING.to_owned(), |of| words::signed(figure, of)));
        let difference = figure.difference;
        let mood = match figure.change {
            Change::Better => Mood::Good,
            Change::Worse => Mood::Bad,
            Change::NoEvidence => Mood::None,
            Change::NoData => Mood::Warn,
        };
        vec![
            Cell::text(&row.name),
            Cell::text(figure.name),
            value(figure.a),
            value(figure.b),
            signed(difference.map(|one| one.value)),
            signed(difference.map(|one| one.low)),
            signed(difference.map(|one| one.high)),
            Cell::State(mood, figure.change.as_str().to_lowercase()),
        ]
    });
    let told = [
        "operation",
        "planned per s, A#",
        "B#",
        "target p99, A#",
        "B#",
        "path p99, A#",
        "B#",
        "lateness p99, A#",
        "B#",
    ];
    let beside = comparison.operations.iter().map(|row| {
        let one = &row.told;
        let rates = one.planned_per_s.map(|rate| Cell::Number(format!("{rate:.1}")));
        let times = [one.server_p99_us, one.network_p99_us, one.lag_p99_us].into_iter().flatten().map(Cell::ms);
        std::iter::once(Cell::text(&row.name)).chain(rates).chain(times).collect()
    });
    html! {
        (table("Response times in ms and the share of right requests; the difference with its interval", &heads, rows))
        h3.after { "Where the time went" }
        (table("In ms, not judged", &told, beside))
    }
}

/// What follows is of one of the two.
pub(super) fn run_heading(letter: &str, summary: &Summary) -> Markup {
    html! {
        header.masthead.run { h2 { "Run " (letter) } p.quiet { (cut(&summary.scenario)) ", session " span.mono { (cut(&summary.session)) } } }
    }
}
