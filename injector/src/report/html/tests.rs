//! Reports of made-up runs, taken apart again.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::*;
use crate::report::compare::{Bounds, compare};
use crate::timeline::{Figures, Line, POINTS_MAX, Quantiles};

const BOUNDS: Bounds = Bounds { confidence: 0.95, tolerance: 0.05, tolerance_us: 100.0, tolerance_success: 0.001 };
const SIX: [&str; 6] = ["web", "web-slow", "rpc", "echo", "flaky", "lookup"];
/// What nobody should call anything, and somebody will.
const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)><!-- <charts/> ]]> & \" ' \u{0}";

/// A page taken apart.
#[derive(Debug, Default)]
struct Page {
    /// Every element's name and attributes, in the order they begin.
    elements: Vec<(String, String)>,
    /// What stands in those of a name that hold raw text.
    raw: Vec<(String, String)>,
}

/// Panics where an element is not closed, or closed where it was not open.
fn parsed(mut text: &str) -> Page {
    let (mut page, mut open) = (Page::default(), Vec::<String>::new());
    while let Some((_, rest)) = text.split_once('<') {
        let (tag, rest) = rest.split_once('>').expect("a tag ends");
        text = rest;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{:?}", page.elements.last());
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '!'), "<{name}> is no element");
        page.elements.push((name.to_ascii_lowercase(), attributes.to_owned()));
        match name {
            "!DOCTYPE" | "meta" | "br" | "input" | "link" => {}
            "script" | "style" => {
                let (raw, rest) = text.split_once(&format!("</{name}>")).expect("it is closed");
                page.raw.push((tag.to_owned(), raw.to_owned()));
                text = rest;
            }
            _ => open.push(name.to_owned()),
        }
    }
    assert_eq!(open, Vec::<String>::new(), "left open");
    page
}

impl Page {
    fn raw(&self, tag: &str) -> &str {
        let mut found = self.raw.iter().filter(|(one, _)| one == tag).map(|(_, raw)| raw);
        let one = found.next().unwrap_or_else(|| panic!("there is no <{tag}>"));
        assert!(found.next().is_none(), "<{tag}> is there twice");
        one
    }

    fn data(&self) -> Value {
        serde_json::from_str(self.raw("script type=\"application/json\" id=\"data\"")).unwrap()
    }
}

fn line(name: &str, random: &mut StdRng) -> Line {
    let mut of = |most: u64| -> Vec<u64> { (0..POINTS_MAX).map(|_| random.random_range(0..=most)).collect() };
    let (planned, failure) = (of(1_000), of(9));
    let mut times = || -> Vec<Option<f64>> { of(9_999).into_iter().map(|us| Some(us as f64 / 100.0)).collect() };
    let mut quantiles = || Quantiles { p50_ms: times(), p90_ms: times(), p99_ms: times(), max_ms: times() };
    let (response, service, server, network) = (quantiles(), quantiles(), quantiles(), quantiles());
    let lag_p99_ms = times();
    Line {
        name: name.to_owned(),
        sent: planned.clone(),
        success: planned.clone(),
        planned,
        errors: [("timeout".to_owned(), failure.clone())].into(),
        failure,
        in_flight: of(40).into_iter().map(|count| count as i64).collect(),
        response,
        service,
        server,
        network,
        lag_p99_ms,
        heat: (0..POINTS_MAX)
            .map(|_| [-20].into_iter().chain((0..16).map(|_| random.random_range(1..99))).collect())
            .collect(),
        ..Line::default()
    }
}

/// A run of these, with as much in it as a real one.
fn summary(names: &[impl AsRef<str>], words: &str, seed: u64) -> Summary {
    let mut random = StdRng::seed_from_u64(seed);
    let mut client = |planned: u64| {
        let histogram: Vec<(u64, u64)> = (1..50).map(|n| (n * 100, planned / 50)).collect();
        let latency = json!({
            "count": planned, "p50_us": 1_234, "p90_us": 2_345, "p99_us": 3_000 + random.random_range(0..999), "max_us": 4_567,
            "histogram": histogram,
        });
        json!({
            "planned": planned, "sent": planned, "answered": planned - 7, "success": planned - 9, "failure": 9,
            "errors": { "timeout": 7, "status": 2 }, "examples": { "timeout": words, "status": "got 503" },
            "unanswered": { "total": 7, "request_lost": 4, "response_lost": 2, "unknown": 1 },
            "response": latency, "service": latency, "server": latency, "network": latency, "lag": { "p99_us": 80 },
        })
    };
    let operations: Vec<Value> = names.iter().map(|name| {
        json!({
            "name": name.as_ref(), "protocol": "http", "client": client(1_000),
            "server": { "received": 996, "answered": { "200": 995 }, "unanswered": 0, "failed": {}, "in_flight": 0, "sent_bytes": 1 },
            "rules": { "hits": 3, "declared": 1, "failures": 3 },
            "difference": { "received": -4, "answered": 2, "request_lost": 4, "response_lost": 2 },
        })
    }).collect();
    let mut summary: Summary = serde_json::from_value(json!({
        "schema": 1, "version": "9.8.7", "source": "local/injector", "session": "7mo6bn72", "scenario": words,
        "scenario_text": format!("rate: 60/s # {words}\n"), "started_unix_s": 1.7e9, "planned_for_s": 300.0, "took_s": 301.0,
        "environment": { "host": "node-1", "cores": 4, "kernel": "6.1.0" }, "workers": 2,
        "preflight": [{ "check": "timer", "says": words, "remedy": null }, { "check": "load", "says": "much", "remedy": "wait" }],
        "verdict": { "result": "thresholds", "exit_code": 99, "reasons": [words] },
        "thresholds": [{ "threshold": words, "result": "crossed", "value": 0.9, "limit": 0.99, "unit": "share", "samples": 9,
            "worst": null, "crossings": 0, "first_crossed_s": null, "crossed_for_s": 0.0, "aborted": false, "words": "90% of 9" }],
        "total": client(6_000), "operations": operations,
        "phases": [{ "name": "warmup", "client": client(500) }, { "name": "peak", "client": client(500) }],
        "replicas": [{ "server": "web-0/node/zone", "remarks": [words] }], "target": "web-0/node/zone",
    }))
    .unwrap();
    summary.timeline = Some(Figures {
        step_s: 1,
        start_s: (0..POINTS_MAX).map(|n| n as f64).collect(),
        length_s: vec![1.0; POINTS_MAX],
        heat_bounds_ms: (0..81).map(f64::from).collect(),
        total: line("", &mut random),
        operations: names.iter().map(|name| line(name.as_ref(), &mut random)).collect(),
        marks: serde_json::from_value(json!([
            { "kind": "rule", "label": words, "from_s": 3.0, "until_s": 9.0 },
            { "kind": "something new", "label": "later", "from_s": 4.0, "until_s": 4.0 },
        ]))
        .unwrap(),
    });
    summary
}

fn both(a: &Summary, b: &Summary) -> String {
    two(&compare(("a.json", a), ("b.json", b), &BOUNDS), a, b)
}

#[test]
fn a_report_has_everything_and_needs_nothing_else() {
    let (a, b) = (summary(&SIX, "web.yaml", 1), summary(&SIX, "web.yaml", 2));
    for (text, runs) in [(one(&a), 1), (both(&a, &b), 2)] {
        let page = parsed(&text);
        for words in [
            "Thresholds",
            "Over time",
            "Requests",
            "Times",
            "Agreement",
            "Errors",
            "Fault rules of the target",
            "Phases",
            "What held when",
            "Replicas",
            "Scenario",
            "Where and how it ran",
            "node-1",
            "6.1.0",
            "9.8.7",
            "7mo6bn72",
            "local/injector",
            "got 503",
            "rate: 60/s",
            "6\u{202f}000 planned = 5\u{202f}991 right",
            "warmup",
            "2023-11-14 22:13:20 UTC",
            "peak",
            "wait",
        ] {
            assert!(text.contains(words), "{words}");
        }
        for name in SIX {
            let rows = text.matches(&format!("<th scope=\"row\">{name}</th>")).count();
            // Requests, times, agreement, both errors, rules.
            assert!(rows >= 6 * runs, "{name} has {rows} rows");
        }
        // What it may run is what it has, and nothing else is there.
        let policy =
            page.elements.iter().find(|(_, of)| of.starts_with("http-equiv=\"Content-Security-Policy\"")).unwrap();
        let hash = |raw: &str| format!("'sha256-{}'", BASE64.encode(digest(&SHA256, raw.as_bytes()).as_ref()));
        let [style, script] = ["style", "script"].map(|tag| hash(page.raw(tag)));
        let expected = format!(
            "content=\"default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'\""
        );
        assert!(policy.1.ends_with(&expected), "{} is not {expected}", policy.1);
        let place = |name: &str| page.elements.iter().position(|(one, _)| one == name).unwrap();
        assert!(text.find("Content-Security-Policy") < text.find("<style>") && place("style") < place("body"));
        for (name, attributes) in &page.elements {
            assert!(
                !["a", "img", "link", "iframe", "object", "form", "base"].contains(&name.as_str()),
                "{name} {attributes}"
            );
            for word in attributes.split('"').step_by(2).map(|word| word.trim().trim_end_matches('=')) {
                assert!(!word.starts_with("on") && !["style", "src", "href"].contains(&word), "{name} {attributes}");
            }
        }
        let ids: Vec<_> =
            page.elements.iter().filter_map(|(_, of)| Some(of.split_once("id=\"")?.1.split_once('"')?.0)).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{ids:?}");
        let data = page.data();
        assert_eq!(
            (data["runs"].as_array().unwrap().len(), &data["runs"][0]["total"]["planned"][299]),
            (runs, &json!(a.timeline.as_ref().unwrap().total.planned[299]))
        );
    }
}

#[test]
fn texts_of_a_run_stay_texts() {
    let (a, b) = (summary(&[HOSTILE], HOSTILE, 1), summary(&[HOSTILE], HOSTILE, 2));
    for text in [one(&a), both(&a, &b)] {
        let page = parsed(&text);
        let scripts = page.elements.iter().filter(|(name, _)| name == "script").count();
        assert_eq!(scripts, 2, "the data and ours");
        assert!(!page.elements.iter().any(|(name, _)| name == "img"));
        assert!(!text.contains("<charts/>") && !text.contains("<!--"));
        let data = page.data();
        assert_eq!(data["runs"][0]["operations"][0]["name"], json!(HOSTILE));
        assert_eq!(data["runs"][0]["marks"][0]["label"], json!(HOSTILE));
        assert!(!page.raw("script type=\"application/json\" id=\"data\"").contains('<'));
    }
}

#[test]
fn a_report_is_small_enough_for_a_mail() {
    let (a, b) = (summary(&SIX, "web.yaml", 1), summary(&SIX, "web.yaml", 2));
    let size = |text: String| {
        parsed(&text);
        assert!(text.len() <= BYTES_MAX, "{} bytes", text.len());
        text
    };
    // Two runs of six operations with all their points, each operation with charts of its own.
    for text in [size(one(&a)), size(both(&a, &b))] {
        let data = parsed(&text).data();
        assert!(!text.contains("For the size of this file"));
        for run in data["runs"].as_array().unwrap() {
            assert_eq!(run["operations"].as_array().unwrap().len(), 6);
            assert_eq!(run["operations"][5]["response"]["p99_ms"].as_array().unwrap().len(), POINTS_MAX);
        }
    }
    // As large as runs can be: charts of those that failed most stay.
    let names: Vec<String> = (0..64).map(|n| format!("operation-with-a-longer-name-{n:02}")).collect();
    let words = "words ".repeat(10_000);
    let (mut a, b) = (summary(&names, &words[..20_000], 1), summary(&names, "b", 2));
    a.scenario.truncate(100);
    let worst = &mut a.timeline.as_mut().unwrap().operations[63];
    worst.failure = vec![1_000; POINTS_MAX];
    for text in [size(one(&a)), size(both(&a, &b))] {
        assert!(text.contains("For the size of this file there are charts of "));
        let data = parsed(&text).data();
        let kept = data["runs"][0]["operations"].as_array().unwrap();
        assert!(kept.len() < 64 && kept.iter().all(|one| one["name"] != names[0]), "{}", kept.len());
        assert!(kept.is_empty() || kept.iter().any(|one| one["name"] == names[63]));
        assert_eq!(data["runs"][0]["total"]["planned"].as_array().unwrap().len(), POINTS_MAX);
    }
}

#[test]
fn a_result_without_a_time_series_says_so() {
    let mut a = summary(&SIX, "web.yaml", 1);
    a.timeline = None;
    let text = one(&a);
    assert_eq!(parsed(&text).data(), Value::Null);
    assert!(text.contains("There is no time series: ") && !text.contains("id=\"charts-place\""));
    let text = both(&a, &summary(&SIX, "web.yaml", 2));
    assert_eq!(parsed(&text).data()["names"], json!(["B"]));
    assert!(text.contains("There is no time series of A: "));
    a.timeline = Some(Figures::default());
    assert_eq!(parsed(&one(&a)).data(), Value::Null, "it ended before it began");
}
