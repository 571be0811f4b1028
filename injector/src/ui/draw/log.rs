//! The last changes, newest at the bottom. Pure.

use ratatui::text::Line;

use super::Look;
use crate::ui::changes::Turn;
use crate::ui::model::{Model, change_in_words};

pub(super) fn log(model: &Model, look: Look, rows: usize) -> Vec<Line<'static>> {
    let skipped = model.log.len().saturating_sub(rows);
    let lines = model.log.iter().skip(skipped).map(|change| {
        let name =
            change.operation.and_then(|at| model.status.operations.get(at)).map(|operation| operation.name.as_str());
        let style = match change.turn {
            Turn::Begins => look.bad(),
            Turn::Ends => look.good(),
            Turn::Notes => look.notable(),
        };
        Line::styled(change_in_words(change, name), style)
    });
    let lines: Vec<Line<'static>> = lines.collect();
    if lines.is_empty() { vec![Line::styled("  nothing yet", look.dim())] } else { lines }
}
