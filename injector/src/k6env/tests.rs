//! Jobs of k6 and the scenarios they become.

use super::{Translated, translate};
use crate::plan::{ConnectionPolicy, Overrides, Plan};
use crate::preflight::{System, TimeWaitReuse};
use crate::scenario::Scenario;

const SYSTEM: System =
    System { port_first: 32_768, port_last: 60_999, time_wait_reuse: TimeWaitReuse::Loopback, descriptors: 1_024 };

/// The chart's own default.
const DEFAULT: &str = "[{\"method\":\"GET\",\"url\":\"http://continuous-load-podinfo.continuous-load.svc.cluster.local:9898/status/200\",\
                       \"params\":{\"tags\":{\"type\":\"service\"}}}]";

fn translated(variables: &[(&str, &str)]) -> Result<Translated, String> {
    translate(&|name| variables.iter().find(|(held, _)| *held == name).map(|(_, value)| (*value).to_owned()))
}

fn plan(translated: &Translated) -> Plan {
    let scenario = Scenario::parse("env", &translated.text).unwrap_or_else(|problems| panic!("{problems}"));
    Plan::new(&scenario, &Overrides::default(), &SYSTEM).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_old_default_is_a_scenario() {
    let translated = translated(&[("LOAD_TARGET_SERVICE", DEFAULT), ("REQ_PER_SECOND", "5")]).unwrap();
    assert_eq!(translated.notes, Vec::<String>::new());
    let plan = plan(&translated);
    let [operation] = plan.operations.as_slice() else { panic!("one operation") };
    assert_eq!((operation.name.as_str(), operation.rate.to_string().as_str()), ("service", "5/s"));
    assert_eq!(operation.endpoint.to_string(), "continuous-load-podinfo.continuous-load.svc.cluster.local:9898");
    // Nobody has named another host.
    assert_eq!(plan.admin.to_string(), "continuous-load-podinfo.continuous-load.svc.cluster.local:9797");
    assert_eq!(operation.call.http().unwrap().path, "/status/200");
    assert!(operation.call.http().unwrap().is_plain);
    assert!(matches!(operation.connection, ConnectionPolicy::Pooled { connections } if connections.get() == 20));
    assert_eq!(operation.timeout.as_secs(), 60);
}

#[test]
fn everything_a_request_may_say_is_kept() {
    let requests = r#"["http://a/$x?y=1#z", ["POST", "https://[::1]:8443", "a${b}", {"headers": {"X-A": 1}, "timeout": 500}],
        {"url": "http://b:81?q", "params": {"cookies": {"s": "1", "t": "2"}, "timeout": "5s", "tags": {"type": "Over Ingress"}}},
        {"method": "GET", "url": "http://c/", "params": {"tags": {"type": "Over Ingress"}, "redirects": 5, "responseType": "none"}}]"#;
    let translated = translated(&[
        ("LOAD_TARGET_SERVICE", requests),
        ("TAGS", "{\"team\": \"payments\", \"n\": 7}"),
        ("SLEEP", "1"),
        ("K6_OUT", "statsd"),
    ]);
    let translated = translated.unwrap();
    let plan = plan(&translated);
    let told: Vec<String> = plan
        .operations
        .iter()
        .map(|one| {
            let call = one.call.http().unwrap();
            let body = String::from_utf8(call.body.bytes()).unwrap();
            let tls = if one.tls.is_some() { "tls " } else { "" };
            format!(
                "{} {tls}{} {} {} {:?} {body} {:?}",
                one.name.as_str(),
                one.endpoint,
                call.method,
                call.path,
                call.headers,
                one.timeout
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "request-1 a:80 GET /$x?y=1 []  60s",
            "request-2 tls [::1]:8443 POST / [(\"X-A\", \"1\")] a${b} 500ms",
            "over-ingress b:81 GET /?q [(\"cookie\", \"s=1; t=2\")]  5s",
            "over-ingress-4 c:80 GET / []  60s",
        ]
    );
    assert_eq!(translated.tags.as_deref(), Some("n=7,team=payments"));
    for words in ["SLEEP has no effect", "K6_OUT has no effect", "request 4: params.redirects has no effect"] {
        assert!(translated.notes.iter().any(|note| note.contains(words)), "{words}: {:?}", translated.notes);
    }
}

#[test]
fn what_cannot_be_translated_is_named_all_at_once() {
    for (variables, words) in [
        (&[][..], "LOAD_TARGET_SERVICE is not set"),
        (&[("LOAD_TARGET_SERVICE", "[")], "LOAD_TARGET_SERVICE: EOF"),
        (&[("LOAD_TARGET_SERVICE", "[]")], "[] is no list of requests"),
        (
            &[("LOAD_TARGET_SERVICE", "[{\"uri\": 1}]")],
            "request 1: unknown key \"uri\"; keys here: method, url, body, params",
        ),
        (&[("LOAD_TARGET_SERVICE", "[\"ftp://a\"]")], "begins with neither http:// nor https://"),
        (&[("LOAD_TARGET_SERVICE", "[\"http://u:p@a\"]")], "has a user in it"),
        (&[("LOAD_TARGET_SERVICE", "[\"http:///x\"]")], "has no host"),
        (
            &[("LOAD_TARGET_SERVICE", "[[\"GET\", \"http://a\", null, {\"auth\": \"ntlm\"}]]")],
            "params.auth cannot be translated",
        ),
        (&[("LOAD_TARGET_SERVICE", "[[\"POST\", \"http://a\", {\"a\": 1}]]")], "would be sent as a form"),
        (&[("LOAD_TARGET_SERVICE", DEFAULT), ("REQ_PER_SECOND", "0")], "REQ_PER_SECOND: \"0\" is no rate"),
        (&[("LOAD_TARGET_SERVICE", DEFAULT), ("REQ_PER_SECOND", "2.5")], "expected a whole number"),
        (&[("LOAD_TARGET_SERVICE", DEFAULT), ("TAGS", "[]")], "TAGS: [] is no object"),
        (&[("LOAD_TARGET_SERVICE", DEFAULT), ("TAGS", "{\"a\": []}")], "TAGS: \"a\" is no text"),
        (&[("LOAD_TARGET_SERVICE", DEFAULT), ("THRESHOLDS", "[{\"a\": []}]")], "and k6 refuses it too"),
    ] {
        let said = translated(variables).unwrap_err();
        assert!(said.contains(words), "{variables:?}: {said}");
    }
    let said = translated(&[("REQ_PER_SECOND", "x"), ("TAGS", "7")]).unwrap_err();
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn a_metric_without_expressions_judges_nothing_and_is_told() {
    for (text, kept) in [("{\"checks\": []}", 0), ("{\"checks\": [], \"http_req_failed\": [\"rate<0.01\"]}", 1)] {
        let translated = translated(&[("LOAD_TARGET_SERVICE", DEFAULT), ("THRESHOLDS", text)]).unwrap();
        assert_eq!(translated.notes, ["THRESHOLDS: checks has no effect: its list is empty"], "{text}");
        assert_eq!(plan(&translated).thresholds.len(), kept, "{text}");
    }
}

#[test]
fn thresholds_go_where_they_are_known() {
    let text = "{\"http_req_failed\": [\"rate<0.01\"], \"http_req_duration\": [\"p(95)<200\"]}";
    let translated = translated(&[("LOAD_TARGET_SERVICE", DEFAULT), ("THRESHOLDS", text)]).unwrap();
    let is_written = translated.text.contains("thresholds:\n  \"http_req_duration\": [\"p(95)<200\"]\n");
    let is_noted = translated.notes.iter().any(|note| note.starts_with("THRESHOLDS has no effect"));
    assert!(is_written != is_noted, "{translated:?}");
    plan(&translated);
}
