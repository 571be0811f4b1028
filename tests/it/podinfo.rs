//! The target in podinfo's place: whoever asked a podinfo 6.14.1 gets the same answers, or the better ones that
//! `podinfo/fixed.rs` lists.
//!
//! The answers of a real one are in `podinfo/recorded.json`. Every request of every run is sent again, in order, to a target
//! with the same flags.

mod ask;
mod change;
mod chart;
pub(crate) mod dashboard;
mod fixed;
mod place;
mod recorded;

use std::collections::{BTreeMap, BTreeSet};

use shared::route::Route;

use crate::fixture::{in_time, run as block_on};
use crate::process::{FREE_PORTS, Process, get};
use crate::strangers::assert_examples;
use crate::tools::require;
use ask::ask;
use change::like_get;
use fixed::{expected, unused};
use place::Place;
use recorded::{Answer, Body, Row, Run, runs};

/// Sends a run's requests and says what is different from what it has to be.
fn differences(run: &Run, rows: &[&Row]) -> Vec<String> {
    let Some(mut place) = Place::of(run) else { return Vec::new() };
    let mut found = Vec::new();
    for row in &run.rows {
        let (wanted, is_fixed) = expected(row, rows);
        let (mut got, mut body) = ask(place.http, row, &place.words);
        // One in three fails, one in nine in a certain way: a hundred times none has a chance of 1 in 100 000.
        for _ in 0..100 {
            if row.until.is_none_or(|status| status == got.status) {
                break;
            }
            (got, body) = ask(place.http, row, &place.words);
        }
        // A loaded machine may take its time over 10 MiB. Where the path asks for time, an answer without is the point.
        if wanted.slow.is_none() && !row.path.contains("/delay/") {
            got.slow = None;
        }
        if !is_like(&wanted, &got) {
            let whose = if is_fixed { "ours" } else { "podinfo's" };
            found.push(format!("{}: {}\n   {whose} is {wanted:?}\n   it gave {got:?}", row.run, row.name));
        }
        if let Some((word, key)) = &row.take {
            let json: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
            let word = ["TOKEN"].into_iter().find(|known| known == word).expect("a word that is taken");
            place.words.insert(word, json[key].as_str().unwrap_or_default().to_owned());
        }
    }
    found.extend(uncounted(run, rows, &mut place));
    found
}

fn is_like(wanted: &Answer, got: &Answer) -> bool {
    let is_body_like = match &wanted.body {
        Body::Opaque => got.body != Body::Text(String::new()),
        body => *body == got.body,
    };
    let mut wanted = Answer { body: got.body.clone(), ..wanted.clone() };
    for (name, value) in wanted.headers.iter_mut().filter(|(_, value)| *value == "*") {
        if let Some(given) = got.headers.get(name) {
            value.clone_from(given);
        }
    }
    is_body_like && wanted == *got
}

type Counts = BTreeMap<(String, String, String), u64>;

/// The series of `http_request_duration_seconds` that do not have as many requests as were sent.
fn uncounted(run: &Run, rows: &[&Row], place: &mut Place) -> Vec<String> {
    if run.rows.iter().all(|row| row.label.is_none()) {
        return Vec::new();
    }
    let mut wanted = Counts::new();
    for row in &run.rows {
        if let Some(series) = series(row, rows) {
            *wanted.entry(series).or_default() += 1;
        }
    }
    let admin = place.target.address("admin");
    // An answer is counted when it has been sent, a moment after it was read here.
    let counted = in_time(async || {
        let got = counts(&get(admin, "/metrics"));
        let series: BTreeSet<_> = wanted.keys().chain(got.keys()).collect();
        let times = |counts: &Counts, series| counts.get(series).copied().unwrap_or_default();
        let differ = series.into_iter().map(|series| (series, times(&wanted, series), times(&got, series)));
        let wrong: Vec<String> = differ
            .filter(|(_, wanted, got)| wanted != got)
            .map(|(series, wanted, got)| {
                format!("{}: {series:?} was asked {wanted} times and counted {got} times", run.name)
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    });
    block_on(counted).err().unwrap_or_default()
}

/// The series (method, path, status) that counts a request: as podinfo's, with the differences that are meant. What it leaves
/// out has a name, methods have a bounded set of them, and its own `/metrics` is no traffic.
fn series(row: &Row, rows: &[&Row]) -> Option<(String, String, String)> {
    let wanted = expected(row, rows).0;
    let named = match &row.label {
        None if [405, 301].contains(&wanted.status) || wanted.status == 404 && row.method != "HEAD" => None,
        Some(label) => Some(label.clone()),
        None => {
            let get = like_get(row, rows).filter(|_| row.method == "HEAD").and_then(|get| get.label.clone());
            let path = row.path.split(['?', '#']).next().unwrap_or_default();
            get.or_else(|| Route::of(path).map(|route| route.label(&row.method).to_owned()))
        }
    };
    let path = match named.as_deref() {
        Some("metrics" | "foo_metrics") => return None,
        // A profiler that is not there.
        Some("debug_pprof" | "foo_debug_pprof") | None => "unmatched",
        // A connection that became a WebSocket is no request that took a time.
        Some("ws_echo") if wanted.status == 101 => return None,
        Some(path) => path,
    };
    let is_scrape = row.path.ends_with("/metrics") && wanted.status == 200;
    let is_request = (row.raw.is_none() || row.name == "no host") && !is_scrape;
    let method = if row.method == "FOO" { "OTHER" } else { &row.method };
    // Where no request was understood, what is counted is the server's own affair.
    let is_request = is_request && !(path == "unmatched" && wanted.status == 400);
    is_request.then(|| (method.to_owned(), path.to_owned(), wanted.status.to_string()))
}

fn counts(exposition: &str) -> Counts {
    let lines = exposition.lines().filter_map(|line| line.strip_prefix("http_request_duration_seconds_count{"));
    let mut counts = Counts::new();
    for line in lines {
        let (labels, count) = line.split_once("} ").unwrap();
        let label = |name: &str| {
            let value = labels.split(',').find_map(|label| label.strip_prefix(&format!("{name}=\"")));
            value.unwrap_or_else(|| panic!("{name} in {labels}")).trim_end_matches('"').to_owned()
        };
        let count: f64 = count.parse().unwrap();
        let series = (label("method"), label("path"), label("status"));
        // What was no request at all is counted as well, under no method of anybody's.
        if count > 0.0 && !(series.1 == "unmatched" && series.2 == "400") {
            *counts.entry(series).or_default() += count as u64;
        }
    }
    counts
}

#[test]
fn every_curl_example_of_the_manual_does_what_it_says() {
    if require("curl").is_none() {
        return;
    }
    let (_target, http, _) = Process::target();
    assert_examples(include_str!("../../docs/podinfo.md"), 15, |command| {
        command.replace("127.0.0.1:9898", &http.to_string())
    });
}

#[test]
fn errors_at_random_spare_probes_and_metrics() {
    let mut target = Process::start("target-server", &[&FREE_PORTS[..], &["--random-error"]].concat());
    let http = target.address("http");
    // One in three of podinfo's fails: that none of fifty does has a chance of 1 in 600 million.
    for path in ["/healthz", "/readyz", "/metrics", "/fault_injection/status"] {
        for _ in 0..50 {
            get(http, path);
        }
    }
}

#[test]
fn what_podinfo_answers_is_answered() {
    let runs = runs();
    let rows: Vec<&Row> = runs.iter().flat_map(|run| &run.rows).collect();
    let found: Vec<String> = runs.iter().flat_map(|run| differences(run, &rows)).collect();
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_difference_is_one() {
    let runs = runs();
    let rows: Vec<&Row> = runs.iter().flat_map(|run| &run.rows).collect();
    assert!(rows.len() > 400, "{} rows", rows.len());
    assert_eq!(unused(&rows), Vec::<&str>::new(), "differences that nobody sees");
    let as_recorded = rows.iter().filter(|row| !expected(row, &rows).1).count();
    assert!(as_recorded > 200, "as podinfo answers: {as_recorded} of {}", rows.len());
}
