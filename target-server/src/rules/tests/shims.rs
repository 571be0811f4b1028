//! Rules that nobody writes.

use prometheus::{Registry, TextEncoder};
use shared::red::rules::RuleRed;

use super::*;

#[tokio::test(start_paused = true)]
async fn podinfos_switch_is_a_rule_that_heals() {
    let rules = rules();
    assert!(!rules.shim_enabled());
    assert_eq!(rules.put_shim(false), Ok(false));
    assert_eq!(rules.put_shim(true), Ok(true));
    assert_eq!(rules.put_shim(true), Ok(false));
    assert!(rules.shim_enabled());
    let struck = rules.strike(&plain(), || "k", 0).unwrap();
    assert_eq!(struck.fault.to_string(), "status=500");
    assert_eq!(struck.rule.instead(), Some("{\"status\":\"fault injection enabled\"}\n"));
    assert_eq!((struck.rule.source(), struck.rule.overrides_request()), ("rule", false));
    let view = rules.get(&id("podinfo")).unwrap();
    assert_eq!((view.rule.owner.as_deref(), view.expires_in_seconds), (Some("podinfo"), Some(900.0)));
    tokio::time::advance(Duration::from_secs(900)).await;
    assert!(!rules.shim_enabled() && !is_struck(&rules));
    rules.put_shim(true).unwrap();
    assert_eq!(rules.put_shim(false), Ok(true));
    assert!(!rules.shim_enabled());
}

#[test]
fn what_a_flag_asks_for_stays_and_is_asked_last() {
    let rules = rules();
    rules.stand("random-error", "--random-error", &[Protocol::Http, Protocol::Http2], "status=500", Some("x")).unwrap();
    let refused = Refused::Standing { id: id("random-error"), flag: "--random-error" };
    assert_eq!(rules.remove(&id("random-error")).unwrap_err(), refused);
    assert_eq!(rules.renew(&id("random-error"), Duration::from_secs(5)).unwrap_err(), refused);
    assert_eq!(rules.put(written(json!({ "id": "random-error" }))).unwrap_err(), refused);
    assert_eq!((rules.reset(), rules.remove_owned("flags")), (0, 0));
    let view = rules.get(&id("random-error")).unwrap();
    assert_eq!((view.source, view.state, view.expires_at), ("flag", State::Active, None));
    assert_eq!(view.rule.owner.as_deref(), Some("flags"));
    let struck = rules.strike(&plain(), || "k", 0).unwrap();
    assert_eq!((struck.rule.source(), struck.rule.instead()), ("flag", Some("x")));
    rules.put(written(json!({ "priority": 0 }))).unwrap();
    assert_eq!(fate(&rules, "k").as_deref(), Some("status=503"));
    assert!(rules.stand("x", "--x", &[Protocol::Grpc], "status=500", None).is_err(), "gRPC has no such status");
}

#[tokio::test(start_paused = true)]
async fn metrics_name_the_rules_that_are_known() {
    let rules = rules();
    let figures = Arc::clone(&rules);
    let registry = Registry::new();
    registry.register(Box::new(RuleRed::new(move || figures.figures()))).unwrap();
    let scrape = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    rules.put(written(json!({}))).unwrap();
    rules.strike(&plain(), || "k", 0).unwrap().rule.injected();
    is_struck(&rules);
    let has = |text: &str, start: &str| {
        text.lines()
            .any(|line| line.strip_prefix("continuous_load_server_").is_some_and(|line| line.starts_with(start)))
    };
    let lines = scrape();
    for start in [
        "fault_rules_active 1",
        "fault_rule_hits_total{rule=\"one\"} 2",
        "fault_rule_injected_total{rule=\"one\"} 1",
        "fault_rule_expiry_timestamp_seconds{rule=\"one\"}",
        "faults_enabled 1",
    ] {
        assert!(has(&lines, start), "{start} in {lines}");
    }
    rules.switch(false, None).unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    let lines = scrape();
    assert!(has(&lines, "fault_rules_active 0") && has(&lines, "faults_enabled 0"), "{lines}");
    assert!(has(&lines, "fault_rule_hits_total") && !has(&lines, "fault_rule_expiry"), "{lines}");
    tokio::time::advance(REMEMBERED).await;
    assert!(!has(&scrape(), "fault_rule_hits_total"));
}
