//! What is added up is what one run would have been.

use serde_json::json;

use super::*;

fn latency(durations_us: &[u64]) -> Latency {
    let mut durations = Durations::default();
    durations_us.iter().for_each(|us| durations.record(std::time::Duration::from_micros(*us)));
    Latency::from(&durations)
}

fn shard(session: &str, durations_us: &[u64], exit_code: u8) -> (String, Summary) {
    let count = durations_us.len() as u64;
    let client = json!({
        "planned": count, "success": count, "errors": { "reset": 1 }, "response": latency(durations_us),
        "by_backend": { "servers": { (session): { "answered": count } } },
    });
    let server = json!({ "received": count, "answered": { "200": count }, "unanswered": 0, "failed": {}, "in_flight": 0, "sent_bytes": 1 });
    let difference = json!({ "received": 1, "duplicates": 1 });
    let value = json!({
        "schema": 1, "planned_for_s": 10.0, "took_s": 11.0, "session": session, "workers": 2, "total": client,
        "started_unix_s": 100.0 + durations_us[0] as f64,
        "verdict": { "result": if exit_code == 0 { "passed" } else { "other" }, "exit_code": exit_code, "reasons": ["web: x"] },
        "operations": [{
            "name": "web", "host": "h", "rate_per_s": 5.0, "client": client, "server": server, "difference": difference,
        }],
        "backends": [{ "name": "h", "seen": 1, "addresses": 2, "never_answered": ["127.0.0.9", session] }],
    });
    (format!("{session}.json"), serde_json::from_value(value).unwrap())
}

#[test]
fn counts_and_histograms_are_those_of_all_together() {
    let (one, other) = ([10, 20, 999_999], [5, 20, 4_000_000_000]);
    let sum = merge(vec![shard("a", &one, 0), shard("b", &other, 98)]).unwrap();
    let operation = &sum.operations[0];
    assert_eq!(operation.client.response, latency(&[&one[..], &other].concat()));
    assert_eq!(operation.client.response, sum.total.response);
    assert_eq!((operation.client.planned, operation.client.errors["reset"], operation.rate_per_s), (6, 2, 10.0));
    assert_eq!(operation.server.as_ref().unwrap().answered["200"], 6);
    let difference = operation.difference.unwrap();
    assert_eq!((difference.received, difference.duplicates), (2, 2));
    assert_eq!((sum.session.as_str(), sum.workers, sum.planned_for_s), ("a+b", 4, 10.0));
    assert_eq!(sum.started_unix_s, Some(105.0));
    assert_eq!((sum.verdict.exit_code, sum.verdict.result.as_str()), (98, "other"));
    assert_eq!(sum.verdict.reasons, ["web: x (session a)", "web: x (session b)"]);
    assert_eq!((sum.backends[0].seen, &sum.backends[0].never_answered), (2, &Some(vec!["127.0.0.9".to_owned()])));
}

#[test]
fn one_alone_stays_as_it_is_but_for_whose_reasons_they_are() {
    let (_, one) = shard("a", &[1, 2, 3], 0);
    let mut same = merge(vec![("a".to_owned(), one.clone())]).unwrap();
    same.verdict.reasons = one.verdict.reasons.clone();
    assert_eq!(same.to_json(), one.to_json());
}

#[test]
fn shards_that_are_none_are_refused() {
    let again = merge(vec![shard("a", &[1], 0), shard("a", &[1], 0)]).unwrap_err();
    assert!(again.starts_with("a.json: session a is there already"), "{again}");
    let (name, mut other) = shard("b", &[1], 0);
    other.operations[0].protocol = "grpc".to_owned();
    let another = merge(vec![shard("a", &[1], 0), (name, other)]).unwrap_err();
    assert_eq!(another, "b.json: web is another operation than in a.json; shards of one run agree on that");
}

#[test]
fn a_part_without_the_targets_side_leaves_the_whole_without_it() {
    let (name, mut other) = shard("b", &[1], 0);
    (other.operations[0].server, other.operations[0].difference) = (None, None);
    let sum = merge(vec![shard("a", &[1], 0), (name, other)]).unwrap();
    assert!(sum.operations[0].server.is_none() && sum.operations[0].difference.is_none());
}

#[test]
fn a_threshold_must_hold_in_every_shard_and_phases_add_up() {
    let with = |session: &str, result: &str| {
        let (name, one) = shard(session, &[1, 2, 3], 0);
        let mut value: serde_json::Value = serde_json::from_slice(&one.to_json()).unwrap();
        value["thresholds"] = json!([{
            "threshold": "p(99) < 1s", "result": result, "value": 0.1, "limit": 1.0, "unit": "s", "samples": 3, "worst": null,
            "crossings": 0, "first_crossed_s": null, "crossed_for_s": 0.0, "aborted": false, "words": session,
        }]);
        value["phases"] = json!([{ "name": "main", "client": { "planned": 3 } }]);
        (name, serde_json::from_value(value).unwrap())
    };
    for (results, worst) in [
        (["holds", "crossed", "no_data"], "b"),
        (["no_data", "holds", "holds"], "a"),
        (["holds", "holds", "no_data"], "c"),
    ] {
        let shards = ["a", "b", "c"].into_iter().zip(results).map(|(session, result)| with(session, result));
        let sum = merge(shards.collect()).unwrap();
        assert_eq!((sum.thresholds.len(), sum.thresholds[0].words.as_str()), (1, worst));
        assert_eq!((sum.phases.len(), sum.phases[0].client.planned), (1, 9));
    }
}
