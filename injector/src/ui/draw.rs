//! The view as lines of text, one for each row of the terminal. Pure: a model and a size go in.
//!
//! Colour repeats what a word or a mark says, and can be left out. Without UTF-8 there are only ASCII characters.

mod detail;
mod head;
mod help;
mod log;
mod spark;
mod table;
mod words;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::ui::model::{Model, Page};

/// The smallest terminal that the view is drawn on.
pub(crate) const WIDTH_MIN: u16 = 60;
/// Its rows.
pub(crate) const HEIGHT_MIN: u16 = 10;
/// Rows of changes with their title, if the operations leave no more; and the height from which on there are any.
const LOG_ROWS: usize = 4;
const LOG_FROM: usize = 16;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colours may be used.
    pub is_coloured: bool,
    /// It shows more than ASCII.
    pub is_unicode: bool,
}

impl Look {
    fn paint(self, colour: Color) -> Style {
        if self.is_coloured { Style::new().fg(colour) } else { Style::new() }
    }

    fn bad(self) -> Style {
        self.paint(Color::Red)
    }

    fn good(self) -> Style {
        self.paint(Color::Green)
    }

    fn notable(self) -> Style {
        self.paint(Color::Yellow)
    }

    fn dim(self) -> Style {
        if self.is_coloured { Style::new().add_modifier(Modifier::DIM) } else { Style::new() }
    }

    fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn reversed(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A line across, with a title in it.
    fn rule(self, title: &str, width: usize) -> Line<'static> {
        let dash = if self.is_unicode { "─" } else { "-" };
        let title = if title.is_empty() { String::new() } else { format!(" {title} ") };
        let rest = width.saturating_sub(2 + title.chars().count());
        Line::styled(format!("{}{title}{}", dash.repeat(2), dash.repeat(rest)), self.dim())
    }
}

/// Draws everything.
pub(crate) fn draw(model: &Model, look: Look, frame: &mut Frame<'_>) {
    let Rect { width, height, .. } = frame.area();
    let lines = if width < WIDTH_MIN || height < HEIGHT_MIN {
        let words = format!("{width}x{height} is too small: {WIDTH_MIN}x{HEIGHT_MIN} would do (q ends the run)");
        wrapped(&words, usize::from(width)).into_iter().map(Line::raw).collect()
    } else {
        screen(model, look, usize::from(width), usize::from(height))
    };
    frame.render_widget(Paragraph::new(lines), frame.area());
}

/// As many lines as there are rows.
fn screen(model: &Model, look: Look, width: usize, height: usize) -> Vec<Line<'static>> {
    let mut lines = head::head(model, look, width);
    let body = height - lines.len() - FOOT_ROWS - if height < LOG_FROM { 0 } else { LOG_ROWS };
    match model.page {
        Page::Table => lines.extend(table::table(model, look, width, body)),
        Page::Detail => lines.extend(detail::detail(model, look, width)),
        Page::Help => lines.extend(help::help(look)),
    }
    lines.truncate(height - FOOT_ROWS);
    if let Some(rows) = (height - FOOT_ROWS).checked_sub(lines.len() + 1).filter(|rows| *rows > 0) {
        lines.push(look.rule("changes", width));
        lines.extend(log::log(model, look, rows));
    }
    lines.resize(height - FOOT_ROWS, Line::default());
    lines.push(foot(model, look, width));
    lines
}

const FOOT_ROWS: usize = 1;

/// Words on as many lines as they need.
fn wrapped(words: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The keys for which there is room, or a question.
fn foot(model: &Model, look: Look, width: usize) -> Line<'static> {
    if model.asks_to_quit {
        let text = " End the run and report?  q or Enter: yes, any other key: no ";
        return Line::styled(text, look.reversed());
    }
    if let Some(why) = &model.refused {
        return Line::styled(format!(" not done: {why}"), look.bad().patch(look.bold()));
    }
    let keys = [
        ("p", if model.status.is_paused() { "go on" } else { "pause" }),
        ("+ -", "rate"),
        ("w", "window"),
        ("d", if model.page == Page::Detail { "all operations" } else { "detail" }),
        ("q", "quit"),
        ("?", "help"),
        ("0", "rate as planned"),
    ];
    let mut room = width;
    let fits = |(key, what): &(&str, &str)| {
        let left = room.checked_sub(key.len() + what.len() + 2);
        room = left.map_or(0, |left| left.saturating_sub(1));
        left.is_some()
    };
    let spans = keys.into_iter().take_while(fits).flat_map(|(key, what)| {
        [Span::styled(format!(" {key}"), look.bold()), Span::styled(format!(" {what} "), look.dim())]
    });
    Line::from(spans.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
