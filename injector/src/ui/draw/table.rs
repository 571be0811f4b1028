//! A row for each operation, and one for all. Pure.

use ratatui::text::{Line, Span};

use super::{Look, spark, words};
use crate::course::Motion;
use crate::ui::figures::Figures;
use crate::ui::frame::Frame;
use crate::ui::lines::TOTAL;
use crate::ui::model::Model;

/// Characters of a name at most.
const NAME_MAX: usize = 24;
/// Room from which on errors have a column of their own; before that they stand below their operation.
const ERRORS_FROM: usize = 34;

/// One column of figures.
struct Column {
    /// Above the titles of all neighbours that share it; its first word if there is no room for more.
    group: &'static str,
    title: &'static str,
    width: usize,
    /// Left out of terminals narrower than this.
    from: usize,
    cell: fn(&Row<'_>) -> String,
}

/// What the columns are of.
struct Row<'a> {
    name: &'a str,
    asked: String,
    figures: &'a Figures,
    in_flight: i64,
}

const COLUMNS: [Column; 10] = [
    Column { group: "requests/s", title: "plan", width: 6, from: 0, cell: |row| row.asked.clone() },
    Column {
        group: "requests/s",
        title: "done",
        width: 6,
        from: 0,
        cell: |row| words::rate(row.figures.finished_per_s()),
    },
    Column { group: "", title: "ok", width: 7, from: 0, cell: |row| words::share(row.figures.counts.success_share()) },
    Column {
        group: "response ms",
        title: "p50",
        width: 6,
        from: 0,
        cell: |row| words::millis(row.figures.response.p50),
    },
    Column {
        group: "response ms",
        title: "p99",
        width: 6,
        from: 0,
        cell: |row| words::millis(row.figures.response.p99),
    },
    Column { group: "server ms", title: "p50", width: 6, from: 80, cell: |row| words::millis(row.figures.server.p50) },
    Column { group: "server ms", title: "p99", width: 7, from: 0, cell: |row| words::millis(row.figures.server.p99) },
    Column { group: "netw.", title: "p99", width: 6, from: 72, cell: |row| words::millis(row.figures.network.p99) },
    Column { group: "lag", title: "p99", width: 6, from: 0, cell: |row| words::millis(row.figures.lag.p99) },
    Column { group: "in", title: "flight", width: 7, from: 66, cell: |row| row.in_flight.to_string() },
];

/// How the room is shared out.
struct Layout {
    width: usize,
    name: usize,
    spark: usize,
    errors: usize,
}

impl Layout {
    fn new(model: &Model, width: usize) -> Layout {
        let figures: usize = columns(width).map(|column| column.width).sum();
        let longest = model.status.operations.iter().map(|operation| operation.name.as_str().len()).max().unwrap_or(0);
        let room = width.saturating_sub(MARKS + figures);
        let name = longest.clamp("operation".len(), NAME_MAX).min(room);
        let spare = room - name;
        let (spark, errors) = match spare {
            ..8 => (0, 0),
            8..ERRORS_FROM => ((spare - 1).min(60), 0),
            _ => ((spare * 3 / 5).min(60), spare - (spare * 3 / 5).min(60) - 3),
        };
        Layout { width, name, spark, errors }
    }
}

/// The mark of the selected row and that of trouble.
const MARKS: usize = 2;

fn columns(width: usize) -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(move |column| width >= column.from)
}

/// Titles, as many operations as there is room for with the selected one among them, and the total.
pub(super) fn table(model: &Model, look: Look, width: usize, rows: usize) -> Vec<Line<'static>> {
    let layout = Layout::new(model, width);
    let Some(frame) = &model.frame else {
        return [titles(&layout, look, ""), vec![Line::raw("  waiting for the first second")]].concat();
    };
    let operations: Vec<Vec<Line<'static>>> =
        (0..frame.parts.len()).map(|at| operation(model, frame, at, &layout, look)).collect();
    let shown = visible(&operations, model.selected, rows.saturating_sub(OTHER_ROWS));
    let is_whole = shown.len() == operations.len();
    let part = if is_whole { String::new() } else { format!("{}-{}/{}", shown.start + 1, shown.end, operations.len()) };
    let mut lines = titles(&layout, look, &part);
    lines.extend(operations[shown].iter().flatten().cloned());
    lines.push(total(model, frame, &layout, look));
    lines
}

/// Which operations fit into so many rows: from the first on, or so that the selected one is the last.
fn visible(operations: &[Vec<Line<'_>>], selected: usize, rows: usize) -> std::ops::Range<usize> {
    let fits = |range: std::ops::Range<usize>| operations[range].iter().map(Vec::len).sum::<usize>() <= rows;
    let last = selected.min(operations.len().saturating_sub(1));
    let first = (0..=last).find(|first| fits(*first..last + 1)).unwrap_or(last);
    let end = (last + 1..=operations.len()).rev().find(|end| fits(first..*end)).unwrap_or(last + 1);
    first..end.min(operations.len())
}

/// Titles and the total.
const OTHER_ROWS: usize = 3;

/// With which operations are shown, if not all are.
fn titles(layout: &Layout, look: Look, part: &str) -> Vec<Line<'static>> {
    let mut groups: Vec<(&str, usize)> = Vec::new();
    let mut titles = format!("  {}", words::fitted("operation", layout.name));
    for column in columns(layout.width) {
        match groups.last_mut() {
            Some((group, width)) if *group == column.group => *width += column.width,
            _ => groups.push((column.group, column.width)),
        }
        titles.push_str(&format!("{:>width$}", column.title, width = column.width));
    }
    let over = groups.into_iter().map(|(group, width)| {
        let first = group.split(' ').next().unwrap_or_default();
        format!("{:>width$}", if group.len() < width { group } else { first })
    });
    let over = over.fold(words::fitted(&format!("  {part}"), MARKS + layout.name), |line, group| line + &group);
    if layout.spark > 0 {
        titles.push_str(&words::fitted(" p99, last minute", layout.spark + 1));
    }
    if layout.errors > 0 {
        titles.push_str("  errors");
    }
    vec![Line::styled(over, look.dim()), Line::styled(titles, look.bold())]
}

fn operation(model: &Model, frame: &Frame, at: usize, layout: &Layout, look: Look) -> Vec<Line<'static>> {
    let part = &frame.parts[at];
    let name = model.status.operations.get(at).map_or("", |operation| operation.name.as_str());
    let status = model.status.operations.get(at);
    let is_off = status.is_some_and(|status| !status.is_enabled);
    let asked = status.map_or_else(|| "-".to_owned(), |status| words::rate(status.per_second));
    let row = Row {
        name,
        asked: if is_off { "off".to_owned() } else { asked },
        figures: &part.window,
        in_flight: part.in_flight,
    };
    let counts = &part.window.counts;
    let mark = match (counts.is_troubled(), is_off || model.status.motion != Motion::Runs) {
        (true, _) => Span::styled("!", look.bad()),
        (false, true) => Span::styled("-", look.notable()),
        (false, false) => Span::raw(" "),
    };
    let is_selected = model.selected == at;
    let mut spans = vec![Span::raw(if is_selected { ">" } else { " " }), mark];
    spans.extend(cells(&row, layout, look, is_selected));
    if layout.spark > 0 {
        let drawn = model.sparks.get(at).map(|sparks| spark::spark(sparks, layout.spark, look)).unwrap_or_default();
        spans.push(Span::raw(" "));
        spans.push(Span::styled(words::fitted(&drawn, layout.spark), look.good()));
    }
    if !counts.is_troubled() {
        return vec![Line::from(spans)];
    }
    let troubles = words::troubles(counts);
    if layout.errors > 0 {
        spans.push(Span::styled(format!("  {}", words::fitted(&troubles, layout.errors)), look.bad()));
        return vec![Line::from(spans)];
    }
    let below = format!("      {}", words::fitted(&troubles, layout.width - 6));
    vec![Line::from(spans), Line::styled(below, look.bad())]
}

fn cells(row: &Row<'_>, layout: &Layout, look: Look, is_selected: bool) -> Vec<Span<'static>> {
    let name = words::fitted(row.name, layout.name);
    let mut spans = vec![if is_selected { Span::styled(name, look.bold()) } else { Span::raw(name) }];
    for column in columns(layout.width) {
        let text = format!("{:>width$}", (column.cell)(row), width = column.width);
        let is_bad = column.title == "ok" && row.figures.counts.failed() > 0;
        spans.push(if is_bad { Span::styled(text, look.bad()) } else { Span::raw(text) });
    }
    spans
}

/// All together, also those that there is no room for.
fn total(model: &Model, frame: &Frame, layout: &Layout, look: Look) -> Line<'static> {
    let row = Row {
        name: TOTAL,
        asked: words::rate(model.status.per_second),
        figures: &frame.total,
        in_flight: frame.parts.iter().map(|part| part.in_flight).sum(),
    };
    let mut spans = vec![Span::raw(" ".repeat(MARKS))];
    spans.extend(cells(&row, layout, look, false));
    Line::from(spans).style(look.bold())
}
