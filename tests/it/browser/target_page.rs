//! The target's page: says what the target is, composes a fault for every client, tries it, and shows the rules.

use serde_json::{Value, json};

use super::pair::Pair;
use super::{Page, View};
use crate::process::get;

/// The page, loaded and told of everything once.
fn open(pair: &Pair, hash: &str) -> Option<Page> {
    let mut page = Page::open(&format!("{}{hash}", pair.target_page()), View::DESK)?;
    page.until("document.querySelector('#state').textContent === 'answering'");
    page.until("document.querySelector('#lines [data-carrier] code') !== null || document.querySelector('#told .bad') !== null");
    Some(page)
}

/// The line to copy for a carrier, once the page shows those of this fault.
fn line(page: &mut Page, carrier: &str, word: &str) -> String {
    let code = format!("document.querySelector('#lines:not(.stale) [data-carrier=\"{carrier}\"] code')?.textContent");
    let line = page.until(&format!("({code} ?? '').includes({}) && {code}", json!(word)));
    line.as_str().unwrap().to_owned()
}

#[test]
fn it_says_what_the_target_says_of_itself_and_looks_well() {
    let pair = Pair::start();
    let Some(mut page) = open(&pair, "") else { return };
    let info: Value = serde_json::from_str(&get(pair.target_address(), "/api/info")).unwrap();
    assert_eq!(page.text("#hostname"), info["hostname"].as_str().unwrap());
    assert!(page.text("#version").starts_with(info["version"].as_str().unwrap()), "{info}");
    assert_eq!(page.text("#message"), info["message"].as_str().unwrap());
    let ports = page.text("#ports");
    for (name, port) in [("HTTP", pair.target_address().port()), ("admin", pair.rules().0.port())] {
        assert!(ports.contains(&format!("{name} {port}")), "{ports}");
    }
    page.looks_well("target");
    page.is_clean();
    page.keeps_intruders_out();
}

#[test]
fn a_fault_is_composed_copied_and_tried() {
    let pair = Pair::start();
    let Some(mut page) = open(&pair, "") else { return };
    page.fill("#fault", "status=418");
    let curl = line(&mut page, "curl", "418");
    // The button copies what is shown; that it works is shown by the tests of the lines.
    page.click("#lines [data-carrier=curl] button");
    page.until("document.querySelector('#copied').textContent.includes('copied')");
    page.is_accessible();
    assert_eq!(page.value("navigator.clipboard.readText()"), json!(curl));

    page.click("#try");
    page.until("document.querySelector('#outcome').innerText.includes('status 418')");
    let outcome = page.text("#outcome");
    assert!(outcome.contains("head after") && outcome.contains("x-cload-fault"), "{outcome}");
    page.is_accessible();
    page.picture("target-tried");

    // A field of the form is a part of the text.
    page.fill("#k-delay", "150ms");
    page.until("document.querySelector('#fault').value === 'status=418&delay=150ms'");
    line(&mut page, "query", "150ms");
    page.fill("#fault", "fault=reset");
    line(&mut page, "query", "reset");
    page.click("#try");
    page.until("document.querySelector('#outcome').innerText.includes('the connection broke')");
    page.fill("#fault", "status=418:50");
    line(&mut page, "query", "418:50");
    page.click("#try-many");
    page.until("document.querySelector('#outcome').innerText.includes('20 requests')");
    let times =
        page.value("[...document.querySelectorAll('#tally tbody tr')].map((row) => Number(row.cells[1].textContent))");
    assert_eq!(times.as_array().unwrap().iter().map(|times| times.as_u64().unwrap()).sum::<u64>(), 20, "{times}");
    page.is_clean_but_for(&["418", "net::ERR_"]);
}

#[test]
fn a_mistake_is_shown_where_it_is_and_never_as_markup() {
    let pair = Pair::start();
    let Some(mut page) = open(&pair, "#status=%3Cimg src=x onerror=alert(1)%3E") else { return };
    page.shows("Expected:");
    assert_eq!(page.value("document.querySelectorAll('main img:not(#logo)').length"), json!(0));
    assert!(page.text("#told").contains("<img"), "{}", page.text("#told"));
    assert_eq!(page.value("document.querySelector('#try').disabled"), json!(true));
    page.is_accessible();
    page.picture("target-mistake");
    page.is_clean();
}

#[test]
fn it_works_by_keys_alone() {
    let pair = Pair::start();
    let Some(mut page) = open(&pair, "") else { return };
    let stops = page.tab_stops();
    for name in ["textarea#fault", "input#k-status", "button#try", "button#try-many"] {
        assert!(stops.iter().any(|stop| stop == name), "{name} is not reached: {stops:?}");
    }
    // The first key leads past everything to the fault.
    page.value("document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute('tabindex')");
    page.press(&["Tab", "Enter", "Tab"]);
    assert_eq!(page.value("document.activeElement.id"), json!("fault"));
    page.press(&["Control+a", "text:status=418"]);
    line(&mut page, "query", "418");
    page.press(&["Enter"]);
    page.until("document.querySelector('#outcome').innerText.includes('status 418')");
    page.is_clean_but_for(&["418"]);
}

#[test]
fn rules_come_count_down_and_go() {
    let mut pair = Pair::start();
    let Some(mut page) = open(&pair, "") else { return };
    page.shows("None: requests that ask for nothing are answered well.");
    pair.rules().install(
        "sick",
        &json!({ "ttl": "5m", "match": { "protocol": "http", "path": "/web" }, "fault": "status=503" }),
    );
    page.until("document.querySelector('[aria-label=\"Rule sick\"] [data-ends]')?.textContent.startsWith('in 4 min')");
    let rule = page.text("[aria-label='Rule sick']");
    assert!(rule.contains("status=503") && rule.contains("active"), "{rule}");
    page.until("/matched [1-9]/.test(document.querySelector('[aria-label=\"Rule sick\"]').innerText)");
    page.is_accessible();
    page.picture("target-rule");
    // The count is the API's, once nothing comes any more.
    pair.stand_still();
    let [hits, injected, _] = pair.rules().counts("sick");
    page.shows(&format!("matched {hits}, struck {injected}"));

    assert!(pair.rules().remove("sick"));
    page.shows("None: requests that ask for nothing are answered well.");
    page.is_clean();

    // A target that is gone is not one that is well, and it may come back.
    pair.kill_target();
    page.until("document.querySelector('#state').textContent === 'no answer'");
    page.shows("it is down, or out of reach");
    page.picture("target-down");
    pair.start_target();
    page.until("document.querySelector('#state').textContent === 'answering'");
    page.is_clean_but_for(&["net::ERR_"]);
}
