//! The report of a run as one file, opened from the disk: complete, readable, and on nobody's network.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Page, View};
use crate::process::output;

/// Runs the pair for some seconds: its result, and where its report is.
fn pair(folder: &Path, name: &str, rate: &str) -> (Value, String) {
    let path = |ending: &str| folder.join(name).with_extension(ending).to_str().unwrap().to_owned();
    let (json, html) = (path("json"), path("html"));
    let ended = output("continuous-load", &["--for", "4s", "--rate", rate, "--json", &json, "--html", &html]);
    // 98: this machine was too slow for a valid run, which has a report all the same.
    assert!([Some(0), Some(98)].contains(&ended.status.code()), "{ended:?}");
    (serde_json::from_slice(&fs::read(&json).unwrap()).unwrap(), format!("file://{html}"))
}

/// The cells of a table by its caption's beginning, without thin spaces in numbers.
fn table(page: &mut Page, caption: &str) -> Vec<Vec<String>> {
    let cells = page.value(&format!(
        "[...document.querySelectorAll('table')].filter((one) => one.caption?.textContent.startsWith({})) \
         .flatMap((one) => [...one.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim())))",
        json!(caption)
    ));
    let rows: Vec<Vec<String>> = serde_json::from_value(cells).unwrap();
    assert!(!rows.is_empty(), "no table {caption}");
    rows
}

fn number(cell: &str) -> Option<u64> {
    cell.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().parse().ok()
}

#[test]
fn a_report_has_the_figures_of_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let (result, url) = pair(folder.path(), "a", "100/s");
    let Some(mut page) = Page::open(&url, View::DESK) else { return };
    page.until("document.querySelectorAll('[data-chart] canvas').length > 5");

    let rows = table(&mut page, "How many requests");
    let operations = result["operations"].as_array().unwrap();
    assert_eq!(rows.len(), operations.len() + 1, "one for each, and all together");
    for (row, operation) in rows.iter().zip(operations) {
        assert_eq!(row[0], operation["name"].as_str().unwrap());
        for (place, of) in [(2, "planned"), (3, "sent"), (7, "success"), (8, "failure")] {
            assert_eq!(number(&row[place]), operation["client"][of].as_u64(), "{of}: {row:?}");
        }
        assert_eq!(number(&row[4]), operation["server"]["received"].as_u64(), "{row:?}");
    }
    // What is drawn is all of it.
    let drawn = page.value("JSON.parse(document.querySelector('#data').textContent).runs[0].total.planned");
    let drawn: u64 = drawn.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(Some(drawn), number(&rows.last().unwrap()[2]));

    page.looks_well("report");
    page.tab_stops();
    page.ask(json!({"do": "emulate", "width": 794, "media": "print"}));
    page.is_accessible();
    page.picture("report-print");
    page.is_clean();
    page.keeps_intruders_out();
}

#[test]
fn a_report_without_scripts_has_all_but_the_charts() {
    let folder = tempfile::tempdir().unwrap();
    let (result, url) = pair(folder.path(), "a", "50/s");
    let Some(mut page) = Page::open(&url, View::DESK) else { return };
    page.ask(json!({"do": "open", "url": url, "width": 360, "scripts": false}));
    page.shows("Charts need scripts");
    assert_eq!(table(&mut page, "How many requests").len(), result["operations"].as_array().unwrap().len() + 1);
    assert_eq!(page.ask(json!({"do": "overflow"})), json!(0));
    page.is_clean();
}

#[test]
fn two_runs_are_on_the_same_axes() {
    let folder = tempfile::tempdir().unwrap();
    pair(folder.path(), "a", "50/s");
    pair(folder.path(), "b", "80/s");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = output("injector", &["report", &path("a.json"), &path("b.json"), "--html", &path("both.html")]);
    // Whatever it finds of these two runs, it is no error of usage.
    assert!(made.status.code().is_some_and(|code| code != 2), "{made:?}");
    let Some(mut page) = Page::open(&format!("file://{}", path("both.html")), View::DESK) else { return };
    page.until("document.querySelectorAll('[data-chart] canvas').length > 5");
    let lines = page
        .value("[...document.querySelectorAll('[data-chart=rate] [data-series]')].map((one) => one.dataset.series)");
    for name in ["A: planned", "B: planned"] {
        assert!(lines.as_array().unwrap().contains(&json!(name)), "{lines}");
    }
    page.looks_well("report-both");
    page.is_clean();
}
