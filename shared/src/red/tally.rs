//! Counts by (result, code, error): the one place where a label value can be as many as the protocol has codes.
//!
//! A small open table of atomics: the few pairs that occur sit in the first slots, finding one is a short scan without a
//! lock, and a caller who asks for every status from 200 to 999 fills the table once and then counts as `code="other"`.
//! What is held for an outcome is a count, or whatever else [`Table`] is asked to hold.

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

/// Something for each outcome that occurs, up to a bound; beyond it, one for all that succeeded and one for the rest.
#[derive(Debug)]
pub(super) struct Table<T> {
    slots: [(AtomicU32, T); SLOTS],
    other: [T; 2],
}

impl<T: Default> Default for Table<T> {
    fn default() -> Table<T> {
        Table {
            slots: std::array::from_fn(|_| (AtomicU32::new(FREE), T::default())),
            other: std::array::from_fn(|_| T::default()),
        }
    }
}

/// Counts by outcome.
#[derive(Debug, Default)]
pub struct Tally(Table<AtomicU64>);

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

impl<T> Table<T> {
    /// What is held for this outcome; from now on it is there.
    pub(super) fn of<E: ErrorLabel>(&self, outcome: Outcome<E>) -> &T {
        let wanted = key(outcome);
        for (key, of_it) in &self.slots {
            let mut held = key.load(Ordering::Relaxed);
            if held == FREE {
                held = match key.compare_exchange(FREE, wanted, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => wanted,
                    Err(winner) => winner,
                };
            }
            if held == wanted {
                return of_it;
            }
        }
        &self.other[usize::from(outcome.is_success())]
    }

    /// Everything that is held, with the keys that [`words`] reads; what no longer fitted last.
    pub(super) fn each(&self) -> impl Iterator<Item = (u32, &T)> {
        let own = self.slots.iter().map(|(key, of_it)| (key.load(Ordering::Relaxed), of_it));
        let other = [OTHER, OTHER | SUCCESS].into_iter().zip(&self.other);
        own.take_while(|(key, _)| *key != FREE).chain(other)
    }
}

impl Tally {
    /// Counts one outcome.
    pub fn count<E: ErrorLabel>(&self, outcome: Outcome<E>) {
        self.0.of(outcome).fetch_add(1, Ordering::Relaxed);
    }

    /// Makes a outcome visible at 0.
    pub fn expect<E: ErrorLabel>(&self, outcome: Outcome<E>) {
        self.0.of(outcome);
    }

    /// Adds what was counted so far to `into`.
    pub(super) fn add_to(&self, into: &mut Vec<(u32, u64)>) {
        for (key, count) in self.0.each() {
            let count = count.load(Ordering::Relaxed);
            match into.iter_mut().find(|(held, _)| *held == key) {
                Some((_, total)) => *total += count,
                None if count > 0 || !is_other(key) => into.push((key, count)),
                None => {}
            }
        }
    }
}

/// The key of what no longer fitted; its `used` bit is clear, so it equals no real key.
const OTHER: u32 = 1 << 29;

/// Whether this is the key of what no longer fitted.
pub(super) const fn is_other(key: u32) -> bool {
    key & OTHER != 0 && key & USED == 0
}

/// The outcome of a key, with the error's place in its list; nothing of what no longer fitted.
pub(super) fn outcome(key: u32) -> Option<(Code, Option<usize>)> {
    let error = (key >> 16) & 0xff;
    (!is_other(key)).then(|| (Code::unpack(key as u16), (error as usize).checked_sub(1)))
}

/// Whether a key's outcome is a success.
pub(super) const fn is_success(key: u32) -> bool {
    key & SUCCESS != 0
}

/// The labels `code`, `result`, `error` of a key that [`Tally::add_to`] gave.
pub(super) fn words<E: ErrorLabel>(key: u32) -> (String, &'static str, &'static str) {
    let result = if is_success(key) { outcome::SUCCESS } else { outcome::FAILURE };
    let Some((code, error)) = outcome(key) else { return ("other".to_owned(), result, "") };
    (code.label(), result, error.map_or("", E::word))
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
