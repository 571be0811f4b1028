//! The chart's rules for one release, and the one factor by which their time is shorter here.
//!
//! The files are taken as text, and with what the chart puts in; `rules_files::chart` holds that against the real helm, word
//! for word. Then every time in them is divided by the factor: windows in brackets, `for`, `interval`, and the seconds by
//! which a rate is multiplied to be a number of requests. Nothing else in them is a time; limits are as they are.

use regex::{Captures, Regex};
use serde_json::Value;

use crate::rules_files::texts;

/// The namespace of all releases.
pub(super) const NAMESPACE: &str = "load";

/// The groups of rules of one release, with their time divided by `factor`.
pub(super) fn groups(release: &str, factor: u64) -> Vec<Value> {
    let ours = format!("namespace=\"{NAMESPACE}\",release=\"{release}\"");
    let mut groups = Vec::new();
    for text in texts() {
        let text = text
            .replace("source=~\".*\"", &format!("source=\"{NAMESPACE}/{release}\""))
            .replace("namespace=~\".*\",release=~\".*\"", &ours)
            // Prometheus wants the names of groups once in a file.
            .replace("\n- name: ", &format!("\n- name: {release} "));
        let mut file: Value = serde_saphyr::from_str(&shorter(&text, factor)).unwrap();
        groups.append(file["groups"].as_array_mut().unwrap());
    }
    groups
}

/// A file of rules in which every time is divided by the factor.
fn shorter(text: &str, factor: u64) -> String {
    let duration = Regex::new(r"(\[|for: |interval: )([0-9]+)([smhd])(\]|\n)").unwrap();
    let text = duration.replace_all(text, |found: &Captures<'_>| {
        let ms = found[2].parse::<u64>().unwrap() * unit_ms(&found[3]);
        assert_eq!(ms % factor, 0, "{} divided by {factor} is no number of milliseconds", &found[0]);
        format!("{}{}ms{}", &found[1], ms / factor, &found[4])
    });
    let seconds = Regex::new(r"\* (30|300) >= ").unwrap();
    let one = |found: &Captures<'_>| format!("* {} >= ", found[1].parse::<f64>().unwrap() / factor as f64);
    seconds.replace_all(&text, one).into_owned()
}

fn unit_ms(unit: &str) -> u64 {
    match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 86_400_000,
    }
}

#[test]
fn all_time_is_shorter_and_nothing_else() {
    for (text, wanted) in [
        ("  interval: 30s\n", "  interval: 300ms\n"),
        ("    for: 5m\n", "    for: 3000ms\n"),
        ("rate(a:rate5m{b=\"5m\"}[5m]) > 0.01", "rate(a:rate5m{b=\"5m\"}[3000ms]) > 0.01"),
        ("avg_over_time(a:rate5m[30d])", "avg_over_time(a:rate5m[25920000ms])"),
        ("(changes(a[1h]) > 6", "(changes(a[36000ms]) > 6"),
        ("sum(a:rate5m) * 300 >= 5\n", "sum(a:rate5m) * 3 >= 5\n"),
        ("sum_over_time(a:rate5m[1d])) * 30 >= 5", "sum_over_time(a:rate5m[864000ms])) * 0.3 >= 5"),
        ("a:ratio_rate1h > 14.4 * (1 - 0.999)\n", "a:ratio_rate1h > 14.4 * (1 - 0.999)\n"),
        ("      window: 1h\n", "      window: 1h\n"),
        ("description: 'for five minutes, 1h.'", "description: 'for five minutes, 1h.'"),
    ] {
        assert_eq!(shorter(text, 100), wanted);
    }
}

/// Whatever stands in the files and looks like a time has been divided.
#[test]
fn no_time_is_left_in_the_files() {
    let window = Regex::new(r"\[[^\]]*\]").unwrap();
    let text: String = texts().iter().map(|text| shorter(text, 100)).collect();
    let windows: Vec<&str> = window.find_iter(&text).map(|found| found.as_str()).collect();
    assert!(windows.len() > 60 && windows.iter().all(|one| one.ends_with("ms]")), "{windows:?}");
    for line in text.lines().filter(|line| line.contains(" for: ") || line.contains(" interval: ")) {
        assert!(line.ends_with("ms"), "{line}");
    }
    let files: String = texts().concat();
    assert_eq!(files.matches("* 30 >= ").count(), 6, "three slow windows of two objectives");
    assert_eq!(files.matches("* 300 >= ").count(), 3);
    let multiplied = Regex::new(r"\* [0-9.]+").unwrap();
    for found in multiplied.find_iter(&files).map(|found| found.as_str()) {
        assert!(["* 30", "* 300"].contains(&found), "{found}: a time, or a number?");
    }
}
