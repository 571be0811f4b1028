//! A proxy of our own loses requests, loses answers and sends requests again; what the injector says in the end is exactly
//! what the proxy did.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use shared::identity::Identity;

use crate::fixture::{RunningTarget, ScriptedServer, Step, refusing_port, run};
use crate::proxies::proof;

/// Two hundred requests of two operations.
const SCENARIO: &str = "
target: t
rate: 200/s
timeout: 2s
mix:
  - { name: fresh, weight: 1, connection: fresh, http: { fault: size=100 } }
  - { name: pooled, weight: 1, connection: pooled(4), http: { fault: status=503 } }
";
const PLANNED: u64 = 100;

/// What a proxy did to the requests of one operation, by number.
#[derive(Default)]
struct Done {
    dropped: BTreeSet<u64>,
    unanswered: BTreeSet<u64>,
    repeated: BTreeSet<u64>,
}

pub(crate) fn identity(head: &str) -> Identity {
    let value = head.lines().find_map(|line| line.strip_prefix("x-cload: ")).unwrap();
    Identity::from_header(value.as_bytes()).unwrap()
}

/// Asks the target on a connection of its own, and gives its whole answer.
pub(crate) fn forward(target: SocketAddr, head: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(target).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = head.replace("connection: close\r\n", "");
    let alone = head.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    stream.write_all(alone.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// A proxy that does to every request what its number says, and keeps a list.
fn proxy(target: SocketAddr) -> (ScriptedServer, Arc<Mutex<[Done; 2]>>) {
    let lists: Arc<Mutex<[Done; 2]>> = Arc::default();
    let kept = Arc::clone(&lists);
    let server = ScriptedServer::start(move |_, head| {
        let Identity { operation, id, .. } = identity(head);
        let note = |list: fn(&mut Done) -> &mut BTreeSet<u64>| {
            let mut lists = kept.lock().unwrap();
            let is_new = list(&mut lists[usize::from(operation.as_str() == "pooled")]).insert(id.seq);
            assert!(is_new, "the injector itself sends nothing twice: {id}");
        };
        match id.seq % 10 {
            3 => {
                note(|done| &mut done.dropped);
                Step::Close
            }
            4 => {
                note(|done| &mut done.dropped);
                Step::Reset
            }
            5 => {
                note(|done| &mut done.unanswered);
                forward(target, head);
                Step::Close
            }
            6 => {
                note(|done| &mut done.repeated);
                forward(target, head);
                Step::Last(forward(target, head))
            }
            // Half an answer is none.
            7 => {
                note(|done| &mut done.unanswered);
                let answer = forward(target, head);
                Step::Last(answer[..answer.len() / 2].to_vec())
            }
            _ => Step::Last(forward(target, head)),
        }
    });
    (server, lists)
}

/// Runs the scenario for a second: the exit code, the JSON and the text.
async fn injected(target: SocketAddr, admin: SocketAddr) -> (Option<i32>, Value, String) {
    let (target, admin) = (target.to_string(), admin.to_string());
    let arguments = ["--for", "1s", "--target", &target, "--target-admin", &admin].map(str::to_owned);
    let ended = proof::injected(SCENARIO.to_owned(), &arguments).await;
    (ended.exit, ended.json, ended.text)
}

#[test]
fn the_fates_are_exactly_what_the_proxy_did() {
    run(async {
        let target = RunningTarget::start();
        let (proxy, lists) = proxy(target.http);
        let (exit, json, text) = injected(proxy.address, target.admin).await;
        assert_eq!(exit, Some(0), "{text}");
        for (at, done) in lists.lock().unwrap().iter().enumerate() {
            let [dropped, unanswered, repeated] =
                [&done.dropped, &done.unanswered, &done.repeated].map(|list| list.len() as u64);
            assert_eq!([dropped, unanswered, repeated], [20, 20, 10], "what the script says of a hundred");
            let operation = &json["operations"][at];
            let told = json!({
                "total": dropped + unanswered, "request_lost": dropped, "response_lost": unanswered, "unknown": 0,
                "reasons": {},
            });
            let (client, server, difference) = (&operation["client"], &operation["server"], &operation["difference"]);
            assert_eq!(client["unanswered"], told, "{text}");
            assert_eq!((&client["sent"], &server["received"]), (&json!(PLANNED), &json!(PLANNED - dropped + repeated)));
            assert_eq!((&server["duplicates"], &difference["unexplained"]), (&json!(repeated), &json!(0)), "{text}");
        }
        for words in [
            "unanswered: fresh: of 40 unanswered: 20 requests lost, 20 answers lost, 0 unknown\n",
            "duplicates: pooled: 10 arrived twice: something on the path sent them again\n",
        ] {
            assert!(text.contains(words), "{words:?} is not in {text}");
        }
        target.stop().await;
    });
}

#[test]
fn without_receipts_nothing_is_claimed() {
    run(async {
        let target = RunningTarget::start();
        let (proxy, _) = proxy(target.http);
        let (_held, nobody) = refusing_port();
        let (exit, json, text) = injected(proxy.address, nobody).await;
        assert_eq!(exit, Some(0), "{text}");
        for operation in json["operations"].as_array().unwrap() {
            let told = &operation["client"]["unanswered"];
            assert_eq!((&told["unknown"], &told["reasons"]), (&json!(40), &json!({ "unreachable": 40 })), "{text}");
            assert_eq!(operation["difference"], Value::Null);
        }
        target.stop().await;
    });
}

#[test]
fn what_nothing_explains_ends_a_finite_run_with_98() {
    run(async {
        let target = RunningTarget::start();
        let address = target.http;
        // Right in every respect to the injector, and to the target a request of somebody else's.
        let forger = ScriptedServer::start(move |_, head| match identity(head) {
            one if one.operation.as_str() == "fresh" && one.id.seq % 20 == 7 => {
                Step::Last(forward(address, &head.replace(";op=fresh;", ";op=forged;")))
            }
            _ => Step::Last(forward(address, head)),
        });
        let (exit, json, text) = injected(forger.address, target.admin).await;
        let (client, difference) = (&json["operations"][0]["client"], &json["operations"][0]["difference"]);
        assert_eq!(
            (exit, &client["success"], &difference["unexplained"]),
            (Some(98), &json!(100), &json!(5)),
            "{text}"
        );
        assert!(text.contains("unexplained: fresh: 5\n"), "{text}");
        assert_eq!(json["operations"][1]["difference"]["unexplained"], 0);
        target.stop().await;
    });
}

/// A target that nothing of a session reached has no account of it, and knows that.
#[test]
fn all_of_a_run_can_be_lost_and_explained() {
    run(async {
        let target = RunningTarget::start();
        let hole = ScriptedServer::start(|_, _| Step::Close);
        let (exit, json, text) = injected(hole.address, target.admin).await;
        assert_eq!(exit, Some(98), "no answer is no run to believe: {text}");
        for operation in json["operations"].as_array().unwrap() {
            let difference = &operation["difference"];
            let told = ["received", "request_lost", "unexplained"].map(|key| difference[key].as_i64().unwrap());
            assert_eq!(told, [-100, 100, 0], "{text}");
        }
        assert!(!text.contains("no account"), "{text}");
        target.stop().await;
    });
}
