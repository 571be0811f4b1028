//! A target on free loopback ports and a client that sees every byte, for the tests.

use std::future::Future;
use std::io;
use std::time::Duration;

use shared::account::Account;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::Compat;
use crate::{Addresses, Config, Report, Target};

/// Nothing in a test takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Fixture {
    pub(crate) addresses: Addresses,
    pub(crate) stop: CancellationToken,
    serving: JoinHandle<Report>,
}

impl Fixture {
    pub(crate) async fn start() -> Fixture {
        Fixture::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Fixture {
        let mut config = Config::loopback();
        config.pod = Some("pod".to_owned());
        // Most of what is tested is the language, on whichever path is at hand.
        config.compat = Compat::None;
        change(&mut config);
        let target = Target::bind(config).unwrap();
        let (addresses, stop) = (target.addresses(), CancellationToken::new());
        let serving = tokio::spawn(target.serve(stop.clone()));
        Fixture { addresses, stop, serving }
    }

    /// Tells it to stop and waits until it has.
    pub(crate) async fn stopped(self) -> Report {
        self.stop.cancel();
        timeout(PATIENCE, self.serving).await.unwrap().unwrap()
    }

    pub(crate) async fn client(&self) -> Client {
        Client { stream: TcpStream::connect(self.addresses.http).await.unwrap(), unread: Vec::new() }
    }

    /// A connection to the TCP echo.
    pub(crate) async fn tcp(&self) -> Client {
        Client { stream: TcpStream::connect(self.addresses.tcp.unwrap()).await.unwrap(), unread: Vec::new() }
    }

    /// One `GET` on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, request: &str) -> Answer {
        let mut client = self.client().await;
        client.send(request).await;
        client.answer().await
    }

    /// All that comes, and how it ends.
    pub(crate) async fn raw(&self, request: &str) -> (String, End) {
        let mut client = self.client().await;
        client.send(request).await;
        client.rest().await
    }

    /// A connection to the admin listener.
    pub(crate) async fn admin_client(&self) -> Client {
        Client { stream: TcpStream::connect(self.addresses.admin).await.unwrap(), unread: Vec::new() }
    }

    pub(crate) async fn admin(&self, path: &str) -> Answer {
        let mut client = self.admin_client().await;
        client.send(&format!("GET {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n")).await;
        client.answer().await
    }

    /// The sum of the samples that have all these words in them.
    pub(crate) async fn metric(&self, words: &[&str]) -> f64 {
        let text = self.admin("/metrics").await.body;
        let samples =
            text.lines().filter(|line| !line.starts_with('#') && words.iter().all(|word| line.contains(word)));
        samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    pub(crate) async fn eventually_metric(&self, words: &[&str], wanted: f64) {
        eventually(&format!("{words:?} = {wanted}"), || async move { self.metric(words).await == wanted }).await;
    }

    pub(crate) async fn account(&self, session: &str) -> Account {
        serde_json::from_str(&self.admin(&format!("/account/{session}")).await.body).unwrap()
    }
}

/// Waits until it is so, within [`PATIENCE`].
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let start = Instant::now();
    while !check().await {
        assert!(start.elapsed() < PATIENCE, "never happened: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Fin,
    Rst,
}

/// A client that knows no HTTP but what it needs to tell answers apart.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a field, if there is one.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(held, _)| *held == name).map(|(_, value)| value)
    }
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn more(&mut self) -> io::Result<usize> {
        timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await.expect("the target is silent")
    }

    pub(crate) async fn take(&mut self, len: usize) -> String {
        while self.unread.len() < len {
            assert_ne!(self.more().await.unwrap(), 0, "the connection ended early");
        }
        String::from_utf8_lossy(&self.unread.drain(..len).collect::<Vec<_>>()).into_owned()
    }

    pub(crate) async fn take_until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|window| window == end.as_bytes()) {
                return self.take(at + end.len()).await;
            }
            assert_ne!(self.more().await.unwrap(), 0, "the connection ended early: {:?}", self.unread);
        }
    }

    /// The next head, whatever it announces.
    pub(crate) async fn head(&mut self) -> Answer {
        let head = self.take_until("\r\n\r\n").await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: String::new() }
    }

    /// The next whole answer to anything but HEAD.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        if let Some(length) = answer.field("content-length") {
            answer.body = self.take(length.parse().unwrap()).await;
        } else if answer.field("transfer-encoding").is_some() {
            loop {
                let size = self.take_until("\r\n").await;
                let size = usize::from_str_radix(size.trim(), 16).unwrap();
                if size == 0 {
                    while self.take_until("\r\n").await != "\r\n" {}
                    break;
                }
                answer.body += &self.take(size).await;
                assert_eq!(self.take(2).await, "\r\n");
            }
        }
        answer
    }

    /// Everything up to the end, and how that came. Bytes that are no UTF-8 are shown as such.
    pub(crate) async fn rest(&mut self) -> (String, End) {
        let end = loop {
            match self.more().await {
                Ok(0) => break End::Fin,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break End::Rst,
                Err(error) => panic!("{error}"),
            }
        };
        (String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned(), end)
    }
}
