//! What a client begins with, and therefore speaks: HTTP/1.1 or HTTP/2, told apart by the first bytes.
//!
//! Invariants:
//! - A client that speaks HTTP/1.1 costs one `peek`, and nothing is copied.
//! - HTTP/2 gets its connection only with the client's whole opening, preface and first SETTINGS frame (RFC 9113, section
//!   3.4): who stalls in it has cost a few bytes.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;

use crate::stream::Stream;

/// RFC 9113, section 3.4.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// RFC 9113, section 4.1.
const FRAME_HEAD_BYTES: usize = 9;
const SETTINGS: u8 = 4;
/// Largest first SETTINGS frame: a hundred settings, of which there are a dozen.
const SETTINGS_BYTES_MAX: usize = 600;

/// What was read to tell, to be read again by who serves it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// HTTP/1.1, or anything else: hyper says what is wrong with it.
    One(Bytes),
    /// The preface and a SETTINGS frame, and what came with them.
    Two(Bytes),
    /// It began like HTTP/2 and went on otherwise.
    Malformed,
}

/// Looks at the first bytes of a fresh connection; returns when they are enough to tell.
///
/// # Errors
/// If the connection ends, or fails, before they are.
pub(super) async fn tell(stream: &mut Stream) -> io::Result<Opening> {
    if let Stream::Plain(tcp) = stream {
        let mut head = [0; PREFACE.len()];
        let seen = tcp.peek(&mut head).await?;
        if !PREFACE.starts_with(&head[..seen]) {
            return Ok(Opening::One(Bytes::new()));
        }
    }
    let mut read = BytesMut::new();
    loop {
        match of(&read) {
            Some(Opening::One(_)) => return Ok(Opening::One(read.freeze())),
            Some(Opening::Two(_)) => return Ok(Opening::Two(read.freeze())),
            Some(Opening::Malformed) => return Ok(Opening::Malformed),
            None => {}
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// What these bytes say; nothing yet if they are too few.
pub(super) fn of(read: &[u8]) -> Option<Opening> {
    let Some(frame) = read.strip_prefix(PREFACE) else {
        let differs = !PREFACE.starts_with(read);
        return differs.then_some(Opening::One(Bytes::new()));
    };
    let head = frame.first_chunk::<FRAME_HEAD_BYTES>()?;
    let [high, middle, low, kind, flags, stream @ ..] = *head;
    let length = u32::from_be_bytes([0, high, middle, low]) as usize;
    // An acknowledgement (flag 1) answers ours, which was not sent yet.
    if kind != SETTINGS || flags & 1 != 0 || stream != [0; 4] || length > SETTINGS_BYTES_MAX {
        return Some(Opening::Malformed);
    }
    (frame.len() >= FRAME_HEAD_BYTES + length).then_some(Opening::Two(Bytes::new()))
}

/// The length of preface and first SETTINGS frame in an opening of HTTP/2.
pub(super) fn settled_bytes(opening: &[u8]) -> usize {
    let frame = opening.get(PREFACE.len()..).unwrap_or_default();
    let length = frame.first_chunk::<3>().map_or(0, |[a, b, c]| u32::from_be_bytes([0, *a, *b, *c]) as usize);
    PREFACE.len() + FRAME_HEAD_BYTES + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(frame: &[u8]) -> Vec<u8> {
        [PREFACE, frame].concat()
    }

    #[test]
    fn a_cut_opening_is_undecided_at_every_byte() {
        let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100];
        let whole = opening(&settings);
        for cut in 0..whole.len() {
            assert_eq!(of(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(of(&whole), Some(Opening::Two(Bytes::new())));
        assert_eq!(settled_bytes(&[&whole, b"more".as_slice()].concat()), whole.len());
    }

    #[test]
    fn everything_else_is_told_by_its_first_strange_byte() {
        let one = Some(Opening::One(Bytes::new()));
        for text in ["G", "POST", "PUT /", "PRI * HTTP/1.1\r\n", "\x16\x03\x01", "PRI * HTTP/2.0\r\n\r\nSN"] {
            assert_eq!(of(text.as_bytes()), one, "{text}");
        }
        for frame in [
            [0, 0, 0, 1, 4, 0, 0, 0, 1].as_slice(), // HEADERS
            &[0, 0, 0, 4, 1, 0, 0, 0, 0],           // an acknowledgement
            &[0, 0, 0, 4, 0, 0, 0, 0, 1],           // on a stream
            &[1, 0, 0, 4, 0, 0, 0, 0, 0],           // large
        ] {
            assert_eq!(of(&opening(frame)), Some(Opening::Malformed), "{frame:?}");
        }
    }
}
