//! Several files as one scenario: what wins, where names lead, what is refused and where that is said to be.

use std::fs;
use std::path::Path;

use crate::scenario::{JsonValue, Scenario};

/// Writes the files and reads the first; the error's words without the folder.
fn read(files: &[(&str, &str)]) -> Result<Scenario, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let environment = |name: &str| (name == "PART").then(|| "b.yaml".to_owned());
    let shown = format!("{}/", folder.path().display());
    Scenario::read(&folder.path().join(files[0].0), &environment)
        .map_err(|problems| problems.to_string().replace(&shown, ""))
}

fn names(scenario: &Scenario) -> Vec<&str> {
    scenario.written.mix().value.iter().map(|operation| operation.value.name.value.as_str()).collect()
}

#[test]
fn operations_are_added_and_keys_are_defaults() {
    let scenario = read(&[
        ("a.yaml", "include: [b.yaml, c.yaml]\nrate: 1/s\nmix: [{ name: own, weight: 1, http: {} }]\n"),
        ("b.yaml", "rate: 2/s\ntimeout: 2s\nseed: 2\nmix: [{ name: first, weight: 1, http: {} }]\n"),
        ("c.yaml", "timeout: 3s\nmix: [{ name: second, weight: 1, http: {} }]\n"),
    ])
    .unwrap();
    assert_eq!(names(&scenario), ["first", "second", "own"]);
    let written = &scenario.written;
    let values = [&written.rate, &written.timeout, &written.seed].map(|text| text.as_ref().unwrap().value.as_str());
    // The file's own, then what is named later, then what is named before.
    assert_eq!(values, ["1/s", "3s", "2"]);
    // Each value's place is in its own file.
    assert!(scenario.sources.place(written.timeout.as_ref().unwrap().referenced).ends_with("c.yaml:1:10"));
    assert!(scenario.sources.place(written.rate.as_ref().unwrap().referenced).ends_with("a.yaml:2:7"));
}

#[test]
fn a_file_without_operations_may_be_included_and_may_include() {
    let scenario = read(&[
        ("a.yaml", "include: sub/${PART}\n"),
        ("sub/b.yaml", "include: ../c.yaml\ntls: { ca: ca.pem }\ndata: { u: u.csv, v: [{ a: 1 }] }\n"),
        (
            "c.yaml",
            "data: { u: other.csv, w: w.csv }\nmix: [{ name: x, rate: 1/s, tls: { cert: /abs.pem }, http: {} }]\n",
        ),
    ])
    .unwrap();
    assert_eq!(names(&scenario), ["x"]);
    // Names of files are relative to the file that has them.
    assert_eq!(scenario.written.tls.as_ref().unwrap().value.ca.as_ref().unwrap().value, "sub/ca.pem");
    let operation = &scenario.written.mix().value[0].value;
    assert_eq!(operation.tls.as_ref().unwrap().value.cert.as_ref().unwrap().value, "/abs.pem");
    let JsonValue::Map(data) = &scenario.written.data.as_ref().unwrap().value else { panic!("a mapping") };
    let data: Vec<_> = data.iter().map(|(name, set)| (name.value.as_str(), format!("{:?}", set.value))).collect();
    assert_eq!(data[0], ("u", "Text(\"sub/u.csv\")".to_owned()));
    assert_eq!(data[2], ("w", "Text(\"sub/../w.csv\")".to_owned()));
}

#[test]
fn what_is_wrong_names_the_file_it_is_in() {
    for (files, words) in [
        (
            &[("a.yaml", "include: b.yaml\n"), ("b.yaml", "rate: 1/s\nmix:\n- nme: x\n")][..],
            "b.yaml:3:3: unknown key \"nme\"",
        ),
        (
            &[("a.yaml", "include: b.yaml\n"), ("b.yaml", "\n\nrate: ${NONE}\n")],
            "b.yaml:3:7: the environment variable NONE",
        ),
        (&[("a.yaml", "include: b.yaml\n"), ("b.yaml", "rate: [\n")], "b.yaml:1:7: "),
        (&[("a.yaml", "include: nowhere.yaml\nmix: []\n")], "a.yaml:1:10: include: cannot read nowhere.yaml"),
        (&[("a.yaml", "include: a.yaml\nmix: []\n")], "a.yaml:1:10: include: a.yaml includes itself"),
        (
            &[("a.yaml", "include: b.yaml\n"), ("b.yaml", "mix: []\ninclude: a.yaml\n")],
            "b.yaml:2:10: include: a.yaml includes itself, directly or by way of what it includes",
        ),
        (&[("a.yaml", "include: b.yaml\n"), ("b.yaml", "rate: 1/s\n")], "a.yaml:1:1: key \"mix\" is missing"),
        (&[("a.yaml", "include: { b: c }\nmix: []\n")], "a.yaml:1:10: "),
    ] {
        let said = read(files).unwrap_err();
        assert!(said.contains(words), "{files:?}:\n{said}");
    }
}

#[test]
fn depth_and_number_are_bounded() {
    let file = |n: u32| (format!("{n}.yaml"), format!("include: {}.yaml\n", n + 1));
    let deep: Vec<(String, String)> = (0..20).map(file).collect();
    let deep: Vec<(&str, &str)> = deep.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let said = read(&deep).unwrap_err();
    assert!(said.contains("more than 8 deep"), "{said}");

    let list = vec!["b.yaml"; 40].join(", ");
    let said = read(&[("a.yaml", &format!("include: [{list}]\nmix: []\n")), ("b.yaml", "seed: 1\n")]).unwrap_err();
    assert!(said.contains("at most 32"), "{said}");
}

#[test]
fn a_text_without_a_file_includes_from_where_it_is_run() {
    let said = Scenario::parse("stdin", "include: no-such-file.yaml\n").unwrap_err().to_string();
    assert!(said.contains("cannot read no-such-file.yaml"), "{said}");
    assert!(!Path::new("no-such-file.yaml").exists());
}
