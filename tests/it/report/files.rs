//! The files of a run: the table at its end, JUnit XML that a parser of others reads, a time series that adds up to the result.

use std::collections::BTreeMap;
use std::process::Command;

use super::{Bench, injector, report};
use crate::fixture::{eventually, run};
use crate::process::Process;
use crate::tools::require;

const GOOD_AND_BAD: &str = "- { name: good, rate: 40/s, http: {} }
- { name: bad, rate: 20/s, http: { fault: 'status=503', expect: { status: 200 } } }
";

#[test]
fn a_time_series_adds_up_to_the_result() {
    let bench = Bench::new();
    let (csv, json) = (bench.path("series.csv"), bench.path("result.json"));
    // What comes to its end only while the run drains is in the series as well.
    let mix = format!("{GOOD_AND_BAD}- {{ name: slow, rate: 5/s, http: {{ fault: delay=500ms }} }}\n");
    // However well it went.
    bench.run(&mix, &["--csv", csv.to_str().unwrap(), "--json", json.to_str().unwrap()]);
    let text = bench.read("series.csv");
    let mut lines = text.strip_suffix("\r\n").unwrap().split("\r\n");
    let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut sums: BTreeMap<String, BTreeMap<&str, i64>> = BTreeMap::new();
    for line in lines {
        let row: BTreeMap<&str, &str> = heads.iter().copied().zip(line.split(',')).collect();
        assert_eq!(row.len(), heads.len(), "{line}");
        assert!(row["unix_s"].parse::<f64>().unwrap() > 1.7e9, "{line}");
        let sum = sums.entry(row["operation"].to_owned()).or_default();
        for (head, value) in row {
            *sum.entry(head).or_default() += value.parse::<i64>().unwrap_or(0);
        }
    }
    let result = bench.json("result.json");
    for operation in result["operations"].as_array().unwrap() {
        let (client, sum) = (&operation["client"], &sums[operation["name"].as_str().unwrap()]);
        for key in ["planned", "sent", "answered", "success", "failure", "received_bytes", "connections"] {
            assert_eq!(Some(sum[key]), client[key].as_i64(), "{key} of {operation}");
        }
        for (class, count) in client["errors"].as_object().unwrap() {
            assert_eq!(Some(sum[format!("error_{class}").as_str()]), count.as_i64());
        }
    }
    assert!(sums["bad"]["error_status"] > 0 && sums["slow"]["success"] > 0, "{sums:?}");
}

#[test]
fn a_run_that_is_killed_leaves_its_rows() {
    let bench = Bench::new();
    let (csv, scenario) = (bench.path("series.csv"), bench.write("some.yaml", &format!("mix:\n{GOOD_AND_BAD}")));
    let (csv, scenario) = (csv.to_str().unwrap(), scenario.to_str().unwrap());
    let injector = Process::start("injector", &[&["run", scenario, "--csv", csv][..], &bench.flags()].concat());
    run(async {
        eventually("two intervals are in the file", async || {
            let text = std::fs::read_to_string(csv).unwrap_or_default();
            if text.lines().count() >= 5 && text.ends_with("\r\n") { Ok(()) } else { Err(text) }
        })
        .await;
    });
    injector.signal("KILL");
    injector.end();
    let text = bench.read("series.csv");
    assert!(text.starts_with("unix_s,elapsed_s,") && text.ends_with("\r\n"), "{text}");
}

/// Reads it as XML, and prints a line for the suite and for each case.
const PARSE: &str = "
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
suite, = root
print(root.tag, suite.get('tests'), suite.get('failures'), suite.get('skipped'))
for case in suite.findall('testcase'):
    print(case.get('classname'), case.get('name'), *[part.tag for part in case if part.tag != 'system-out'])
print(case.get('time') == suite.get('time'), {p.get('name'): p.get('value') for p in suite.iter('property')}['exit_code'])
";

#[test]
fn junit_is_read_by_a_parser_that_is_not_ours() {
    let Some(python) = require("python3") else { return };
    let bench = Bench::new();
    let xml = bench.path("result.xml");
    bench.passed(GOOD_AND_BAD, &["--junit", xml.to_str().unwrap()]);
    let output = Command::new(python).args(["-c", PARSE]).arg(&xml).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = "testsuites 4 0 0\noperation good\noperation bad\nrun both sides agree\nrun verdict\nTrue 0\n";
    assert_eq!(said, expected, "{}\n{}", String::from_utf8_lossy(&output.stderr), bench.read("result.xml"));
    assert!(bench.read("result.xml").contains("status 20: "), "what failed is told");
}

#[test]
fn the_table_is_as_long_as_it_is_asked_to_be() {
    let bench = Bench::new();
    let path = bench.path("result.json");
    let ended = bench.passed(GOOD_AND_BAD, &["--json", path.to_str().unwrap()]);
    let compact = report(&[&path], &[]).stdout;
    // The same as at the end of the run, and quantiles with intervals.
    let table = ended.stdout.split_once("\nrequests of ").unwrap().1;
    assert!(compact.contains(&format!("\nrequests of {table}")), "{}\n{compact}", ended.stdout);
    assert!(compact.contains(" p99 is in ") && compact.contains(".."), "{compact}");
    for words in [
        "\ngood ",
        "\nbad ",
        "\ntotal ",
        "| received |",
        "\nbad    ",
        "  status 20  ",
        "identity: 60 planned",
        "verdict: passed",
    ] {
        assert!(compact.contains(words), "no {words:?} in {compact}");
    }
    let long = |line: &&str| line.chars().count() > 80;
    let long: Vec<&str> =
        compact.lines().filter(long).filter(|line| !line.starts_with("bad ") && !line.contains(": ")).collect();
    assert_eq!(long, Vec::<&str>::new());
    assert!(!compact.contains("latency in ms") && !compact.contains('\u{1b}'), "{compact}");
    let full = report(&[&path], &["--summary", "full"]).stdout;
    assert!(full.contains("latency in ms") && full.contains("\nconnections: "), "{full}");
    let none = bench.passed(GOOD_AND_BAD, &["--summary", "none"]).stdout;
    assert!(none.contains("verdict: passed") && !none.contains("requests of"), "{none}");
}

#[test]
fn files_are_tried_before_the_run() {
    let bench = Bench::new();
    for (flags, words) in [
        (&["--junit", "/no/such/folder/x"][..], "--junit /no/such/folder/x: "),
        (&["--csv", "/no/such/folder/x"], "--csv /no/such/folder/x: "),
        (&["--json", "-", "--csv", "-"], "--json and --csv both name -"),
    ] {
        let ended = bench.run(GOOD_AND_BAD, flags);
        assert_eq!(ended.code, Some(2), "{flags:?}");
        assert!(ended.stderr.contains(words) && ended.stdout.is_empty(), "{flags:?}: {}{}", ended.stderr, ended.stdout);
    }
    let ended = injector(&["run", "no-such-file.yaml", "--summary", "short"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("compact, full, none"), "{}", ended.stderr);
}
