//! The conventions of the dashboards' JSON: what Grafana needs to import a file twice, and what a reader needs to trust it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::promql::{selected, variables};
use super::{Asker, Board, array, boards, word};

const MANUAL: &str = include_str!("../../../docs/dashboards.md");

/// Grafana's names of units, and our own behind `suffix:`.
const UNITS: [&str; 10] =
    ["Bps", "bytes", "none", "ops", "percentunit", "reqps", "s", "short", "suffix: cores", "suffix:×"];
/// Variables that are Grafana's own.
const BUILT_IN: [&str; 2] = ["__rate_interval", "__range"];
/// Grafana's grid.
const COLUMNS: u64 = 24;
/// Selects processes rather than operations.
const PROCESS: &str = r#"cluster=~"$cluster",namespace=~"$namespace""#;
/// What all targets of a cluster do, whoever asked them.
const CLUSTER: &str = r#"cluster=~"$cluster""#;

/// Families of whole runs. They have no protocol and no operation, so that a choice of either would hide them.
const OF_RUNS: [&str; 4] = [
    "continuous_load_client_config_",
    "continuous_load_client_paused",
    "continuous_load_client_phase_info",
    "continuous_load_client_threshold_",
];

/// What has to hold for every board, and changes of a file that it must notice: some words of it and others in their place.
type Check = (fn(&Board, &mut Vec<String>), &'static [(&'static str, &'static str)]);

const CHECKS: [Check; 7] = [
    (file_is_written_in_one_way, &[("\"tags\": [", "\"tags\":[")]),
    (
        every_panel_says_what_it_shows_and_in_which_unit,
        &[
            ("\"unit\": \"reqps\"", "\"unit\": \"rps\""),
            ("\"title\": \"Latency\"", "\"title\": \"Payload\""),
            ("\"description\": \"Each column", "\"description\": \"\", \"was\": \"Each column"),
            ("\"uid\": \"${datasource}\"", "\"uid\": \"p1\""),
            ("\"legendFormat\": \"planned\"", "\"legendFormat\": \"\""),
            ("\"range\": true", "\"range\": false"),
        ],
    ),
    (no_panel_lies_on_another, &[("\"x\": 12", "\"x\": 11"), ("\"x\": 12", "\"x\": 13")]),
    (
        variables_are_described_and_used_and_nothing_else_is,
        &[
            ("\"name\": \"slo\"", "\"name\": \"goal\""),
            ("(1 - $slo)", "(1 - $goal)"),
            ("\"label\": \"Source\"", "\"allValue\": \".*\", \"label\": \"Source\""),
            ("\"label\": \"Window\"", "\"label\": \"\""),
        ],
    ),
    (
        every_series_is_selected_by_the_variables,
        &[
            ("_sent_total{cluster=~\\\"$cluster\\\",", "_sent_total{"),
            ("resident_memory_bytes{", "resident_memory_bytes{x=\\\"\\\","),
        ],
    ),
    (
        windows_follow_the_screen,
        &[
            (
                "[$__rate_interval]))\",\n              \"format\": \"time_series\"",
                "[5m]))\",\n              \"format\": \"time_series\"",
            ),
            ("sum (rate(continuous_load_client_sent_total", "sum (deriv(continuous_load_client_sent_total"),
        ],
    ),
    (
        the_manual_has_every_row_and_variable,
        &[("\"title\": \"Where\"", "\"title\": \"Where?\""), ("\"uid\": \"continuous-load\"", "\"uid\": \"load\"")],
    ),
];

#[test]
fn every_board_keeps_the_conventions() {
    let mut wrong = Vec::new();
    for board in boards() {
        for (check, _) in CHECKS {
            let mut found = Vec::new();
            check(&board, &mut found);
            wrong.extend(found.into_iter().map(|what| format!("{}: {what}", board.name)));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_convention_can_be_broken() {
    let [board, _] = boards();
    for (check, changes) in CHECKS {
        for (before, after) in changes {
            assert!(board.text.contains(before), "nothing to change: {before}");
            let text: &'static str = board.text.replacen(before, after, 1).leak();
            let json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{after}: {error}"));
            let mut found = Vec::new();
            check(&Board { text, json, ..board }, &mut found);
            assert!(!found.is_empty(), "missed: {after}");
        }
    }
}

/// Those that stand more than once.
fn repeated<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    words.into_iter().filter(|word| !seen.insert(*word)).collect()
}

fn file_is_written_in_one_way(board: &Board, wrong: &mut Vec<String>) {
    let canonical = format!("{}\n", serde_json::to_string_pretty(&board.json).unwrap());
    let same = canonical.lines().zip(board.text.lines()).take_while(|(a, b)| a == b).count();
    wrong.extend((canonical != board.text).then(|| format!("line {}: jq -S . writes it right", same + 1)));
}

#[test]
fn every_board_can_be_imported_and_found() {
    let boards = boards();
    let of = |field| boards.iter().map(move |board| word(&board.json, field));
    assert_eq!(
        of("uid").collect::<Vec<_>>(),
        ["continuous-load", "continuous-load-run"],
        "links and bookmarks use them"
    );
    assert_eq!(repeated(of("title")), [""; 0]);
    for board in &boards {
        for (field, value) in [
            ("schemaVersion", Value::from(39)),
            ("editable", Value::from(false)),
            // Grafana gives the numbers; one in the file would be somebody else's dashboard.
            ("id", Value::Null),
            ("graphTooltip", Value::from(1)),
            ("timezone", Value::from("browser")),
        ] {
            assert_eq!(board.json[field], value, "{}: {field}", board.name);
        }
        assert!(array(&board.json, "tags").contains(&Value::from("continuous-load")), "{}", board.name);
        assert!(!word(&board.json, "description").is_empty(), "{}", board.name);
        let linked: BTreeSet<&str> = board.list("/links").iter().map(|link| word(link, "url")).collect();
        let others = boards.iter().filter(|other| other.name != board.name);
        let others: Vec<String> = others.map(|other| format!("/d/{}", word(&other.json, "uid"))).collect();
        assert_eq!(linked.into_iter().collect::<Vec<_>>(), others, "{}", board.name);
    }
}

fn every_panel_says_what_it_shows_and_in_which_unit(board: &Board, wrong: &mut Vec<String>) {
    let panels = board.panels();
    let all = panels.iter().chain(&board.rows()).map(|panel| panel["id"].to_string()).collect::<Vec<_>>();
    wrong.extend(repeated(all.iter().map(String::as_str)).into_iter().map(|id| format!("id {id} twice")));
    let titles = panels.iter().map(|panel| word(panel, "title"));
    wrong.extend(repeated(titles).into_iter().map(|title| format!("title {title:?} twice")));
    for panel in panels {
        let mut check = |is_right: bool, what: &str| {
            wrong.extend((!is_right).then(|| format!("{:?}: {what}", word(panel, "title"))));
        };
        check(!word(panel, "title").is_empty(), "no title");
        check(word(panel, "description").ends_with('.'), "no description that ends with a full stop");
        check(panel["datasource"]["uid"] == "${datasource}", "not the chosen data source");
        let defaults = &panel["fieldConfig"]["defaults"];
        check(UNITS.contains(&word(defaults, "unit")), "no unit, or one that is not in UNITS");
        let targets = array(panel, "targets");
        check(!targets.is_empty(), "asks nothing");
        let ids = targets.iter().map(|target| word(target, "refId"));
        check(repeated(ids).is_empty(), "one refId twice");
        let course = matches!(word(panel, "type"), "timeseries" | "state-timeline" | "heatmap");
        for target in targets {
            check(target["range"] == course && target["instant"] == !course, "a course is a range, a value an instant");
            check(!word(target, "expr").is_empty(), "an empty expression");
            let named = !word(target, "legendFormat").is_empty() || panel["type"] == "table";
            check(named, "no legend");
        }
    }
    for annotation in board.list("/annotations/list").iter().filter(|one| one["builtIn"].is_null()) {
        let is_right = annotation["datasource"]["uid"] == "${datasource}" && annotation["enable"] == true;
        wrong.extend((!is_right).then(|| format!("annotation {:?}", word(annotation, "name"))));
    }
}

fn no_panel_lies_on_another(board: &Board, wrong: &mut Vec<String>) {
    let top = board.list("/panels").iter().collect();
    let inside = board.rows().into_iter().map(|row| array(row, "panels").iter().collect());
    for level in [top].into_iter().chain(inside) {
        let level: Vec<&Value> = level;
        let mut taken = BTreeMap::new();
        for panel in level {
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            let title = word(panel, "title");
            wrong.extend((w == 0 || h == 0 || x + w > COLUMNS).then(|| format!("{title:?}: out of the grid")));
            for cell in (x..x + w).flat_map(|column| (y..y + h).map(move |line| (column, line))) {
                if let Some(other) = taken.insert(cell, title) {
                    wrong.push(format!("{title:?} lies on {other:?} at {cell:?}"));
                    break;
                }
            }
        }
    }
}

#[test]
fn the_first_row_is_open_and_fits_the_screen() {
    for board in boards() {
        let rows = board.rows();
        assert_eq!((&rows[0]["collapsed"], &rows[0]["gridPos"]["y"]), (&false.into(), &0.into()), "{}", board.name);
        // 30 pixels and a gap of 8 each, on a screen of 1080 less what Grafana and the browser take.
        let end = |panel: &Value| panel["gridPos"]["y"].as_u64().unwrap() + panel["gridPos"]["h"].as_u64().unwrap();
        let next = rows[1]["gridPos"]["y"].as_u64().unwrap();
        let values = board.panels().into_iter().filter(|panel| panel["type"] == "stat").map(end).max().unwrap();
        assert!(values <= 12 && values <= next, "{}: values end at {values}", board.name);
    }
}

fn variables_are_described_and_used_and_nothing_else_is(board: &Board, wrong: &mut Vec<String>) {
    let names: BTreeSet<&str> = board.variables().iter().map(|variable| word(variable, "name")).collect();
    let used: BTreeSet<&str> = variables(board.text).into_iter().filter(|name| *name != "__all").collect();
    let known: BTreeSet<&str> = names.iter().copied().chain(BUILT_IN).collect();
    wrong.extend(used.difference(&known).map(|name| format!("${name} is not declared")));
    wrong.extend(names.difference(&used).map(|name| format!("${name} is not used")));
    for variable in board.variables() {
        let is_said = !word(variable, "label").is_empty() && !word(variable, "description").is_empty();
        wrong.extend((!is_said).then(|| format!("${}: label and description", word(variable, "name"))));
    }
    // All of these are the injectors of the chosen namespaces, which leaves out strangers at the target.
    let source = board.variables().iter().find(|variable| word(variable, "name") == "source").unwrap();
    wrong.extend((!source["allValue"].is_null()).then(|| "$source: all has to be a list".to_owned()));
}

fn every_series_is_selected_by_the_variables(board: &Board, wrong: &mut Vec<String>) {
    for expression in board.expressions().iter().filter(|one| one.asker != Asker::Variable) {
        for series in selected(&expression.text) {
            let of_cluster = [CLUSTER, PROCESS].contains(&series.selector)
                || series.selector == format!("{CLUSTER},source=\"external\"")
                || series.selector == format!("{CLUSTER},protocol=~\"$protocol\"");
            let of_runs = board.client.split(",protocol=").next().unwrap();
            let is_right = match series.name {
                name if OF_RUNS.iter().any(|family| name.starts_with(family)) => {
                    series.selector.starts_with(of_runs) && !series.selector.contains("protocol")
                }
                name if name.starts_with("continuous_load_client_") => series.selector.starts_with(board.client),
                name if name.starts_with("continuous_load_server_") => {
                    series.selector.starts_with(board.server) || of_cluster
                }
                name if name.starts_with("continuous_load:") => series.selector == board.client,
                "ALERTS" => series.selector.contains(CLUSTER),
                _ => series.selector == PROCESS,
            };
            wrong.extend((!is_right).then(|| format!("{}: {series:?}", expression.what)));
        }
    }
}

/// A rate over less than four scrapes has gaps, and one over a fixed time hides what is shorter: only values that say their
/// window, and annotations, for which Grafana has no interval, may have one.
fn windows_follow_the_screen(board: &Board, wrong: &mut Vec<String>) {
    for expression in board.expressions() {
        for series in selected(&expression.text) {
            let counts = ["_total", "_bucket", "_sum", "_count"].iter().any(|end| series.name.ends_with(end));
            let counted = ["rate", "increase", "max_over_time"].contains(&series.function);
            let is_right = match (expression.asker, series.window) {
                (Asker::Variable, window) => window.is_none(),
                (_, None) => !counts,
                (Asker::Range, Some(window)) => window == "$__rate_interval" && counted && counts,
                (Asker::Instant, Some(_)) => !counts || counted,
                (Asker::Annotation, Some(window)) => window == "2m" && counted,
            };
            wrong.extend((!is_right).then(|| format!("{}: {series:?}", expression.what)));
        }
    }
}

fn the_manual_has_every_row_and_variable(board: &Board, wrong: &mut Vec<String>) {
    for row in board.rows() {
        wrong.extend((!MANUAL.contains(word(row, "title"))).then(|| format!("no row {:?}", word(row, "title"))));
    }
    for variable in board.variables() {
        let name = format!("`{}`", word(variable, "name"));
        wrong.extend((!MANUAL.contains(&name)).then(|| format!("no variable {name}")));
    }
    let uid = word(&board.json, "uid");
    wrong.extend((!MANUAL.contains(&format!("/d/{uid}`"))).then(|| format!("no uid {uid}")));
}
