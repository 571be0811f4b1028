//! One GET for our own questions to an admin port, on the same codec as the traffic.

use shared::outcome::ErrorClass;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answer::Answer;
use crate::names::Names;
use crate::plan::Endpoint;

/// Largest body accepted, in bytes. An account of 64 operations is far below it.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The body of a 200 answer.
///
/// # Errors
/// What happened instead, in words; the caller adds who was asked.
pub(crate) async fn get(names: &Names, endpoint: &Endpoint, path: &str) -> Result<Vec<u8>, String> {
    let address = names.resolve(endpoint).await.map_err(|class| class.as_str().to_owned())?;
    let mut stream =
        TcpStream::connect(address).await.map_err(|error| ErrorClass::of_connect(&error).as_str().to_owned())?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {endpoint}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
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
    match answer.head().map(|head| head.status) {
        Some(200) => Ok(body),
        status => Err(format!("GET {path} was answered {}", status.unwrap_or(0))),
    }
}
