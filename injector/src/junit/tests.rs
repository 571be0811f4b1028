//! Which cases fail, and that nothing that is written can break the file.

use super::*;
use crate::difference::Difference;
use crate::summary::Latency;

/// A run of two operations that is as it should be.
fn summary() -> Summary {
    let mut summary: Summary = serde_json::from_value(serde_json::json!({
        "schema": 1, "planned_for_s": 2.0, "took_s": 2.5, "source": "a/b", "total": {},
        "verdict": { "result": "passed", "exit_code": 0 },
        "operations": [{ "name": "web", "client": {} }, { "name": "rpc", "client": {} }],
    }))
    .unwrap();
    for operation in &mut summary.operations {
        let client = &mut operation.client;
        (client.planned, client.success, client.answered) = (10, 10, 10);
        client.response = Latency { count: 10, histogram: vec![(1_000, 5), (3_000, 5)], ..Latency::default() };
        operation.difference = Some(Difference::default());
    }
    summary
}

/// `classname/name: end` of each case that did not pass.
fn not_passed(summary: &Summary) -> Vec<String> {
    let text = render(summary);
    let cases = text.split("<testcase ").skip(1).filter_map(|case| {
        let value = |key: &str| case.split_once(&format!("{key}=\"")).unwrap().1.split('"').next().unwrap().to_owned();
        let end = ["failure", "skipped"].into_iter().find(|end| case.contains(&format!("<{end} ")))?;
        Some(format!("{}/{}: {end} {}", value("classname"), value(" name"), value("message")))
    });
    cases.collect()
}

#[test]
fn a_good_run_passes_and_its_times_add_up() {
    let text = render(&summary());
    assert!(text.contains("tests=\"4\" failures=\"0\" errors=\"0\" skipped=\"0\" time=\"2.500\""), "{text}");
    assert!(text.contains("classname=\"operation\" name=\"web\" time=\"0.002\""), "{text}");
    assert_eq!(not_passed(&summary()), Vec::<String>::new());
}

#[test]
fn each_case_fails_for_its_own_reason() {
    let mut spoilt = summary();
    spoilt.verdict.reasons = vec!["web: of 10 requests, 5 could not be released".to_owned()];
    (spoilt.verdict.exit_code, spoilt.verdict.result) = (98, "invalid".to_owned());
    let expected = [
        "operation/web: failure of 10 requests, 5 could not be released",
        "run/verdict: failure invalid (exit code 98)",
    ];
    assert_eq!(not_passed(&spoilt), expected);

    let mut differs = summary();
    differs.operations[1].difference = Some(Difference { unexplained: 3, ..Difference::default() });
    let expected = [
        "operation/rpc: failure the two sides differ by 3 for no known reason",
        "run/both sides agree: failure 3 requests are counted differently for no known reason",
    ];
    assert_eq!(not_passed(&differs), expected);

    let mut silent = summary();
    (silent.operations[0].client.success, silent.operations[0].client.answered) = (0, 0);
    silent.operations.iter_mut().for_each(|operation| operation.difference = None);
    let expected = [
        "operation/web: skipped not one of 10 requests was answered",
        "run/both sides agree: skipped the target gave no account",
    ];
    assert_eq!(not_passed(&silent), expected);

    let threshold = |name: &str, result| ThresholdResult {
        threshold: name.to_owned(),
        result,
        value: Some(3.0),
        limit: 2.0,
        unit: "number".to_owned(),
        samples: 10,
        worst: None,
        crossings: 0,
        first_crossed_s: None,
        crossed_for_s: 0.0,
        aborted: false,
        words: "it is 3".to_owned(),
    };
    let states = [("good", ThresholdState::Holds), ("bad", ThresholdState::Crossed), ("blank", ThresholdState::NoData)];
    let judged = Summary { thresholds: states.map(|(name, state)| threshold(name, state)).into(), ..summary() };
    let expected = ["threshold/bad: failure it is 3", "threshold/blank: failure it is 3"];
    assert_eq!(not_passed(&judged), expected);
}

#[test]
fn what_is_written_cannot_break_the_file() {
    assert_eq!(escaped("a<b>&\"'\n\0\u{1b}é"), "a&lt;b&gt;&amp;&quot;&apos;&#10;\u{fffd}\u{fffd}é");
    let mut summary = summary();
    summary.operations[0].client.errors.insert("validation".to_owned(), 1);
    summary.operations[0].client.examples.insert("validation".to_owned(), "</system-out>]]>\u{0}".to_owned());
    let text = render(&summary);
    assert_eq!(text.matches("</system-out>").count(), 2, "{text}");
    assert!(text.contains("&lt;/system-out&gt;]]&gt;\u{fffd}"), "{text}");
}
