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
fn podinfos_switch_puts_both_rules_or_none() {
    let rules = rules();
    let rule = |n: usize| written(json!({ "id": format!("r{n}") }));
    (0..LIVE_MAX - 1).for_each(|n| drop(rules.put(rule(n)).unwrap()));
    assert_eq!(rules.put_shim(true), Err(Refused::TooMany { max: LIVE_MAX }), "there is room for one only");
    assert!(!rules.shim_enabled() && rules.list(None, Some("podinfo")).faults.is_empty());
    rules.remove(&id("r0")).unwrap();
    assert_eq!((rules.put_shim(true), rules.put_shim(true)), (Ok(true), Ok(false)), "written again it needs no more");
    assert_eq!(rules.list(None, None).faults.len(), LIVE_MAX + 1);
    for taken in ["podinfo", "podinfo-grpc"] {
        rules.remove(&id(taken)).unwrap();
        assert!(rules.shim_enabled(), "the other of {taken} still strikes");
        assert_eq!(rules.put_shim(true), Ok(true), "{taken} comes back");
    }
    rules.remove(&id("podinfo")).unwrap();
    assert_eq!((rules.put_shim(false), rules.put_shim(false)), (Ok(true), Ok(false)));
    assert!(!rules.shim_enabled());
}

#[test]
fn nobody_meets_one_of_podinfos_two_rules_alone() {
    let rules = rules();
    std::thread::scope(|scope| {
        for enabled in [true, false, true, false] {
            let rules = &rules;
            scope.spawn(move || (0..200).for_each(|_| assert!(rules.put_shim(enabled).is_ok())));
        }
        for _ in 0..500 {
            let active = rules.list(Some(State::Active), Some("podinfo")).faults.len();
            assert!(active == 0 || active == 2, "{active}");
        }
    });
    rules.put_shim(true).unwrap();
    assert!(rules.shim_enabled());
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
async fn metrics_show_what_lives_then_what_ended_last() {
    let rules = rules();
    let rule = |name: String| drop(rules.put(written(json!({ "id": name, "ttl": "1h" }))).unwrap());
    let shown = || rules.figures().rules.into_iter().map(|figure| figure.rule).collect::<Vec<_>>();
    // By name the newest are neither first nor last.
    for n in 0..100 {
        tokio::time::advance(Duration::from_millis(1)).await;
        let name = format!("{}-{n}", if n % 2 == 0 { "a" } else { "z" });
        rule(name.clone());
        rules.remove(&id(&name)).unwrap();
    }
    (0..10).for_each(|n| rule(format!("live-{n}")));
    let names = shown();
    assert_eq!(names.len(), EXPORTED_MAX);
    assert!(names[..10].iter().all(|name| name.starts_with("live-")), "{names:?}");
    assert_eq!((&*names[10], &*names[11], &*names[63]), ("z-99", "a-98", "a-46"));
    (10..LIVE_MAX).for_each(|n| rule(format!("live-{n}")));
    assert!(shown().len() == EXPORTED_MAX && shown().iter().all(|name| name.starts_with("live-")));
    assert_eq!(rules.figures().active, LIVE_MAX);
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
