//! What runs, how far it is, and what it does. Pure.

use std::time::Duration;

use ratatui::text::{Line, Span};
use shared::units::counted;

use super::{Look, words};
use crate::course::Motion;
use crate::ui::model::{Model, clock};

/// Characters of the bar of progress, and where there is more room.
const BAR: usize = 14;
const BAR_WIDE: usize = 40;
const WIDE: usize = 120;

pub(super) fn head(model: &Model, look: Look, width: usize) -> Vec<Line<'static>> {
    let about = &model.about;
    let arrow = if look.is_unicode { "→" } else { "->" };
    let state = state(model);
    let room = width.saturating_sub(state.chars().count() + 2);
    let name = words::fitted(&format!(" {} {arrow} {}", about.name, about.target), room);
    let style = if model.status.motion != Motion::Runs { look.notable().patch(look.reversed()) } else { look.bold() };
    let first = Line::from(vec![Span::styled(name, look.bold()), Span::raw(" "), Span::styled(state, style)]);
    vec![first, second(model, look, width)]
}

/// `running 7s of 1m00s, 53s left`.
fn state(model: &Model) -> String {
    let (elapsed, status) = (model.elapsed(), &model.status);
    match status.motion {
        Motion::Paused => format!("PAUSED for {}, p goes on", clock(elapsed.saturating_sub(status.since))),
        Motion::Starts(at) => format!("PAUSED, goes on in {}", clock(at.saturating_sub(elapsed))),
        Motion::Over => "ending".to_owned(),
        Motion::Runs => match model.about.length {
            None => format!("running for {}, until told to stop", clock(elapsed)),
            Some(length) => {
                let left = length.saturating_sub(model.active);
                format!("running {} of {}, {} left", clock(model.active), clock(length), clock(left))
            }
        },
    }
}

/// As much as there is room for, the most important first.
fn second(model: &Model, look: Look, width: usize) -> Line<'static> {
    let mut parts = Vec::new();
    if let Some(length) = model.about.length {
        parts.push(bar(model.active, length, if width < WIDE { BAR } else { BAR_WIDE }, look));
    }
    parts.extend(course(model));
    if let Some(frame) = &model.frame {
        let found = frame.window.1;
        let shown = frame.window.0.as_str();
        let so_far = if frame.is_window_full() { String::new() } else { format!(" ({} so far)", clock(found)) };
        let change =
            if model.window == frame.window.0 { String::new() } else { format!(", then {}", model.window.as_str()) };
        parts.push(format!("window {shown}{so_far}{change}"));
    }
    parts.push(format!("session {}", model.about.session));
    parts.push(counted(model.about.workers.into(), "worker"));
    let fits = |line: String, part: String| {
        let longer = format!("{line}{}{part}", if line.len() > 1 { "   " } else { "" });
        if longer.chars().count() < width { longer } else { line }
    };
    Line::raw(parts.into_iter().fold(" ".to_owned(), fits))
}

/// `phase ramp (2 of 3), 12s more`, and the scale.
fn course(model: &Model) -> Vec<String> {
    let (elapsed, status) = (model.elapsed(), &model.status);
    let mut parts = Vec::new();
    if status.phases > 1 {
        let until = status.until.filter(|_| status.motion == Motion::Runs);
        let rest = until.map_or_else(String::new, |until| format!(", {} more", clock(until.saturating_sub(elapsed))));
        let rest = status.waits_for.map_or(rest, |next| format!(", waits for the gate of {next}"));
        parts.push(format!("phase {} ({} of {}){rest}", status.phase, status.phase_index + 1, status.phases));
    }
    parts.push(format!("rate {} of plan", status.scale));
    parts
}

fn bar(done: Duration, length: Duration, cells: usize, look: Look) -> String {
    let share = (done.as_secs_f64() / length.as_secs_f64().max(1e-9)).min(1.0);
    let full = (share * cells as f64).floor() as usize;
    let (done, open) = if look.is_unicode { ("█", "░") } else { ("#", ".") };
    format!("{}{} {:>3.0}%", done.repeat(full), open.repeat(cells - full), (share * 100.0).floor())
}
