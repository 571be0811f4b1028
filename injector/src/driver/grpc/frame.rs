//! gRPC's framing of messages (gRPC over HTTP/2, "Length-Prefixed-Message"): a flag, a length of four bytes, the message.
//!
//! Pure: pieces of a body in, whole messages out. Any split of the same bytes gives the same messages. A message that lies
//! in one piece is handed on without being copied; one that does not is put together, up to the bound and no further.

use std::io::Read as _;

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::read::GzDecoder;

/// Length of the prefix.
pub(super) const PREFIX_BYTES: usize = 5;

/// The prefix and the message, as they go over the wire.
pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.len()).expect("a scenario file is 1 MiB, and a size at most 16 MiB"));
    bytes.put_slice(message);
    bytes.freeze()
}

/// Why a body is no sequence of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unframed {
    /// Longer than the bound, by its prefix or once decompressed.
    #[error("a message over the limit")]
    TooLong,
    /// The flag is neither 0 nor 1.
    #[error("a message with an unknown flag")]
    Flag,
    /// Compressed by a method nobody agreed on, or not decompressible.
    #[error("a compressed message that cannot be read")]
    Compression,
    /// The body ends inside a message.
    #[error("a message that is cut short")]
    Cut,
}

/// One body being read.
#[derive(Debug)]
pub(super) struct Deframer {
    /// Longest message accepted, in bytes.
    max_bytes: usize,
    /// Whether the answer's head announced gzip.
    pub(super) gzip: bool,
    /// An incomplete prefix or message.
    pending: BytesMut,
}

impl Deframer {
    pub(super) fn new(max_bytes: usize) -> Deframer {
        Deframer { max_bytes, gzip: false, pending: BytesMut::new() }
    }

    /// Takes the next piece of the body; whole messages go to `message`.
    ///
    /// # Errors
    /// At the first message that is none. The rest of the body is useless then.
    pub(super) fn push(&mut self, mut piece: Bytes, message: &mut impl FnMut(Bytes)) -> Result<(), Unframed> {
        loop {
            if self.pending.is_empty() {
                // Whole in this piece?
                let Some(len) = self.length(&piece)?.filter(|len| piece.len() >= PREFIX_BYTES + len) else {
                    self.pending.extend_from_slice(&piece);
                    return Ok(());
                };
                let flag = piece.split_to(PREFIX_BYTES)[0];
                message(self.plain(flag, piece.split_to(len))?);
                continue;
            }
            let wanted = self.length(&self.pending)?.map_or(PREFIX_BYTES, |len| PREFIX_BYTES + len);
            let more = piece.split_to(piece.len().min(wanted - self.pending.len()));
            self.pending.extend_from_slice(&more);
            match self.length(&self.pending)? {
                Some(len) if self.pending.len() == PREFIX_BYTES + len => {
                    let mut whole = std::mem::take(&mut self.pending).freeze();
                    let flag = whole.split_to(PREFIX_BYTES)[0];
                    message(self.plain(flag, whole)?);
                }
                _ if more.is_empty() => return Ok(()),
                _ => {}
            }
        }
    }

    /// The body is over.
    ///
    /// # Errors
    /// If that is in the middle of a message.
    pub(super) fn end(&self) -> Result<(), Unframed> {
        if self.pending.is_empty() { Ok(()) } else { Err(Unframed::Cut) }
    }

    /// The length a prefix announces; nothing if it has not all come.
    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, Unframed> {
        let Some((flag, rest)) = bytes.split_first() else { return Ok(None) };
        if *flag > 1 {
            return Err(Unframed::Flag);
        }
        let Some(digits) = rest.first_chunk::<4>() else { return Ok(None) };
        let len = usize::try_from(u32::from_be_bytes(*digits)).map_err(|_| Unframed::TooLong)?;
        if len > self.max_bytes { Err(Unframed::TooLong) } else { Ok(Some(len)) }
    }

    fn plain(&self, flag: u8, message: Bytes) -> Result<Bytes, Unframed> {
        if flag == 0 {
            return Ok(message);
        }
        if !self.gzip {
            return Err(Unframed::Compression);
        }
        let mut plain = Vec::new();
        // One byte over the bound tells too long from just fitting.
        let read = GzDecoder::new(&message[..]).take(self.max_bytes as u64 + 1).read_to_end(&mut plain);
        match read {
            Ok(len) if len > self.max_bytes => Err(Unframed::TooLong),
            Ok(_) => Ok(plain.into()),
            Err(_) => Err(Unframed::Compression),
        }
    }
}

#[cfg(test)]
mod tests;
