//! The charts without a run: what they make of figures that somebody made up, down to the edges.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::{Page, View};
use crate::fixture::{ScriptedServer, Step};

const HTML: &str = "<!doctype html><html lang=en><title>Charts</title><meta name=viewport content='width=device-width'>\
    <link rel=icon href=data:,><link rel=stylesheet href=base.css><link rel=stylesheet href=uplot.css>\
    <link rel=stylesheet href=charts.css><main class=page><h1>Charts</h1><h2>Made up</h2><div id=here></div></main>\
    <script src=uplot.js></script><script type=module src=hold.js></script>";

/// What the expressions of these tests call.
const HOLD: &str = "import * as format from './format.js'; import * as columns from './columns.js';\
    import { chartsIn } from './charts.js'; Object.assign(globalThis, format, columns, { chartsIn });";

const POLICY: &str =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:";

/// The files of the pages as they are on the disk.
fn serve() -> SocketAddr {
    ScriptedServer::start(|_, head| {
        let name = head.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = ["injector/pages", "injector/pages/vendor", "shared/pages"].map(|folder| root.join(folder));
        let body = match name.as_str() {
            "" => HTML.to_owned(),
            "hold.js" => HOLD.to_owned(),
            _ => folders.iter().find_map(|folder| std::fs::read_to_string(folder.join(&name)).ok()).unwrap_or_default(),
        };
        let kind = match name.rsplit('.').next() {
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            _ => "text/html",
        };
        let head =
            format!("content-type: {kind}; charset=utf-8\r\ncontent-security-policy: {POLICY}\r\nconnection: close");
        Step::Last(format!("HTTP/1.1 200 OK\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    })
    .address
}

fn page() -> Option<Page> {
    let mut page = Page::open(&format!("http://{}/", serve()), View::DESK)?;
    page.until("typeof chartsIn === 'function'");
    Some(page)
}

/// Three seconds of one operation: well, half of it refused under a rule, and nothing at all.
fn figures() -> Value {
    json!({
        "step_s": 1, "start_s": [0.0, 1.0, 2.0], "length_s": [1.0, 1.0, 1.0], "heat_bounds_ms": [1.0, 2.0, 4.0],
        "total": {
            "planned": [10, 10, 0], "sent": [10, 10, 0], "success": [10, 5, 0], "failure": [0, 5, 0],
            "errors": { "status": [0, 5, 0] }, "in_flight": [1, 2, 0], "by_rule": [0, 5, 0],
            "response": { "p50_ms": [1.0, 1.5, null], "p90_ms": [1.5, 2.0, null], "p99_ms": [2.0, 30.0, null], "max_ms": [2.0, 31.0, null] },
            "server": { "p50_ms": [0.1, 0.1, null], "p90_ms": [0.1, 0.1, null], "p99_ms": [0.25, 0.25, null], "max_ms": [0.3, 0.3, null] },
            "heat": [[-1, 10], [5, -2, 5], []],
        },
        "operations": [{ "name": "<b>web</b>", "planned": [10, 10, 0] }],
        "marks": [
            { "kind": "rule", "label": "<img src=x onerror=alert(1)>", "from_s": 1.0, "until_s": 2.0 },
            { "kind": "pause", "label": "paused", "from_s": 2.0, "until_s": 3.0 },
        ],
    })
}

/// Draws them: all together, or one operation.
fn draw(page: &mut Page, figures: &Value, operation: &Value) {
    page.value(&format!(
        "here.replaceChildren(); globalThis.drawn = chartsIn(here, ['run']); \
         drawn.update({{ runs: [{{ figures: {figures} }}], operation: {operation}, from: 0, until: 3 }})"
    ));
}

/// The table beside a chart: its heads and rows.
fn table(page: &mut Page, chart: &str) -> (Value, Value) {
    let of = format!("document.querySelector('[data-chart={chart}]')");
    page.value(&format!("{of}.querySelector('details').open = true"));
    page.until(&format!("{of}.querySelectorAll('table tr').length > 1"));
    let rows = page.value(&format!(
        "[...{of}.querySelectorAll('table tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
    ));
    let rows = rows.as_array().unwrap();
    (rows[0].clone(), rows[1..].iter().cloned().collect())
}

#[test]
fn figures_are_short_and_say_no_more_than_is_so() {
    let Some(mut page) = page() else { return };
    for (expression, words) in [
        ("share(1)", "100 %"),
        ("share(0.9999999)", "99.99 %"),
        ("share(0)", "0.00 %"),
        ("share(null)", "–"),
        ("share(NaN)", "–"),
        ("milliseconds(0)", "0 ms"),
        ("milliseconds(0.0125)", "13 µs"),
        ("milliseconds(12.34)", "12.3 ms"),
        ("milliseconds(1234)", "1.23 s"),
        ("milliseconds(undefined)", "–"),
        ("shortNumber(0)", "0"),
        ("shortNumber(123456)", "123k"),
        ("shortNumber(null)", "–"),
        ("clock(3723)", "1:02:03"),
        ("clock(59.6)", "1:00"),
        ("lengthInWords(125)", "2 min 5 s"),
    ] {
        assert_eq!(page.value(expression), json!(words), "{expression}");
    }
    page.is_clean();
}

#[test]
fn later_points_take_the_place_of_those_they_renew() {
    let Some(mut page) = page() else { return };
    let later = json!({
        "step_s": 1, "start_s": [2.0, 3.0], "length_s": [1.0, 0.5], "heat_bounds_ms": [1.0, 2.0, 4.0],
        "total": { "planned": [4, 2], "errors": { "reset": [0, 1] } }, "operations": [{ "name": "new", "planned": [4, 2] }], "marks": [],
    });
    let joined = page.value(&format!("append({}, {later})", figures()));
    assert_eq!(joined["start_s"], json!([0, 1, 2, 3]));
    assert_eq!(joined["length_s"], json!([1, 1, 1, 0.5]));
    assert_eq!(joined["total"]["planned"], json!([10, 10, 4, 2]));
    assert_eq!(joined["total"]["success"], json!([10, 5, 0, 0]), "left out is 0");
    assert_eq!(joined["total"]["errors"], json!({ "status": [0, 5, 0, 0], "reset": [0, 0, 0, 1] }));
    assert_eq!(
        joined["total"]["response"]["p99_ms"],
        json!([2, 30, null, null]),
        "a time that nobody took is not known"
    );
    assert_eq!(joined["operations"][1], json!({ "name": "new", "planned": [0, 0, 4, 2] }));
    // The other way round: a page that was told of nothing yet.
    let nothing = json!({ "step_s": 1, "start_s": [], "length_s": [], "heat_bounds_ms": [], "total": {}, "operations": [], "marks": [] });
    assert_eq!(page.value(&format!("append({nothing}, {}).total.planned", figures())), json!([10, 10, 0]));
    assert_eq!(page.value(&format!("append({}, {nothing}).total.planned", figures())), json!([10, 10, 0]));
    // A rate between samples, and none where the account began anew.
    assert_eq!(page.value("rateBetween([0, 1, 2, 3], [0.5, 1.5, 2.5], [0, 10, 5])"), json!([null, 10, null, null]));
    page.is_clean();
}

#[test]
fn a_chart_has_its_figures_as_a_table_and_by_keys() {
    let Some(mut page) = page() else { return };
    draw(&mut page, &figures(), &Value::Null);
    let (heads, rows) = table(&mut page, "latency-p99");
    assert_eq!(heads, json!(["time", "response", "service", "network", "server"]));
    // The newest first; what is not known is not 0.
    assert_eq!(rows[0].as_array().unwrap()[1..], ["–", "–", "–", "–"]);
    assert_eq!(rows[1].as_array().unwrap()[1..], ["30 ms", "–", "–", "0.25 ms"]);
    assert_eq!(table(&mut page, "errors").0, json!(["time", "status (content)"]), "only what occurred");
    assert_eq!(table(&mut page, "success").1[1][1], "50.00 %");
    assert!(table(&mut page, "heat").1[1][1].as_str().unwrap().starts_with("5 in "), "buckets in words");

    page.value("document.querySelector('[data-chart=success] .plot').focus()");
    page.press(&["Home", "ArrowRight"]);
    let spoken = page.text("[data-chart=success] [aria-live]");
    assert!(spoken.contains("success 50.00 %"), "{spoken}");
    page.looks_well("charts");
    page.is_clean();
    assert_eq!(page.value("document.querySelectorAll('main b, main img').length"), json!(0), "a name became markup");
}

/// The first drawing may be the only one: a report is drawn once.
#[test]
fn a_scale_holds_what_is_drawn_from_the_first_drawing_on() {
    let Some(mut page) = page() else { return };
    page.value(
        "const real = uPlot; globalThis.plots = []; globalThis.uPlot = new Proxy(real, \
         { construct: (type, args) => { const made = new type(...args); plots.push(made); return made; } })",
    );
    draw(&mut page, &figures(), &Value::Null);
    page.until("plots.length > 5 && plots.every((plot) => plot.status === 1)");
    // By the next frame everything that was put off is done.
    page.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    let cut = page.value(
        "plots.flatMap((plot) => plot.data.slice(1).map((values) => [Math.max(...values.filter((value) => value !== null)), plot.scales.y.max])) \
         .filter(([most, top]) => most > top)",
    );
    assert_eq!(cut, json!([]), "figures above the top of their chart");
    page.is_clean();
}

#[test]
fn a_run_without_figures_says_so() {
    let Some(mut page) = page() else { return };
    let nothing = json!({ "step_s": 1, "start_s": [], "length_s": [], "heat_bounds_ms": [], "total": {}, "operations": [], "marks": [] });
    for (figures, operation) in [(&nothing, Value::Null), (&figures(), json!("not there"))] {
        draw(&mut page, figures, &operation);
        let words =
            page.value("[...document.querySelectorAll('.plot-empty')].filter((one) => one.checkVisibility()).length");
        assert!(words.as_u64() > Some(3), "{words} charts say that they have nothing");
    }
    page.is_accessible();
    page.is_clean();
}
