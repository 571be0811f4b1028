//! From HTTP/1.1 to HTTP/2 by `Upgrade: h2c` (RFC 7540, section 3.2): the request that asked for it becomes stream 1.
//!
//! h2 knows no such beginning, but it does not have to: it is fed the client's preface and settings, then a HEADERS frame
//! for stream 1 that the client might have sent, then what the client really sends next. The frame's fields are literals
//! that are not indexed, so that the client's compression state is untouched.

use std::io;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::http::incoming::Incoming;
use crate::http::opening::{self, Opening};
use crate::stream::Stream;

const SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n";

/// RFC 9113, section 6.2: the largest frame that a client may send unasked, and so the largest that h2 takes.
const FRAME_BYTES_MAX: usize = 16 << 10;
/// HEADERS, END_STREAM and END_HEADERS, stream 1.
const HEADERS: u8 = 1;
const FLAGS: u8 = 0x01 | 0x04;
const STREAM: [u8; 4] = [0, 0, 0, 1];

/// A request that is to be answered over HTTP/2.
pub(in crate::http) struct Upgrade {
    /// The HEADERS frame.
    frame: Bytes,
}

impl Upgrade {
    /// The upgrade that this request asks for, if it does so in valid words. Whatever is odd about it is answered over
    /// HTTP/1.1, as the RFC has it; so is a request with a body, which would have to be held until it is read.
    pub(in crate::http) fn asked(parts: &Parts, is_secured: bool, incoming: &Incoming) -> Option<Box<Upgrade>> {
        let upgrade = parts.headers.get(UPGRADE)?;
        let is_h2c = list(upgrade.to_str().ok()?).any(|token| token == "h2c");
        if !is_h2c || is_secured || parts.version != Version::HTTP_11 || !incoming.is_end_stream() {
            return None;
        }
        let mut settings = parts.headers.get_all(SETTINGS).iter();
        let (settings, more) = (settings.next()?, settings.next());
        // Base64url of whole settings, six bytes each. The client's SETTINGS frame repeats them.
        let is_valid = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
        if more.is_some() || settings.len() % 4 == 1 || !settings.as_bytes().iter().all(is_valid) {
            return None;
        }
        let named = connection_options(&parts.headers);
        if !named.contains(&UPGRADE) || !named.contains(&SETTINGS) {
            return None;
        }
        let block = block(parts, &named)?;
        let length = u32::try_from(block.len()).ok().filter(|_| block.len() <= FRAME_BYTES_MAX)?;
        let [_, length @ ..] = length.to_be_bytes();
        let frame = [&length[..], &[HEADERS, FLAGS], &STREAM, &block].concat();
        Some(Box::new(Upgrade { frame: frame.into() }))
    }

    /// Agrees, and reads the client's opening: what h2 is to read before the stream. `read` came already.
    ///
    /// # Errors
    /// If the connection fails, or HTTP/2 does not begin.
    pub(in crate::http) async fn begin(&self, stream: &mut Stream, read: Bytes) -> io::Result<Bytes> {
        stream.write_all(SWITCHING).await?;
        let mut read = BytesMut::from(read);
        loop {
            match opening::of(&read) {
                Some(Opening::Two(_)) => break,
                Some(_) => return Err(io::ErrorKind::InvalidData.into()),
                None => {}
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = read.split_off(opening::settled_bytes(&read));
        read.extend_from_slice(&self.frame);
        read.unsplit(rest);
        Ok(read.freeze())
    }
}

/// RFC 9110, section 7.6.1: fields that are for this connection only, by name.
fn connection_options(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(list).filter_map(|name| name.parse().ok()).collect()
}

fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// The request's head in HPACK (RFC 7541, section 6.2.2). Nothing if it has no target that HTTP/2 could name.
fn block(parts: &Parts, named: &[HeaderName]) -> Option<Vec<u8>> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let host = parts.headers.get(HOST).map_or(&b""[..], |host| host.as_bytes());
    let mut block = Vec::with_capacity(256);
    literal(&mut block, b":method", parts.method.as_str().as_bytes());
    literal(&mut block, b":scheme", b"http");
    literal(&mut block, b":path", path.as_bytes());
    literal(&mut block, b":authority", host);
    let dropped =
        [CONNECTION, UPGRADE, HOST, TRANSFER_ENCODING, CONTENT_LENGTH, KEEP_ALIVE, PROXY_CONNECTION, SETTINGS];
    for (name, value) in &parts.headers {
        // RFC 9113, section 8.2.2: TE may say one thing, and is named by `Connection` in HTTP/1.1.
        let is_trailers = *name == TE && value == "trailers";
        if is_trailers || *name != TE && !dropped.contains(name) && !named.contains(name) {
            literal(&mut block, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    (path.starts_with('/') || path == "*").then_some(block)
}

fn literal(block: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    block.push(0);
    string(block, name);
    string(block, value);
}

/// A string that is not compressed: its length with a prefix of seven bits (RFC 7541, section 5.1), then itself.
fn string(block: &mut Vec<u8>, text: &[u8]) {
    const PREFIX_MAX: usize = 127;
    if text.len() < PREFIX_MAX {
        block.push(text.len() as u8);
    } else {
        block.push(PREFIX_MAX as u8);
        let mut rest = text.len() - PREFIX_MAX;
        while rest >= 128 {
            block.push((rest % 128) as u8 | 128);
            rest /= 128;
        }
        block.push(rest as u8);
    }
    block.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_the_rfc_does() {
        for (len, head) in [(0, &[0][..]), (126, &[126]), (127, &[127, 0]), (1337, &[127, 0xba, 0x09])] {
            let mut block = Vec::new();
            string(&mut block, &vec![b'x'; len]);
            assert_eq!(&block[..head.len()], head, "{len}");
            assert_eq!(block.len(), head.len() + len);
        }
    }
}
