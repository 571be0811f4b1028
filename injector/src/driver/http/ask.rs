//! Our own questions to an admin port, on the same codec as the traffic: one connection, one request, one bounded answer.
//! Nothing is sent twice.

use std::fmt::Write as _;
use std::net::SocketAddr;

use shared::outcome::ErrorClass;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answer::Answer;
use crate::plan::Endpoint;

/// Largest body accepted, in bytes. An account of 64 operations is far below it.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Who asks, as logs of the other side show it.
const USER_AGENT: &str = concat!("continuous-load-injector/", env!("CARGO_PKG_VERSION"));

/// A request. Its texts must be fit for a head: no control characters. It has no `Debug`: a token is not for logs.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) method: &'static str,
    /// The path with its query, escaped.
    pub(crate) path: &'a str,
    /// The credentials behind `Bearer`.
    pub(crate) token: Option<&'a str>,
    /// A JSON text.
    pub(crate) json: Option<&'a [u8]>,
}

impl Question<'_> {
    fn head(&self, host: &Endpoint) -> String {
        let Question { method, path, .. } = self;
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: {USER_AGENT}\r\nconnection: close\r\n");
        if let Some(token) = self.token {
            write!(head, "authorization: Bearer {token}\r\n").expect("a String takes every character");
        }
        if let Some(json) = self.json {
            let length = json.len();
            write!(head, "content-type: application/json\r\ncontent-length: {length}\r\n").expect("likewise");
        }
        head + "\r\n"
    }
}

/// A connection for one question.
///
/// # Errors
/// Why there is none; nothing was sent.
pub(crate) async fn connect(address: SocketAddr) -> Result<TcpStream, ErrorClass> {
    TcpStream::connect(address).await.map_err(|error| ErrorClass::of_connect(&error))
}

/// Asks, and gives the answer's status and body. The caller bounds the time.
///
/// # Errors
/// What happened instead, in words; whether the question had its effect is then not known.
pub(crate) async fn exchange(
    mut stream: TcpStream,
    host: &Endpoint,
    question: Question<'_>,
) -> Result<(u16, Vec<u8>), String> {
    let mut request = question.head(host).into_bytes();
    request.extend_from_slice(question.json.unwrap_or_default());
    stream.write_all(&request).await.map_err(|error| error.to_string())?;
    let mut answer = Answer::new(false);
    let mut body = Vec::new();
    let mut piece = [0; 8 * 1024];
    while !answer.is_done() {
        let bytes = stream.read(&mut piece).await.map_err(|error| error.to_string())?;
        if bytes == 0 && !answer.end_of_stream() {
            return Err("the connection was closed before the answer was complete".to_owned());
        }
        answer.push(&piece[..bytes], &mut |part| body.extend_from_slice(part)).map_err(|error| error.to_string())?;
        if body.len() > BODY_BYTES_MAX {
            return Err("the answer is larger than 4 MiB".to_owned());
        }
    }
    Ok((answer.head().map_or(0, |head| head.status), body))
}
