//! The UDP echo, datagram by datagram.

use std::net::SocketAddr;
use std::time::Duration;

use shared::echo::{Corruption, REORDER_MAX};
use shared::fault::{Fault, Separator};
use shared::reply::Answer;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use crate::fixture::{Fixture, PATIENCE};

struct Client(UdpSocket);

impl Client {
    async fn to(address: SocketAddr) -> Client {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(address).await.unwrap();
        Client(socket)
    }

    async fn send(&self, datagram: impl AsRef<[u8]>) {
        self.0.send(datagram.as_ref()).await.unwrap();
    }

    async fn answer(&self) -> Vec<u8> {
        let mut buffer = vec![0; 1 << 16];
        let bytes = timeout(PATIENCE, self.0.recv(&mut buffer)).await.expect("no answer").unwrap();
        buffer[..bytes].to_vec()
    }

    async fn ask(&self, datagram: impl AsRef<[u8]>) -> Vec<u8> {
        self.send(datagram).await;
        self.answer().await
    }

    /// Nothing came before the answer to this.
    async fn nothing_until_marker(&self) {
        assert_eq!(self.ask("marker").await, b"marker");
    }
}

async fn start() -> Fixture {
    Fixture::start().await
}

fn text(datagram: &[u8]) -> String {
    String::from_utf8_lossy(datagram).into_owned()
}

#[tokio::test]
async fn datagrams_go_back_as_they_are() {
    let target = start().await;
    let client = Client::to(target.addresses.udp.unwrap()).await;
    for datagram in ["", "x", "CL/1", "CL/2 x", "cl/1 delay=1s\n", &"y".repeat(60_000)] {
        assert_eq!(text(&client.ask(datagram).await), datagram);
    }
    target.eventually_metric(&["server_requests_total", "protocol=\"udp\"", "external", "code=\"ok\""], 6.0).await;
}

#[tokio::test]
async fn a_command_is_answered_with_a_line_and_never_with_more_than_came() {
    let target = start().await;
    let client = Client::to(target.addresses.udp.unwrap()).await;
    let long = " ".repeat(200);
    for (query, begins, payload) in [
        (format!("CL/1 source=a/b op=x id=s1.1{long}\nhello"), "CL/1 OK id=s1.1 dur=", "hello"),
        ("CL/1 source=a/b op=x id=s1.2\nhello".to_owned(), "CL/1 OK id=s1.2\n", "hello"),
        ("CL/1 id=k\nhello".to_owned(), "CL/1 OK\n", "hello"),
        ("CL/1 ack=0\nhello".to_owned(), "hello", "hello"),
        ("CL/1 id=no-line-feed-needed".to_owned(), "CL/1 OK\n", ""),
        ("CL/1 id=k size=5 seed=1\n0123456789".to_owned(), "CL/1 OK id=k\n", ""),
        ("CL/1 size=5\nabc".to_owned(), "CL/1 ERR param=", "param="),
        ("CL/1 bytes=5\nabcde".to_owned(), "CL/1 ERR param=byt", ""),
        (format!("CL/1 delay=10x{long}\n"), "CL/1 ERR param=delay pos=6 value=\"10x\"", ""),
        ("CL/1 \u{e9}\u{e9}\u{e9}".to_owned(), "CL/1 ERR ", ""),
    ] {
        let answer = client.ask(&query).await;
        assert!(answer.len() <= query.len(), "{query:?}: {:?}", text(&answer));
        assert!(text(&answer).starts_with(begins), "{query:?}: {:?}", text(&answer));
        assert!(text(&answer).ends_with(payload), "{query:?}: {:?}", text(&answer));
    }
    // Too short for any answer line: silence, and counted.
    for query in ["CL/1 ", "CL/1 x"] {
        client.send(query).await;
    }
    client.nothing_until_marker().await;
    target.eventually_metric(&["server_requests_total", "protocol=\"udp\"", "error=\"bad_request\""], 6.0).await;
    assert_eq!(target.account("s1").await.operations["x"].answered.get("ok"), Some(&2));
}

#[tokio::test]
async fn faults_of_datagrams() {
    let target = start().await;
    let client = Client::to(target.addresses.udp.unwrap()).await;
    for silent in ["loss=true", "fault=hang", "fault=reset", "loss=true dup=true delay=1ms"] {
        client.send(format!("CL/1 {silent}\nhello")).await;
        client.nothing_until_marker().await;
    }
    assert_eq!(client.ask("CL/1 fault=empty\nhello").await, b"");
    let garbage = client.ask("CL/1 fault=garbage\nhello").await;
    assert!(garbage.len() == 24 && garbage[0] == 0xff, "{garbage:?}");
    let query = "CL/1 dup=true\nhello";
    assert_eq!(client.ask(query).await, client.answer().await);
    let spec = "seed=3 id=k corrupt=true";
    let answer = client.ask(format!("CL/1 {spec}\nhello")).await;
    let mut wanted = b"hello".to_vec();
    Corruption::of(&Fault::parse(spec, Separator::Space).unwrap().roll(0, "", 0)).unwrap().flip(0, &mut wanted);
    assert!(answer.ends_with(&wanted) && !answer.ends_with(b"hello"));
    let effects = ["loss", "dup", "corrupt", "reorder", "hang", "reset", "empty", "garbage"];
    for effect in effects {
        let counted = target.metric(&["server_faults_total", &format!("kind=\"{effect}\"")]).await;
        let wanted = match effect {
            "loss" | "dup" => 2.0,
            "reorder" => 0.0,
            _ => 1.0,
        };
        assert_eq!(counted, wanted, "{effect}");
    }
    let unanswered = ["server_requests_total", "protocol=\"udp\"", "code=\"\"", "success"];
    target.eventually_metric(&unanswered, 6.0).await;
}

#[tokio::test]
async fn a_delayed_answer_holds_nobody_up_and_tells_its_delay() {
    let target = start().await;
    let client = Client::to(target.addresses.udp.unwrap()).await;
    let start = Instant::now();
    client.send(format!("CL/1 id=k delay=50ms{}\nhello", " ".repeat(200))).await;
    client.nothing_until_marker().await;
    let answer = client.answer().await;
    assert!(start.elapsed() >= Duration::from_millis(50));
    let line = answer.split_inclusive(|byte| *byte == b'\n').next().unwrap();
    let Ok(Answer::Ok(reply)) = Answer::parse_line(line) else { panic!("{:?}", text(line)) };
    assert!(reply.asked >= Duration::from_millis(50), "{reply:?}");
}

#[tokio::test]
async fn a_reordered_answer_is_overtaken_once_and_not_held_for_ever() {
    let target = start().await;
    let client = Client::to(target.addresses.udp.unwrap()).await;
    let other = Client::to(target.addresses.udp.unwrap()).await;
    client.send("CL/1 id=first reorder=true\n1").await;
    // Somebody else's datagram overtakes nobody.
    other.nothing_until_marker().await;
    client.send("second").await;
    assert_eq!(client.answer().await, b"second");
    assert!(client.answer().await.ends_with(b"\n1"));
    let start = Instant::now();
    assert!(client.ask("CL/1 id=alone reorder=true\n2").await.ends_with(b"\n2"));
    assert!(start.elapsed() >= REORDER_MAX);
}

#[tokio::test]
async fn answers_and_echo_services_are_not_answered() {
    let target = start().await;
    let client = Client::to(target.addresses.udp.unwrap()).await;
    for answer in ["CL/1 OK", "CL/1 OK id=k\nhello", "CL/1 ERR param=x pos=0"] {
        client.send(answer).await;
    }
    client.nothing_until_marker().await;
    target.eventually_metric(&["server_requests_total", "operation=\"refused\"", "protocol=\"udp\""], 3.0).await;
    // Our own port number, as another of us would have it.
    let own = target.addresses.udp.unwrap();
    let twin = UdpSocket::bind(("127.0.0.2", own.port())).await.unwrap();
    twin.send_to(b"round and round", own).await.unwrap();
    target.eventually_metric(&["server_requests_total", "operation=\"refused\"", "protocol=\"udp\""], 4.0).await;
}

#[tokio::test]
async fn answers_on_their_way_are_sent_before_the_target_ends() {
    let target = start().await;
    let client = Client::to(target.addresses.udp.unwrap()).await;
    client.send("CL/1 delay=200ms\nhello").await;
    target.eventually_metric(&["server_inflight_requests", "protocol=\"udp\""], 1.0).await;
    assert_eq!(target.stopped().await.requests_cut, 0);
    assert!(client.answer().await.ends_with(b"hello"));
}

#[tokio::test]
async fn a_panic_costs_one_datagram() {
    let target = start().await;
    let client = Client::to(target.addresses.udp.unwrap()).await;
    client.send("panic").await;
    client.nothing_until_marker().await;
    client.send("CL/1 delay=1ms\npanic").await;
    target.eventually_metric(&["server_requests_total", "protocol=\"udp\"", "error=\"internal\""], 2.0).await;
    client.nothing_until_marker().await;
    assert_eq!(target.metric(&["server_inflight_requests", "protocol=\"udp\""]).await, 0.0);
}
