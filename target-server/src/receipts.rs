//! The numbers of the requests of one operation that arrived lately: a ring of bits.
//!
//! Invariants:
//! - A number is forgotten as too old, never as not seen: what [`Ring::from`] excludes is unknown.
//! - 8 KiB for each ring, twice that once something arrived twice; how many rings there are is bounded by [`RINGS_MAX`].
//! - Noting a number takes O(1), or O(words) if it is ahead of all others, however far it is ahead. A forged number that is
//!   far ahead makes the true ones late, which is unknown, but makes none of them lost.

use shared::receipt::{Event, FROM_NONE};

/// Numbers of one operation that are remembered.
pub(crate) const NUMBERS: u64 = 65_536;
/// Rings of all sessions together: 8 MiB, and 16 MiB if each of them has seen a duplicate. An operation that opens when they
/// are all taken has no receipts at all, which its answer says: to take away another one's would make that one's loss a guess.
pub(crate) const RINGS_MAX: usize = 1024;

const WORD_BITS: u64 = 64;
const WORDS: u64 = NUMBERS / WORD_BITS;

type Bits = Box<[u64]>;

/// Which of the last numbers arrived, and which of them more than once. It moves on by whole words, so that what is cleared
/// are words: it reaches back over the last 65 473 numbers at least.
#[derive(Debug)]
pub(crate) struct Ring {
    /// The word behind the last one, counted from the number 0.
    end: u64,
    /// Below it, somebody may have forgotten what arrived. Nothing until the first number tells where it is.
    floor: Option<u64>,
    seen: Bits,
    /// Allocated with the first duplicate, which most operations never see.
    again: Option<Bits>,
}

/// What a ring says of some numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Those that arrived, in the order in which they were asked.
    pub(crate) seen: Vec<u64>,
    /// Those that arrived more than once.
    pub(crate) duplicate: Vec<u64>,
    /// The first number of which not having been seen says something.
    pub(crate) from: u64,
}

impl Found {
    /// Of numbers that nobody has seen: `from` says what that means.
    pub(crate) fn nothing(from: u64) -> Found {
        Found { seen: Vec::new(), duplicate: Vec::new(), from }
    }
}

impl Ring {
    /// An operation's that begins now. If it may have been here before, and was forgotten, nobody can say what arrived before
    /// the first number to come.
    pub(crate) fn new(may_be_forgotten: bool) -> Ring {
        Ring { end: WORDS, floor: (!may_be_forgotten).then_some(0), seen: bits(), again: None }
    }

    /// A request with this number arrived.
    pub(crate) fn note(&mut self, seq: u64) -> Event {
        self.floor.get_or_insert(seq);
        if seq < self.from() {
            return Event::Late;
        }
        self.reach(seq / WORD_BITS);
        let (word, bit) = place(seq);
        if self.seen[word] & bit == 0 {
            self.seen[word] |= bit;
            return Event::Unique;
        }
        self.again.get_or_insert_with(bits)[word] |= bit;
        Event::Duplicate
    }

    /// What is known of these numbers.
    pub(crate) fn find(&self, seqs: &[u64]) -> Found {
        let has = |bits: &Bits, seq: u64| {
            let (word, bit) = place(seq);
            seq >= self.from() && seq / WORD_BITS < self.end && bits[word] & bit != 0
        };
        let among = |bits: &Bits| seqs.iter().copied().filter(|seq| has(bits, *seq)).collect();
        Found {
            seen: among(&self.seen),
            duplicate: self.again.as_ref().map_or_else(Vec::new, among),
            from: self.from(),
        }
    }

    /// The oldest number of which anything can be said.
    fn from(&self) -> u64 {
        self.floor.unwrap_or(FROM_NONE).max((self.end - WORDS) * WORD_BITS)
    }

    /// Moves on until this word is held. What comes in on the way is empty.
    fn reach(&mut self, word: u64) {
        if word < self.end {
            return;
        }
        let passed = (word + 1 - self.end).min(WORDS);
        for word in word + 1 - passed..=word {
            let at = (word % WORDS) as usize;
            self.seen[at] = 0;
            if let Some(again) = &mut self.again {
                again[at] = 0;
            }
        }
        self.end = word + 1;
    }
}

fn bits() -> Bits {
    vec![0; WORDS as usize].into()
}

/// Where a number's bit is, in a ring that holds its word.
fn place(seq: u64) -> (usize, u64) {
    ((seq / WORD_BITS % WORDS) as usize, 1 << (seq % WORD_BITS))
}

#[cfg(test)]
mod tests;
