//! Either program, or both, halted (SIGSTOP), killed (SIGKILL) and begun anew, while all protocols are under way.

use serde_json::Value;
use shared::account::{Account, path};

use super::pair::{Ended, Injector, RATE, Target, until};
use crate::fixture::run;
use crate::process::get;

/// Halts are longer than the timeout and shorter than the questions about a request go on.
const HALT: std::time::Duration = std::time::Duration::from_millis(1500);

/// The one thing that no figure shows: a halted process has none.
fn pause() {
    run(async { tokio::time::sleep(HALT).await });
}

#[test]
fn a_halted_target_loses_answers_and_explains_each() {
    let target = Target::start();
    let injector = Injector::mixed(&target, &[]);
    injector.until_more("success", RATE);
    target.process.signal("STOP");
    injector.until_more("failure", 50);
    target.process.signal("CONT");
    injector.until_well();
    let ended = injector.stopped();
    assert_eq!(ended.exit, Some(0), "{}", ended.text);
    ended.is_sound();
    assert!(ended.fate("request_lost") + ended.fate("response_lost") > 0, "it can be asked again: {}", ended.text);
    assert_eq!(ended.doubt("restarted"), 0, "it is the same process: {}", ended.text);
    // What waited in its sockets was read late, and was neither forgotten nor counted twice.
    until("it has nothing in flight", || match target.metric("continuous_load_server_inflight_requests") {
        0.0 => Ok(()),
        left => Err(left),
    });
}

#[test]
fn a_killed_target_that_comes_back_leaves_unknown_fates_and_a_reason() {
    let target = Target::start();
    let injector = Injector::mixed(&target, &[]);
    injector.until_more("success", RATE);
    let target = target.killed_and_begun_anew();
    injector.until_well();
    let ended = injector.stopped();
    assert_eq!(ended.exit, Some(0), "{}", ended.text);
    ended.is_sound();
    assert!(ended.text.contains("a process of the target is gone"), "{}", ended.text);
    assert!(ended.operations().iter().all(|operation| operation["difference"]["restarted"] == true), "{}", ended.text);
    // Whatever had no answer before the new one was there, nobody can decide any more: some took their time there.
    assert!(ended.doubt("restarted") > 0, "{}", ended.text);
    assert_eq!(ended.fate("unknown"), ended.doubt("restarted"), "{}", ended.text);
    drop(target);
}

#[test]
fn a_target_that_stays_away_leaves_no_request_without_a_fate() {
    let target = Target::start();
    let injector = Injector::mixed(&target, &["--for", "4s"]);
    injector.until_more("success", RATE);
    target.process.signal("KILL");
    let ended = injector.ended();
    ended.planned_all(4);
    let unanswered = &ended.json["total"]["unanswered"];
    assert!(ended.doubt("unreachable") > 0, "{unanswered}");
    assert_eq!(ended.fate("unknown"), ended.doubt("unreachable"), "{unanswered}");
    assert_eq!(ended.fate("unknown"), unanswered["total"].as_u64().unwrap(), "nobody is there to ask: {unanswered}");
    assert!(ended.json["target_error"].is_string(), "{}", ended.text);
    let reasons = ended.json["verdict"]["reasons"].as_array().unwrap();
    let words = "the two sides were not compared: ";
    let said = reasons.iter().filter(|reason| reason.as_str().unwrap().starts_with(words));
    assert_eq!(said.count(), 1, "once, not for each operation: {reasons:?}");
    for operation in ended.operations() {
        assert_eq!(operation["difference"], Value::Null, "without an account nothing is claimed");
    }
}

#[test]
fn a_halted_injector_skips_what_it_missed_and_sends_no_flood() {
    let target = Target::start();
    let injector = Injector::mixed(&target, &["--for", "6s"]);
    injector.until_more("success", RATE);
    injector.process.signal("STOP");
    pause();
    injector.process.signal("CONT");
    let ended = injector.ended();
    ended.is_sound();
    ended.planned_all(6);
    // Half a second of the halt, the timeout, may be made up for; the rest of it is skipped, for each request its own.
    let skipped = ended.total("dropped_late");
    assert!(skipped >= RATE / 2, "{skipped} skipped: {}", ended.text);
    assert_eq!(ended.exit, Some(98), "a generator that missed so much says so: {}", ended.text);
    assert!(ended.fate("request_lost") == 0 && ended.doubt("restarted") == 0, "nothing was lost: {}", ended.text);
}

#[test]
fn a_killed_injector_leaves_its_account_and_the_next_one_starts_from_nothing() {
    let target = Target::start();
    let mut injector = Injector::mixed(&target, &[]);
    let line = injector.process.line_with("; session ");
    let session = line.split("; session ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    injector.until_more("success", RATE);
    let successes = injector.results("success");
    injector.process.signal("KILL");
    injector.process.end();
    until("the target has nothing in flight", || match target.metric("continuous_load_server_inflight_requests") {
        0.0 => Ok(()),
        left => Err(left),
    });
    let account = || -> Account { serde_json::from_str(&get(target.at.admin, &path(session))).unwrap() };
    let received: u64 = account().operations.values().map(|operation| operation.received).sum();
    assert!(received >= successes, "{received} received of at least {successes}");
    let next = Injector::mixed(&target, &["--for", "2s"]).ended();
    next.is_sound();
    agrees(&next);
    assert_ne!(next.session(), session.as_str());
    let after: u64 = account().operations.values().map(|operation| operation.received).sum();
    assert_eq!(after, received, "the old session is as it was");
}

#[test]
fn both_halted_together_go_on_together() {
    let target = Target::start();
    let injector = Injector::mixed(&target, &["--for", "6s"]);
    injector.until_more("success", RATE);
    injector.process.signal("STOP");
    target.process.signal("STOP");
    pause();
    target.process.signal("CONT");
    injector.process.signal("CONT");
    let ended = injector.ended();
    ended.is_sound();
    ended.planned_all(6);
    assert!(ended.total("dropped_late") >= RATE / 2, "{}", ended.text);
    assert_eq!(ended.doubt("restarted"), 0, "{}", ended.text);
}

/// Nothing happened, so both sides must say the same without any explanation.
fn agrees(ended: &Ended) {
    for operation in ended.operations() {
        let differs = ["received", "answered"].map(|key| operation["difference"][key].as_i64().unwrap());
        assert_eq!(differs, [0, 0], "{}: {}", operation["name"], ended.text);
    }
}
