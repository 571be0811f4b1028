//! How a run is shown, as asked for and as the surroundings allow.

use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::some_time;
use crate::ui::{Look, Mode, Setup, TERMINAL_MIN, is_in_foreground};
use crate::verdict::Exit;

/// How often lines are written in a run that is longer than [`SHORT`].
const INTERVAL: Duration = Duration::from_secs(10);
/// How often in one that is not.
const INTERVAL_SHORT: Duration = Duration::from_secs(1);
/// Up to this a run is short.
const SHORT: Duration = Duration::from_secs(10);

/// What is shown while a run is under way; shared with the pair.
#[derive(Clone, Debug, Args)]
pub struct UiArgs {
    /// What is shown while it runs: a view with keys (tui), lines for logs (line), lines of JSON on standard output (json), or
    /// the report only (none). auto is tui on a terminal, else line.
    #[arg(long, env = "CLOAD_UI", value_enum, default_value_t)]
    ui: Choice,
    /// How often lines are written, in whole seconds; by default 10s, in runs of up to 10s 1s.
    #[arg(long, env = "CLOAD_INTERVAL", value_name = "DURATION", value_parser = whole_seconds)]
    interval: Option<Duration>,
    /// Colours; auto is on a terminal, unless NO_COLOR is set.
    #[arg(long, env = "CLOAD_COLOR", value_enum, default_value_t)]
    color: When,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Choice {
    #[default]
    Auto,
    Tui,
    Line,
    Json,
    None,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum When {
    #[default]
    Auto,
    Always,
    Never,
}

/// What this process finds around it.
#[derive(Clone, Copy, Debug)]
struct Surroundings {
    /// Standard output is a terminal, of so many columns and rows.
    terminal: Option<(u16, u16)>,
    /// It can do more than print.
    is_capable: bool,
    /// A machine looks on.
    is_ci: bool,
    is_in_foreground: bool,
    /// The user wants none.
    has_no_color: bool,
    is_utf8: bool,
}

impl Surroundings {
    fn read() -> Surroundings {
        let said = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let terminal = io::stdout().is_terminal().then(|| crossterm::terminal::size().unwrap_or((0, 0)));
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(said).unwrap_or_default().to_lowercase();
        Surroundings {
            terminal,
            is_capable: said("TERM").is_some_and(|term| term != "dumb"),
            is_ci: said("CI").is_some_and(|value| value != "false" && value != "0"),
            is_in_foreground: is_in_foreground(),
            has_no_color: said("NO_COLOR").is_some(),
            is_utf8: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }
}

impl UiArgs {
    /// For a run of this length, whose result may go to standard output.
    ///
    /// # Errors
    /// If what was asked for is not possible here.
    pub fn setup(&self, length: Option<Duration>, is_stdout_taken: bool) -> Result<Setup, (Exit, String)> {
        self.decide(length, is_stdout_taken, Surroundings::read()).map_err(|message| (Exit::Usage, message))
    }

    fn decide(&self, length: Option<Duration>, is_stdout_taken: bool, around: Surroundings) -> Result<Setup, String> {
        let has_terminal = around.terminal.is_some() && !is_stdout_taken;
        let is_large = around.terminal.is_some_and(|size| size.0 >= TERMINAL_MIN.0 && size.1 >= TERMINAL_MIN.1);
        let mode = match self.ui {
            Choice::Auto
                if has_terminal && is_large && around.is_capable && !around.is_ci && around.is_in_foreground =>
            {
                Mode::Tui
            }
            Choice::Auto | Choice::Line => Mode::Line,
            Choice::None => Mode::None,
            Choice::Tui if has_terminal && around.is_capable => Mode::Tui,
            Choice::Tui if is_stdout_taken => {
                return Err(
                    "--ui tui: standard output carries the result (--json -); a file for it, or --ui line, works"
                        .to_owned(),
                );
            }
            Choice::Tui => {
                return Err(
                    "--ui tui: standard output is not a terminal that can show it; --ui line works anywhere".to_owned()
                );
            }
            Choice::Json if is_stdout_taken => {
                return Err("--ui json: standard output carries the result (--json -); a file for it works".to_owned());
            }
            Choice::Json => Mode::Json,
        };
        let is_coloured = match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => has_terminal && around.is_capable && !around.has_no_color,
        };
        let is_short = length.is_some_and(|length| length <= SHORT);
        let interval = self.interval.unwrap_or(if is_short { INTERVAL_SHORT } else { INTERVAL });
        Ok(Setup { mode, interval, look: Look { is_coloured, is_unicode: around.is_utf8 } })
    }
}

/// Figures are gathered once a second.
fn whole_seconds(text: &str) -> Result<Duration, String> {
    match some_time(text)? {
        duration if duration.subsec_nanos() == 0 => Ok(duration),
        _ => Err("figures are gathered once a second; whole seconds such as 1s, 10s or 1m work".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Surroundings = Surroundings {
        terminal: Some((80, 24)),
        is_capable: true,
        is_ci: false,
        is_in_foreground: true,
        has_no_color: false,
        is_utf8: true,
    };
    const AUTO: UiArgs = UiArgs { ui: Choice::Auto, interval: None, color: When::Auto };

    #[test]
    fn auto_is_a_view_only_where_somebody_can_see_and_use_it() {
        let cases = [
            (TERMINAL, Mode::Tui),
            (Surroundings { terminal: None, ..TERMINAL }, Mode::Line),
            (Surroundings { terminal: Some((60, 10)), ..TERMINAL }, Mode::Tui),
            (Surroundings { terminal: Some((59, 10)), ..TERMINAL }, Mode::Line),
            (Surroundings { terminal: Some((60, 9)), ..TERMINAL }, Mode::Line),
            (Surroundings { is_capable: false, ..TERMINAL }, Mode::Line),
            (Surroundings { is_ci: true, ..TERMINAL }, Mode::Line),
            (Surroundings { is_in_foreground: false, ..TERMINAL }, Mode::Line),
        ];
        for (around, mode) in cases {
            assert_eq!(AUTO.decide(None, false, around).unwrap().mode, mode, "{around:?}");
        }
        assert_eq!(AUTO.decide(None, true, TERMINAL).unwrap().mode, Mode::Line, "standard output carries the result");
    }

    #[test]
    fn what_is_asked_for_is_done_or_refused_with_a_remedy() {
        let pipe = Surroundings { terminal: None, ..TERMINAL };
        let cases = [
            (Choice::Tui, TERMINAL, false, Ok(Mode::Tui)),
            (Choice::Tui, pipe, false, Err("--ui line")),
            (Choice::Tui, TERMINAL, true, Err("--json -")),
            (Choice::Json, pipe, false, Ok(Mode::Json)),
            (Choice::Json, pipe, true, Err("--json -")),
            (Choice::Line, TERMINAL, false, Ok(Mode::Line)),
            (Choice::None, TERMINAL, true, Ok(Mode::None)),
        ];
        for (ui, around, is_taken, expected) in cases {
            match (UiArgs { ui, ..AUTO }.decide(None, is_taken, around), expected) {
                (Ok(setup), Ok(mode)) => assert_eq!(setup.mode, mode),
                (Err(message), Err(remedy)) => assert!(message.contains(remedy), "{message}"),
                (decided, expected) => panic!("{ui:?}: {decided:?} is not {expected:?}"),
            }
        }
    }

    #[test]
    fn colours_are_for_terminals_and_can_be_asked_for() {
        let no_color = Surroundings { has_no_color: true, ..TERMINAL };
        let pipe = Surroundings { terminal: None, ..TERMINAL };
        let cases = [
            (When::Auto, TERMINAL, true),
            (When::Auto, no_color, false),
            (When::Auto, pipe, false),
            (When::Always, no_color, true),
            (When::Always, pipe, true),
            (When::Never, TERMINAL, false),
        ];
        for (color, around, is_coloured) in cases {
            let setup = UiArgs { color, ..AUTO }.decide(None, false, around).unwrap();
            assert_eq!(setup.look.is_coloured, is_coloured, "{color:?} {around:?}");
        }
    }

    #[test]
    fn the_interval_depends_on_the_length() {
        let seconds = Duration::from_secs;
        let cases = [(None, 10), (Some(seconds(10)), 1), (Some(seconds(11)), 10)];
        for (length, expected) in cases {
            assert_eq!(AUTO.decide(length, false, TERMINAL).unwrap().interval, seconds(expected));
        }
        assert_eq!(whole_seconds("2m"), Ok(seconds(120)));
        assert!(whole_seconds("1.5s").unwrap_err().contains("whole seconds"));
    }
}
