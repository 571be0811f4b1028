//! The runbook has a section for each alert, and no other; every link of an alert leads to its own.

use std::collections::BTreeSet;

use super::{root, rules};

#[test]
fn every_alert_has_a_section_and_every_section_an_alert() {
    let rules = rules();
    let alerts: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["alert"].as_str()).collect();
    let text = std::fs::read_to_string(root().join("docs/runbook.md")).unwrap();
    let mut sections = BTreeSet::new();
    for section in text.split("\n## ").skip(1) {
        let (name, body) = section.split_once('\n').unwrap();
        if !name.starts_with("ContinuousLoad") {
            continue;
        }
        assert!(sections.insert(name), "{name} is there twice");
        // What it means, what to look at, what to do.
        let [means, rest] = body.split("\n\nFirst:\n\n").collect::<Vec<_>>()[..] else { panic!("{name}: no First:") };
        let [look, act] = rest.split("\n\nThen: ").collect::<Vec<_>>()[..] else { panic!("{name}: no Then:") };
        for part in [means, look, act] {
            assert!(part.trim().len() > 40, "{name}: {part:?} says nothing");
        }
    }
    assert_eq!(sections, alerts);

    // Names in running text are of alerts that there are.
    for word in text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| word.len() > 14) {
        assert!(!word.starts_with("ContinuousLoad") || alerts.contains(word), "{word}");
    }
    assert!(alerts.len() > 20, "{alerts:?}");
}

#[test]
fn an_alert_says_what_it_is_how_bad_and_where_to_read() {
    for rule in rules().iter().filter(|rule| rule["alert"].is_string()) {
        let name = rule["alert"].as_str().unwrap();
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        let annotation = |key: &str| rule["annotations"][key].as_str().unwrap_or_else(|| panic!("{name}: no {key}"));
        assert_eq!(annotation("runbook_url"), format!("docs/runbook.md#{}", name.to_lowercase()));
        // The summary is the same for all of them, so that they can be grouped by it.
        assert!(!annotation("summary").contains("{{") && annotation("summary").ends_with('.'), "{name}");
        let expression = rule["expr"].as_str().unwrap();
        let is_absence = expression.starts_with("absent(");
        assert!(annotation("description").contains("{{ $labels.") || is_absence, "{name}: of whom?");
    }
}
