//! What a TCP or UDP echo answers, as far as both sides have to know it: the bytes, the flips of `corrupt`, and where a
//! fault strikes.

use std::time::Duration;

use crate::draw::Draw;
use crate::fault::{At, Body, FaultKind, Key, Mode, Verdict};
use crate::payload::Payload;

/// The port on which others echo (RFC 862); a datagram from there is somebody's answer.
pub const ECHO_PORT: u16 = 7;
/// The same of character generators (RFC 864).
pub const CHARGEN_PORT: u16 = 19;

/// Longest wait of an answer over UDP that is to be overtaken by the answer to its client's next datagram: there may be none.
pub const REORDER_MAX: Duration = Duration::from_millis(100);

/// Random bytes sent by `garbage` over TCP, behind one byte that begins no answer line.
pub const GARBAGE_BYTES: u64 = 512;

/// What the payload of an answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The request's own.
    Echo,
    /// The same with `a` to `z` turned to capitals.
    Upper,
    /// None.
    Nothing,
    /// This; without a `size` it has no end.
    Made(Payload),
}

impl Content {
    /// As the verdict says.
    pub fn of(verdict: &Verdict) -> Content {
        let made = |body: Body, size_bytes: Option<u64>| {
            let payload = Payload::new(body, size_bytes.unwrap_or(u64::MAX), verdict.seed, &verdict.key);
            payload.map_or(Content::Nothing, Content::Made)
        };
        match (verdict.mode, verdict.size_bytes) {
            (Mode::Discard, _) => Content::Nothing,
            (Mode::Source, size_bytes) => made(Body::Random, size_bytes),
            (Mode::Chargen, size_bytes) => made(Body::Text, size_bytes),
            (Mode::Echo | Mode::Upper, Some(size_bytes)) => made(Body::Random, Some(size_bytes)),
            (Mode::Echo, None) => Content::Echo,
            (Mode::Upper, None) => Content::Upper,
        }
    }
}

/// The bits that `corrupt` flips: one in the first byte of every started KiB of the payload, so that the shortest payload
/// has one and a long one has many. Known to both sides: what else differs was done by the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corruption(Draw);

/// Payload bytes per flipped bit.
const FLIP_EVERY_BYTES: u64 = 1024;

impl Corruption {
    /// Nothing if the verdict asks for none.
    pub fn of(verdict: &Verdict) -> Option<Corruption> {
        verdict.corrupt.then(|| Corruption(Draw::new(verdict.seed, &verdict.key)))
    }

    /// Flips the bits of a piece that begins at this offset of the payload. Doing it twice undoes it.
    pub fn flip(self, offset: u64, piece: &mut [u8]) {
        let first = offset.next_multiple_of(FLIP_EVERY_BYTES) - offset;
        let step = usize::try_from(FLIP_EVERY_BYTES).expect("1024 fits");
        let places = (usize::try_from(first).unwrap_or(usize::MAX)..piece.len()).step_by(step);
        for at in places {
            let kib = (offset + at as u64) / FLIP_EVERY_BYTES;
            // Number 0 is whether to corrupt at all.
            let bit = (self.0.u(Key::Corrupt.as_str(), kib + 1) * 8.0) as u32;
            piece[at] ^= 1 << bit;
        }
    }
}

/// Where the fault of a TCP exchange strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Before the answer line.
    Head,
    /// After the line and this many bytes of the payload; at its end if there are fewer.
    Byte(u64),
    /// After the whole payload, or at an instant.
    End,
}

impl Strike {
    /// For an answer with a payload of this length, if it is known. `None` without a fault.
    pub fn of(verdict: &Verdict, payload_bytes: Option<u64>) -> Option<Strike> {
        Some(match (verdict.fault?, verdict.at) {
            (FaultKind::Empty | FaultKind::Garbage, _) | (_, At::Head) => Strike::Head,
            (_, At::Body) => Strike::Byte(0),
            (_, At::Bytes(bytes)) => Strike::Byte(bytes),
            (_, At::Percent(percent)) => match payload_bytes {
                Some(bytes) => Strike::Byte((bytes as f64 * percent / 100.0) as u64),
                None => Strike::End,
            },
            (_, At::After(_)) => Strike::End,
        })
    }
}

#[cfg(test)]
mod tests;
