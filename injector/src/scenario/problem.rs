//! What is wrong with a scenario: all of it, each with its place.

use std::fmt;

use super::Sources;

/// One thing wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line and column in the file, from 1, in characters; `None` for a flag's value or the file as a whole.
    pub location: Option<(u64, u64)>,
    /// What it is about: `timeout`, `operation "web-slow": http.fault`, `--rate`; empty for the file as a whole.
    pub subject: String,
    /// A lowercase fragment: the offending text and what would be accepted.
    pub message: String,
}

impl Problem {
    /// A problem of the file as a whole.
    pub(super) fn general(message: String) -> Problem {
        Problem { location: None, subject: String::new(), message }
    }
}

/// Everything wrong with a scenario, in the file's order. Never empty.
///
/// Displayed as one paragraph per problem: `file:line:column: subject: message`, then the line with a mark under the
/// column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    found: Vec<Placed>,
}

/// A problem in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Placed {
    problem: Problem,
    /// The file's name.
    name: String,
    /// The line it is on.
    line: Option<String>,
}

impl Problems {
    pub(crate) fn new(name: &str, text: &str, problems: Vec<Problem>) -> Problems {
        Problems::of(&Sources::one(name, text), problems)
    }

    /// Of several files, each with the place that the parser gave it.
    pub(crate) fn of(sources: &Sources, mut problems: Vec<Problem>) -> Problems {
        debug_assert!(!problems.is_empty());
        // Flags and the file as a whole come last: the file's order is how the reader will go through it.
        problems.sort_by_key(|problem| problem.location.unwrap_or((u64::MAX, 0)));
        let placed = |mut problem: Problem| match problem.location {
            Some((line, column)) => {
                let (name, line, text) = sources.line(line);
                problem.location = Some((line, column));
                Placed { problem, name: name.to_owned(), line: text.map(str::to_owned) }
            }
            None => Placed { problem, name: sources.name().to_owned(), line: None },
        };
        Problems { found: problems.into_iter().map(placed).collect() }
    }

    /// The problems, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter().map(|placed| &placed.problem)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Placed { problem, name, line }) in self.found.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{name}:")?;
            if let Some((line, column)) = problem.location {
                write!(f, "{line}:{column}:")?;
            }
            if !problem.subject.is_empty() {
                write!(f, " {}:", problem.subject)?;
            }
            write!(f, " {}", problem.message)?;
            if let (Some((number, column)), Some(line)) = (problem.location, line) {
                quote(f, number, column, line)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Characters of a line shown on each side of the mark: a file in one line of JSON must not fill the terminal.
const QUOTE_RADIUS: usize = 50;

fn quote(f: &mut fmt::Formatter<'_>, number: u64, column: u64, line: &str) -> fmt::Result {
    let at = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    let start = at.saturating_sub(QUOTE_RADIUS);
    // A control character in a file must not reach the terminal; a tab would move the mark.
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let excerpt: String = line.chars().skip(start).take(2 * QUOTE_RADIUS).map(shown).collect();
    let gutter = format!("{number:>5} | ");
    write!(f, "\n{gutter}{}\n{:>5} | {:>mark$}", excerpt.trim_end(), "", "^", mark = at - start + 1)
}

/// The parser's location, when it knows one.
pub(crate) fn position(location: serde_saphyr::Location) -> Option<(u64, u64)> {
    (location.line() > 0).then(|| (location.line(), location.column()))
}
