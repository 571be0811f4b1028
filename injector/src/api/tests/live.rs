//! The page's stream: over a real connection, read by a client that knows nothing of ours but the format of events.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::*;
use crate::live::{Agreement, LISTENERS_MAX};
use crate::verdict::Exit;

/// Longer than any machine takes for an event.
const PATIENCE: Duration = Duration::from_secs(60);

/// The API on a port of its own.
async fn serve(api: &Api) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = api.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// One who listens.
struct Listener {
    lines: BufReader<TcpStream>,
    head: String,
}

impl Listener {
    async fn new(address: SocketAddr) -> Listener {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Of HTTP/1.0 an answer is not in chunks: what comes is what was said.
        stream.write_all(b"GET /api/v1/live HTTP/1.0\r\nhost: x\r\naccept: text/event-stream\r\n\r\n").await.unwrap();
        let mut listener = Listener { lines: BufReader::new(stream), head: String::new() };
        while !listener.head.ends_with("\r\n\r\n") {
            let line = listener.line().await.expect("the head is whole");
            listener.head.push_str(&line);
        }
        listener
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.lines.read_line(&mut line)).await.expect("a line in time").unwrap();
        (read > 0).then_some(line)
    }

    /// The next event: its name and what it says; nothing at the end.
    async fn event(&mut self) -> Option<(String, Value)> {
        let (mut name, mut data) = (String::new(), Value::Null);
        loop {
            let line = self.line().await?;
            match line.trim_end().split_once(": ") {
                Some(("event", said)) => name = said.to_owned(),
                Some(("data", said)) => data = serde_json::from_str(said).unwrap(),
                Some(("id", said)) => assert!(said.parse::<u64>().is_ok(), "{said}"),
                None if !name.is_empty() => return Some((name, data)),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The same, but for what only says that the run still stands.
    async fn news(&mut self) -> Option<(String, Value)> {
        loop {
            match self.event().await {
                Some((name, _)) if name == "still" => {}
                other => return other,
            }
        }
    }
}

fn good_second(api: &mut Api) {
    api.second(&[seen(30, 0, 0, Duration::from_millis(20)), seen(10, 0, 0, Duration::from_millis(30))]);
    api.board.tell();
}

#[tokio::test]
async fn a_listener_hears_everything_so_far_and_then_each_second_and_the_end() {
    let mut api = Api::new(false);
    let address = serve(&api).await;
    let mut early = Listener::new(address).await;
    assert!(early.head.starts_with("HTTP/1.0 200"), "{}", early.head);
    assert!(early.head.contains("text/event-stream") && early.head.contains("nosniff"), "{}", early.head);
    let (name, said) = early.event().await.unwrap();
    assert_eq!((name.as_str(), &said["headline"]["level"]), ("snapshot", &Value::from("none")));
    assert_eq!(said["timeline"]["start_s"], Value::Array(Vec::new()));
    good_second(&mut api);
    let (name, said) = early.news().await.unwrap();
    assert_eq!((name.as_str(), &said["timeline"]["total"]["planned"]), ("second", &Value::from(vec![40])));
    assert_eq!(said["recent"]["operations"][0]["success"], Value::from(vec![30]));
    // The same numbers as the status has.
    let status = api.get("/api/v1/status?window=5m").await.json();
    assert_eq!(said["status"]["recent"]["operations"][0]["totals"], status["operations"][0]["totals"]);
    assert_eq!(said["status"]["recent"]["operations"][0]["success_ratio"], 1.0);
    let mut late = Listener::new(address).await;
    let (name, said) = late.event().await.unwrap();
    assert_eq!((name.as_str(), &said["number"]), ("snapshot", &Value::from(1)));
    assert_eq!(said["recent"][1]["total"]["success"], Value::from(vec![40]));
    api.board.finish(&api.total, &[]);
    let reasons = ["not one of 40 requests was answered".to_owned()];
    api.board.ended(Exit::Invalid, &reasons, std::iter::empty());
    for listener in [&mut early, &mut late] {
        assert_eq!(listener.news().await.unwrap().0, "snapshot");
        let (name, said) = listener.event().await.unwrap();
        assert_eq!((name.as_str(), &said["exit"], &said["exit_code"]), ("end", &"invalid".into(), &98.into()));
        assert_eq!(said["headline"]["title"], "The run is over: not to be believed");
        assert_eq!(listener.event().await, None);
    }
    // Whoever comes after the end hears all of it, too.
    let mut after = Listener::new(address).await;
    assert_eq!(after.event().await.unwrap().0, "snapshot");
    assert_eq!(after.event().await.unwrap().0, "end");
    assert_eq!(after.event().await, None);
}

#[tokio::test]
async fn listeners_are_bounded_and_one_that_goes_makes_room() {
    let api = Api::new(false);
    let address = serve(&api).await;
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS_MAX {
        let mut listener = Listener::new(address).await;
        assert_eq!(listener.event().await.unwrap().0, "snapshot");
        listeners.push(listener);
    }
    let refused = api.get("/api/v1/live").await;
    assert_eq!((refused.status, refused.error("code").as_str()), (503, "too_many_listeners"));
    assert!(refused.error("expected").contains("/api/v1/status") && refused.error("limit").contains("16"));
    listeners.pop();
    // Its going is noticed when the server next has something for it, or before.
    let room = async {
        loop {
            let listener = Listener::new(address).await;
            if listener.head.starts_with("HTTP/1.0 200") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, room).await.expect("room for one more");
}

#[tokio::test]
async fn whoever_missed_a_second_gets_everything_anew() {
    let mut api = Api::new(false);
    let address = serve(&api).await;
    let mut listener = Listener::new(address).await;
    assert_eq!(listener.event().await.unwrap().0, "snapshot");
    // Nothing runs in between, so that three seconds are over before anybody could be told of one.
    (0..3).for_each(|_| good_second(&mut api));
    let (name, said) = listener.news().await.unwrap();
    assert_eq!((name.as_str(), &said["number"]), ("snapshot", &Value::from(3)));
    assert_eq!(said["timeline"]["total"]["planned"], Value::from(vec![40, 40, 40]));
    good_second(&mut api);
    assert_eq!(listener.news().await.unwrap().0, "second");
}

#[tokio::test]
async fn silence_is_broken_though_nothing_is_new() {
    let api = Api::new(false);
    let address = serve(&api).await;
    let mut listener = Listener::new(address).await;
    assert_eq!(listener.event().await.unwrap().0, "snapshot");
    let (name, said) = listener.event().await.unwrap();
    assert_eq!(
        (name.as_str(), &said["number"], &said["status"]["run"]["state"]),
        ("still", &0.into(), &"waiting".into())
    );
}

#[tokio::test]
async fn both_accounts_are_in_the_status() {
    let mut api = Api::new(false);
    good_second(&mut api);
    assert!(api.get("/api/v1/status").await.json()["operations"][0]["target"].is_null());
    let status = api.board.control.status().borrow().clone();
    let agreed = Agreement { at: Instant::now(), sent: 30, received: 29, answered: 28, answered_there: 29, by_rule: 4 };
    let accounts = api.total.clone();
    let plan = api.board.plan();
    let tick = Tick {
        elapsed: api.told,
        active: api.told,
        length: SECOND,
        interval: &accounts[0],
        by_operation: &accounts,
        total: &accounts,
        plan: &plan,
        status: &status,
    };
    api.board.agreed(&tick, vec![Some(agreed), None]);
    let told = api.get("/api/v1/status").await.json();
    let [web, ill] = [0, 1].map(|at| &told["operations"][at]);
    let figures = ["sent", "received", "answered", "answered_there", "by_rule"].map(|key| web["target"][key].as_u64());
    assert_eq!(figures, [30, 29, 28, 29, 4].map(Some));
    assert!(web["target"]["asked_seconds_ago"].is_f64() && ill["target"].is_null());
    assert_eq!(web["fates"]["request_lost"], 0);
}

#[tokio::test]
async fn the_page_is_served_with_its_files() {
    let api = Api::new(false);
    let page = api.get("/").await;
    assert_eq!((page.status, page.headers[header::CONTENT_TYPE].to_str().unwrap()), (200, "text/html; charset=utf-8"));
    assert!(page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"));
    for name in ["base.css", "uplot.js", "live.js"] {
        let file = api.get(&format!("/pages/{name}")).await;
        assert_eq!((file.status, file.text.is_empty()), (200, false), "{name}");
        assert!(file.headers.contains_key(header::CONTENT_SECURITY_POLICY), "{name}");
    }
    let none = api.get("/pages/none.js").await;
    assert_eq!((none.status, none.error("code").as_str()), (404, "not_found"));
}
