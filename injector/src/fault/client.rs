//! One question to each of many replicas: at most 16 at a time, each with a timeout, none asked twice.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{StreamExt, iter};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::wire::Refusals;
use crate::driver::http::{Question, connect, exchange};
use crate::plan::{Endpoint, Host};
use crate::target::words;

/// Replicas asked at once: enough for a large deployment to be done in a second, too few to be a load.
pub(crate) const AT_ONCE_MAX: usize = 16;

/// Longest token, in bytes: that of a Kubernetes service account is near 1 KiB.
const TOKEN_MAX_BYTES: u64 = 8 * 1024;

/// Longest text of a target that a message repeats, in characters.
const QUOTED_MAX: usize = 500;

/// What every question carries.
pub(crate) struct Client {
    pub(crate) token: Option<String>,
    pub(crate) timeout: Duration,
}

/// What to ask.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// Escaped.
    pub(crate) path: String,
    pub(crate) json: Option<Value>,
}

/// What one replica said.
#[derive(Clone, Debug)]
pub(super) struct Said<T> {
    pub(super) replica: SocketAddr,
    pub(super) answer: Result<(u16, T), Failure>,
}

/// Why there is no good answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// Nothing was sent.
    Unreachable(String),
    /// The question went out, no whole answer came back.
    Lost(String),
    /// The answer is a no, or none of ours.
    Refused { status: u16, why: String },
}

impl Failure {
    /// Whether what was asked may have been done all the same.
    pub(super) fn may_have_worked(&self) -> bool {
        match self {
            Failure::Unreachable(_) => false,
            Failure::Lost(_) => true,
            Failure::Refused { status, .. } => !(400..500).contains(status),
        }
    }

    /// The answer's status, if there is an answer.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Failure::Refused { status, .. } => Some(*status),
            Failure::Unreachable(_) | Failure::Lost(_) => None,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Unreachable(why) => write!(f, "unreachable: {why}"),
            Failure::Lost(why) => write!(f, "no answer: {why}; whether it took effect is not known"),
            Failure::Refused { status, why } => write!(f, "answered {status}: {why}"),
        }
    }
}

impl Client {
    /// With the token of a file.
    ///
    /// # Errors
    /// Why the file gives none.
    pub(crate) fn new(token_file: Option<&Path>, timeout: Duration) -> Result<Client, String> {
        Ok(Client { token: token_file.map(token).transpose()?, timeout })
    }

    /// The same question to all; the answers in the replicas' order.
    pub(super) async fn all<T: DeserializeOwned>(&self, replicas: &[SocketAddr], call: &Call) -> Vec<Said<T>> {
        self.each(replicas.iter().map(|replica| (*replica, call.clone()))).await
    }

    /// To each its own question; the answers in the questions' order.
    pub(super) async fn each<T: DeserializeOwned>(
        &self,
        calls: impl IntoIterator<Item = (SocketAddr, Call)>,
    ) -> Vec<Said<T>> {
        let asking = calls.into_iter().map(async |(replica, call)| self.one(replica, &call).await);
        iter(asking).buffered(AT_ONCE_MAX).collect().await
    }

    async fn one<T: DeserializeOwned>(&self, replica: SocketAddr, call: &Call) -> Said<T> {
        let answer = match self.ask(replica, call).await {
            Ok((status, body)) => self.read(status, &body),
            Err(failure) => Err(failure),
        };
        Said { replica, answer }
    }

    /// One question, one answer: its status and body.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn ask(&self, replica: SocketAddr, call: &Call) -> Result<(u16, Vec<u8>), Failure> {
        let deadline = Instant::now() + self.timeout;
        let stream = match timeout_at(deadline, connect(replica)).await {
            Ok(connected) => connected.map_err(|class| Failure::Unreachable(words(class).to_owned()))?,
            Err(_) => return Err(Failure::Unreachable(format!("no connection within {:?}", self.timeout))),
        };
        let json = call.json.as_ref().map(Value::to_string);
        let question = Question {
            method: call.method,
            path: &call.path,
            token: self.token.as_deref(),
            json: json.as_ref().map(String::as_bytes),
        };
        let host = Endpoint { host: Host::Ip(replica.ip()), port: replica.port() };
        match timeout_at(deadline, exchange(stream, &host, question)).await {
            Ok(answer) => answer.map_err(|why| Failure::Lost(shown(&why))),
            Err(_) => Err(Failure::Lost(format!("not within {:?}", self.timeout))),
        }
    }

    fn read<T: DeserializeOwned>(&self, status: u16, body: &[u8]) -> Result<(u16, T), Failure> {
        let refused = |why: String| Err(Failure::Refused { status, why });
        if !matches!(status, 200 | 201) {
            let reasons = serde_json::from_slice::<Refusals>(body).map(|reasons| reasons.to_string());
            let reasons = reasons.ok().filter(|reasons| !reasons.is_empty());
            let is_ours = reasons.is_some();
            let mut why = shown(&reasons.unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned()));
            if let Some(remedy) = self.remedy(status, is_ours) {
                why = if why.is_empty() { remedy.to_owned() } else { format!("{why} ({remedy})") };
            }
            return refused(why);
        }
        match serde_json::from_slice(body) {
            Ok(answer) => Ok((status, answer)),
            Err(error) => refused(format!(
                "not an answer of the rules API: {}; is this the admin port of a target-server?",
                shown(&error.to_string())
            )),
        }
    }

    /// What to do about it.
    fn remedy(&self, status: u16, is_ours: bool) -> Option<&'static str> {
        match (status, &self.token) {
            (401 | 403, None) => Some("if it has an admin token: --token-file FILE or CLOAD_ADMIN_TOKEN_FILE"),
            (401 | 403, Some(_)) => Some("the token file must hold what the target's --admin-token-file holds"),
            (404 | 405, _) if !is_ours => {
                Some("no rules API here: is this the admin port of a target-server that has one?")
            }
            (404, _) => Some("injector fault list shows what there is"),
            _ => None,
        }
    }
}

/// The token in a file, without the spaces around it. It goes into a header: visible ASCII only.
fn token(file: &Path) -> Result<String, String> {
    let name = file.display();
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(TOKEN_MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| format!("token file {name}: {error}"))?;
    let token = text.trim();
    if token.is_empty() || text.len() as u64 > TOKEN_MAX_BYTES || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let size_bytes = token.len();
        return Err(format!(
            "token file {name}: {size_bytes} bytes that are no token; expected one line of 1 to {TOKEN_MAX_BYTES} visible \
             ASCII characters"
        ));
    }
    Ok(token.to_owned())
}

/// A text of the network, fit for a terminal: no control characters, not too long.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(QUOTED_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// A text as a part of a path or query (RFC 3986, 2.3).
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}
