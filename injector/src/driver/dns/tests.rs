//! Every end a question can have, from servers that answer by script.

mod server;

use std::net::SocketAddr;
use std::time::Duration;

use shared::identity::session_from_bits;
use shared::outcome::{Code, ErrorClass, Outcome};

use self::server::{Script, Server, Spoil, closed_port};
use super::*;
use crate::account::OperationAccount;
use crate::attempt::Seen;
use crate::context::StreamContext;
use crate::driver::dns::judge::Wanted;
use crate::names::Names;
use crate::plan::{Call, Overrides, Plan};
use crate::preflight::System;
use crate::probe;
use crate::scenario::Scenario;

/// Long enough for whatever is to be answered.
const ANSWERED: &str = "10s";
/// How long a silence is listened to.
const SILENCE: &str = "200ms";

const OK: Outcome<ErrorClass> = Outcome::Success(Code::NOERROR);
const AS_ASKED: Outcome<ErrorClass> = Outcome::Success(Code::NONE);

fn no(class: ErrorClass) -> Outcome<ErrorClass> {
    Outcome::Failure(Code::NONE, class)
}

fn wrong(rcode: u16, class: ErrorClass) -> Outcome<ErrorClass> {
    Outcome::Failure(Code::Rcode(rcode), class)
}

fn context(dns: &str, timeout: &str, address: SocketAddr) -> StreamContext<Dns> {
    let text = format!("mix:\n- {{ name: a, rate: 1/s, target: '{address}', timeout: {timeout}, dns: {{ {dns} }} }}\n");
    let scenario = Scenario::parse("test", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let overrides = Overrides { target: Some(address.to_string().parse().unwrap()), ..Overrides::default() };
    let plan =
        Plan::new(&scenario, &overrides, &System::read().unwrap()).unwrap_or_else(|problems| panic!("{problems}"));
    let operation = &plan.operations[0];
    let Call::Dns(call) = &operation.call else { panic!("a DNS call") };
    let identity = IdentityTemplate { source: plan.source, session: session_from_bits(7) };
    probe::context(operation, call, identity, Names::asking(None, operation.timeout).unwrap())
}

async fn once(context: &StreamContext<Dns>, connection: &mut Option<Dns>, seq: u64) -> Seen {
    probe::once(context, connection, seq, true).await
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

/// Asks a server with this script once, and says how it ended and in which words.
async fn asked(dns: &str, timeout: &str, script: Script) -> (Outcome<ErrorClass>, String) {
    let server = Server::start(script).await;
    let seen = once(&context(dns, timeout, server.address), &mut None, 0).await;
    (seen.finished.outcome, seen.words.unwrap_or_default())
}

#[test]
fn an_answer_must_be_what_was_asked() {
    run(async {
        let cases: [(&str, Script, Outcome<ErrorClass>, &str); 23] = [
            ("", Script::good(), OK, ""),
            ("transport: tcp", Script::good(), OK, ""),
            ("case: random", Script::good(), OK, ""),
            ("type: AAAA", Script::good(), OK, ""),
            ("carrier: name", Script::good(), OK, ""),
            ("carrier: name, edns: false", Script::good(), OK, ""),
            ("fault: count=3", Script::good(), OK, ""),
            (
                "fault: count=3",
                Script::good().records(2),
                wrong(0, ErrorClass::Validation),
                "another number of answers",
            ),
            ("fault: rcode=NXDOMAIN", Script::good(), Outcome::Success(Code::Rcode(3)), ""),
            ("", Script::good().rcode(2), wrong(2, ErrorClass::Status), "asked NOERROR over udp, got SERVFAIL"),
            ("fault: rcode=NXDOMAIN", Script::good().rcode(0), wrong(0, ErrorClass::Validation), "asked NXDOMAIN"),
            ("expect: { rcode: [SERVFAIL, NXDOMAIN] }", Script::good().rcode(3), Outcome::Success(Code::Rcode(3)), ""),
            ("expect: { rcode: 3 }", Script::good(), wrong(0, ErrorClass::Validation), "asked NXDOMAIN"),
            ("", Script::good().ttl(9), wrong(0, ErrorClass::Validation), "another time to live"),
            ("expect: { ttl: 9 }", Script::good().ttl(9), OK, ""),
            ("", Script::good().truncated(), wrong(0, ErrorClass::Validation), "truncated"),
            ("", Script::good().unauthoritative(), wrong(0, ErrorClass::Validation), "with the wrong authority"),
            ("fault: fault=noaa", Script::good(), OK, ""),
            ("", Script::good().unmarked(), wrong(0, ErrorClass::Validation), "without the query's id"),
            (
                "",
                Script::good().marked_as("zzzz2345.1"),
                wrong(0, ErrorClass::Validation),
                "the answer to another query",
            ),
            ("fault: ede=22", Script::good(), wrong(0, ErrorClass::Validation), "another extended error"),
            ("", Script::good().bare(1), wrong(1, ErrorClass::Status), "got FORMERR with 0 answers"),
            ("", Script::good().record(1), wrong(0, ErrorClass::Validation), "other records"),
        ];
        for (dns, script, outcome, words) in cases {
            let (got, said) = asked(dns, ANSWERED, script).await;
            assert!(got == outcome && said.contains(words), "{dns}: {got:?} {said}");
        }
    });
}

#[test]
fn a_rule_is_named_in_the_option() {
    run(async {
        let cases = [
            ("", Script::good(), None),
            ("", Script::good().by_rule("slow"), Some("")),
            ("", Script::good().rcode(2).by_rule("bad"), Some(", by the target's rule bad")),
            // The answer over UDP is truncated and asked for again over TCP; both name it.
            ("fallback: true", Script::good().truncated_over_udp().by_rule("slow"), Some("")),
        ];
        for (dns, script, expected) in cases {
            let server = Server::start(script).await;
            let seen = once(&context(dns, ANSWERED, server.address), &mut None, 0).await;
            assert_eq!(seen.finished.by_rule, expected.is_some(), "{dns}");
            assert_eq!(seen.finished.is_declared, expected.is_some(), "{dns}");
            let end = expected.unwrap_or_default();
            assert!(seen.words.unwrap_or_default().ends_with(end), "{dns}");
            assert_eq!(seen.finished.outcome.is_success(), end.is_empty(), "{dns}");
        }
    });
}

#[test]
fn a_plain_server_is_held_to_the_file_alone() {
    run(async {
        let plain = |rest: &str| format!("plain: true, name: example.test.{rest}");
        for (rest, script, outcome, words) in [
            ("", Script::good().unmarked(), OK, ""),
            (", edns: false", Script::good().unmarked(), OK, ""),
            ("", Script::good().ttl(77).unauthoritative(), OK, ""),
            (", expect: { answers: 3, ttl: 77 }", Script::good().records(3).ttl(77), OK, ""),
            (", expect: { answers: 2 }", Script::good(), wrong(0, ErrorClass::Validation), "another number of answers"),
            (
                ", expect: { address: 127.0.0.1 }",
                Script::good(),
                wrong(0, ErrorClass::Validation),
                "without the address",
            ),
            (", expect: { size: 5 }", Script::good(), wrong(0, ErrorClass::Validation), "another size"),
            ("", Script::good().rcode(3), wrong(3, ErrorClass::Status), "got NXDOMAIN"),
            ("", Script::good().truncated(), wrong(0, ErrorClass::Validation), "fallback: true asks again over TCP"),
        ] {
            let (got, said) = asked(&plain(rest), ANSWERED, script).await;
            assert!(got == outcome && said.contains(words), "{rest}: {got:?} {said}");
        }
    });
}

#[test]
fn what_is_not_the_answer_is_passed_over_and_remembered() {
    run(async {
        for (fault, dns, spoil, words) in [
            ("badid", "", server::BAD_ID as Spoil, "1 with another id"),
            ("qr0", "", server::QUERY_BIT, "1 that claimed to be a query"),
            ("badq", "", server::BAD_QUESTION, "1 with another question"),
            ("badcase", "case: random, ", server::BAD_CASE, "1 with the question's letters in another case"),
            ("empty", "", Vec::clear, "1 too short for an id"),
        ] {
            let script = || Script::good().spoilt(spoil);
            let (got, said) = asked(dns.trim_end_matches(", "), SILENCE, script()).await;
            assert!(got == no(ErrorClass::Timeout) && said.contains(words), "{fault}: {got:?} {said}");
            let dns = format!("{dns}fault: fault={fault}");
            assert_eq!(asked(&dns, SILENCE, script()).await.0, AS_ASKED, "{fault}");
            let lost = asked(&dns, SILENCE, Script::silent()).await.0;
            assert_eq!(lost, no(ErrorClass::Timeout), "{fault}: a lost datagram is not what was asked for");
            let good = asked(&dns, ANSWERED, Script::good()).await.0;
            assert_eq!(good, wrong(0, ErrorClass::Validation), "{fault}");
        }
        // The right one may still come.
        let both = Script::good().after(server::BAD_ID);
        assert_eq!(asked("", ANSWERED, both).await.0, OK);
        assert_eq!(asked("fault: fault=drop", SILENCE, Script::silent()).await.0, AS_ASKED);
    });
}

#[test]
fn broken_answers_are_told_apart() {
    run(async {
        let half = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
        let garbage = |bytes: &mut Vec<u8>| bytes[4..6].fill(0xff);
        for (fault, spoil) in [
            ("cut", half as Spoil),
            ("garbage", garbage),
            ("badhead", server::MORE_ANSWERS),
            ("cut(2)", server::ID_ALONE),
        ] {
            for transport in ["udp", "tcp"] {
                let dns = format!("transport: {transport}, fault: fault={fault}");
                assert_eq!(asked(&dns, ANSWERED, Script::good().spoilt(spoil)).await.0, AS_ASKED, "{dns}");
                let plain = format!("transport: {transport}");
                let (got, said) = asked(&plain, ANSWERED, Script::good().spoilt(spoil)).await;
                assert!(
                    got == no(ErrorClass::Protocol) && said.contains("a message that cannot be read"),
                    "{dns}: {got:?} {said}"
                );
            }
        }
        for (fault, script, class) in [
            ("reset", Script::good().resets(), ErrorClass::Reset),
            ("abort", Script::good().closes_half_way(), ErrorClass::Closed),
            ("clen(+5)", Script::good().announces(5), ErrorClass::Closed),
            ("clen(-5)", Script::good().announces(-5), ErrorClass::Protocol),
        ] {
            let dns = format!("transport: tcp, fault: fault={fault}");
            assert_eq!(asked(&dns, ANSWERED, script).await.0, AS_ASKED, "{dns}");
            assert_eq!(asked("transport: tcp", ANSWERED, script).await.0, no(class), "{fault} was not asked for");
            assert_eq!(asked(&dns, ANSWERED, Script::good()).await.0, wrong(0, ErrorClass::Validation), "{dns}");
        }
    });
}

#[test]
fn a_truncated_answer_is_asked_for_again_only_if_the_file_says_so() {
    run(async {
        let server = Server::start(Script::good().truncated_over_udp()).await;
        let truncated = context("fault: fault=tc", ANSWERED, server.address);
        assert_eq!(once(&truncated, &mut None, 0).await.finished.outcome, OK);
        assert_eq!((server.datagrams(), server.connections()), (1, 0), "no hidden second question");

        let again = context("fault: fault=tc, fallback: true", ANSWERED, server.address);
        let seen = once(&again, &mut None, 0).await;
        assert_eq!(seen.finished.outcome, OK, "{:?}", seen.words);
        assert_eq!((server.datagrams(), server.connections()), (2, 1));
        let mut accounts = [OperationAccount::default()];
        again.counter.ledger.take(&mut accounts);
        assert_eq!((accounts[0].sent, accounts[0].fallbacks, accounts[0].connections), (1, 1, 2));
        let plain = context("plain: true, name: example.test., fallback: true", ANSWERED, server.address);
        assert_eq!(once(&plain, &mut None, 0).await.finished.outcome, OK);

        let server = Server::start(Script::good()).await;
        let asked = context("fault: fault=tc, fallback: true", ANSWERED, server.address);
        let seen = once(&asked, &mut None, 0).await;
        assert_eq!(seen.finished.outcome, wrong(0, ErrorClass::Validation));
        assert!(seen.words.unwrap().contains("not truncated"));
    });
}

#[test]
fn a_port_that_is_closed_refuses() {
    run(async {
        let (_held, address) = closed_port();
        for transport in ["udp", "tcp"] {
            let context = context(&format!("transport: {transport}"), ANSWERED, address);
            let mut connection = None;
            let outcome = once(&context, &mut connection, 0).await.finished.outcome;
            assert_eq!(outcome, no(ErrorClass::ConnectRefused), "{transport}");
            assert!(!connection.is_some_and(|port| port.is_reusable()), "{transport}: it leads to nobody");
        }
    });
}

#[test]
fn a_kept_port_passes_over_what_comes_late() {
    run(async {
        let server = Server::start(Script::good().one_behind()).await;
        let context = context("", SILENCE, server.address);
        let mut connection = None;
        let first = once(&context, &mut connection, 0).await;
        assert_eq!(first.finished.outcome, no(ErrorClass::Timeout));
        let port = server.last_port();
        assert!(connection.is_some(), "a port survives a timeout");
        // The answer to the first question arrives with the second's, before it.
        let second = once(&context, &mut connection, 1).await;
        assert_eq!(second.finished.outcome, OK, "{:?}", second.words);
        assert_eq!(server.last_port(), port, "the same port");
        let fresh = once(&context, &mut None, 2).await;
        assert_eq!(fresh.finished.outcome, OK);
        assert_ne!(server.last_port(), port, "a port of its own");
    });
}

#[test]
fn instants_bytes_and_the_targets_time_are_kept() {
    run(async {
        for (transport, connects) in [("udp", false), ("tcp", true)] {
            let server = Server::start(Script::good()).await;
            let seen = once(&context(&format!("transport: {transport}"), ANSWERED, server.address), &mut None, 0).await;
            assert_eq!(seen.finished.outcome, OK, "{:?}", seen.words);
            assert_eq!(seen.finished.server, Some(server::OWN), "{transport}");
            assert!(seen.finished.network.is_some() && seen.finished.sent_bytes > 60, "{transport}");
            assert!(seen.finished.received_bytes > seen.finished.sent_bytes, "{transport}");
            let had = seen.phases.map(|phase| phase.is_some());
            assert_eq!(had, [true, connects, false, true, true, true], "{transport}: {:?}", seen.phases);
            assert_eq!(seen.phases.into_iter().flatten().sum::<Duration>(), seen.finished.service, "{transport}");
        }
    });
}

#[test]
fn a_request_has_an_id_and_letters_of_its_own_drawn_by_its_key() {
    let context = context("case: random", ANSWERED, closed_port().1);
    let query = |seq| Query::new(context.prepared.first(), RequestId { session: context.session, seq }).unwrap().bytes;
    assert_eq!(query(1), query(1), "the same request is the same bytes");
    let distinct: std::collections::HashSet<[u8; 2]> = (0..100).map(|seq| [query(seq)[0], query(seq)[1]]).collect();
    assert!(distinct.len() > 90);
    assert!((0..100).all(|seq| query(seq)[12..30].iter().any(u8::is_ascii_uppercase)));
    assert!((0..100).any(|seq| query(seq)[12..30].iter().any(u8::is_ascii_lowercase)));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), keep in 0..40_usize) {
        let context = context("case: random", ANSWERED, closed_port().1);
        let id = RequestId { session: context.session, seq: 0 };
        let query = Query::new(context.prepared.first(), id).unwrap();
        let mut wanted: Wanted = Dns::want(context.prepared.first(), id);
        // With the head of a right answer, some of them get past the first looks.
        let mut message = query.bytes[..keep.min(query.bytes.len())].to_vec();
        if let Some(flags) = message.get_mut(2) {
            *flags |= 0x80;
        }
        message.extend_from_slice(&bytes);
        let ending = take(&message, &query, &mut wanted, &Marks::default()).unwrap_or(Ending::TimedOut);
        let _ = (Dns::judge(&wanted, &ending), Dns::explain(&wanted, &ending));
    }
}
