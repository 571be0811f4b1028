//! Scenario files: every value kept with its place, every wrong shape refused at its line and column.

use super::{FILE_MAX_BYTES, Scenario, Text};

fn scenario(text: &str) -> Scenario {
    Scenario::parse("test.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn value(text: &Option<Text>) -> Option<(&str, u64, u64)> {
    text.as_ref().map(|text| (text.value.as_str(), text.referenced.line(), text.referenced.column()))
}

#[test]
fn every_value_is_kept_as_written_with_its_place() {
    let text = "target: '[::1]:80'
rate:   10/s
seed: 007
mix:
- name: a
  weight: 2.50
  http: { fault: \"status=503\", headers: { B: 1, a: yes }, expect: { status: [200, 5e2], size: 0x10 } }
";
    let written = scenario(text).written;
    assert_eq!(value(&written.target), Some(("[::1]:80", 1, 9)));
    assert_eq!(value(&written.rate), Some(("10/s", 2, 9)));
    assert_eq!(value(&written.seed), Some(("007", 3, 7)));
    assert_eq!(value(&written.timeout), None);
    let operation = &written.mix.value[0].value;
    assert_eq!(value(&operation.weight), Some(("2.50", 6, 11)));
    let http = &operation.http.as_ref().unwrap().value;
    assert_eq!(value(&http.fault), Some(("status=503", 7, 18)));
    let headers: Vec<(&str, &str, u64)> = http
        .headers
        .0
        .iter()
        .map(|(name, value)| (name.value.as_str(), value.value.as_str(), name.referenced.column()))
        .collect();
    assert_eq!(headers, [("B", "1", 43), ("a", "yes", 49)]);
    let expect = &http.expect.as_ref().unwrap().value;
    assert_eq!(expect.status.as_ref().unwrap().value.0, ["200", "5e2"]);
    assert_eq!(value(&expect.size), Some(("0x10", 7, 95)));
}

#[test]
fn json_is_read_too() {
    let json = r#"{"target": "localhost", "rate": "10/s", "seed": 7,
        "mix": [{"name": "a", "weight": 1, "http": {"expect": {"status": 503}}}]}"#;
    let written = scenario(json).written;
    assert_eq!(value(&written.seed), Some(("7", 1, 49)));
    let operation = &written.mix.value[0];
    assert_eq!((operation.referenced.line(), operation.referenced.column()), (2, 17));
    let expect = operation.value.http.as_ref().unwrap().value.expect.as_ref().unwrap();
    assert_eq!(expect.value.status.as_ref().unwrap().value.0, ["503"]);
}

#[test]
fn what_has_the_wrong_shape_is_refused_with_line_and_column() {
    for (text, line, column, key_words) in [
        ("rate: 10/s\nrat: 1\nmix: []\n", 2, 1, "unknown key \"rat\"; keys here: target, admin"),
        ("phases: [{ name: a, fro: 1s }]\nmix: []\n", 1, 21, "unknown key \"fro\"; keys here: name, for, scale"),
        ("mix: []\nthresholds: []\n", 2, 1, "\"thresholds\" is not supported by this version"),
        (
            "mix:\n- name: a\n  http: { paht: / }\n",
            3,
            11,
            "unknown key \"paht\"; keys here: version, plain, path, method",
        ),
        ("mix:\n- name: a\n  http: { expect: { code: 1 } }\n", 3, 21, "unknown key \"code\"; keys here: status, size"),
        ("timeout:\nmix: []\n", 1, 8, "without a value"),
        ("timeout: null\nmix: []\n", 1, 10, "without a value"),
        ("timeout: ~\nmix: []\n", 1, 10, "without a value"),
        ("timeout: [1s]\nmix: []\n", 1, 10, "expected one value"),
        (
            "mix:\n- { name: a, connection: rotating(max_requests=100, max_age=5m) }\n",
            2,
            53,
            "\"max_age=5m)\" is no key, but the rest of a value with a comma in it, which needs quotes",
        ),
        ("mix:\n- { name: a, source_addresses: 127.0.0.7, 127.0.0.8 }\n", 2, 43, "needs quotes"),
        ("source_addresses: [127.0.0.7, 127.0.0.8]\nmix: []\n", 1, 19, "commas between, \"127.0.0.7, 127.0.0.8\""),
        ("mix: 7\n", 1, 6, "expected a list"),
        ("mix:\n", 1, 4, "expected a list"),
        ("mix:\n- name: a\n  http:\n", 3, 7, "expected a mapping"),
        ("mix:\n- name: a\n  http: { headers: }\n", 3, 18, "expected a mapping"),
        ("mix:\n- weight: 1\n", 2, 3, "key \"name\" is missing"),
        ("rate: 1/s\n", 1, 1, "key \"mix\" is missing"),
        ("rate: 1/s\nrate: 2/s\nmix: []\n", 2, 1, "\"rate\" appears twice"),
        ("mix: []\n---\nmix: []\n", 3, 1, "a second document"),
        ("timeout: !duration 1s\nmix: []\n", 1, 20, "unsupported tag"),
        ("mix: [\n", 1, 6, "unclosed"),
        ("mix:\n\t- name: a\n", 2, 2, "tabs"),
    ] {
        let problems = match Scenario::parse("test.yaml", text) {
            Ok(scenario) => panic!("{text:?} is accepted: {:?}", scenario.written),
            Err(problems) => problems,
        };
        let problem = problems.iter().next().unwrap();
        assert_eq!(problem.location, Some((line, column)), "{text:?}: {problems}");
        assert!(problem.message.contains(key_words), "{text:?}: {problems}");
    }
}

#[test]
fn an_empty_file_says_what_is_needed() {
    for text in ["", "# nothing\n"] {
        let problems = Scenario::parse("test.yaml", text).unwrap_err().to_string();
        assert!(problems.contains("mix"), "{problems}");
    }
}

#[test]
fn a_problem_shows_its_line_with_a_mark_under_the_column() {
    let problems = Scenario::parse("demo.yaml", "rate: 10/s\nmix:\n- nam: a\n").unwrap_err().to_string();
    let (head, quote) = problems.split_once('\n').unwrap();
    assert!(head.starts_with("demo.yaml:3:3: unknown key \"nam\""), "{head}");
    assert_eq!(quote, "    3 | - nam: a\n      |   ^");
}

#[test]
fn a_long_line_is_cropped_around_the_column() {
    let text = format!("{{\"mix\": [], \"seed\": \"{}\", \"nope\": 1}}", "7".repeat(5_000));
    let problems = Scenario::parse("x.json", &text).unwrap_err().to_string();
    let lines: Vec<&str> = problems.lines().collect();
    assert!(lines.iter().skip(1).all(|line| line.len() <= 110), "{problems}");
    let mark = lines[2].find('^').unwrap();
    assert_eq!(&lines[1][mark..mark + 6], "\"nope\"", "{problems}");
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.yaml");
    let problems = Scenario::read(&missing).unwrap_err().to_string();
    assert!(problems.contains("missing.yaml: cannot read the file"), "{problems}");

    let long = directory.path().join("long.yaml");
    std::fs::write(&long, "#".repeat(FILE_MAX_BYTES + 1)).unwrap();
    let problems = Scenario::read(&long).unwrap_err().to_string();
    assert!(problems.contains("longer than 1048576 bytes"), "{problems}");

    std::fs::write(&long, [b'm', 0xff]).unwrap();
    assert!(Scenario::read(&long).unwrap_err().to_string().contains("UTF-8"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "(?s).{0,200}") {
        let _ = Scenario::parse("x", &text);
    }
}
