//! From a key to what is meant by it. Pure.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What somebody at the terminal wants of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Send nothing until asked again.
    Pause,
    /// Go on.
    Resume,
    /// This much of the planned rates, in per cent.
    Scale(u32),
    /// End it, and report.
    Stop,
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    PauseOrResume,
    Faster,
    Slower,
    AsPlanned,
    Window,
    Detail,
    Up,
    Down,
    First,
    Last,
    Help,
    /// Out of whatever is open.
    Back,
    Quit,
    /// Draw everything anew.
    Redraw,
    /// As the signals of the same keys: the terminal does not send them while it is ours.
    Interrupt,
    Suspend,
    /// A key without a meaning, which is an answer to a question all the same.
    Other,
}

/// Every key that is told of in the help, with what it does.
pub(crate) const HELP: [(&str, &str); 11] = [
    ("p, space", "pause, or go on: requests in flight come to their end"),
    ("+  -", "10 % of the planned rates more or less"),
    ("0", "the planned rates"),
    ("w", "figures of the last 10s, 1m, 5m, or of all"),
    ("up, down", "choose an operation (also k, j; Home, End)"),
    ("d, Enter", "all there is to know of it, and back"),
    ("Esc", "back"),
    ("Ctrl-L", "draw everything anew"),
    ("q", "end the run and report; asks once"),
    ("Ctrl-C", "the same without a question; a second one ends at once"),
    ("?", "this help, and back"),
];

/// What is meant by a key; nothing if it is being released.
pub(crate) fn act(key: KeyEvent) -> Option<Act> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return Some(match key.code {
            KeyCode::Char('c') => Act::Interrupt,
            KeyCode::Char('z') => Act::Suspend,
            KeyCode::Char('l') => Act::Redraw,
            _ => Act::Other,
        });
    }
    Some(match key.code {
        KeyCode::Char('p' | 'P' | ' ') => Act::PauseOrResume,
        KeyCode::Char('+' | '=') => Act::Faster,
        KeyCode::Char('-' | '_') => Act::Slower,
        KeyCode::Char('0') => Act::AsPlanned,
        KeyCode::Char('w' | 'W') => Act::Window,
        KeyCode::Char('d' | 'D') | KeyCode::Enter => Act::Detail,
        KeyCode::Up | KeyCode::Char('k') => Act::Up,
        KeyCode::Down | KeyCode::Char('j') => Act::Down,
        KeyCode::Home => Act::First,
        KeyCode::End => Act::Last,
        KeyCode::Char('?' | 'h' | 'H') | KeyCode::F(1) => Act::Help,
        KeyCode::Esc | KeyCode::Backspace => Act::Back,
        KeyCode::Char('q' | 'Q') => Act::Quit,
        _ => Act::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_help_says() {
        let cases = [
            (KeyCode::Char('p'), Act::PauseOrResume),
            (KeyCode::Char(' '), Act::PauseOrResume),
            (KeyCode::Char('+'), Act::Faster),
            (KeyCode::Char('-'), Act::Slower),
            (KeyCode::Char('0'), Act::AsPlanned),
            (KeyCode::Char('w'), Act::Window),
            (KeyCode::Up, Act::Up),
            (KeyCode::Char('j'), Act::Down),
            (KeyCode::Enter, Act::Detail),
            (KeyCode::Esc, Act::Back),
            (KeyCode::Char('q'), Act::Quit),
            (KeyCode::Char('?'), Act::Help),
            (KeyCode::Char('x'), Act::Other),
        ];
        for (code, meant) in cases {
            assert_eq!(act(KeyEvent::new(code, KeyModifiers::NONE)), Some(meant), "{code:?}");
        }
        let control = |letter| act(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
        assert_eq!(
            ['c', 'z', 'l', 'q'].map(control),
            [Act::Interrupt, Act::Suspend, Act::Redraw, Act::Other].map(Some)
        );
        let released = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(act(released), None);
    }
}
