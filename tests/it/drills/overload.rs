//! More than one side can do: what is not sent is dropped and counted, what is refused is counted, and the rest agrees.

use super::pair::{Injector, Target, number, own_address};

/// Eighty requests a second, each of which takes half a second, where so few may be under way.
const TOO_SLOW: &str = "
target: '{http}'
rate: 80/s
timeout: 2s
mix:
  - { name: limit, weight: 1, connection: fresh, http: { fault: delay=500ms } }
  - { name: busy, weight: 1, connection: pooled(2), http: { fault: delay=500ms } }
";

#[test]
fn an_injector_that_may_not_do_more_drops_the_rest_and_says_so() {
    let target = Target::start();
    let scenario = TOO_SLOW.replace("{http}", &target.at.http.to_string());
    let admin = target.at.admin.to_string();
    let ended = Injector::start(&scenario, &admin, &["--for", "4s", "--max-in-flight", "16"]).ended();
    ended.is_sound();
    assert_eq!(ended.total("planned"), 320, "{}", ended.text);
    // Sixteen at a time do thirty-two requests a second, of eighty that are wanted; two connections do four of forty.
    assert!(ended.total("dropped_limit") + ended.total("dropped_late") >= 80, "{}", ended.text);
    assert!(ended.total("dropped_limit") > 0, "{}", ended.text);
    assert_eq!(ended.fate("request_lost"), 0, "what was not sent was not lost: {}", ended.text);
    assert_eq!(ended.exit, Some(98), "the plan was not kept: {}", ended.text);
}

#[test]
fn a_target_that_is_full_refuses_and_both_sides_know_it() {
    // The admin port is never full. Twenty connections would be open at once.
    let target = Target::on(own_address(), None, &["--max-connections", "8"]);
    let scenario = TOO_SLOW.replace("{http}", &target.at.http.to_string());
    let ended = Injector::start(&scenario, &target.at.admin.to_string(), &["--for", "4s"]).ended();
    ended.is_sound();
    assert_eq!(ended.total("planned"), 320, "{}", ended.text);
    let (client, server) = (&ended.operation("limit")["client"], &ended.operation("limit")["server"]);
    let refused = number(client, "failure");
    assert!(refused > 0 && number(client, "success") > 0, "{}", ended.text);
    assert_eq!(number(client, "sent") - number(server, "received"), refused, "{}", ended.text);
    assert_eq!(ended.fate("response_lost"), 0, "a refusal is no lost answer: {}", ended.text);
}
