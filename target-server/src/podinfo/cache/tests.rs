//! Against a real Redis server where there is one, and against none.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use shared::outcome::ServerError;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

#[expect(dead_code, reason = "only a part of it is needed here")]
#[path = "../../../../tests/it/tools.rs"]
mod tools;

/// A server of this test alone, gone with it.
struct Redis {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    /// Nothing, after saying so, if it is not installed.
    async fn start(more: &[&str]) -> Option<Redis> {
        let program = tools::require("redis-server")?;
        // The port may be taken between here and there: then another one.
        for _ in 0..5 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            if let Some(redis) = Redis::start_at(&program, port, more).await {
                return Some(redis);
            }
        }
        panic!("redis-server does not start on any of five ports");
    }

    async fn start_at(program: &Path, port: u16, more: &[&str]) -> Option<Redis> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]);
        command.args(more).current_dir(folder.path()).stdout(Stdio::null()).stdin(Stdio::null());
        let mut redis = Redis { child: command.spawn().expect("redis-server starts"), port, _folder: folder };
        for _ in 0..1000 {
            if redis.child.try_wait().unwrap().is_some() {
                return None;
            }
            if redis.is_ready().await {
                return Some(redis);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server is not ready after 10 s");
    }

    /// Whether it is this one that answers: its password, or none, is as expected by `PONG` or `NOAUTH`.
    async fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await else { return false };
        let mut first = [0];
        stream.write_all(b"PING\r\n").await.is_ok() && stream.read_exact(&mut first).await.is_ok()
    }

    fn cache(&self) -> Arc<Cache> {
        Arc::new(Cache::new(&format!("tcp://127.0.0.1:{}", self.port)).unwrap())
    }

    fn stop(mut self) -> u16 {
        self.end();
        self.port
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.end();
    }
}

async fn ask(cache: &Cache, method: &str, key: &str, body: &'static [u8]) -> Plain {
    cache.answer(&method.parse().unwrap(), key, &Bytes::from_static(body)).await
}

fn assert_failed(plain: &Plain, status: u16, message: &str, error: ServerError) {
    let expected = format!("{{\n  \"code\": {status},\n  \"message\": \"{message}\"\n}}");
    assert_eq!((plain.status.as_u16(), std::str::from_utf8(&plain.body).unwrap()), (status, expected.as_str()));
    assert_eq!(plain.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(plain.error, Some(error));
}

fn assert_bare(plain: &Plain, status: u16) {
    assert_eq!((plain.status.as_u16(), plain.error), (status, None));
    assert!(plain.body.is_empty() && plain.headers.is_empty());
}

#[tokio::test]
async fn values_are_set_read_and_deleted() {
    let Some(redis) = Redis::start(&[]).await else { return };
    let cache = redis.cache();
    assert_bare(&ask(&cache, "GET", "k", b"").await, 404);
    for (method, key, value) in [
        ("POST", "k", &b"one"[..]),
        ("PUT", "k", b"t\0wo\xff\r\n"),
        ("PUT", "a key with \u{e4}\r\n", b""),
        ("PUT", "", b"x"),
    ] {
        assert_bare(&ask(&cache, method, key, value).await, 202);
        let read = ask(&cache, "GET", key, b"").await;
        assert_eq!((read.status, read.error, &read.body[..]), (StatusCode::OK, None, value), "{key:?}");
        for (name, value) in [
            ("content-type", "application/octet-stream"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'"),
        ] {
            assert_eq!(read.headers[name], value);
        }
    }
    assert_eq!(ask(&cache, "HEAD", "k", b"").await.status, StatusCode::OK);
    for _ in 0..2 {
        assert_bare(&ask(&cache, "DELETE", "k", b"").await, 202);
        assert_bare(&ask(&cache, "GET", "k", b"").await, 404);
    }
}

#[tokio::test]
async fn the_largest_body_fits_and_larger_values_do_not() {
    let Some(redis) = Redis::start(&[]).await else { return };
    let cache = redis.cache();
    let body = Bytes::from(vec![7; BODY_MAX_BYTES]);
    assert_bare(&cache.answer(&Method::PUT, "k", &body).await, 202);
    assert_eq!(ask(&cache, "GET", "k", b"").await.body, body);
    // Another client made it larger.
    let mut append = redis::cmd("APPEND");
    append.arg("k").arg("x");
    let length: usize = cache.run(Ask::One(append)).await.unwrap();
    assert_eq!(length, BODY_MAX_BYTES + 1);
    assert_failed(&ask(&cache, "GET", "k", b"").await, 500, "cache get failed", ServerError::Internal);
}

#[tokio::test]
async fn what_redis_refuses_is_a_500_and_the_connection_lives_on() {
    let Some(redis) = Redis::start(&["--maxmemory", "1"]).await else { return };
    let cache = redis.cache();
    assert_failed(&ask(&cache, "PUT", "k", b"v").await, 500, "cache set failed", ServerError::Internal);
    assert_bare(&ask(&cache, "GET", "k", b"").await, 404);

    let Some(redis) = Redis::start(&[]).await else { return };
    let cache = redis.cache();
    let mut push = redis::cmd("LPUSH");
    push.arg("list").arg("x");
    let _: usize = cache.run(Ask::One(push)).await.unwrap();
    assert_failed(&ask(&cache, "GET", "list", b"").await, 500, "cache get failed", ServerError::Internal);
    assert!(!cache.link.lock().await.as_ref().unwrap().driver.is_finished());
}

#[tokio::test]
async fn a_password_is_given() {
    let Some(redis) = Redis::start(&["--requirepass", "a/b:c"]).await else { return };
    for (login, status) in
        [(":a%2Fb%3Ac@", 202), ("default:a%2Fb%3Ac@", 202), (":wrong@", 503), ("nobody:a%2Fb%3Ac@", 503)]
    {
        let cache = Cache::new(&format!("redis://{login}127.0.0.1:{}", redis.port)).unwrap();
        assert_eq!(ask(&cache, "PUT", "k", b"v").await.status.as_u16(), status, "{login}");
    }
    // Without one the connection stands, and every command is refused.
    assert_failed(&ask(&redis.cache(), "PUT", "k", b"v").await, 500, "cache set failed", ServerError::Internal);
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again() {
    let Some(redis) = Redis::start(&[]).await else { return };
    let cache = redis.cache();
    assert_bare(&ask(&cache, "PUT", "k", b"v").await, 202);
    let port = redis.stop();
    for (method, message) in [("PUT", "set"), ("GET", "get"), ("DELETE", "delete")] {
        let message = format!("cache {message} failed");
        assert_failed(&ask(&cache, method, "k", b"v").await, 503, &message, ServerError::Internal);
    }
    let Some(redis) = Redis::start_at(&tools::require("redis-server").unwrap(), port, &[]).await else {
        // Somebody else took the port meanwhile: not what this test is about.
        return;
    };
    assert_bare(&ask(&cache, "GET", "k", b"").await, 404);
    drop(redis);
}

#[tokio::test]
async fn a_closed_connection_is_noticed_before_the_next_command() {
    let Some(redis) = Redis::start(&[]).await else { return };
    let cache = redis.cache();
    assert_bare(&ask(&cache, "PUT", "k", b"v").await, 202);
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes");
    let other = redis.cache();
    let killed: u32 = other.run(Ask::One(kill)).await.unwrap();
    assert_eq!(killed, 1);
    let is_closed = async || cache.link.lock().await.as_ref().is_some_and(|link| link.driver.is_finished());
    timeout(Duration::from_secs(10), async {
        while !is_closed().await {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the driver ends with its connection");
    assert_eq!(&ask(&cache, "GET", "k", b"").await.body[..], b"v");
}

#[tokio::test]
async fn the_sign_of_life_is_given_at_once_and_expires() {
    let Some(redis) = Redis::start(&[]).await else { return };
    let cache = redis.cache();
    let watch = tokio::spawn(Arc::clone(&cache).watch("pod-1".to_owned(), "1.2.3".to_owned()));
    let reader = redis.cache();
    timeout(Duration::from_secs(10), async {
        while reader.get("pod-1").await.unwrap().as_deref() != Some(b"1.2.3") {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it is there");
    let mut left = redis::cmd("TTL");
    left.arg("pod-1");
    let left: i64 = reader.run(Ask::One(left)).await.unwrap();
    assert!((50..=60).contains(&left), "{left}");
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_down_after_two_seconds() {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let cache = Cache::new(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
    let began = tokio::time::Instant::now();
    assert_failed(&ask(&cache, "PUT", "k", b"v").await, 503, "cache set failed", ServerError::Internal);
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(2) && took <= CONNECT_MAX + COMMAND_MAX, "{took:?}");
    assert!(cache.link.lock().await.is_none(), "it is not used again");
}

#[tokio::test]
async fn without_a_server_every_method_is_a_503() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let cache = Cache::new(&format!("redis://127.0.0.1:{port}")).unwrap();
    for (method, message) in [("POST", "set"), ("PUT", "set"), ("GET", "get"), ("HEAD", "get"), ("DELETE", "delete")] {
        let message = format!("cache {message} failed");
        assert_failed(&ask(&cache, method, "k", b"v").await, 503, &message, ServerError::Internal);
    }
}

#[test]
fn a_target_without_a_cache_says_so() {
    assert_failed(&offline(), 400, "cache server is offline", ServerError::BadRequest);
}

#[test]
fn addresses_are_read() {
    for (address, host, port, user, password) in [
        ("tcp://redis:6380", "redis", 6380, None, None),
        ("tcp://redis", "redis", 6379, None, None),
        ("redis://:p%40ss@127.0.0.9:1", "127.0.0.9", 1, None, Some("p@ss")),
        ("tcp://user:pass@[::1]:6379", "::1", 6379, Some("user"), Some("pass")),
    ] {
        let cache = Cache::new(address).unwrap();
        assert_eq!((cache.host.as_str(), cache.port), (host, port), "{address}");
        assert_eq!((cache.login.username(), cache.login.password()), (user, password), "{address}");
    }
    for (address, reason) in [
        ("redis:6379", "no scheme"),
        ("rediss://:hunter2@redis:6379", "scheme \"rediss\" is not supported"),
        ("unix:///tmp/x", "scheme \"unix\" is not supported"),
        ("tcp://", "Missing hostname"),
        ("tcp://:hunter2@:99999", "did not parse"),
        ("tcp://redis/x", "database"),
    ] {
        let error = Cache::new(address).err().unwrap();
        assert!(error.contains(reason) && error.contains("expected tcp://"), "{address}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
