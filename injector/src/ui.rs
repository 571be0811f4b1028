//! What a user sees while a run is under way: a view on a terminal, lines in a log, JSON for a program, or nothing. At the
//! end the report, always on the normal screen.
//!
//! Invariants:
//! - The run never waits for who looks at it: every queue is bounded, and what finds no room is left out. Only the report,
//!   and giving the terminal back, are waited for.
//! - `figures`, `changes`, `lines`, `frame`, `keys`, `model` and `draw` are pure; `screen`, `view` and `printer` are not.

mod changes;
mod draw;
mod figures;
#[cfg(test)]
mod fixture;
mod frame;
mod keys;
mod lines;
mod model;
mod printer;
mod screen;
mod view;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

pub(crate) use self::changes::{Judged, Turn};
pub use self::draw::Look;
pub(crate) use self::figures::micros;
use self::frame::Frame;
pub use self::keys::Wish;
use self::lines::{Form, Lines};
pub use self::model::About;
use self::printer::Printer;
use self::view::View;
use crate::control::Control;
use crate::course::Status;
use crate::engine::Tick;
use crate::history::History;
use crate::log;
use crate::schedule::ScaleError;

/// The smallest terminal for a view: columns and rows.
pub const TERMINAL_MIN: (u16, u16) = (draw::WIDTH_MIN, draw::HEIGHT_MIN);

/// In what form a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A view on the terminal, with keys.
    Tui,
    /// Lines for logs.
    Line,
    /// Lines of JSON on standard output; text goes to standard error.
    Json,
    /// The report only.
    None,
}

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// In what form.
    pub mode: Mode,
    /// How often lines are written; whole seconds.
    pub interval: Duration,
    /// What the terminal can show.
    pub look: Look,
}

/// What is shown now.
enum Shown {
    Nothing,
    View(View),
    Lines(Box<Lines>),
}

/// The user's side of a run.
pub(crate) struct Ui {
    setup: Setup,
    printer: Printer,
    shown: Mutex<Shown>,
}

impl Ui {
    /// Text goes to standard output, unless something else has that.
    pub(crate) fn start(setup: Setup, is_stdout_taken: bool) -> io::Result<Ui> {
        let printer = Printer::start(is_stdout_taken || setup.mode == Mode::Json)?;
        Ok(Ui { setup, printer, shown: Mutex::new(Shown::Nothing) })
    }

    /// A word of the program's, before, while and after the run is under way.
    pub(crate) fn say(&self, text: String) {
        match &*self.shown() {
            Shown::View(view) => view.say(Turn::Notes, text),
            _ if self.setup.mode == Mode::None => {}
            _ => self.printer.text(text),
        }
    }

    /// The same of a change: in lines it has a mark and a time.
    pub(crate) fn changed(&self, turn: Turn, text: String) {
        match &*self.shown() {
            Shown::View(view) => view.say(turn, text),
            Shown::Lines(lines) => self.print(&[lines.say(turn, &text)]),
            Shown::Nothing if self.setup.mode == Mode::None => {}
            Shown::Nothing => self.printer.text(text),
        }
    }

    /// Tells what the run does whenever that changes, for as long as it is awaited. The view follows that itself.
    pub(crate) async fn follow(&self, mut status: watch::Receiver<Status>) {
        while status.changed().await.is_ok() {
            let status = status.borrow_and_update().clone();
            if let Shown::Lines(lines) = &mut *self.shown() {
                let said = lines.status(&status);
                self.print(&said);
            }
        }
    }

    /// The first request is near. Whoever cannot have the terminal gets lines. Must be called on a runtime.
    pub(crate) fn begin(&self, about: About, control: &Control) {
        let lines = |form| Shown::Lines(Box::new(Lines::new(self.setup.interval, form)));
        let text = Form::Text { is_coloured: self.setup.look.is_coloured };
        let shown = match self.setup.mode {
            Mode::None => Shown::Nothing,
            Mode::Line => lines(text),
            Mode::Json => lines(Form::Json),
            Mode::Tui => {
                let (status, control) = (control.status(), control.clone());
                match View::open(about, self.setup.look, status, Box::new(move |wish| grant(&control, wish))) {
                    Ok(view) => {
                        attend(&view);
                        Shown::View(view)
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no view on this terminal; lines instead");
                        lines(text)
                    }
                }
            }
        };
        *self.shown() = shown;
    }

    /// Another second, of which `history` has been told, and how the thresholds stand at its end.
    pub(crate) fn tick(&self, tick: &Tick<'_>, history: &History, thresholds: &[Judged]) {
        let mut shown = self.shown();
        if let Shown::View(view) = &*shown
            && view.is_over()
        {
            // What it has seen so far; and the terminal, if it has that still.
            self.print(&view.leave());
            log::divert(None);
            let form = Form::Text { is_coloured: self.setup.look.is_coloured };
            *shown = Shown::Lines(Box::new(Lines::new(self.setup.interval, form)));
        }
        match &mut *shown {
            Shown::Nothing => {}
            Shown::View(view) => view.frame(Frame::new(tick, history, view.window(), thresholds)),
            Shown::Lines(lines) => {
                let said = lines.tick(tick, thresholds);
                self.print(&said);
            }
        }
    }

    /// Nothing more will be planned: the rest of an interval is told, the terminal is given back.
    pub(crate) fn leave(&self) {
        let mut shown = self.shown();
        match &mut *shown {
            Shown::Nothing => {}
            Shown::View(view) => {
                let changes = view.leave();
                log::divert(None);
                if !changes.is_empty() {
                    self.printer.text(format!("changes:\n{}", changes.join("\n")));
                }
                *shown = Shown::Nothing;
            }
            // What came due until the very end is told by one more tick.
            Shown::Lines(_) => {}
        }
    }

    /// Prints the report and waits until it is read.
    pub(crate) fn finish(self, report: String) {
        self.leave();
        if let Shown::Lines(lines) = &mut *self.shown() {
            let said = lines.flush();
            self.print(&said);
        }
        self.printer.finish(report);
    }

    fn print(&self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let text = lines.join("\n");
        if self.setup.mode == Mode::Json { self.printer.data(text) } else { self.printer.text(text) }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what a key asks for.
fn grant(control: &Control, wish: Wish) -> Result<(), String> {
    match wish {
        Wish::Pause => control.pause(),
        Wish::Resume => control.resume(),
        Wish::Scale(percent) => {
            control.scale(format!("{percent}%").parse().map_err(|error: ScaleError| error.to_string())?)
        }
        Wish::Stop => control.stop(),
    }
}

/// Logs go to the view; who stops the process by job control finds the terminal as it was.
fn attend(view: &View) {
    let logs = view.clone();
    log::divert(Some(Box::new(move |line| logs.say(turn_of(line), line.to_owned()))));
    let Ok(mut stopped) = signal(SignalKind::from_raw(Signal::SIGTSTP as i32)) else { return };
    let view = view.clone();
    // As long as the process: once it is listened for, the signal has no other effect.
    tokio::spawn(async move {
        while stopped.recv().await.is_some() {
            view.suspend();
        }
    });
}

/// What is wrong is marked as such.
fn turn_of(line: &str) -> Turn {
    if line.starts_with("ERROR") || line.starts_with("WARN") { Turn::Begins } else { Turn::Notes }
}

/// Whether the terminal listens to this process: one in the background must not change how it works.
pub(crate) fn is_in_foreground() -> bool {
    let own = nix::unistd::getpgrp();
    nix::unistd::tcgetpgrp(io::stdin()).is_ok_and(|group| group == own)
}
