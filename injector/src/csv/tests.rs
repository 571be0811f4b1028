//! What is in a row, and that rows are whole.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::account::{Finished, Started};
use crate::course::{Motion, Status};
use crate::fixture::plan;
use crate::plan::Plan;
use shared::outcome::{Code, Outcome};

fn account() -> OperationAccount {
    let mut account = OperationAccount::default();
    for outcome in [Outcome::Success(Code::Http(200)), Outcome::Failure(Code::NONE, ErrorClass::Reset)] {
        account.scheduled();
        account.started(&Started { lag: Duration::from_micros(80), wait: Duration::ZERO });
        account.finished(&Finished {
            outcome,
            response: Duration::from_millis(2),
            service: Duration::from_millis(2),
            server: None,
            network: None,
            backend: None,
            is_declared: false,
            by_rule: false,
            sent_bytes: 5,
            received_bytes: 0,
        });
    }
    account.scheduled();
    account
}

/// Of one operation.
fn run() -> (Arc<Plan>, Status) {
    let plan = plan("target: 127.0.0.1\nrate: 1/s\nmix: [{ name: web, weight: 1, http: { path: / } }]");
    (Arc::new(plan), Status::plain(Motion::Runs, 1))
}

fn tick<'a>(by_operation: &'a [OperationAccount], run: &'a (Arc<Plan>, Status)) -> Tick<'a> {
    let (plan, status) = run;
    let (elapsed, length) = (Duration::from_millis(2_000), Duration::from_secs(1));
    Tick {
        elapsed,
        active: elapsed,
        length,
        interval: &by_operation[0],
        by_operation,
        total: by_operation,
        plan,
        status,
    }
}

#[test]
fn a_row_has_every_column_and_blanks_for_what_is_not_known() {
    let by_operation = [account()];
    let text = heads() + &rows(&tick(&by_operation, &run()), 1_700_000_000.25);
    let lines: Vec<Vec<&str>> =
        text.strip_suffix("\r\n").unwrap().split("\r\n").map(|l| l.split(',').collect()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].len(), lines[1].len()), (COLUMNS.len() + ErrorClass::ALL.len(), lines[0].len()));
    let value = |name: &str| lines[1][lines[0].iter().position(|head| *head == name).unwrap()];
    let expected = [
        ("unix_s", "1700000000.250"),
        ("elapsed_s", "2.000"),
        ("interval_s", "1.000"),
        ("operation", "web"),
        ("protocol", "http"),
        ("planned", "3"),
        ("answered", "1"),
        ("success", "1"),
        ("failure", "1"),
        ("in_flight", "1"),
        ("response_p50_us", "2000"),
        ("server_p50_us", ""),
        ("lag_p99_us", "80"),
        ("sent_bytes", "10"),
        ("error_reset", "1"),
        ("error_timeout", "0"),
    ];
    for (name, expected) in expected {
        assert_eq!(value(name), expected, "{name}");
    }
}

#[test]
fn what_the_file_held_stays_until_the_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.csv");
    std::fs::write(&path, "old,and,longer,than,that\n".repeat(100)).unwrap();
    drop(Unwritten::open(&path).unwrap());
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("old"));
    let other = folder.path().join("new.csv");
    drop(Unwritten::open(&other).unwrap());
    assert!(!other.exists());
    let csv = Unwritten::open(&path).unwrap();
    let mut csv = csv.start().unwrap();
    let by_operation = [account()];
    csv.add(&tick(&by_operation, &run()), 0.0);
    csv.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("unix_s,elapsed_s") && !text.contains("old"), "{text}");
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn a_disk_without_room_is_an_error_at_the_end_and_not_before() {
    // A device that takes nothing.
    let mut csv = Unwritten::open(Path::new("/dev/full")).unwrap().start().unwrap();
    let by_operation = [account()];
    for _ in 0..3 {
        csv.add(&tick(&by_operation, &run()), 0.0);
    }
    let error = csv.finish().unwrap_err().to_string();
    assert!(error.starts_with("--csv /dev/full: "), "{error}");
}
