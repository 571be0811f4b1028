//! The two programs in network namespaces of their own, at the ends of a wire that loses, doubles and overtakes packets,
//! and that is cut for a while.

use super::pair::{Ended, Injector, RATE, Target, number};
use super::wire::{CUT, Weather, Wire};

/// A target at the far end, an injector at the near one.
fn pair(wire: &Wire, more: &[&str]) -> (Target, Injector) {
    let target = wire.far.inside(|| Target::on(wire.far.address, None, &[]));
    let injector = wire.near.inside(|| Injector::mixed(&target, more));
    (target, injector)
}

/// What the wire did to the echoes over UDP is exactly what the injector says of them.
fn echoes_are_told_exactly(wire: &Wire, ended: &Ended) {
    let (echoes, told) = (wire.echoes(), ended.operation("datagram"));
    let (client, server) = (&told["client"], &told["server"]);
    let count = |which: fn(&super::wire::Echo) -> bool| echoes.values().filter(|echo| which(echo)).count() as u64;
    let lost = count(|echo| echo.arrived == 0);
    let unanswered = count(|echo| echo.arrived > 0 && echo.came_back == 0);
    let arrived: u64 = echoes.values().map(|echo| echo.arrived).sum();
    let fates = &client["unanswered"];
    assert_eq!(number(client, "sent"), echoes.len() as u64, "{}", ended.text);
    assert_eq!(number(server, "received"), arrived, "{}", ended.text);
    assert_eq!(number(server, "duplicates"), arrived - (echoes.len() as u64 - lost), "{}", ended.text);
    assert_eq!(number(fates, "unknown"), 0, "everybody could be asked: {fates}");
    assert_eq!(number(fates, "request_lost"), lost, "{fates}");
    // A slow machine may make more answers late; the wire lost these.
    assert!(number(fates, "response_lost") >= unanswered, "{fates}, {unanswered} lost on the wire");
}

#[test]
fn every_loss_of_a_bad_wire_has_its_fate() {
    let Some(wire) = Wire::start() else { return };
    let (_target, injector) = pair(&wire, &["--timeout", "2s"]);
    wire.near.inside(|| injector.until_more("success", RATE));
    wire.set(Weather { lost: 20, doubled: 5, overtaken: 10 });
    wire.near.inside(|| injector.until_more("failure", 10));
    wire.near.inside(|| injector.until_more("success", RATE));
    // What happened is asked in good weather again: this is about the fates of requests, not of questions.
    wire.set(Weather::default());
    let ended = injector.stopped();
    ended.is_sound();
    echoes_are_told_exactly(&wire, &ended);
    assert_eq!(ended.doubt("restarted"), 0, "{}", ended.text);
}

#[test]
fn a_wire_that_is_cut_and_mended_leaves_nothing_without_a_fate() {
    let Some(wire) = Wire::start() else { return };
    let (_target, injector) = pair(&wire, &[]);
    wire.near.inside(|| injector.until_more("success", RATE));
    wire.set(CUT);
    // Three seconds of it.
    wire.near.inside(|| injector.until_more("failure", 3 * RATE));
    wire.set(Weather::default());
    wire.near.inside(|| injector.until_well());
    let ended = injector.stopped();
    assert_eq!(ended.exit, Some(0), "{}", ended.text);
    ended.is_sound();
    assert!(ended.fate("request_lost") > 0, "{}", ended.text);
    assert_eq!(ended.doubt("restarted"), 0, "it is the same process: {}", ended.text);
    echoes_are_told_exactly(&wire, &ended);
}
