//! Counts by (result, code, error): the one place where a label value can be as many as the protocol has codes.
//!
//! A small open table of atomics: the few pairs that occur sit in the first slots, finding one is a short scan without a
//! lock, and a caller who asks for every status from 200 to 999 fills the table once and then counts as `code="other"`.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::outcome::{self, Code, ErrorClass, Outcome, ServerError};

/// Distinct (result, code, error) triples kept apart. All 16 client errors and 32 codes fit.
const SLOTS: usize = 48;

/// An error list that fits into a tally's key.
pub trait ErrorLabel: Copy {
    /// Position in the closed list.
    fn index(self) -> usize;
    /// Label value of the i-th of the closed list.
    fn word(index: usize) -> &'static str;
}

impl ErrorLabel for ErrorClass {
    fn index(self) -> usize {
        ErrorClass::index(self)
    }
    fn word(index: usize) -> &'static str {
        ErrorClass::ALL[index].as_str()
    }
}

impl ErrorLabel for ServerError {
    fn index(self) -> usize {
        ServerError::index(self)
    }
    fn word(index: usize) -> &'static str {
        ServerError::ALL[index].as_str()
    }
}

/// Counts by outcome.
#[derive(Debug)]
pub struct Tally {
    slots: [(AtomicU32, AtomicU64); SLOTS],
    other: [AtomicU64; 2],
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            slots: [const { (AtomicU32::new(FREE), AtomicU64::new(0)) }; SLOTS],
            other: [const { AtomicU64::new(0) }; 2],
        }
    }
}

const FREE: u32 = 0;
const USED: u32 = 1 << 31;
const SUCCESS: u32 = 1 << 30;

/// `used | success | error + 1 | code`.
fn key<E: ErrorLabel>(outcome: Outcome<E>) -> u32 {
    let code = u32::from(outcome.code().pack());
    match outcome {
        Outcome::Success(_) => USED | SUCCESS | code,
        Outcome::Failure(_, error) => USED | ((error.index() as u32 + 1) << 16) | code,
    }
}

impl Tally {
    /// Counts one outcome.
    pub fn count<E: ErrorLabel>(&self, outcome: Outcome<E>) {
        self.slot(outcome).fetch_add(1, Ordering::Relaxed);
    }

    /// Makes a outcome visible at 0.
    pub fn expect<E: ErrorLabel>(&self, outcome: Outcome<E>) {
        self.slot(outcome);
    }

    fn slot<E: ErrorLabel>(&self, outcome: Outcome<E>) -> &AtomicU64 {
        let wanted = key(outcome);
        for (key, count) in &self.slots {
            let mut held = key.load(Ordering::Relaxed);
            if held == FREE {
                held = match key.compare_exchange(FREE, wanted, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => wanted,
                    Err(winner) => winner,
                };
            }
            if held == wanted {
                return count;
            }
        }
        &self.other[usize::from(outcome.is_success())]
    }

    /// Adds what was counted so far to `into`.
    pub(super) fn add_to(&self, into: &mut Vec<(u32, u64)>) {
        for (key, count) in &self.slots {
            let key = key.load(Ordering::Relaxed);
            if key == FREE {
                break;
            }
            let count = count.load(Ordering::Relaxed);
            match into.iter_mut().find(|(held, _)| *held == key) {
                Some((_, total)) => *total += count,
                None => into.push((key, count)),
            }
        }
        for (success, count) in self.other.iter().enumerate() {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                into.push((if success == 1 { OTHER | SUCCESS } else { OTHER }, count));
            }
        }
    }
}

/// The key of what no longer fitted; its `used` bit is clear, so it equals no real key.
const OTHER: u32 = 1 << 29;

/// The labels `code`, `result`, `error` of a key that [`Tally::add_to`] gave.
pub(super) fn words<E: ErrorLabel>(key: u32) -> (String, &'static str, &'static str) {
    let result = if key & SUCCESS != 0 { outcome::SUCCESS } else { outcome::FAILURE };
    if key & OTHER != 0 && key & USED == 0 {
        return ("other".to_owned(), result, "");
    }
    let error = (key >> 16) & 0xff;
    let error = if error == 0 { "" } else { E::word(error as usize - 1) };
    (Code::unpack(key as u16).label(), result, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(tally: &Tally) -> Vec<(String, &'static str, &'static str, u64)> {
        let mut keys = Vec::new();
        tally.add_to(&mut keys);
        keys.iter()
            .map(|(key, count)| {
                let (code, result, error) = words::<ErrorClass>(*key);
                (code, result, error, *count)
            })
            .collect()
    }

    #[test]
    fn every_outcome_keeps_its_own_words() {
        for code in (200..1000).step_by(37).map(Code::Http).chain([Code::NONE]) {
            for error in ErrorClass::ALL {
                let outcome = Outcome::Failure(code, error);
                assert_eq!(words::<ErrorClass>(key(outcome)), (code.label(), "failure", error.as_str()));
            }
            let success: Outcome<ErrorClass> = Outcome::Success(code);
            assert_eq!(words::<ErrorClass>(key(success)), (code.label(), "success", ""));
        }
    }

    #[test]
    fn expected_outcomes_are_shown_at_zero_and_counted_ones_add_up() {
        let tally = Tally::default();
        tally.expect(Outcome::Failure(Code::NONE, ErrorClass::Reset));
        tally.count::<ErrorClass>(Outcome::Success(Code::Http(200)));
        tally.count::<ErrorClass>(Outcome::Success(Code::Http(200)));
        assert_eq!(counts(&tally), [(String::new(), "failure", "reset", 0), ("200".to_owned(), "success", "", 2)]);
    }

    #[test]
    fn beyond_the_bound_nothing_is_lost() {
        let tally = Tally::default();
        for code in 200..300 {
            tally.count::<ErrorClass>(Outcome::Success(Code::Http(code)));
        }
        let counts = counts(&tally);
        assert_eq!(counts.len(), SLOTS + 1);
        assert_eq!(counts.iter().map(|(.., n)| n).sum::<u64>(), 100);
        assert_eq!(counts.last(), Some(&("other".to_owned(), "success", "", 100 - SLOTS as u64)));
    }
}
