//! Figures by server that add up, with a bound on the servers.

use super::*;

fn instance(name: &str) -> Instance {
    Instance::read(name.as_bytes()).unwrap()
}

const RIGHT: Outcome<ErrorClass> = Outcome::Success(Code::Http(200));
const WRONG: Outcome<ErrorClass> = Outcome::Failure(Code::Http(500), ErrorClass::Status);
const CUT: Outcome<ErrorClass> = Outcome::Failure(Code::NONE, ErrorClass::Reset);

#[test]
fn each_answer_is_its_servers() {
    let mut backends = Backends::default();
    for (server, outcome) in [("b", RIGHT), ("a", RIGHT), ("a", WRONG), ("b", CUT), ("c", RIGHT), ("a", RIGHT)] {
        backends.count(Some(&instance(server)), outcome);
    }
    backends.count(None, CUT);
    backends.count(None, WRONG);
    backends.again(Some(&instance("c")));
    backends.again(None);
    let seen = |answered, success, failure| Seen { answered, success, failure };
    let expected = [("a", seen(3, 2, 1)), ("b", seen(1, 1, 1)), ("c", seen(2, 1, 0))];
    let servers: Vec<_> = backends.servers().map(|(name, seen)| (name, *seen)).collect();
    assert_eq!(servers, expected);
    assert_eq!((backends.unnamed(), backends.other()), (seen(2, 0, 1), Seen::default()));

    let mut sum = Backends::default();
    sum.merge(&backends);
    sum.merge(&backends);
    assert_eq!(sum.servers().nth(1).unwrap().1, &seen(2, 2, 2));
    backends.clear();
    sum.merge(&backends);
    assert_eq!(sum.servers().nth(1).unwrap().1, &seen(2, 2, 2), "nothing is counted twice");
    assert!(backends.servers().all(|(_, seen)| seen.is_none()) && backends.servers().count() == 3);
    backends.clear();
    assert_eq!(backends.servers().count(), 0, "who is not heard of is forgotten");
}

#[test]
fn the_servers_are_bounded_and_no_answer_is_lost() {
    let mut sum = Backends::default();
    for round in 0..1000 {
        let mut part = Backends::default();
        part.count(Some(&instance("always")), RIGHT);
        part.count(Some(&instance(&format!("server-{round}"))), RIGHT);
        sum.merge(&part);
        assert!(sum.servers().count() <= SERVERS_MAX);
    }
    let servers = || sum.servers().map(|(_, seen)| seen.answered);
    assert_eq!(servers().sum::<u64>() + sum.other().answered, 2000);
    assert_eq!(sum.servers().find(|(name, _)| *name == "always").unwrap().1.answered, 1000);
    assert!(sum.servers().any(|(name, _)| name == "server-999"), "the newest are kept");
    assert!(sum.servers().map(|(name, _)| name).is_sorted());
}
