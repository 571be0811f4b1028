//! The bench itself: what it is for is found, and a good page is found good.

use std::net::SocketAddr;

use serde_json::json;

use super::{Page, View};
use crate::fixture::{ScriptedServer, Step};

const GOOD: &str = "<!doctype html><html lang=en><title>t</title><meta name=viewport content='width=device-width'>\
    <link rel=icon href=data:,><style>:focus-visible{outline:2px solid}</style>\
    <main><h1>Good</h1><label>Name <input id=name></label> <button id=go>Go</button><p data-value=a>42</p></main>";

/// Its own server is the only one that is not outside; nobody serves there.
const BAD: &str = "<!doctype html><html><title></title><body style='width:3000px'>\
    <img src='http://127.0.0.2/a.png'><img src='http://name.invalid/b.png'><img src='/missing.png'>\
    <script>console.error('said', 1); setTimeout(() => { throw new Error('thrown') })</script>";

/// A server of one page, with this policy.
fn serve(page: &'static str, policy: &'static str) -> SocketAddr {
    let server = ScriptedServer::start(move |_, head| {
        let (status, page) = if head.starts_with("GET / ") { ("200 OK", page) } else { ("404 Not Found", "") };
        let length = page.len();
        let head = format!("content-type: text/html\r\ncontent-security-policy: {policy}\r\ncontent-length: {length}");
        Step::Last(format!("HTTP/1.1 {status}\r\n{head}\r\nconnection: close\r\n\r\n{page}").into_bytes())
    });
    server.address
}

#[test]
fn a_good_page_is_found_good() {
    let at = serve(GOOD, "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    let Some(mut page) = Page::open(&format!("http://{at}/"), View::DESK) else { return };
    page.shows("Good");
    assert_eq!(page.text("[data-value=a]"), "42");
    assert_eq!(page.ask(json!({"do": "marked", "attribute": "data-value"})), json!({"a": "42"}));
    page.fill("#name", "abc");
    page.fill("#name", "de");
    page.press(&["text:f", "Tab"]);
    assert_eq!(page.value("[document.querySelector('#name').value, document.activeElement.id]"), json!(["def", "go"]));
    assert_eq!(page.tab_stops(), ["input#name", "button#go"]);
    page.is_accessible();
    page.is_clean();
    assert!(page.picture("bench").is_file());
    page.keeps_intruders_out();
}

#[test]
fn a_bad_page_is_found_bad() {
    let at = serve(BAD, "img-src *; script-src 'unsafe-inline'");
    let Some(mut page) = Page::open(&format!("http://{at}/"), View { width: 360, is_dark: true }) else { return };
    assert_eq!(page.value("matchMedia('(prefers-color-scheme: dark)').matches && innerWidth"), json!(360));
    let seen = page.seen();
    let outside = seen["outside"].as_array().unwrap();
    assert_eq!(outside, &[json!("http://127.0.0.2/a.png"), json!("http://name.invalid/b.png")], "{seen}");
    let failed = seen["failed"].to_string();
    assert!(
        failed.contains("name.invalid/b.png: net::ERR_NAME_NOT_RESOLVED") && failed.contains("missing.png: status 404"),
        "{seen}"
    );
    assert!(seen["console"].to_string().contains("error: said 1"), "{seen}");
    assert!(seen["errors"].to_string().contains("thrown"), "{seen}");
    let faults = page.ask(json!({"do": "axe"})).to_string();
    assert!(faults.contains("image-alt") && faults.contains("html-has-lang"), "{faults}");
    assert_eq!(page.ask(json!({"do": "inject"})), json!("handler"), "this page's policy lets intruders in");
    assert!(page.ask(json!({"do": "overflow"})).as_u64() > Some(1000));
}
