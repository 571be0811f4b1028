//! Lines as a log has them, from ticks.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use shared::code::Code;
use shared::outcome::{DropReason, ErrorClass, Outcome};

use super::*;
use crate::account::{Finished, Started};
use crate::course::Motion;
use crate::fixture::plan;
use crate::ui::fixture::status;

/// Four requests of which one was right, one reset, one dropped, and one is still under way.
fn second() -> OperationAccount {
    let mut account = OperationAccount::default();
    for _ in 0..4 {
        account.scheduled();
    }
    for outcome in [Outcome::Success(Code::Http(200)), Outcome::Failure(Code::NONE, ErrorClass::Reset)] {
        account.started(&Started { lag: Duration::from_micros(80), wait: Duration::ZERO });
        account.finished(&Finished {
            outcome,
            response: Duration::from_millis(2),
            service: Duration::from_millis(2),
            server: Some(Duration::from_micros(30)),
            network: None,
            backend: None,
            is_declared: false,
            by_rule: false,
            sent_bytes: 0,
            received_bytes: 0,
        });
    }
    account.dropped(DropReason::Limit, Duration::from_micros(80));
    account.examples[ErrorClass::Reset.index()] = Some("\"reset\" by\npeer".to_owned());
    account
}

/// What is said in so many seconds of two operations, of which the first is always quiet.
fn said(form: Form, interval_s: u64, seconds: u64) -> (Vec<String>, Lines) {
    let mut lines = Lines::new(Duration::from_secs(interval_s), form);
    let status = status(2);
    let plan = Arc::new(plan("target: 127.0.0.1\nrate: 1/s\nmix: [{ name: web, weight: 1, http: { path: / } }]"));
    let parts = [OperationAccount::default(), second()];
    let mut total = parts.clone();
    let mut said = Vec::new();
    for at in 1..=seconds {
        let tick = Tick {
            elapsed: Duration::from_millis(at * 1_000 - 2),
            active: Duration::from_millis(at * 1_000 - 2),
            length: Duration::from_secs(1),
            interval: &parts[1],
            by_operation: &parts,
            total: &total,
            plan: &plan,
            status: &status,
        };
        said.extend(lines.tick(&tick, &[]));
        total[1].merge(&parts[1]);
    }
    (said, lines)
}

#[test]
fn a_line_is_of_an_operation_and_an_interval_and_changes_come_at_once() {
    let (said, mut lines) = said(Form::Text { is_coloured: false }, 3, 4);
    let expected = "\
! t=1s     op=web-fresh change=\"reset begins (1): 'reset' by peer\"
! t=1s     op=web-fresh change=\"dropped_limit begins (1)\"
  t=3s     op=web       planned=0.0/s    done=0.0/s    ok=-       response_ms=-/-           server_ms=-/-           network_p99_ms=-      lag_p99_ms=-      in_flight=0
! t=3s     op=web-fresh planned=4.0/s    done=2.0/s    ok=50.00%  response_ms=2.000/2.000   server_ms=0.030/0.030   network_p99_ms=-      lag_p99_ms=0.080  in_flight=3    reset=3 dropped_limit=3
! t=3s     op=total     planned=4.0/s    done=2.0/s    ok=50.00%  response_ms=2.000/2.000   server_ms=0.030/0.030   network_p99_ms=-      lag_p99_ms=0.080  in_flight=3    reset=3 dropped_limit=3";
    assert_eq!(said.join("\n"), expected);
    let rest = lines.flush();
    assert!(rest[1].starts_with("! t=4s     op=web-fresh planned=4.0/s "), "{rest:?}");
    assert_eq!(lines.flush(), [""; 0], "told once");
}

#[test]
fn colour_adds_to_a_mark() {
    let (plain, _) = said(Form::Text { is_coloured: false }, 1, 1);
    let (coloured, _) = said(Form::Text { is_coloured: true }, 1, 1);
    let stripped: Vec<String> =
        coloured.iter().map(|line| line.replace("\x1b[31m", "").replace("\x1b[0m", "")).collect();
    assert_eq!(stripped, plain);
    for (plain, coloured) in plain.iter().zip(&coloured) {
        assert_eq!(plain.starts_with('!'), coloured.starts_with('\x1b'), "{plain}");
    }
}

#[test]
fn lines_of_json_have_numbers_for_programs() {
    let (said, _) = said(Form::Json, 1, 1);
    let objects: Vec<Value> = said.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["change", "change", "interval", "interval", "interval"]);
    assert_eq!(objects[0]["operation"], "web-fresh");
    assert_eq!(objects[0]["turn"], "begins");
    let object = &objects[3];
    let expected = [
        ("/operation", Value::from("web-fresh")),
        ("/elapsed_s", 0.998.into()),
        ("/interval_s", 1.0.into()),
        ("/asked_per_s", 10.0.into()),
        ("/planned", 4.into()),
        ("/finished", 2.into()),
        ("/success", 1.into()),
        ("/troubles/reset", 1.into()),
        ("/troubles/dropped_limit", 1.into()),
        ("/response/p99_us", 2_000.into()),
        ("/network/p50_us", Value::Null),
        ("/phase", Value::Null),
        ("/paused", false.into()),
    ];
    for (pointer, value) in expected {
        assert_eq!(object.pointer(pointer), Some(&value), "{pointer} in {object}");
    }
    assert_eq!(objects[4]["operation"], "total");
}

#[test]
fn what_a_reload_brings_has_lines_and_what_left_has_none_once_it_is_quiet() {
    let plan = Arc::new(plan("target: 127.0.0.1\nrate: 1/s\nmix: [{ name: web, weight: 1, http: { path: / } }]"));
    let (quiet, busy) = (OperationAccount::default(), second());
    let mut lines = Lines::new(Duration::from_secs(1), Form::Text { is_coloured: false });
    let mut tell = |at: u64, parts: &[OperationAccount], left: &[usize]| {
        let mut status = status(parts.len());
        left.iter().for_each(|at| status.operations[*at].is_left = true);
        let (elapsed, length) = (Duration::from_secs(at), Duration::from_secs(1));
        let tick = Tick {
            elapsed,
            active: elapsed,
            length,
            interval: &busy,
            by_operation: parts,
            total: parts,
            plan: &plan,
            status: &status,
        };
        let said = lines.tick(&tick, &[]);
        said.iter()
            .map(|line| {
                line.split_whitespace().filter(|word| !word.contains("/s")).take(4).collect::<Vec<_>>().join(" ")
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(tell(1, std::slice::from_ref(&quiet), &[]), ["t=1s op=web ok=- response_ms=-/-"]);
    let grown = tell(2, &[quiet.clone(), quiet.clone()], &[]);
    assert!(grown[0].starts_with("* t=2s op=web-fresh change=\"is"), "{grown:?}");
    assert!(grown[2].starts_with("t=2s op=web-fresh"), "{grown:?}");
    let left = tell(3, &[quiet.clone(), quiet.clone()], &[0]);
    assert!(left[0].starts_with("* t=3s op=web change=\"left"), "{left:?}");
    assert!(left[1].starts_with("t=3s op=web-fresh") && left.len() == 3, "{left:?}");
    let draining = tell(4, &[second(), quiet.clone()], &[0]);
    assert!(draining.iter().any(|line| line.starts_with("! t=4s op=web ")), "{draining:?}");
}

#[test]
fn pauses_shorter_than_a_tick_are_told_of_at_their_instant() {
    let (_, mut lines) = said(Form::Text { is_coloured: false }, 10, 3);
    let mut now = status(2);
    let mut told = Vec::new();
    for (since_ms, motion) in
        [(3_200, Motion::Paused), (3_500, Motion::Runs), (3_700, Motion::Paused), (3_900, Motion::Runs)]
    {
        (now.motion, now.since) = (motion, Duration::from_millis(since_ms));
        told.extend(lines.status(&now));
    }
    // Of this it is not known when it was.
    now.operations[1].set_rate = "5/s".parse().ok();
    told.extend(lines.status(&now));
    now.since = Duration::ZERO;
    now.set_rate = "7/s".parse().ok();
    told.extend(lines.status(&now));
    let expected = [
        "* t=3.2s   change=\"paused\"",
        "* t=3.5s   change=\"resumed\"",
        "* t=3.7s   change=\"paused\"",
        "* t=3.9s   change=\"resumed\"",
        "* t=3.9s   op=web-fresh change=\"rate 5/s instead of the planned one\"",
        "* t=3s     change=\"rate of the mix 7/s instead of the planned one\"",
    ];
    assert_eq!(told, expected);
}

#[test]
fn thresholds_and_words_are_changes_with_a_mark_and_a_time() {
    let judged =
        |holds| [Judged { text: "failed < 10%".to_owned(), holds: Some(holds), value: Some("25%".to_owned()) }];
    let (elapsed, length) = (Duration::from_secs(4), Duration::from_secs(1));
    let plan = Arc::new(plan("target: 127.0.0.1\nrate: 1/s\nmix: [{ name: web, weight: 1, http: { path: / } }]"));
    let (quiet, now) = ([OperationAccount::default(), OperationAccount::default()], status(2));
    let tick = Tick {
        elapsed,
        active: elapsed,
        length,
        interval: &quiet[0],
        by_operation: &quiet,
        total: &quiet,
        plan: &plan,
        status: &now,
    };
    for (form, crossed, word) in [
        (
            Form::Text { is_coloured: false },
            "! t=4s     change=\"threshold crossed: failed < 10% (25%)\"",
            "! t=4s     change=\"not reloaded a.yaml\"",
        ),
        (
            Form::Json,
            r#"{"kind":"change","elapsed_s":4.0,"turn":"begins","operation":null,"text":"threshold crossed: failed < 10% (25%)"}"#,
            r#"{"kind":"change","elapsed_s":4.0,"turn":"begins","operation":null,"text":"not reloaded a.yaml"}"#,
        ),
    ] {
        let mut lines = Lines::new(Duration::from_secs(10), form);
        assert_eq!(lines.tick(&tick, &judged(false)), [crossed]);
        assert_eq!(lines.tick(&tick, &judged(false)), [""; 0]);
        assert_eq!(lines.say(Turn::Begins, "not reloaded a.yaml"), word);
        assert_eq!(lines.tick(&tick, &judged(true)).len(), 1);
    }
}
