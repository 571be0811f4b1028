//! The length-prefixed messages of a gRPC body: one byte that says whether it is compressed, four with its length.

use std::io::{Read as _, Write as _};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// Bytes before each message.
pub(super) const PREFIX_BYTES: usize = 5;

/// The flag and the length, once they are there.
pub(super) fn prefix(bytes: &[u8]) -> Option<(u8, usize)> {
    let prefix = bytes.first_chunk::<PREFIX_BYTES>()?;
    let [flag, a, b, c, d] = *prefix;
    Some((flag, u32::from_be_bytes([a, b, c, d]) as usize))
}

/// Takes the first whole message, prefix included.
pub(super) fn take(bytes: &mut BytesMut) -> Option<Bytes> {
    let (_, length) = prefix(bytes)?;
    (bytes.len() - PREFIX_BYTES >= length).then(|| bytes.split_to(PREFIX_BYTES + length).freeze())
}

/// A message with its prefix.
pub(super) fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    bytes.put_u8(flag);
    bytes.put_u32(u32::try_from(message.len()).expect("no message is longer than its limit"));
    bytes.put_slice(message);
    bytes.freeze()
}

/// The same message, compressed.
pub(super) fn compressed(mut message: Bytes) -> Bytes {
    const INFALLIBLE: &str = "writing to memory cannot fail";
    message.advance(PREFIX_BYTES.min(message.len()));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&message).expect(INFALLIBLE);
    framed(1, &encoder.finish().expect(INFALLIBLE))
}

/// The content of a compressed message, if it is sound and at most so large.
pub(super) fn decompressed(message: &[u8], max_bytes: u64) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    GzDecoder::new(message).take(max_bytes + 1).read_to_end(&mut content).ok()?;
    (content.len() as u64 <= max_bytes).then_some(content)
}

/// Follows a body's messages by their prefixes, however it is cut.
#[derive(Debug, Default)]
pub(super) struct Scan {
    head: [u8; PREFIX_BYTES],
    head_len: usize,
    /// Of the message that is being passed.
    left: usize,
}

impl Scan {
    /// Passes these bytes; says of each message that begins in them whether it is compressed, and its length. Stops at
    /// the first that `is_fine` refuses, and returns false.
    pub(super) fn pass(&mut self, mut bytes: &[u8], mut is_fine: impl FnMut(bool, usize) -> bool) -> bool {
        loop {
            let passed = self.left.min(bytes.len());
            self.left -= passed;
            bytes = &bytes[passed..];
            if bytes.is_empty() {
                return true;
            }
            let taken = (PREFIX_BYTES - self.head_len).min(bytes.len());
            self.head[self.head_len..self.head_len + taken].copy_from_slice(&bytes[..taken]);
            self.head_len += taken;
            bytes = &bytes[taken..];
            if self.head_len == PREFIX_BYTES {
                let (flag, length) = prefix(&self.head).expect("five bytes are a prefix");
                (self.head_len, self.left) = (0, length);
                if !is_fine(flag == 1, length) {
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_messages_however_they_are_cut() {
        let body: Vec<u8> = [(0, 0), (1, 3), (0, 300)]
            .iter()
            .flat_map(|&(flag, length)| framed(flag, &vec![7; length]).to_vec())
            .collect();
        for cut in 1..body.len() {
            let mut scan = Scan::default();
            let mut seen = Vec::new();
            for piece in body.chunks(cut) {
                assert!(scan.pass(piece, |flag, length| {
                    seen.push((flag, length));
                    true
                }));
            }
            assert_eq!(seen, [(false, 0), (true, 3), (false, 300)]);
        }
        assert!(!Scan::default().pass(&body, |_, length| length < 300));
    }

    #[test]
    fn compression_is_undone_within_its_bound() {
        let message = framed(0, &[5; 1000]);
        let small = compressed(message);
        assert_eq!(prefix(&small).unwrap().0, 1);
        assert_eq!(decompressed(&small[PREFIX_BYTES..], 1000).unwrap(), [5; 1000]);
        assert_eq!(decompressed(&small[PREFIX_BYTES..], 999), None);
        assert_eq!(decompressed(b"no gzip", 999), None);
    }
}
