//! Time: when a rule begins and ends, how long it is remembered, what is told of it.

use tokio::time::advance;

use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn state(rules: &Rules) -> Option<(State, Option<&'static str>)> {
    rules.get(&id("one")).map(|view| (view.state, view.ended_by))
}

#[tokio::test(start_paused = true)]
async fn a_rule_ends_by_itself_and_is_remembered_for_a_while() {
    let rules = rules();
    let (is_new, view) = rules.put(written(json!({ "ttl": "10s" }))).unwrap();
    assert!(is_new && view.expires_in_seconds == Some(10.0) && view.state == State::Active);
    rules.strike(&plain(), || "k", 0).unwrap().rule.injected();
    advance(seconds(9)).await;
    assert!(is_struck(&rules));
    advance(seconds(1)).await;
    assert!(!is_struck(&rules), "nobody had to look");
    assert_eq!(state(&rules), Some((State::Expired, Some("ttl"))));
    assert!(rules.is_empty());
    assert_eq!(rules.renew(&id("one"), seconds(5)).unwrap_err(), Refused::NotFound(id("one")));
    assert_eq!(rules.remove(&id("one")), Ok(false));
    advance(REMEMBERED - seconds(1)).await;
    let view = rules.get(&id("one")).unwrap();
    assert_eq!((view.hits, view.injected, view.expires_in_seconds), (2, 1, Some(0.0)));
    advance(seconds(1)).await;
    assert_eq!(state(&rules), None);
    assert!(rules.figures().rules.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rule_lives_on_while_it_is_renewed() {
    let rules = rules();
    rules.put(written(json!({ "ttl": "10s" }))).unwrap();
    for _ in 0..5 {
        advance(seconds(9)).await;
        assert_eq!(rules.renew(&id("one"), seconds(10)).unwrap().expires_in_seconds, Some(10.0));
    }
    advance(seconds(9)).await;
    let (is_new, view) = rules.put(written(json!({ "ttl": "20s", "owner": "me" }))).unwrap();
    assert!(!is_new && view.hits == 0 && view.rule.owner.as_deref() == Some("me"));
    assert!(is_struck(&rules));
    advance(seconds(19)).await;
    assert!(is_struck(&rules));
    for bad in [Duration::from_millis(999), TTL_MAX + seconds(1)] {
        assert!(matches!(rules.renew(&id("one"), bad), Err(Refused::Invalid(_))), "{bad:?}");
    }
    advance(seconds(1)).await;
    assert!(!is_struck(&rules));
    let renewed = kinds(&rules).into_iter().filter(|kind| *kind == EventKind::Renewed).count();
    assert_eq!(renewed, 6);
}

#[tokio::test(start_paused = true)]
async fn the_same_rule_again_keeps_its_counts_and_another_begins_anew() {
    let rules = rules();
    rules.put(written(json!({ "percent": 100 }))).unwrap();
    assert!(is_struck(&rules));
    let generation = rules.generation();
    assert_eq!(rules.put(written(json!({ "percent": 100.0, "reason": "x" }))).unwrap().1.hits, 1);
    assert_eq!(rules.generation(), generation, "nothing else strikes");
    let (is_new, view) = rules.put(written(json!({ "percent": 99 }))).unwrap();
    assert_eq!((is_new, view.hits), (false, 0));
    assert_ne!(rules.generation(), generation);
    assert_eq!(kinds(&rules)[..], [EventKind::Installed, EventKind::FirstHit, EventKind::Renewed, EventKind::Replaced]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_waits_for_its_start_and_its_ramp_begins_there() {
    let rules = rules();
    let rule = json!({ "ttl": "100s", "start_after": "10s", "ramp": { "from": 0, "over": "50s" } });
    rules.put(written(rule.clone())).unwrap();
    assert_eq!(state(&rules), Some((State::Pending, None)));
    advance(seconds(9)).await;
    assert!(!is_struck(&rules));
    rules.put(written(rule)).unwrap();
    advance(seconds(1)).await;
    assert_eq!(state(&rules), Some((State::Active, None)), "the same rule again does not start over");
    let struck = || (0..2000).filter(|n| fate(&rules, &n.to_string()).is_some()).count();
    assert_eq!(struck(), 0);
    advance(seconds(25)).await;
    let half = struck();
    assert!((900..1100).contains(&half), "{half}");
    advance(seconds(25)).await;
    assert_eq!(struck(), 2000);
}

#[tokio::test(start_paused = true)]
async fn the_switch_holds_everything_back_until_its_time_is_over() {
    let rules = rules();
    rules.put(written(json!({}))).unwrap();
    assert!(rules.switch(true, None).unwrap().enabled, "it was on, and nothing happened");
    assert!(!rules.switch(false, Some(seconds(30))).unwrap().enabled);
    assert!(!is_struck(&rules) && !rules.is_enabled());
    assert_eq!(rules.get(&id("one")).unwrap().hits, 0, "nobody is asked");
    advance(seconds(29)).await;
    assert_eq!(rules.switch_view().expires_in_seconds, Some(1.0));
    let generation = rules.generation();
    advance(seconds(1)).await;
    assert!(rules.is_enabled() && is_struck(&rules), "nobody had to look");
    let view = rules.switch_view();
    assert!(view.enabled && view.expires_at.is_none());
    assert_ne!(rules.generation(), generation);
    assert!(!rules.switch(false, None).unwrap().enabled);
    advance(seconds(20)).await;
    assert!(!rules.is_enabled(), "without a time it stays off");
    assert!(rules.switch(true, None).unwrap().enabled);
    let switched = kinds(&rules).into_iter().filter(|kind| *kind == EventKind::Switched).count();
    assert_eq!(switched, 4);
    for (enabled, ttl) in [(true, seconds(5)), (false, Duration::ZERO), (false, TTL_MAX + seconds(1))] {
        assert!(matches!(rules.switch(enabled, Some(ttl)), Err(Refused::Invalid(_))), "{enabled} {ttl:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_the_rules_notices_every_end_on_time() {
    let rules = rules();
    let keeper = tokio::spawn(Arc::clone(&rules).keep());
    let settled = async || tokio::time::sleep(Duration::from_millis(2)).await;
    rules.put(written(json!({ "ttl": "10s", "start_after": "5s" }))).unwrap();
    let mut generation = rules.generation();
    let mut changed = || std::mem::replace(&mut generation, rules.generation()) != rules.generation();
    tokio::time::sleep(seconds(5)).await;
    settled().await;
    assert!(changed(), "it began");
    tokio::time::sleep(seconds(5)).await;
    settled().await;
    assert!(changed() && rules.is_empty(), "it ended");
    rules.switch(false, Some(seconds(3))).unwrap();
    assert!(changed());
    tokio::time::sleep(seconds(3)).await;
    settled().await;
    assert!(changed(), "faults are on again");
    rules.put(written(json!({ "id": "two", "max_hits": 1 }))).unwrap();
    assert!(changed());
    rules.strike(&plain(), || "k", 0).unwrap().rule.injected();
    settled().await;
    assert!(changed() && rules.is_empty(), "it was used up");
    keeper.abort();
}

#[tokio::test(start_paused = true)]
async fn rules_are_bounded_alive_and_in_memory() {
    let rules = rules();
    let rule = |n: usize| written(json!({ "id": format!("r{n}") }));
    for n in 0..LIVE_MAX {
        rules.put(rule(n)).unwrap();
    }
    assert_eq!(rules.put(rule(64)).unwrap_err(), Refused::TooMany { max: LIVE_MAX });
    assert_eq!(rules.add(rule(64)).unwrap_err(), Refused::TooMany { max: LIVE_MAX });
    assert!(rules.put(rule(63)).is_ok(), "one that lives may be written again");
    assert_eq!(rules.add(rule(63)).unwrap_err(), Refused::Exists(id("r63")));
    assert_eq!(rules.reset(), LIVE_MAX);
    for n in 0..ENDED_MAX + 10 {
        advance(Duration::from_millis(1)).await;
        rules.put(rule(n)).unwrap();
        assert_eq!(rules.remove(&id(&format!("r{n}"))), Ok(true));
    }
    let ended = rules.list(Some(State::Removed), None);
    assert_eq!(ended.faults.len(), ENDED_MAX);
    assert!(rules.get(&id("r9")).is_none() && rules.get(&id("r10")).is_some(), "the oldest go first");
    let events = rules.events(0);
    assert!(events.missed || events.events.len() < EVENTS_MAX);
    for _ in 0..EVENTS_MAX {
        rules.switch(false, None).unwrap();
    }
    let events = rules.events(0);
    assert!(events.missed && events.events.len() == EVENTS_MAX);
    let last = rules.events(events.revision - 1);
    assert!(!last.missed && last.events.len() == 1 && last.events[0].kind == EventKind::Switched);
    assert!(rules.events(events.revision).events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn owners_remove_what_is_theirs() {
    let rules = rules();
    for (name, owner) in [("a", "x"), ("b", "x"), ("c", "y")] {
        rules.put(written(json!({ "id": name, "owner": owner }))).unwrap();
    }
    assert_eq!(rules.list(None, Some("x")).faults.len(), 2);
    assert_eq!(rules.remove_owned("x"), 2);
    assert_eq!(rules.remove_owned("x"), 0);
    assert_eq!(rules.list(Some(State::Active), None).faults.len(), 1);
    assert_eq!(rules.list(Some(State::Removed), Some("x")).faults.len(), 2);
    let named = rules.add(written(json!({ "id": null }))).unwrap().rule.id.unwrap();
    assert!(rules.get(&id(&named)).is_some(), "{named}");
}
