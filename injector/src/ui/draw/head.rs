//! What runs, how far it is, and what it does. Pure.

use std::time::Duration;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use shared::units::counted;

use super::{Look, words};
use crate::course::{Motion, Status};
use crate::ui::frame::Frame;
use crate::ui::model::{Model, clock};

/// Characters of the bar of progress, and where there is more room.
const BAR: usize = 14;
const BAR_WIDE: usize = 40;
const WIDE: usize = 120;
/// Room that the scenario's name should have beside words that could be shorter.
const NAME_MIN: usize = 20;

pub(super) fn head(model: &Model, look: Look, width: usize) -> Vec<Line<'static>> {
    let about = &model.about;
    let arrow = if look.is_unicode { "→" } else { "->" };
    let state = state(model, width);
    let room = width.saturating_sub(state.chars().count() + 2);
    let name = words::fitted(&format!(" {} {arrow} {}", about.name, about.target), room);
    let style = if model.status.motion != Motion::Runs { look.notable().patch(look.reversed()) } else { look.bold() };
    let first = Line::from(vec![Span::styled(name, look.bold()), Span::raw(" "), Span::styled(state, style)]);
    vec![first, second(model, look, width)]
}

/// `running 7s of 1m00s, 53s left`, and `running 9s (paused 2s), 53s of 1m00s left`: there is one clock, which pauses do
/// not stop, and a length that they do not use up.
fn state(model: &Model, width: usize) -> String {
    let (elapsed, status) = (model.elapsed(), &model.status);
    match status.motion {
        Motion::Paused if status.waits_to_start() => format!("WAITS for {}, p starts it", clock(elapsed)),
        Motion::Paused => format!("PAUSED for {}, p goes on", clock(elapsed.saturating_sub(status.since))),
        Motion::Starts(at) if status.waits_to_start() => {
            format!("WAITS, starts in {}", clock(at.saturating_sub(elapsed)))
        }
        Motion::Starts(at) => format!("PAUSED, goes on in {}", clock(at.saturating_sub(elapsed))),
        Motion::Over => "ending".to_owned(),
        Motion::Runs if status.waits_for.is_some() => at_gate(status, elapsed, width),
        Motion::Runs => match (model.about.length, pauses(status.idle)) {
            (None, pauses) => {
                format!("running for {}{}, {}", clock(elapsed), pauses.unwrap_or_default(), model.about.unlimited)
            }
            (Some(length), pauses) => {
                let left = clock(length.saturating_sub(model.active()));
                match pauses {
                    None => format!("running {} of {}, {left} left", clock(elapsed), clock(length)),
                    Some(pauses) => format!("running {}{pauses}, {left} of {} left", clock(elapsed), clock(length)),
                }
            }
        },
    }
}

/// `running for 7s, at the gate of peak, 23s more at most`; in narrow terminals without the phase's name.
fn at_gate(status: &Status, elapsed: Duration, width: usize) -> String {
    let at_most = status.gate_until.map(|until| format!(", {} more at most", clock(until.saturating_sub(elapsed))));
    let words =
        |gate: &str| format!("running for {}, at {gate}{}", clock(elapsed), at_most.as_deref().unwrap_or_default());
    let named = status.waits_for.map(|next| words(&format!("the gate of {next}")));
    named.filter(|named| named.len() + NAME_MIN <= width).unwrap_or_else(|| words("a gate"))
}

/// ` (paused 2s)`, where that is seen on the clock.
fn pauses(idle: Duration) -> Option<String> {
    (idle >= Duration::from_millis(500)).then(|| format!(" (paused {})", clock(idle)))
}

/// As much as there is room for, the most important first: without the window no figure below says what it is of.
fn second(model: &Model, look: Look, width: usize) -> Line<'static> {
    // Each in words that become fewer until there is room.
    let mut parts: Vec<(Style, Vec<String>)> = Vec::new();
    let plain = Style::new();
    if let Some(length) = model.about.length {
        parts.push((plain, vec![bar(model.active(), length, if width < WIDE { BAR } else { BAR_WIDE }, look)]));
    }
    parts.extend(model.frame.as_ref().map(|frame| (plain, window(model, frame))));
    if let (crossed @ 1.., of) = model.crossed() {
        let words =
            vec![format!("{crossed} of {} crossed", counted(of as u64, "threshold")), format!("{crossed} crossed")];
        parts.push((look.bad().patch(look.bold()), words));
    }
    parts.extend(course(model).map(|words| (plain, words)));
    parts.push((plain, vec![format!("session {}", model.about.session)]));
    parts.push((plain, vec![counted(model.about.workers.into(), "worker")]));
    let mut room = width.saturating_sub(1);
    let mut spans = Vec::new();
    for (style, words) in parts {
        let gap = if spans.is_empty() { " " } else { "   " };
        if let Some(words) = words.into_iter().find(|words| gap.len() + words.chars().count() <= room) {
            room -= gap.len() + words.chars().count();
            spans.extend([Span::raw(gap), Span::styled(words, style)]);
        }
    }
    Line::from(spans)
}

/// `window 10s`, and how much of it there is, and what it will be.
fn window(model: &Model, frame: &Frame) -> Vec<String> {
    let (shown, found) = (frame.window.0.as_str(), frame.window.1);
    let so_far = if frame.is_window_full() { String::new() } else { format!(" ({} so far)", clock(found)) };
    let next = match model.window {
        window if window == frame.window.0 => String::new(),
        window => format!(", then {}", window.as_str()),
    };
    vec![format!("window {shown}{so_far}{next}"), format!("window {shown}{next}"), format!("window {shown}")]
}

/// `phase ramp (2 of 3), 12s more`, and how much of the plan is asked for.
fn course(model: &Model) -> impl Iterator<Item = Vec<String>> {
    let status = &model.status;
    let phase = (status.phases > 1).then(|| {
        let until = status.until.filter(|_| status.motion == Motion::Runs && status.waits_for.is_none());
        let rest = until.map(|until| format!(", {} more", clock(until.saturating_sub(model.elapsed()))));
        let (name, rest) = (status.phase, rest.unwrap_or_default());
        let place = format!("({} of {})", status.phase_index + 1, status.phases);
        vec![format!("phase {name} {place}{rest}"), format!("phase {name}{rest}"), format!("phase {name}")]
    });
    // A rate that was set is not a share of the planned one.
    let is_set = status.set_rate.is_some() || status.operations.iter().any(|operation| operation.set_rate.is_some());
    let scale = match is_set {
        true => vec![format!("set: {}", status.set_by_hand().join(", ")), "rates set".to_owned()],
        false => vec![format!("rate {} of plan", status.scale), format!("rate {}", status.scale)],
    };
    phase.into_iter().chain([scale])
}

fn bar(done: Duration, length: Duration, cells: usize, look: Look) -> String {
    let share = (done.as_secs_f64() / length.as_secs_f64().max(1e-9)).min(1.0);
    let full = (share * cells as f64).floor() as usize;
    let (done, open) = if look.is_unicode { ("█", "░") } else { ("#", ".") };
    format!("{}{} {:>3.0}%", done.repeat(full), open.repeat(cells - full), (share * 100.0).floor())
}
