//! The keys and the words of the table. Pure.

use ratatui::text::{Line, Span};

use super::Look;
use crate::ui::keys::HELP;

/// What the columns say.
const WORDS: [(&str, &str); 6] = [
    ("plan, done", "per second: asked for now, and with a result in the window"),
    ("response", "from the planned instant to the end, as a user would wait"),
    ("server", "the target's own time; netw.: the path's share; lag: ours"),
    ("marks", "> selected  ! wrong  - paused or off  x wrong in that second"),
    ("changes", "! begins  . ended (not for 10s)  * something else"),
    ("more", "docs/terminal.md"),
];

pub(super) fn help(look: Look) -> Vec<Line<'static>> {
    let row = |(word, what): &(&str, &str)| {
        Line::from(vec![Span::styled(format!("  {word:<11}"), look.bold()), Span::raw((*what).to_owned())])
    };
    let mut lines = vec![Line::default()];
    lines.extend(HELP.iter().map(row));
    lines.push(Line::default());
    lines.extend(WORDS.iter().map(row));
    lines
}
