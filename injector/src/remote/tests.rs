//! What a person is told of a run.

use super::*;

/// A run in the second of two phases, of which everything that may be said is to be said.
fn busy() -> Value {
    json!({
        "scenario": "s.yaml", "state": "running", "elapsed_seconds": 21.4, "window_seconds": 20.0, "scale": "50%",
        "phase": { "name": "peak", "number": 2, "of": 3, "waits_for": "after" },
        "set_by_hand": ["rate 87/s", "scale 50%", "disable echo"], "starts_at": null,
        "rate": { "planned": 43.5, "achieved": 43.0 },
        "totals": {
            "planned": 1000, "success": 980, "failed": 7, "dropped_late": 1, "dropped_limit": 2, "interrupted": 0, "in_flight": 10,
        },
        "thresholds": [
            { "threshold": "p(99) < 100ms", "result": "crossed" },
            { "threshold": "failed < 1%", "result": "holds" },
            { "threshold": "p(99) < 1s over 5m", "result": "no_data" },
        ],
        "operations": [
            {
                "name": "web-\u{1b}[31m", "enabled": true, "left": false, "rate": { "planned": 43.5 }, "success_ratio": 0.993,
                "latency_seconds": { "response": { "p99": 1.019903 } }, "totals": { "in_flight": 10 },
            },
            {
                "name": "echo", "enabled": false, "left": false, "rate": { "planned": 0.0 }, "success_ratio": null,
                "latency_seconds": { "response": null }, "totals": { "in_flight": 0 },
            },
        ],
    })
}

#[test]
fn a_status_is_a_few_lines() {
    let expected = "\
s.yaml running (21 s): 43.5/s planned, 43.0/s achieved, scale 50%
  phase peak (2 of 3), waits for after
  set by hand, over the scenario: rate 87/s, scale 50%, disable echo
  in all 1000 planned, 980 right, 7 failed, 3 dropped, 10 in flight
  ✗ crossed  p(99) < 100ms
  ✓ holds    failed < 1%
  ? no data  p(99) < 1s over 5m
the last 20 s:
  web- [31m     43.5/s  ok  99.3%  response p99   1020 ms  in flight 10
  echo           0.0/s  ok      -  response p99         -  in flight 0  off
";
    assert_eq!(words_of(&busy()), expected);
}

#[test]
fn what_is_not_there_is_not_told() {
    let mut status = busy();
    status["phase"] = json!({ "name": "main", "number": 1, "of": 1, "waits_for": null });
    status["thresholds"] = json!([]);
    status["set_by_hand"] = json!([]);
    status["state"] = json!("waiting");
    status["starts_at"] = json!("2026-01-31T12:00:00.000Z");
    let told = words_of(&status);
    let head: Vec<&str> = told.lines().take(3).collect();
    let expected = [
        "s.yaml waiting (21 s): 43.5/s planned, 43.0/s achieved, scale 50%",
        "  starts at 2026-01-31T12:00:00.000Z",
        "  in all 1000 planned, 980 right, 7 failed, 3 dropped, 10 in flight",
    ];
    assert_eq!(head, expected);
    // Of a server that is no injector: nothing to say, and no panic.
    assert!(words_of(&json!({})).lines().count() == 3, "{}", words_of(&json!({})));
}
