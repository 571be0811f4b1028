//! All there is to know of one operation. Pure.

use ratatui::text::{Line, Span};

use super::{Look, words};
use crate::ui::figures::Quantiles;
use crate::ui::frame::Part;
use crate::ui::model::Model;

pub(super) fn detail(model: &Model, look: Look, width: usize) -> Vec<Line<'static>> {
    let found = model.frame.as_ref().and_then(|frame| Some((frame, frame.parts.get(model.selected)?)));
    let Some((frame, part)) = found else { return vec![Line::raw("  waiting for the first second")] };
    let Some(operation) = model.status.operations.get(model.selected) else { return Vec::new() };
    let (name, protocol) = (operation.name, operation.protocol);
    let window = frame.window.0.as_str();
    let status = model.status.operations.get(model.selected);
    let asked = match status {
        Some(status) if !status.is_enabled => "switched off".to_owned(),
        status => format!("{}/s asked for", words::rate(status.map_or(0.0, |status| status.per_second))),
    };
    let figures = &part.window;
    let mut lines = vec![
        look.rule(
            &format!("{name} ({}), {} of {}", protocol.as_str(), model.selected + 1, model.status.operations.len()),
            width,
        ),
        Line::raw(format!(
            " {asked}, {}/s planned, {}/s done, ok {}, {} in flight",
            words::rate(figures.planned_per_s()),
            words::rate(figures.finished_per_s()),
            words::share(figures.counts.success_share()),
            part.in_flight,
        )),
        Line::styled(
            format!(" {:<14}{:>8}{:>8}{:>8}{:>8}{:>9}", format!("ms, {window}"), "p50", "p90", "p99", "max", "count"),
            look.bold(),
        ),
    ];
    let durations = [
        ("lag", &figures.lag, "our own lateness"),
        ("wait", &figures.wait, "for a free connection"),
        ("network", &figures.network, "the path's share"),
        ("server", &figures.server, "the target's own time"),
        ("service", &figures.service, "begin to end"),
        ("response", &figures.response, "planned to end"),
    ];
    lines.extend(durations.map(|(name, quantiles, what)| duration(name, quantiles, what, look)));
    lines.extend(errors(part, window, look));
    lines.extend(filled(since_start(part), width).into_iter().map(Line::raw));
    lines
}

fn duration(name: &str, quantiles: &Quantiles, what: &str, look: Look) -> Line<'static> {
    let Quantiles { count, p50, p90, p99, max } = *quantiles;
    let [p50, p90, p99, max] = [p50, p90, p99, max].map(words::millis);
    let figures = format!(" {name:<14}{p50:>8}{p90:>8}{p99:>8}{max:>8}{count:>9}");
    Line::from(vec![Span::raw(figures), Span::styled(format!("  {what}"), look.dim())])
}

/// One line per trouble that ever occurred, those of the window marked.
fn errors(part: &Part, window: &str, look: Look) -> Vec<Line<'static>> {
    if !part.all.is_troubled() {
        return vec![Line::raw(" no errors since the start")];
    }
    let mut lines =
        vec![Line::styled(format!(" {:<22}{window:>8}{:>9}  the first of them", "errors", "all"), look.bold())];
    for (trouble, all) in part.all.troubles() {
        let recent = part.window.counts.count(trouble);
        let words = part.examples.iter().find(|(other, _)| *other == trouble).map_or("", |(_, words)| words.as_str());
        let mark = if recent > 0 { '!' } else { ' ' };
        let text = format!("{mark}{:<22}{recent:>8}{all:>9}  {words}", trouble.as_str());
        lines.push(if recent > 0 { Line::styled(text, look.bad()) } else { Line::raw(text) });
    }
    lines
}

fn since_start(part: &Part) -> Vec<String> {
    let mut words = vec![format!("since the start: {} planned, {} right", part.all.planned, part.all.success)];
    let codes: Vec<String> = part.codes.iter().map(|(code, count)| format!("{count} x {code}")).collect();
    if !codes.is_empty() {
        words.push(format!("answers {}", codes.join(", ")));
    }
    words.push(format!("connections {} opened, {} open", part.connections.0, part.connections.1));
    words.push(format!("{} sent, {} received", words::bytes(part.sent_bytes), words::bytes(part.received_bytes)));
    let (by_rule, failed) = part.all.by_rule;
    if by_rule > 0 {
        words.push(format!("{by_rule} answers by a rule of the target, {failed} of them failed"));
    }
    for (fate, count) in &part.fates {
        words.push(format!("{count} {}", fate.as_str()));
    }
    words
}

/// In lines of at most so many characters, as far as one part fits into a line.
fn filled(parts: Vec<String>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() + 2 < width => {
                line.push_str(&format!("; {part}"))
            }
            _ => lines.push(format!(" {part}")),
        }
    }
    lines
}
