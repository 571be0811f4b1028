//! Which process answers at an address, and what it means that it is another one than before. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// A process of the target, as it was when last heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// What it calls itself.
    pub(crate) server: String,
    /// Drawn at random when it started.
    pub(crate) boot: String,
    /// It was there at this instant, or after it: when it was asked and has answered.
    pub(crate) heard: Instant,
}

/// What has become of the one at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is the same.
    Same,
    /// Its successor began at this instant, or a moment before it.
    Restarted(Instant),
    /// Both are there at a time: something before them leads each question to one of them.
    Several,
}

impl Life {
    /// How it compares with who has answered now. A successor begins after its predecessor was last heard of.
    pub(crate) fn change(&self, boot: &str, born: Option<Instant>) -> Change {
        match born {
            _ if self.boot == boot => Change::Same,
            Some(born) if born > self.heard => Change::Restarted(born),
            _ => Change::Several,
        }
    }
}

/// When a process of this age began; nothing if that is before all that can be told.
pub(crate) fn born(answered: Instant, uptime_seconds: f64) -> Option<Instant> {
    answered.checked_sub(Duration::try_from_secs_f64(uptime_seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_younger_than_the_last_word_of_the_one_before() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let life = Life { server: String::new(), boot: "one".to_owned(), heard: at(10) };
        let cases = [
            ("one", Some(at(12)), Change::Same),
            ("one", None, Change::Same),
            ("two", Some(at(11)), Change::Restarted(at(11))),
            ("two", Some(at(10)), Change::Several),
            ("two", Some(at(3)), Change::Several),
            ("two", None, Change::Several),
        ];
        for (boot, born, change) in cases {
            assert_eq!(life.change(boot, born), change, "{boot} {born:?}");
        }
        assert_eq!(born(at(10), 4.0), Some(at(6)));
        assert_eq!(born(at(10), -4.0), Some(at(10)), "an age that is none");
        assert_eq!(born(at(10), 1e19), None);
    }
}
