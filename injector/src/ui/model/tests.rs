//! What the model makes of seconds and keys, in tables.

use std::time::Duration;

use super::*;
use crate::course::Motion;
use crate::ui::fixture::{frame, model, status};

fn log(model: &Model) -> Vec<String> {
    model.farewell()
}

#[test]
fn a_failure_is_logged_with_its_example_also_if_its_second_was_left_out() {
    let mut held = model(3, 2);
    assert_eq!(log(&held), [""; 0]);
    held.frame(frame(8, 2));
    assert_eq!(log(&held), ["!    8s  web-fresh: reset begins (2): connection reset by peer"]);
    let nothing = held.sparks[0].iter().filter(|spark| **spark == Spark::Nothing).count();
    assert_eq!((held.sparks[0].len(), nothing), (8, 4), "seconds 4 to 7 were not told of");
}

#[test]
fn what_is_kept_is_bounded() {
    let mut held = model(200, 2);
    assert_eq!(held.sparks[0].len(), SPARK_SECONDS);
    (0..1_000).for_each(|n| held.say(Turn::Notes, &n.to_string()));
    assert_eq!(held.log.len(), LOG_MAX);
    assert_eq!(held.log.back().unwrap().text, "999");
    held.frame(frame(100_000, 2));
    assert_eq!(held.sparks[0].len(), SPARK_SECONDS);
}

#[test]
fn keys_ask_for_what_is_possible_now() {
    let mut held = model(2, 2);
    let mut now = status(2);
    assert_eq!(held.press(Act::PauseOrResume), Some(Wish::Pause));
    assert_eq!(held.press(Act::Faster), Some(Wish::Scale(110)));
    now.scale = "110%".parse().unwrap();
    held.status(now.clone());
    assert_eq!(held.press(Act::Faster), Some(Wish::Scale(120)));
    assert_eq!(held.press(Act::Slower), Some(Wish::Scale(100)));
    assert_eq!(held.press(Act::AsPlanned), Some(Wish::Scale(100)));
    now.scale = "5%".parse().unwrap();
    held.status(now.clone());
    assert_eq!(held.press(Act::Slower), Some(Wish::Scale(0)), "and no further");
    (now.motion, now.since) = (Motion::Paused, Duration::from_secs(1));
    held.status(now);
    assert_eq!(held.press(Act::PauseOrResume), Some(Wish::Resume));
    assert!(log(&held).iter().any(|line| line.ends_with("paused")), "{:?}", log(&held));
}

#[test]
fn quitting_is_asked_for_once() {
    let cases: [(&[Act], Option<Wish>); 4] = [
        (&[Act::Quit, Act::Quit], Some(Wish::Stop)),
        (&[Act::Quit, Act::Detail], Some(Wish::Stop)),
        (&[Act::Quit, Act::Other], None),
        (&[Act::Quit, Act::Back, Act::Quit], None),
    ];
    for (keys, wish) in cases {
        let mut held = model(2, 2);
        let last = keys.iter().map(|key| held.press(*key)).last().flatten();
        assert_eq!(last, wish, "{keys:?}");
    }
}

#[test]
fn the_selection_stays_among_the_operations_and_pages_turn() {
    let mut held = model(1, 3);
    let mut press = |act| {
        held.press(act);
        (held.selected, held.page, held.window)
    };
    let ten = Window::Seconds10;
    let cases = [
        (Act::Up, (0, Page::Table, ten)),
        (Act::Down, (1, Page::Table, ten)),
        (Act::Last, (2, Page::Table, ten)),
        (Act::Down, (2, Page::Table, ten)),
        (Act::Detail, (2, Page::Detail, ten)),
        (Act::Up, (1, Page::Detail, ten)),
        (Act::Help, (1, Page::Help, ten)),
        (Act::Help, (1, Page::Table, ten)),
        (Act::Detail, (1, Page::Detail, ten)),
        (Act::Back, (1, Page::Table, ten)),
        (Act::Window, (1, Page::Table, Window::Minute)),
        (Act::Window, (1, Page::Table, Window::Minutes5)),
        (Act::Window, (1, Page::Table, Window::All)),
        (Act::Window, (1, Page::Table, ten)),
    ];
    for (act, after) in cases {
        assert_eq!(press(act), after, "{act:?}");
    }
}

#[test]
fn time_is_short_in_words() {
    let cases = [(0, "0s"), (59, "59s"), (60, "1m00s"), (3_599, "59m59s"), (7_380, "2h03m"), (273_600, "3d04h")];
    for (seconds, words) in cases {
        assert_eq!(clock(Duration::from_secs(seconds)), words);
    }
}
