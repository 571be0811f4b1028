//! Results as pages, and the time series they are drawn from: of real runs.

use serde_json::Value;

use super::{Bench, report};

const MIX: &str = "- { name: good, rate: 40/s, http: { headers: { authorization: 'Bearer hush' } } }
- { name: bad, rate: 20/s, http: { fault: 'status=503', expect: { status: 200 } } }
";

#[test]
fn a_page_of_what_was_saved_is_that_of_the_run() {
    let bench = Bench::new();
    let [json, html, again] = ["result.json", "result.html", "again.html"].map(|name| bench.path(name));
    bench.run(MIX, &["--json", json.to_str().unwrap(), "--html", html.to_str().unwrap()]);
    let page = bench.read("result.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.len() < 500_000, "{} bytes", page.len());
    for words in [
        "<th scope=\"row\">good</th>",
        "<th scope=\"row\">bad</th>",
        "fault: 'status=503'",
        "authorization: (not shown)",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("hush") && !bench.read("result.json").contains("hush"));
    let told = report(&[&json], &["--html", again.to_str().unwrap()]);
    assert!(told.code == Some(0) && told.stdout.contains("verdict: "), "{}{}", told.stdout, told.stderr);
    assert!(bench.read("again.html") == page, "what was saved tells less, or more");
    let both = report(&[&json, &json], &["--html", "-"]);
    assert!(both.stdout.starts_with("<!DOCTYPE html>") && both.stdout.contains("Run B"), "{}", both.stderr);
    let refused = report(&[&json], &["--html", "x", "--merge", "y"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("--html"), "{}", refused.stderr);
}

#[test]
fn points_add_up_to_the_result() {
    let bench = Bench::new();
    let json = bench.path("result.json");
    // What comes to its end only while the run drains is in the last point.
    let mix = format!("{MIX}- {{ name: slow, rate: 5/s, http: {{ fault: delay=500ms }} }}\n");
    bench.run(&mix, &["--json", json.to_str().unwrap()]);
    let result = bench.json("result.json");
    let timeline = &result["timeline"];
    let points = timeline["start_s"].as_array().unwrap().len();
    assert!(points >= 1, "{timeline}");
    let lines = timeline["operations"].as_array().unwrap().iter().zip(result["operations"].as_array().unwrap());
    let lines = lines.chain([(&timeline["total"], &result)]);
    for (line, of) in lines {
        let client = if of["client"].is_null() { &of["total"] } else { &of["client"] };
        for key in ["planned", "sent", "success", "failure", "interrupted"] {
            assert_eq!(sum(&line[key], points), client[key].as_u64().unwrap(), "{key} of {}", of["name"]);
        }
        for (class, count) in client["errors"].as_object().unwrap() {
            assert_eq!(sum(&line["errors"][class], points), count.as_u64().unwrap(), "{class} of {}", of["name"]);
        }
        let heat = line["heat"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
        let heat: i64 = heat.filter_map(Value::as_i64).filter(|count| *count > 0).sum();
        assert_eq!(Some(heat), client["response"]["count"].as_i64(), "{}", of["name"]);
        let longest =
            line["response"]["max_ms"].as_array().unwrap().iter().filter_map(Value::as_f64).fold(0.0, f64::max);
        let max_ms = client["response"]["max_us"].as_f64().unwrap() / 1e3;
        assert!((longest / max_ms - 1.0).abs() < 0.005, "{longest} {max_ms}");
    }
}

/// Of a column, which is left out if nothing was counted.
fn sum(column: &Value, points: usize) -> u64 {
    let Some(counts) = column.as_array() else { return 0 };
    assert_eq!(counts.len(), points, "{column}");
    counts.iter().map(|count| count.as_u64().unwrap()).sum()
}
