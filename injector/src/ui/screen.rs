//! The terminal while it is ours: raw, on its alternate screen. Whatever happens, it is given back as it was: at the end, on
//! a signal, when a thread panics, before the process is stopped by job control.

use std::io::{self, Stdout, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};

use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::ui::draw::{Look, draw};
use crate::ui::model::Model;

/// Whether it is ours now.
static IS_OURS: AtomicBool = AtomicBool::new(false);
/// Held while something is drawn, so that nothing is drawn after it was given back.
static DRAWING: Mutex<()> = Mutex::new(());

/// The terminal, taken.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes it.
    pub(super) fn take() -> io::Result<Screen> {
        give_back_on_panic();
        take()?;
        match Terminal::new(CrosstermBackend::new(stdout())) {
            Ok(terminal) => Ok(Screen { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Takes it again after it was given back.
    pub(super) fn retake(&mut self) -> io::Result<()> {
        take()?;
        self.terminal.clear()
    }

    /// Forgets what is on it.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Draws the model if the terminal is ours; whether it is.
    pub(super) fn draw(&mut self, model: &Model, look: Look) -> io::Result<bool> {
        let _drawing = DRAWING.lock();
        if !IS_OURS.load(Ordering::SeqCst) {
            return Ok(false);
        }
        self.terminal.draw(|frame| draw(model, look, frame))?;
        Ok(true)
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    IS_OURS.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen).inspect_err(|_| give_back())
}

/// Gives it back, if it is ours. From any thread; never waits for one that draws, which may be the one that has failed.
pub(super) fn give_back() {
    let _drawing = DRAWING.try_lock();
    if IS_OURS.swap(false, Ordering::SeqCst) {
        // Nothing better can be done about a terminal that is gone.
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// What a panic says must be readable, and stay.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
    });
}
