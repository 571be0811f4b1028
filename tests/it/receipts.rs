//! The target says of every request with a number whether it arrived, and whether twice, whatever protocol it came in.

use std::net::SocketAddr;

use shared::account::Account;
use shared::carrier::dns::ok_name;
use shared::identity::{Identity, Name, RequestId, Session};
use shared::protocol::Protocol;
use shared::receipt::{FROM_NONE, Receipt, Receipts, SEQS_MAX, path};
use target_server::Config;

use crate::fixture::{RunningTarget, run};
use crate::metrics::metric;
use crate::process::get;
use crate::rules::admin::Admin;
use crate::rules::ask::{Seen, ask, ask_as};
use crate::rules::dns;

/// As long as sessions are, which the names of DNS rely on.
const SESSION: &str = "7mo6bn72";
const SOURCE: &str = "team-a/nightly";

fn session() -> Session {
    SESSION.parse().unwrap()
}

/// A request of the operation that is named after its protocol.
fn request(operation: &str, seq: u64) -> Identity {
    let id = RequestId { session: session(), seq };
    Identity { source: SOURCE.parse().unwrap(), operation: operation.parse().unwrap(), id }
}

fn receipts(admin: SocketAddr, operation: &str, seqs: &[u64]) -> Receipts {
    serde_json::from_str(&get(admin, &path(session(), operation.parse::<Name>().unwrap(), seqs))).unwrap()
}

/// How many requests of a protocol's operation arrived so.
fn counts(metrics: &str, protocol: Protocol) -> [f64; 3] {
    ["unique", "duplicate", "late"].map(|event| {
        let received = metric("continuous_load_server_received_total").label("source", SOURCE).label("event", event);
        received.label("protocol", protocol.as_str()).label("operation", protocol.as_str()).sum_in(metrics)
    })
}

#[test]
fn what_arrived_once_twice_or_never_is_told_apart_on_every_protocol() {
    run(async {
        let target = RunningTarget::start();
        for protocol in Protocol::ALL {
            let operation = protocol.as_str();
            for seq in [0, 3, 3, 70_000, 1] {
                let seen = ask_as(protocol, &target.addresses, request(operation, seq)).await;
                assert_eq!(seen, Seen::plain(protocol), "{operation}: nobody sees that there are receipts");
            }
            let said = receipts(target.admin, operation, &[1, 3, 69_999, 70_000, 70_001]);
            assert_eq!([1, 3, 69_999, 70_000, 70_001].map(|seq| said.of(seq)), {
                let (arrived, not) = (Receipt::Arrived, Receipt::NotArrived);
                [Receipt::Unknown, Receipt::Unknown, not, arrived, not]
            });
            assert_eq!((said.seen, said.duplicate), (vec![70_000], Vec::new()), "{operation}");
            assert!(
                (4400..=4600).contains(&said.from),
                "{operation}: the ring reaches back 65 536 numbers: {}",
                said.from
            );
            let (_, account) =
                account(target.admin).operations.into_iter().find(|(name, _)| name == operation).unwrap();
            assert_eq!((account.received, account.duplicates, account.late), (5, 1, 1), "{operation}");
            assert_eq!(counts(&get(target.admin, "/metrics"), protocol), [3.0, 1.0, 1.0], "{operation}");
        }
        // Those who carry no number are counted as ever, and noted nowhere.
        ask(Protocol::Http, &target.addresses, &[]).await;
        let text = get(target.admin, "/metrics");
        let noted = metric("continuous_load_server_received_total").label("source", "external").sum_in(&text);
        assert_eq!(noted, 0.0);
        target.stop().await;
    });
}

fn account(admin: SocketAddr) -> Account {
    serde_json::from_str(&get(admin, &shared::account::path(session()))).unwrap()
}

#[test]
fn a_name_of_dns_carries_a_number_too() {
    run(async {
        let target = RunningTarget::start();
        for seq in [4, 5, 5] {
            let name = ok_name(request("names", seq), &"cload.test".parse().unwrap()).unwrap();
            assert_eq!(dns::over_udp(target.dns, name.trim_end_matches('.'), 1, "").0, 0);
        }
        let said = receipts(target.admin, "names", &[3, 4, 5, 6]);
        assert_eq!((&said.seen, &said.duplicate, said.from), (&vec![4, 5], &vec![5], 0));
        target.stop().await;
    });
}

#[test]
fn a_request_that_is_answered_with_nothing_has_a_receipt() {
    run(async {
        let target = RunningTarget::start();
        let said = request("web", 9).to_string();
        for (pairs, seq) in [("fault=reset", 9), ("dely=5", 10)] {
            let identity = said.replace(".9", &format!(".{seq}"));
            let mut stream = std::net::TcpStream::connect(target.http).unwrap();
            let head = format!("GET / HTTP/1.1\r\nhost: t\r\nx-cload: {identity}\r\nx-cload-fault: {pairs}\r\n\r\n");
            std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
            // Whatever comes, a reset or a refusal: the head was read before.
            let _ = std::io::Read::read(&mut stream, &mut [0]);
        }
        assert_eq!(receipts(target.admin, "web", &[8, 9, 10, 11]).seen, [9, 10]);
        target.stop().await;
    });
}

#[test]
fn another_life_of_a_target_has_another_name_and_knows_nothing() {
    run(async {
        let first = RunningTarget::start();
        ask_as(Protocol::Http, &first.addresses, request("web", 1)).await;
        let (before, again) = (receipts(first.admin, "web", &[1]), receipts(first.admin, "web", &[1]));
        assert_eq!(before.of(1), Receipt::Arrived);
        assert_eq!(before.server, Config::loopback().place());
        assert!(before.boot.len() == 16 && before.boot.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", before.boot);
        assert_eq!(before.boot, again.boot);
        assert!(again.uptime_seconds > before.uptime_seconds && before.uptime_seconds > 0.0);
        first.stop().await;

        let second = RunningTarget::start();
        let answer = Admin(second.admin).call("GET", &path(session(), "web".parse().unwrap(), &[1]), None);
        assert_eq!(answer.status, 404, "{answer:?}");
        assert_eq!(answer.json()["error"]["code"], "not_found");
        let after: Receipts = serde_json::from_value(answer.json()).unwrap();
        assert_ne!(after.boot, before.boot);
        assert_eq!((after.of(1), after.server), (Receipt::NotArrived, before.server), "not in this life");
        second.stop().await;
    });
}

#[test]
fn questions_that_are_none_are_refused_by_name() {
    run(async {
        let target = RunningTarget::start();
        ask_as(Protocol::Http, &target.addresses, request("web", 1)).await;
        for (question, status, field, reason) in [
            ("web", 400, "seq", "no request is asked about"),
            ("web?seq=", 400, "seq", "\"\" is no number and no range of numbers"),
            ("web?seq=1,x", 400, "seq", "\"x\" is no number and no range of numbers"),
            ("web?seq=1&seq=2", 400, "seq", "the parameter occurs more than once"),
            ("web?seq=1&sq=2", 400, "sq", "there is no such parameter"),
            ("web?seq=9-1", 400, "seq", "the range \"9-1\" ends before it starts"),
            ("web?seq=0-1024", 400, "seq", "with \"0-1024\" these are more than 1024 numbers"),
            ("Web?seq=1", 400, "operation", "\"Web\" is no name"),
            ("%ff?seq=1", 400, "path", "the percent escapes do not decode to UTF-8"),
            ("web2?seq=1", 404, "operation", "nothing of this operation of this session is held here"),
            ("?seq=1", 404, "path", "there is nothing here"),
        ] {
            let answer = Admin(target.admin).call("GET", &format!("/receipts/{SESSION}/{question}"), None);
            let error = &answer.json()["error"];
            assert_eq!((answer.status, error["field"].as_str()), (status, Some(field)), "{question}: {answer:?}");
            assert_eq!(error["reason"], reason, "{question}");
        }
        // As large as a question may be, in its longest form.
        let scattered: Vec<u64> = (0..SEQS_MAX as u64).map(|n| FROM_NONE - 1 - 3 * n).collect();
        assert!(receipts(target.admin, "web", &scattered).seen.is_empty());
        assert_eq!(receipts(target.admin, "web", &(0..SEQS_MAX as u64).collect::<Vec<_>>()).seen, [1]);
        target.stop().await;
    });
}
