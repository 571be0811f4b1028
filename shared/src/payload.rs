//! Content that both sides can produce: the target sends it without copying, the injector compares it without keeping it.
//!
//! Byte `i` of a payload is a pure function of (body, size, seed, key, i). `random` is one process-wide block of
//! pseudo-random bytes, entered at an offset drawn from (seed, key) and continued cyclically: incompressible for any
//! window smaller than the block, different from request to request, and free to serve.

mod block;
mod json;
mod matcher;

pub use matcher::{Mismatch, PayloadMatcher};

use crate::draw::Draw;
use crate::fault::Body;

/// A body of known content and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    content: Content,
    size_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// A static block, read cyclically from an offset.
    Cycle { block: &'static [u8], offset: usize },
    /// A prefix, letters, and a suffix: a document of exactly the size asked for.
    Json,
}

impl Payload {
    /// The payload of the request (seed, key). `Body::Echo` is the caller's own affair: what it echoes is not a
    /// function of these; here it stands for nothing, and gives `None`.
    pub fn new(body: Body, size_bytes: u64, seed: u64, key: &str) -> Option<Self> {
        let cycle = |block: &'static [u8], offset| Some(Content::Cycle { block, offset });
        let content = match body {
            Body::Echo => None,
            Body::Random => {
                let block = block::random();
                let bits = Draw::new(seed, key).bits("payload");
                cycle(block, usize::try_from(bits % block.len() as u64).expect("less than the block's length"))
            }
            Body::Zero => cycle(block::zero(), 0),
            Body::Text => cycle(block::text(), 0),
            Body::Seq => cycle(block::seq(), 0),
            Body::Json => Some(Content::Json),
        }?;
        Some(Self { content, size_bytes })
    }

    /// Its length.
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The longest run of bytes from `at` that lies in one piece, at most `max_bytes`; empty at the end.
    pub fn slice(&self, at: u64, max_bytes: u64) -> &'static [u8] {
        let left = self.size_bytes.saturating_sub(at).min(max_bytes);
        let run = match self.content {
            Content::Cycle { block, offset } => {
                let start = (offset as u64 + at) % block.len() as u64;
                &block[usize::try_from(start).expect("less than the block's length")..]
            }
            Content::Json => json::run(self.size_bytes, at),
        };
        &run[..usize::try_from(left).unwrap_or(usize::MAX).min(run.len())]
    }

    /// The whole payload in pieces of at most `chunk_bytes` (at least 1). Pieces are exactly that long but for the last
    /// and those that end where the underlying block does: nothing is copied to make them even.
    pub fn chunks(&self, chunk_bytes: u64) -> impl Iterator<Item = &'static [u8]> + use<> {
        let (payload, mut at) = (*self, 0);
        std::iter::from_fn(move || {
            let chunk = payload.slice(at, chunk_bytes.max(1));
            at += chunk.len() as u64;
            (!chunk.is_empty()).then_some(chunk)
        })
    }

    /// A check of received bytes against this payload.
    pub fn matcher(&self) -> PayloadMatcher {
        PayloadMatcher::new(*self)
    }
}

#[cfg(test)]
mod tests;
