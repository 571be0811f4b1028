//! Comparing what arrives with what should have, piece by piece, in constant memory.

use std::fmt;

use super::Payload;

/// Follows a stream of received bytes.
#[derive(Clone, Copy, Debug)]
pub struct PayloadMatcher {
    payload: Payload,
    received_bytes: u64,
    mismatch: Option<Mismatch>,
}

/// What arrived is not what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Offset of the first byte that is wrong, missing, or too many.
    pub offset: u64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "content differs at byte {}", self.offset)
    }
}

impl std::error::Error for Mismatch {}

impl PayloadMatcher {
    pub(super) fn new(payload: Payload) -> Self {
        Self { payload, received_bytes: 0, mismatch: None }
    }

    /// Takes the next bytes. After the first mismatch every call repeats it.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Mismatch> {
        self.mismatch.map_or(Ok(()), Err)?;
        while !bytes.is_empty() {
            let expected = self.payload.slice(self.received_bytes, bytes.len() as u64);
            let (now, rest) = bytes.split_at(expected.len());
            if expected.is_empty() || now != expected {
                let same = now.iter().zip(expected).take_while(|(a, b)| a == b).count();
                let mismatch = Mismatch { offset: self.received_bytes + same as u64 };
                self.mismatch = Some(mismatch);
                return Err(mismatch);
            }
            self.received_bytes += expected.len() as u64;
            bytes = rest;
        }
        Ok(())
    }

    /// The stream has ended: whether everything came.
    pub fn finish(&self) -> Result<(), Mismatch> {
        self.mismatch.map_or(Ok(()), Err)?;
        match self.received_bytes < self.payload.size_bytes() {
            true => Err(Mismatch { offset: self.received_bytes }),
            false => Ok(()),
        }
    }

    /// How much has matched so far.
    pub const fn received_bytes(&self) -> u64 {
        self.received_bytes
    }
}
