//! What is on the screen, character by character.
//!
//! A screen that has changed is written beside the expected one, as `<name>.new`: read it, and if it is better, let it
//! take the other's place.

use std::path::Path;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::course::Motion;
use crate::ui::changes::{Judged, Turn};
use crate::ui::fixture::{frame, model};
use crate::ui::keys::Act;

const PLAIN: Look = Look { is_coloured: false, is_unicode: true };
const ASCII: Look = Look { is_coloured: false, is_unicode: false };

/// The rows of a terminal, without the blanks at their ends.
fn screen(model: &Model, look: Look, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(model, look, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
    (0..height).map(row).collect()
}

#[track_caller]
fn golden(name: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui/draw/golden").join(name);
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected != drawn {
        let new = path.with_extension("new");
        std::fs::write(&new, drawn).unwrap();
        panic!("{name} is drawn otherwise now, see {}:\n{drawn}", new.display());
    }
}

#[test]
fn the_table_fits_small_and_large_terminals() {
    let mut held = model(12, 7);
    golden("table-80x24.txt", &screen(&held, PLAIN, (80, 24)));
    golden("table-200x50.txt", &screen(&held, PLAIN, (200, 50)));
    golden("table-60x10.txt", &screen(&held, ASCII, (60, 10)));
    let mut status = crate::ui::fixture::status(7);
    (status.motion, status.phases, status.phase_index) = (Motion::Paused, 3, 1);
    status.since = Duration::from_secs(10);
    status.operations[3].is_enabled = false;
    held.status(status);
    held.press(Act::Quit);
    golden("paused-80x24.txt", &screen(&held, PLAIN, (80, 24)));
}

#[test]
fn more_operations_than_rows_scroll_with_the_selection() {
    let mut held = model(12, 40);
    for (act, name) in [(Act::First, "first"), (Act::Last, "last")] {
        held.press(act);
        golden(&format!("many-{name}-80x24.txt"), &screen(&held, PLAIN, (80, 24)));
    }
    held.press(Act::First);
    for at in 0..40 {
        let drawn = screen(&held, PLAIN, (80, 24));
        let name = held.status.operations[at].name.to_string();
        assert!(drawn.lines().any(|line| line.starts_with('>') && line.contains(&name)), "{name}: {drawn}");
        held.press(Act::Down);
    }
}

#[test]
fn detail_and_help_fit_a_small_terminal() {
    let mut held = model(12, 7);
    held.press(Act::Down);
    held.press(Act::Detail);
    golden("detail-80x24.txt", &screen(&held, PLAIN, (80, 24)));
    held.press(Act::Help);
    golden("help-80x24.txt", &screen(&held, PLAIN, (80, 24)));
}

#[test]
fn the_head_names_the_window_and_what_is_crossed_at_every_width() {
    let mut held = model(12, 7);
    let mut now = held.status.clone();
    (now.phase, now.phases, now.phase_index) = ("a-phase-with-quite-a-long-name".parse().unwrap(), 3, 1);
    (now.waits_for, now.gate_until) = ("peak".parse().ok(), Some(Duration::from_secs(40)));
    (now.idle, now.set_rate) = (Duration::from_secs(2), "7/s".parse().ok());
    held.status(now);
    let judged =
        |text: &str, holds| Judged { text: text.to_owned(), holds: Some(holds), value: Some("25%".to_owned()) };
    let mut last = frame(13, 7);
    last.thresholds = vec![judged("failed < 10%", false), judged("p(99) < 1s", true)];
    held.frame(last);
    for width in 60..200 {
        let drawn = screen(&held, PLAIN, (width, 24));
        let second = drawn.lines().nth(1).unwrap();
        for words in ["   window 10s", if width < 62 { "   1 crossed" } else { "   1 of 2 thresholds crossed" }] {
            assert!(second.contains(words), "no {words:?} in {width}: {second}");
        }
    }
    golden("gate-80x24.txt", &screen(&held, PLAIN, (80, 24)));
    golden("gate-200x50.txt", &screen(&held, PLAIN, (200, 50)));
}

#[test]
fn the_state_has_one_clock() {
    let s = Duration::from_secs;
    let cases = [
        (Motion::Runs, 0, 0, Some(s(60)), "running 12s of 1m00s, 48s left"),
        (Motion::Runs, 0, 2, Some(s(60)), "running 12s (paused 2s), 50s of 1m00s left"),
        (Motion::Runs, 0, 2, None, "running for 12s (paused 2s), until its phases are over"),
        (Motion::Paused, 9, 2, None, "PAUSED for 3s, p goes on"),
        (Motion::Paused, 0, 0, None, "WAITS for 12s, p starts it"),
        (Motion::Starts(s(20)), 9, 9, None, "WAITS, starts in 8s"),
        (Motion::Starts(s(20)), 9, 2, None, "PAUSED, goes on in 8s"),
    ];
    for (motion, since, idle, length, words) in cases {
        let mut held = model(12, 1);
        (held.about.length, held.about.unlimited) = (length, "until its phases are over");
        (held.status.motion, held.status.since, held.status.idle) = (motion, s(since), s(idle));
        let drawn = screen(&held, PLAIN, (120, 24));
        assert!(drawn.lines().next().unwrap().ends_with(words), "{words}: {drawn}");
    }
    let mut held = model(12, 1);
    (held.status.waits_for, held.status.gate_until) = ("peak".parse().ok(), Some(s(40)));
    for (width, words) in
        [(60, "running for 12s, at a gate, 28s more at most"), (80, "12s, at the gate of peak, 28s more at most")]
    {
        let drawn = screen(&held, PLAIN, (width, 24));
        assert!(drawn.lines().next().unwrap().ends_with(words), "{words}: {drawn}");
    }
}

#[test]
fn words_that_do_not_fit_are_left_out_or_go_on_below() {
    let held = model(12, 1);
    for (width, last) in [(60, "? help"), (72, "? help"), (73, "0 rate as planned"), (200, "0 rate as planned")] {
        let drawn = screen(&held, PLAIN, (width, 24));
        assert!(drawn.lines().last().unwrap().ends_with(last), "{width}: {drawn}");
    }
    for (size, expected) in [
        ((50, 12), "50x12 is too small: 60x10 would do (q ends the\nrun)"),
        ((30, 5), "30x5 is too small: 60x10 would\ndo (q ends the run)"),
    ] {
        assert!(screen(&held, PLAIN, size).starts_with(&format!("{expected}\n")), "{size:?}");
    }
}

#[test]
fn nothing_is_said_by_colour_alone() {
    let mut held = model(12, 7);
    held.say(Turn::Notes, "a word");
    held.refused = Some("no".to_owned());
    for page in [Act::Other, Act::Detail, Act::Help] {
        let why = held.refused.take();
        held.press(page);
        held.refused = why;
        for size in [(80, 24), (200, 50)] {
            let coloured = screen(&held, Look { is_coloured: true, is_unicode: true }, size);
            assert_eq!(coloured, screen(&held, PLAIN, size));
            assert!(screen(&held, ASCII, size).is_ascii());
        }
    }
}

#[test]
fn every_size_can_be_drawn() {
    let mut held = model(12, 40);
    let empty = Model::new(held.about.clone(), held.status.clone());
    for act in [Act::Back, Act::Detail, Act::Help] {
        held.press(act);
        for width in [1, 20, 59, 60, 61, 79, 100, 120, 160, 250, 400] {
            for height in [1, 5, 9, 10, 11, 13, 24, 70] {
                screen(&held, PLAIN, (width, height));
                screen(&empty, PLAIN, (width, height));
            }
        }
    }
}
