//! A result, or a comparison of two, in words: text of 80 columns, Markdown, JSON. Pure.

use std::fmt::Write as _;

use clap::ValueEnum;

use super::compare::{Change, Comparison, Figure, Row, Run};
use super::stats::{self, Estimate};
use crate::summary::Summary;
use crate::table::{self, Detail, Grid};
use crate::verdict::in_words;

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
}

/// Confidence of the intervals that are shown of one result.
const CONFIDENCE: f64 = 0.95;

/// One result: what was told at the end of its run, and the quantiles with their intervals.
pub(super) fn one(name: &str, summary: &Summary, format: Format, detail: Detail) -> String {
    if format == Format::Json {
        return String::from_utf8_lossy(&summary.to_json()).into_owned();
    }
    let mut grid = Grid::new(&[["operation", "p50", "p90", "p99", "p99 is in", "p99.9", "max"]]);
    for operation in &summary.operations {
        let response = &operation.client.response;
        let p99 = stats::quantile(&response.histogram, 0.99, 1.0 - CONFIDENCE);
        grid.row([
            operation.name.clone(),
            table::ms(response.p50_us),
            table::ms(response.p90_us),
            table::ms(response.p99_us),
            p99.map_or_else(|| "-".to_owned(), interval),
            table::ms(response.p999_us),
            table::ms(response.max_us),
        ]);
    }
    let heading = "response times in ms; \"p99 is in\": where it is at 95% confidence, \"1.20..\": 1.20 or more,\n\
                   for there were too few requests to say how much more";
    let head = head("", &Run::new(name, summary));
    let table = table::render(summary, detail);
    match format {
        Format::Markdown => format!("{head}\n\n```\n{}\n```\n\n{heading}\n\n{}", table.trim(), grid.markdown()),
        _ if detail == Detail::None => format!("{head}\n{table}"),
        _ => format!("{head}\n{table}\n{heading}\n{}", grid.text()),
    }
}

/// `0.97..1.10`.
fn interval(Estimate { low, high, .. }: Estimate) -> String {
    let high = if high.is_finite() { table::ms(Some(high as u64)) } else { String::new() };
    format!("{}..{high}", table::ms(Some(low as u64)))
}

/// Two results. Compact: a line per operation, and those figures that differ; full: every figure.
pub(super) fn two(comparison: &Comparison, format: Format, is_full: bool) -> String {
    if format == Format::Json {
        let text = serde_json::to_string_pretty(comparison);
        return text.expect("its keys are strings, and memory takes what is written") + "\n";
    }
    let is_markdown = format == Format::Markdown;
    let (table, item) =
        (|grid: Grid| if is_markdown { grid.markdown() } else { grid.text() }, if is_markdown { "- " } else { "  - " });
    let mut text = String::new();
    let line_end = if is_markdown { "  \n" } else { "\n" };
    if is_markdown {
        let _ = writeln!(text, "### {}\n", verdict(comparison));
    }
    let _ = write!(text, "{}{line_end}{}{line_end}", head("A", &comparison.a), head("B", &comparison.b));
    let _ = writeln!(
        text,
        "\nresponse times in ms, ok: the share of right requests; different: what surely is\n{}\n",
        bounds(comparison)
    );
    text.push_str(&table(overview(comparison)));
    let is_shown = |figure: &Figure| is_full || matches!(figure.change, Change::Better | Change::Worse);
    let figures = details(comparison, is_shown);
    if !figures.rows.is_empty() {
        let _ =
            writeln!(text, "\n{}, B - A with its interval\n", if is_full { "every figure" } else { "what differs" });
        text.push_str(&table(figures));
    }
    causes(&mut text, comparison, item);
    for (run, names) in [("A", &comparison.only_in_a), ("B", &comparison.only_in_b)] {
        if !names.is_empty() {
            let _ = writeln!(text, "\nonly in {run}: {}", names.join(", "));
        }
    }
    if !comparison.caveats.is_empty() {
        let _ = writeln!(text, "\nbefore this is believed:{}", if is_markdown { "\n" } else { "" });
        for caveat in &comparison.caveats {
            let _ = writeln!(text, "{item}{caveat}");
        }
    }
    if !is_markdown {
        let _ = writeln!(text, "\n{}", verdict(comparison));
    }
    text
}

fn head(letter: &str, run: &Run) -> String {
    let begun = if letter.is_empty() { String::new() } else { format!("{letter}: ") };
    let scenario = if run.scenario.is_empty() { String::new() } else { format!("{}, ", run.scenario) };
    let verdict = in_words(&run.verdict);
    format!("{begun}{}: {scenario}{:.1} s, session {}, {verdict}", run.file, run.planned_for_s, run.session)
}

pub(super) fn bounds(comparison: &Comparison) -> String {
    let bounds = &comparison.bounds;
    let percent = |share: f64| format!("{}%", (share * 1e8).round() / 1e6);
    format!(
        "over {} and {} ms, or {} of the requests ({} confidence in the whole report)",
        percent(bounds.tolerance),
        bounds.tolerance_us / 1e3,
        percent(bounds.tolerance_success),
        percent(bounds.confidence),
    )
}

fn overview(comparison: &Comparison) -> Grid {
    let mut grid = Grid::new(&[["operation", "ok A", "ok B", "p50 A", "p50 B", "p99 A", "p99 B", "B is"]]);
    for row in &comparison.operations {
        let value = |name: &str| {
            let figure = row.figures.iter().find(|figure| figure.name == name);
            figure.map_or_else(Default::default, |figure| [value(figure, figure.a), value(figure, figure.b)])
        };
        let ([ok_a, ok_b], [p50_a, p50_b], [p99_a, p99_b]) = (value("success"), value("p50"), value("p99"));
        grid.row([row.name.clone(), ok_a, ok_b, p50_a, p50_b, p99_a, p99_b, of_row(row)]);
    }
    grid
}

/// What is to be said of an operation in a word or two.
pub(super) fn of_row(row: &Row) -> String {
    let has = |change: Change| row.figures.iter().any(|figure| figure.change == change);
    let word = match (has(Change::Worse), has(Change::Better)) {
        (true, true) => "WORSE, better",
        (true, false) => "WORSE",
        (false, true) => "better",
        _ if has(Change::NoData) => "no data",
        _ => "no evidence",
    };
    word.to_owned()
}

fn details(comparison: &Comparison, is_shown: impl Fn(&Figure) -> bool) -> Grid {
    let mut grid = Grid::new(&[["operation", "figure", "A", "B", "B - A", "at least", "at most", "B is"]]);
    for row in &comparison.operations {
        for figure in row.figures.iter().filter(|figure| is_shown(figure)) {
            let [value_a, value_b] = [figure.a, figure.b].map(|one| value(figure, one));
            let [difference, low, high] = match figure.difference {
                Some(Estimate { value, low, high }) => [value, low, high].map(|one| signed(figure, one)),
                None => Default::default(),
            };
            let change = figure.change.as_str().to_owned();
            grid.row([row.name.clone(), figure.name.to_owned(), value_a, value_b, difference, low, high, change]);
        }
    }
    grid
}

pub(super) fn value(figure: &Figure, estimate: Option<Estimate>) -> String {
    match estimate {
        None => "-".to_owned(),
        Some(one) if figure.unit == "ratio" => format!("{:.2}%", one.value * 100.0),
        Some(one) => table::ms(Some(one.value as u64)),
    }
}

/// A difference, in percentage points or milliseconds.
pub(super) fn signed(figure: &Figure, difference: f64) -> String {
    if !difference.is_finite() {
        return "?".to_owned();
    }
    if figure.unit == "ratio" {
        return format!("{:+.2}%", difference * 100.0);
    }
    let sign = if difference < 0.0 { '-' } else { '+' };
    format!("{sign}{}", table::ms(Some(difference.abs() as u64)))
}

/// Where the time of what is worse went, as far as both sides tell.
fn causes(text: &mut String, comparison: &Comparison, item: &str) {
    let is_slower = |row: &&Row| row.figures.iter().any(|one| one.unit == "us" && one.change == Change::Worse);
    let mut slower = comparison.operations.iter().filter(is_slower).peekable();
    if slower.peek().is_some() {
        let _ = writeln!(
            text,
            "\np99 in ms of what is slower, A to B, not judged:{}",
            if item == "- " { "\n" } else { "" }
        );
    }
    for row in slower {
        let pair = |[a, b]: [Option<u64>; 2]| format!("{} to {}", table::ms(a), table::ms(b));
        let (server, network, lag) = (row.told.server_p99_us, row.told.network_p99_us, row.told.lag_p99_us);
        let (server, network, lag) = (pair(server), pair(network), pair(lag));
        let _ = writeln!(text, "{item}{}: target {server}, path {network}, injector's lateness {lag}", row.name);
    }
}

fn verdict(comparison: &Comparison) -> String {
    let code = comparison.exit_code;
    let (worse, better) = (&comparison.regressions, &comparison.improvements);
    let better = if better.is_empty() { String::new() } else { format!("; better: {}", better.join(", ")) };
    match comparison.result {
        "regression" => format!("verdict: regression (exit code {code}): worse: {}{better}", worse.join(", ")),
        "not_comparable" => format!("verdict: not comparable (exit code {code}): see above{better}"),
        _ => format!("verdict: no regression (exit code {code}){better}"),
    }
}
