//! What is on the screen, character by character.
//!
//! A screen that has changed is written beside the expected one, as `<name>.new`: read it, and if it is better, let it
//! take the other's place.

use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::course::Motion;
use crate::ui::changes::Turn;
use crate::ui::fixture::model;
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
