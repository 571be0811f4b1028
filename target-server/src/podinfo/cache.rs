//! `/cache/{key}`: values in a Redis server, and a sign of life there.
//!
//! Invariants:
//! - Every command is sent at most once. What fails is answered as failed; nothing is tried again behind the caller's back.
//! - Every wait has a bound, and so has a value: what others stored may be larger than anything we would hold.
//! - One connection for all, made by the first command that needs one. A command that finds it closed makes another; one
//!   that breaks with it throws it away.
//!
//! Redis down is 503 and Redis refusing is 500, for every method. podinfo says 404 to a reader in the first case, which
//! cannot be told from a missing key, and 400 to a deletion in both.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo as _, Pipeline,
};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{BODY_MAX_BYTES, Plain};

/// Longest wait for a connection, from the look-up of the name to the password taken.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Longest wait for the answer to one command.
const COMMAND_MAX: Duration = Duration::from_secs(2);
/// Commands on their way at once. More wait, within [`COMMAND_MAX`]: each may hold a body.
const IN_FLIGHT_MAX: usize = 64;
/// How often the sign of life is given.
const ALIVE_EVERY: Duration = Duration::from_secs(30);
/// How long it is believed.
const ALIVE_FOR: Duration = Duration::from_secs(60);

const EXPECTED: &str = "tcp://[user[:password]@]host[:port] or redis://..";

/// A Redis server, reached when it is needed.
pub(crate) struct Cache {
    host: String,
    port: u16,
    /// User, password and database.
    login: redis::RedisConnectionInfo,
    link: Mutex<Option<Link>>,
}

/// A connection and what drives it, which ends with it.
struct Link {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
enum CacheError {
    /// No connection, or none any more, or no answer in time.
    #[error("{0}")]
    Down(String),
    /// An answer that says no.
    #[error("{0}")]
    Refused(String),
}

impl Cache {
    /// The server of `--cache-server`. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the address, without repeating it: it may hold a password.
    pub(crate) fn new(address: &str) -> Result<Cache, String> {
        let (scheme, rest) = address.split_once("://").ok_or_else(|| format!("no scheme; expected {EXPECTED}"))?;
        if !matches!(scheme, "tcp" | "redis") {
            // TLS would need the roots and the client of a second protocol, for a demonstration's cache.
            return Err(format!("scheme {scheme:?} is not supported; expected {EXPECTED}"));
        }
        let info = format!("redis://{rest}").into_connection_info();
        let info: ConnectionInfo = info.map_err(|error| format!("{}; expected {EXPECTED}", said(&error)))?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else { return Err(format!("no host; expected {EXPECTED}")) };
        // It would tell the server the client library's name and version: two more commands per connection.
        let login = info.redis_settings().clone().set_skip_set_lib_name();
        Ok(Cache { host: host.clone(), port: *port, login, link: Mutex::default() })
    }

    /// Any method that `/cache/{key}` takes, with the decoded key.
    pub(super) async fn answer(&self, method: &Method, key: &str, body: &Bytes) -> Plain {
        if method == Method::DELETE {
            return match self.delete(key).await {
                Ok(()) => Plain::empty(StatusCode::ACCEPTED),
                Err(error) => failed("cache delete failed", &error),
            };
        }
        if method == Method::POST || method == Method::PUT {
            return match self.set(key, body, None).await {
                Ok(()) => Plain::empty(StatusCode::ACCEPTED),
                Err(error) => failed("cache set failed", &error),
            };
        }
        match self.get(key).await {
            Ok(Some(value)) => Plain::raw(StatusCode::OK, value),
            Ok(None) => Plain::empty(StatusCode::NOT_FOUND),
            Err(error) => failed("cache get failed", &error),
        }
    }

    /// Says who is here, now and again and again: `SET <hostname> <version>`, for a while. A failure is logged once, and
    /// so is the end of it.
    pub(crate) async fn watch(self: Arc<Cache>, hostname: String, version: String) {
        let version = Bytes::from(version);
        let mut look = interval(ALIVE_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_down = false;
        loop {
            look.tick().await;
            let said = self.set(&hostname, &version, Some(ALIVE_FOR)).await;
            match &said {
                Ok(()) if was_down => tracing::info!(host = %self.host, port = self.port, "the cache server is back"),
                Err(error) if !was_down => {
                    tracing::warn!(host = %self.host, port = self.port, %error, "the cache server does not take our sign of life");
                }
                _ => {}
            }
            was_down = said.is_err();
        }
    }

    async fn set(&self, key: &str, value: &Bytes, lifetime: Option<Duration>) -> Result<(), CacheError> {
        let mut command = redis::cmd("SET");
        command.arg(key).arg(&value[..]);
        if let Some(lifetime) = lifetime {
            command.arg("EX").arg(lifetime.as_secs());
        }
        self.run(Ask::One(command)).await
    }

    /// Nothing if there is no such key.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, CacheError> {
        // A range, because a value may have 512 MiB; whether the key exists, because a range of nothing is empty. Not as a
        // transaction: a server without memory refuses those, even where they only read.
        let mut ask = redis::pipe();
        ask.cmd("EXISTS").arg(key).cmd("GETRANGE").arg(key).arg(0).arg(BODY_MAX_BYTES);
        let (exists, value): (bool, Vec<u8>) = self.run(Ask::Both(ask)).await?;
        if value.len() > BODY_MAX_BYTES {
            return Err(CacheError::Refused(format!("value is larger than {BODY_MAX_BYTES} bytes")));
        }
        Ok(exists.then(|| value.into()))
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        let mut command = redis::cmd("DEL");
        command.arg(key);
        self.run(Ask::One(command)).await
    }

    async fn run<T: FromRedisValue>(&self, ask: Ask) -> Result<T, CacheError> {
        let mut connection = self.connection().await?;
        let answer = async {
            match ask {
                Ask::One(command) => command.query_async(&mut connection).await,
                Ask::Both(commands) => commands.query_async(&mut connection).await,
            }
        };
        match timeout(COMMAND_MAX, answer).await {
            Ok(Ok(value)) => Ok(value),
            // The driver has ended, or is about to: whoever comes next makes another.
            Ok(Err(error)) if error.is_unrecoverable_error() => Err(self.broken(said(&error))),
            Ok(Err(error)) => Err(CacheError::Refused(said(&error))),
            // It may be stuck for good.
            Err(_) => Err(self.broken(format!("no answer within {COMMAND_MAX:?}"))),
        }
    }

    /// The connection there is, or a new one. One is made at a time: who waits for that is bounded too.
    async fn connection(&self) -> Result<MultiplexedConnection, CacheError> {
        let late = |_| CacheError::Down(format!("no connection within {CONNECT_MAX:?}"));
        timeout(CONNECT_MAX, async {
            let mut link = self.link.lock().await;
            if let Some(link) = link.as_ref().filter(|link| !link.driver.is_finished()) {
                return Ok(link.connection.clone());
            }
            Ok(link.insert(self.connect().await?).connection.clone())
        })
        .await
        .map_err(late)?
    }

    async fn connect(&self) -> Result<Link, CacheError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| CacheError::Down(error.to_string()))?;
        // A command and its answer are small and urgent.
        stream.set_nodelay(true).map_err(|error| CacheError::Down(error.to_string()))?;
        // The bounds on time are ours, above.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_concurrency_limit(IN_FLIGHT_MAX);
        let made = MultiplexedConnection::new_with_config(&self.login, stream, config).await;
        let (connection, driver) = made.map_err(|error| CacheError::Down(said(&error)))?;
        // It ends when the server closes, or when the last handle of the connection is dropped.
        Ok(Link { connection, driver: tokio::spawn(driver) })
    }

    /// Throws the connection away. A newer one may go with it, which costs a connection and no answer.
    fn broken(&self, reason: String) -> CacheError {
        // Whoever holds the lock makes a new one, or hands this one out a last time.
        if let Ok(mut link) = self.link.try_lock() {
            *link = None;
        }
        CacheError::Down(reason)
    }
}

/// What is sent in one go.
enum Ask {
    One(Cmd),
    Both(Pipeline),
}

/// The answer of a target that was told of no server.
pub(super) fn offline() -> Plain {
    Plain::refusal(StatusCode::BAD_REQUEST, "cache server is offline")
}

fn failed(message: &str, error: &CacheError) -> Plain {
    tracing::debug!(%error, "{message}");
    let status = match error {
        CacheError::Down(_) => StatusCode::SERVICE_UNAVAILABLE,
        CacheError::Refused(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Plain::refusal(status, message)
}

/// A message of the library, in one line.
fn said(error: &redis::RedisError) -> String {
    error.to_string().replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests;
