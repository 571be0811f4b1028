//! The injector's page: follows a run, shows both sides of it, and says in words how it stands.

use serde_json::{Value, json};

use super::pair::Pair;
use super::{Page, View};
use crate::fixture::{eventually, run};
use crate::metrics::metric;

/// The page, once it has been told of requests.
fn open(pair: &Pair) -> Option<Page> {
    let mut page = Page::open(&pair.live_page(), View::DESK)?;
    page.until("document.querySelectorAll('#operations tbody tr').length === 3");
    page.until("document.querySelectorAll('[data-chart]').length > 5");
    Some(page)
}

/// Waits until the headline has these words, in its title, its text or its reasons.
///
/// Not the title alone: on a machine that is busy the injector says that it was late itself, and that comes first.
fn says(page: &mut Page, words: &str) {
    let text = "document.querySelector('#headline').innerText";
    page.until(&format!("!document.body.matches('.is-silent') && {text}.includes({})", json!(words)));
}

/// Waits until nothing but this machine is the matter.
fn is_well(page: &mut Page) {
    page.until(
        "!document.body.matches('.is-silent') && (document.querySelector('#headline').dataset.level === 'good' || \
         document.querySelector('#headline').dataset.blame === 'injector' && document.querySelector('#headline-reasons').hidden)",
    );
}

/// Every figure on the page: whose (nothing: the run's), of which field, its number and what is read.
fn figures(page: &mut Page) -> Vec<(Option<String>, String, String, String)> {
    let found = page.value(
        "[...document.querySelectorAll('[data-field]')].map((one) => \
         [one.dataset.operation ?? null, one.dataset.field, one.dataset.value, one.innerText.trim()])",
    );
    serde_json::from_value(found).unwrap()
}

/// What is at a path of keys with dots between them.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, key| &value[key])
}

/// Fields that the page works out from others of the status.
const DERIVED: [&str; 3] = ["network_share", "fates", "success_ratio"];

/// A figure whose number is not that of the status, in words; how many were compared.
fn differences(page: &mut Page, status: &Value) -> (usize, Vec<String>) {
    let mut compared = 0;
    let mut different = Vec::new();
    for (operation, field, number, text) in figures(page) {
        let of = match &operation {
            Some(name) => {
                status["operations"].as_array().unwrap().iter().find(|one| one["name"] == json!(name)).unwrap()
            }
            None => status,
        };
        let known = at(of, &field);
        if known.is_null() && DERIVED.contains(&field.as_str()) || operation.is_none() && field == "success_ratio" {
            continue;
        }
        compared += 1;
        let is_same = match known {
            Value::Null => number.is_empty() && matches!(text.as_str(), "–" | "not compared yet"),
            Value::String(word) => *word == number,
            other => number.parse::<f64>().ok() == other.as_f64(),
        };
        if !is_same {
            different.push(format!("{operation:?} {field}: the page has {number:?} ({text}), the status {known}"));
        }
    }
    (compared, different)
}

#[test]
fn its_figures_are_those_of_the_api_and_of_the_metrics() {
    let pair = Pair::start();
    let Some(mut page) = open(&pair) else { return };
    pair.until("requests and both accounts", |status| {
        status["totals"]["success"].as_u64() > Some(100) && status["unexplained"].is_u64()
    });
    is_well(&mut page);
    pair.stand_still();
    page.until("document.querySelector('[data-field=state]').dataset.value === 'paused'");
    run(eventually("the page's figures are the status's", async || {
        let (compared, different) = differences(&mut page, &pair.api("status?window=1h"));
        assert!(compared > 30, "{compared}");
        if different.is_empty() { Ok(()) } else { Err(different) }
    }));

    // What is read is that number.
    let status = pair.api("status?window=1h");
    let success = status["totals"]["success"].as_u64().unwrap();
    let tile = page.text("[data-field=success_ratio]:not([data-operation])");
    let tile: String = tile.chars().filter(|letter| !letter.is_whitespace()).collect();
    assert!(tile.contains(&format!("%{success}of")), "{tile}");
    let ended = metric("continuous_load_client_requests_total").label("result", "success").sum_in(&pair.metrics());
    assert_eq!(ended, success as f64);
    for operation in status["operations"].as_array().unwrap() {
        let name = operation["name"].as_str().unwrap();
        let received = metric("continuous_load_server_requests_total").label("operation", name);
        assert_eq!(
            received.sum_in(&pair.rules().metrics()),
            at(operation, "totals.success").as_f64().unwrap(),
            "{name}"
        );
    }
    page.is_clean();
}

#[test]
fn it_looks_well_and_lets_nobody_in() {
    let pair = Pair::start();
    let Some(mut page) = open(&pair) else { return };
    pair.until("requests", |status| status["totals"]["success"].as_u64() > Some(200));
    is_well(&mut page);
    page.looks_well("live");
    page.is_clean();
    page.keeps_intruders_out();
}

#[test]
fn a_fault_of_the_target_appears_and_ends() {
    let pair = Pair::start();
    let Some(mut page) = open(&pair) else { return };
    is_well(&mut page);
    let before = pair.api("status")["elapsed_seconds"].as_f64().unwrap();
    pair.rules().install(
        "sick",
        &json!({ "ttl": "10m", "match": { "protocol": "http", "path": "/web" }, "fault": "status=503" }),
    );
    says(&mut page, "fault rules of the target");
    let blame = page.value("document.querySelector('#headline').dataset.blame");
    assert!(["asked", "injector"].contains(&blame.as_str().unwrap()), "{}", page.text("#headline"));
    page.until("document.querySelector('#events').innerText.includes('fault: ')");
    page.until("document.querySelector('#errors').innerText.includes('web')");
    page.is_accessible();
    page.picture("live-fault");

    assert!(pair.rules().remove("sick"));
    is_well(&mut page);
    let after = pair.api("status")["elapsed_seconds"].as_f64().unwrap();
    // The band is where the fault was: it ended, and both edges are within what this test saw.
    let marks = page.value("[...document.querySelectorAll('#events li')].map((one) => one.innerText)");
    let band = marks.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).find(|one| one.contains("fault: "));
    let band = band.unwrap_or_else(|| panic!("{marks}"));
    let times: Vec<f64> = band.split_whitespace().filter_map(seconds).collect();
    assert_eq!(times.len(), 2, "{band}");
    assert!(before - 2.0 <= times[0] && times[0] <= times[1] && times[1] < after, "{before} {band} {after}");
    page.is_clean();
}

/// Of `1:02`.
fn seconds(clock: &str) -> Option<f64> {
    let (minutes, seconds) = clock.split_once(':')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

#[test]
fn a_target_that_is_down_is_not_well() {
    let mut pair = Pair::start();
    let Some(mut page) = open(&pair) else { return };
    is_well(&mut page);
    pair.kill_target();
    says(&mut page, "got a connection");
    assert_eq!(page.value("document.querySelector('#headline').dataset.level"), json!("bad"));
    page.is_accessible();
    page.picture("live-target-down");
    pair.start_target();
    is_well(&mut page);
    page.is_clean();
}

#[test]
fn an_injector_that_is_gone_is_not_well_and_the_next_one_is_followed() {
    let mut pair = Pair::start();
    let Some(mut page) = open(&pair) else { return };
    is_well(&mut page);
    let session = pair.api("status")["session"].as_str().unwrap().to_owned();
    page.shows(&session);
    pair.kill_injector();
    page.until("document.body.matches('.is-silent')");
    assert_eq!(page.text("#headline-title"), "No word from the injector");
    page.is_accessible();
    page.picture("live-injector-gone");
    // Another run at the same address is followed without a hand.
    pair.start_injector(&[]);
    let other = pair.api("status")["session"].as_str().unwrap().to_owned();
    assert_ne!(session, other);
    page.shows(&other);
    is_well(&mut page);

    // 98: this machine was too slow for a valid run. Either way it is over, which is neither well nor gone.
    let code = pair.stop_injector();
    assert!([Some(0), Some(98)].contains(&code), "{code:?}");
    says(&mut page, "The run is over");
    page.is_accessible();
    page.picture("live-over");
    page.is_clean_but_for(&["net::ERR_"]);
}

#[test]
fn it_is_used_by_keys() {
    let pair = Pair::start();
    let Some(mut page) = open(&pair) else { return };
    is_well(&mut page);
    let stops = page.tab_stops();
    for name in ["div#operations", "select#operation", "button", "summary"] {
        assert!(stops.iter().any(|stop| stop == name), "{name} is not reached: {stops:?}");
    }
    page.value("document.querySelector('[data-range=recent]').focus()");
    page.press(&["Enter"]);
    page.until("document.querySelector('[data-range=recent]').getAttribute('aria-pressed') === 'true'");
    page.fill("#operation", "echo");
    page.value("document.querySelector('[data-chart=rate] .plot').focus()");
    page.press(&["End", "ArrowLeft"]);
    // On a busy machine a second is not quite one, and has a rate that is not quite 10/s.
    page.until("/[0-9]\\/s/.test(document.querySelector('[data-chart=rate] [aria-live]').textContent)");
    page.value("document.querySelector('[data-chart=rate] summary').focus()");
    page.press(&["Enter"]);
    page.until("document.querySelectorAll('[data-chart=rate] tbody tr').length > 1");
    page.is_accessible();
    page.is_clean();
}
