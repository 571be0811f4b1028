//! What the parts of a report are put together from.

use std::time::{Duration, SystemTime};

use maud::{Markup, PreEscaped, html};
use shared::units::counted;

/// What is shown where nothing is known: never 0, never blank.
pub(super) const NOTHING: &str = "–";

/// How good something is: a colour, and a sign that says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Good,
    Warn,
    Bad,
    None,
}

impl Mood {
    pub(super) fn class(self) -> &'static str {
        match self {
            Mood::Good => "good",
            Mood::Warn => "warn",
            Mood::Bad => "bad",
            Mood::None => "none",
        }
    }
}

/// A word with its sign.
pub(super) fn state(mood: Mood, word: &str) -> Markup {
    html! { span.{ "state " (mood.class()) } { (word) } }
}

/// A cell of a table.
pub(super) enum Cell {
    Text(String),
    Number(String),
    State(Mood, String),
}

impl Cell {
    pub(super) fn count(count: u64) -> Cell {
        Cell::Number(grouped(count))
    }

    pub(super) fn known(count: Option<u64>) -> Cell {
        Cell::Number(count.map_or_else(|| NOTHING.to_owned(), grouped))
    }

    /// In milliseconds.
    pub(super) fn ms(us: Option<u64>) -> Cell {
        Cell::Number(if us.is_some() { crate::table::ms(us) } else { NOTHING.to_owned() })
    }

    pub(super) fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }
}

/// A table in a frame that scrolls by itself. The first cell of a row is its heading. Heads that end with `#` are of numbers.
pub(super) fn table(caption: &str, heads: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> Markup {
    // Most cells are figures, so that it is the others that have a class.
    let cell = |at: usize, cell: Cell| {
        let (is_text, inner) = match cell {
            Cell::Text(text) => (true, html! { (cut(&text)) }),
            Cell::Number(text) => (false, html! { (text) }),
            Cell::State(mood, word) => (true, state(mood, &word)),
        };
        match (at, is_text) {
            (0, _) => html! { th scope="row" { (inner) } },
            (_, true) => html! { td.t { (inner) } },
            (_, false) => html! { td { (inner) } },
        }
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table.figures {
                caption { (caption) }
                thead { tr {
                    @for head in heads {
                        @match head.strip_suffix('#') {
                            Some(head) => th.number scope="col" { (head) },
                            None => th scope="col" { (head) },
                        }
                    }
                } }
                tbody {
                    @for row in rows {
                        tr { @for (at, one) in row.into_iter().enumerate() { (cell(at, one)) } }
                    }
                }
            }
        }
    }
}

/// Names and what they stand for.
pub(super) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                dt { (name) }
                dd { @if value.is_empty() { (NOTHING) } @else { (cut(&value)) } }
            }
        }
    }
}

/// A card with a heading.
pub(super) fn card(heading: &str, inner: Markup) -> Markup {
    html! { section.card { h2 { (heading) } (inner) } }
}

/// Nothing at all.
pub(super) fn empty() -> Markup {
    PreEscaped(String::new())
}

/// At most so many characters of a text, and how many more there are: some come from the network.
pub(super) fn cut_to(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => text.to_owned(),
        Some((end, _)) => {
            let more = counted(text[end..].chars().count() as u64, "character");
            format!("{}… ({more} more)", &text[..end])
        }
    }
}

/// As much as a cell may hold.
pub(super) fn cut(text: &str) -> String {
    cut_to(text, 300)
}

/// With a narrow space between thousands.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// 100 % is all of them and nothing less.
pub(super) fn share(ratio: Option<f64>) -> String {
    match ratio {
        None => NOTHING.to_owned(),
        Some(1.0) => "100 %".to_owned(),
        Some(ratio) => format!("{:.2} %", (ratio * 1e4).floor() / 1e2),
    }
}

/// `2026-01-31 12:00:00 UTC`; nothing where the calendar ends.
pub(super) fn instant(unix_s: Option<f64>) -> Option<String> {
    const YEAR_10000_S: f64 = 253_402_300_800.0;
    let since = Duration::try_from_secs_f64(unix_s.filter(|unix_s| *unix_s < YEAR_10000_S)?).ok()?;
    let text = humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH.checked_add(since)?).to_string();
    Some(text.replace('T', " ").replace('Z', " UTC"))
}

/// `90.5 s`, from ten minutes on `1 h 30 min`.
pub(super) fn length(seconds: f64) -> String {
    if !(600.0..1e9).contains(&seconds) {
        return format!("{seconds:.1} s");
    }
    let minutes = (seconds / 60.0).round() as u64;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_as_people_read_them() {
        for (count, text) in [(0, "0"), (999, "999"), (1_000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")] {
            assert_eq!(grouped(count), text);
        }
        for (ratio, text) in [(None, "–"), (Some(1.0), "100 %"), (Some(0.999_999), "99.99 %"), (Some(0.0), "0.00 %")]
        {
            assert_eq!(share(ratio), text);
        }
        for (seconds, text) in [(12.04, "12.0 s"), (600.0, "10 min"), (5_400.0, "1 h 30 min"), (7_200.0, "2 h")] {
            assert_eq!(length(seconds), text);
        }
        assert_eq!(instant(Some(0.0)).unwrap(), "1970-01-01 00:00:00 UTC");
        for nonsense in [None, Some(-1.0), Some(1e300), Some(f64::NAN)] {
            assert_eq!(instant(nonsense), None);
        }
    }
}
