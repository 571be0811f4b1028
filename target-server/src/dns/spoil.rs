//! The ways in which a good message becomes a bad one, byte by byte.

use shared::draw::Draw;
use shared::fault::{FaultKind, Transport, Verdict};

use super::query::HEADER_BYTES;

/// What goes out instead of one good message.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Spoilt {
    /// Zero, one or two messages, in order.
    pub(super) messages: Vec<Vec<u8>>,
    /// A pause before the second.
    pub(super) is_late: bool,
    /// By how much a length prefix lies.
    pub(super) length_error: i64,
    /// What follows on a connection.
    pub(super) then: Then,
    /// Write only half of the message.
    pub(super) is_aborted: bool,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Then {
    /// The next query may follow.
    #[default]
    Keep,
    /// An orderly end.
    Close,
    /// A reset.
    Reset,
}

/// Applies the verdict's fault to `good`. `failure` is the answer that a late one follows.
pub(super) fn spoil(
    verdict: &Verdict,
    transport: Transport,
    good: Vec<u8>,
    failure: impl FnOnce() -> Vec<u8>,
) -> Spoilt {
    let one = |message: Vec<u8>| Spoilt { messages: vec![message], ..Spoilt::default() };
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut message = good.clone();
        change(&mut message);
        one(message)
    };
    let is_tcp = transport == Transport::Tcp;
    match verdict.fault {
        Some(FaultKind::Drop) => Spoilt::default(),
        Some(FaultKind::Empty) => one(Vec::new()),
        Some(FaultKind::Reset) => Spoilt { then: Then::Reset, ..Spoilt::default() },
        Some(FaultKind::Abort) if is_tcp => Spoilt { then: Then::Close, is_aborted: true, ..one(good) },
        Some(FaultKind::Abort | FaultKind::Cut(None)) => {
            let half = good.len() / 2;
            one(good[..half].to_vec())
        }
        Some(FaultKind::Cut(Some(bytes))) => {
            let cut = usize::from(bytes).min(good.len().saturating_sub(1));
            one(good[..cut].to_vec())
        }
        Some(FaultKind::Clen(difference)) if is_tcp => {
            Spoilt { length_error: difference, then: Then::Close, ..one(good) }
        }
        Some(FaultKind::BadId) => changed(|message| {
            message[0] ^= 0x5a;
            message[1] ^= 0xa5;
        }),
        Some(FaultKind::BadQ) => changed(|message| bad_question(message)),
        Some(FaultKind::BadCase) => changed(|message| bad_case(message)),
        Some(FaultKind::Qr0) => changed(|message| message[2] &= 0x7f),
        Some(FaultKind::BadHead) => changed(|message| {
            let answers = u16::from_be_bytes([message[6], message[7]]).saturating_add(5);
            message[6..8].copy_from_slice(&answers.to_be_bytes());
        }),
        Some(FaultKind::Garbage) => one(garbage(verdict, &good)),
        Some(FaultKind::Dup) => Spoilt { messages: vec![good.clone(), good], ..Spoilt::default() },
        Some(FaultKind::Late) => Spoilt { messages: vec![failure(), good], is_late: true, ..Spoilt::default() },
        _ => one(good),
    }
}

/// The question's name, as the bytes behind the header hold it: uncompressed, for nothing stands before it.
fn name(message: &mut [u8]) -> &mut [u8] {
    let mut at = HEADER_BYTES;
    while message.get(at).is_some_and(|length| *length > 0) {
        at += 1 + usize::from(message[at]);
    }
    let end = at.min(message.len());
    &mut message[HEADER_BYTES..end]
}

/// A name nobody asked for. The root has no letter to change, so its type is.
fn bad_question(message: &mut [u8]) {
    match name(message).get_mut(1) {
        Some(letter) => *letter = if *letter == b'z' { b'y' } else { b'z' },
        None => message[HEADER_BYTES + 2] ^= 1,
    }
}

/// Every letter in the other case. The lengths between them are below 64, and no letter is.
fn bad_case(message: &mut [u8]) {
    for byte in name(message) {
        if byte.is_ascii_alphabetic() {
            *byte ^= 0x20;
        }
    }
}

/// Random bytes that cannot be a message: its header announces more questions than fit. The id is kept, or nobody would look
/// at the rest.
fn garbage(verdict: &Verdict, good: &[u8]) -> Vec<u8> {
    let draw = Draw::new(verdict.seed, &verdict.key);
    let mut bytes: Vec<u8> = (0..good.len()).map(|i| (draw.u("garbage", i as u64) * 256.0) as u8).collect();
    bytes[..2].copy_from_slice(&good[..2]);
    bytes[2] |= 0x80;
    bytes[4..6].fill(0xff);
    bytes
}
