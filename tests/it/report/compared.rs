//! `injector report` with the results of real runs: one that is as it was, one that got worse, and files that are none.

use super::{Bench, report};
use crate::process::output;

const MIX: &str = "- { name: web, rate: 50/s, connection: pooled(40), http: {} }
- { name: other, rate: 50/s, connection: pooled(40), http: { path: /other } }
";

#[test]
fn a_rule_that_slows_one_operation_is_a_regression_of_that_one() {
    let bench = Bench::new();
    let a = bench.saved(MIX, "a.json");
    let same = report(&[&a, &a], &[]);
    assert_eq!(same.code, Some(0), "{}", same.stdout);
    assert!(same.stdout.contains("verdict: no regression (exit code 0)\n"), "{}", same.stdout);

    let rule =
        ["fault", "apply", "slow", "--admin", &bench.admin, "--ttl", "10m", "--protocol", "http", "--path", "/other"];
    let applied = output("injector", &[&rule[..], &["--fault", "delay=700ms"]].concat());
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let b = bench.saved(MIX, "b.json");
    let worse = report(&[&a, &b], &[]);
    assert_eq!(worse.code, Some(99), "{}", worse.stdout);
    for words in [
        "other p50 ",
        "verdict: regression (exit code 99): worse: ",
        "other: fault rules of the target hit 0 requests in A, 50 in B",
        "- other: target ",
    ] {
        let squeezed = worse.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(words.trim()), "no {words:?} in {}", worse.stdout);
    }
    let better = report(&[&b, &a], &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&better.stdout).unwrap();
    // What the machine did to the other operation meanwhile may be told as well.
    let listed = |list: &str| json[list].as_array().unwrap().contains(&"other p50".into());
    assert!(listed("improvements") && !listed("regressions"), "{json:#}");
    assert_eq!(better.code, Some(if json["regressions"] == serde_json::json!([]) { 0 } else { 99 }), "{json:#}");
    assert_eq!(json["a"]["session"], bench.json("b.json")["session"]);
    let markdown = report(&[&a, &b], &["--format", "markdown", "--summary", "full"]).stdout;
    assert!(markdown.starts_with("### verdict: regression") && markdown.contains("| web | p99 |"), "{markdown}");
}

#[test]
fn shards_add_up() {
    let bench = Bench::new();
    let (a, b, sum) = (bench.saved(MIX, "a.json"), bench.saved(MIX, "b.json"), bench.path("sum.json"));
    let ended = report(&[&a, &b], &["--merge", sum.to_str().unwrap()]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    let [a, b, sum] = ["a.json", "b.json", "sum.json"].map(|name| bench.json(name));
    for path in ["/total/planned", "/operations/0/client/response/count", "/operations/1/server/received", "/workers"] {
        let [a, b, sum] = [&a, &b, &sum].map(|json| json.pointer(path).unwrap().as_u64().unwrap());
        assert_eq!(sum, a + b, "{path}");
    }
    let told = report(&[&bench.path("sum.json")], &[]);
    assert!(told.code == Some(0) && told.stdout.contains("identity: 200 planned"), "{}", told.stdout);
    // Its server is one and the same, and what both shards had from it is one row.
    assert_eq!(sum["replicas"].as_array().unwrap().len(), 1, "{sum:#}");
}

#[test]
fn a_file_that_is_no_result_is_refused_by_name() {
    let bench = Bench::new();
    for (name, text, words) in [
        ("text.json", "hello", "not the result of a run"),
        ("other.json", "{\"a\": 1}", "missing field `schema`"),
        ("newer.json", "{\"schema\": 2}", "version 2, and this program reads version 1"),
        ("half.json", "{\"schema\": 1}", "missing field"),
        ("huge.json", "{\"schema\": 1, \"workers\": 18446744073709551615}", "18446744073709551615 is no count"),
    ] {
        let ended = report(&[&bench.write(name, text)], &[]);
        assert_eq!(ended.code, Some(2), "{name}");
        assert!(ended.stderr.contains(name) && ended.stderr.contains(words), "{name}: {}", ended.stderr);
    }
    let missing = report(&[&bench.path("none.json")], &[]);
    assert!(missing.code == Some(2) && missing.stderr.contains("none.json: No such file"), "{}", missing.stderr);
    let three = report(&[&bench.path("a"), &bench.path("b"), &bench.path("c")], &[]);
    assert_eq!(three.code, Some(2), "{}", three.stderr);
}

#[test]
fn a_result_of_before_and_of_later_is_read() {
    let bench = Bench::new();
    let path = bench.saved(MIX, "now.json");
    let mut json = bench.json("now.json");
    let object = json.as_object_mut().unwrap();
    // As it was when the structure was new, and as it may be one day.
    for key in ["environment", "scenario", "started_unix_s", "backends", "replicas"] {
        object.remove(key).unwrap();
    }
    object.insert("weather".to_owned(), serde_json::json!([{ "name": "fair" }]));
    json["operations"][0]["client"].as_object_mut().unwrap().remove("signs").unwrap();
    json["operations"][0]["client"]["response"]["p9999_us"] = 5.into();
    let other = bench.write("other.json", &json.to_string());
    let ended = report(&[&path, &other], &[]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("  - different "), "what a file does not say is no difference: {}", ended.stdout);
}
