//! Requests by the rule of the target that had a hand in them, as their answers say.

use std::collections::BTreeMap;

/// Most rules told apart in one operation: a bound on memory that the network cannot move.
const RULES_MAX: usize = 32;
/// What the rest are counted as. No rule can be called that: `(` is in no name.
pub const OTHER_RULES: &str = "(others)";

/// How many requests each rule had a hand in, by the rule's name. Names are checked where they come in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleHits(BTreeMap<Box<str>, u64>);

impl RuleHits {
    /// Counts so many of one rule.
    pub fn count(&mut self, name: &str, requests: u64) {
        let name = if self.0.len() < RULES_MAX || self.0.contains_key(name) { name } else { OTHER_RULES };
        match self.0.get_mut(name) {
            Some(count) => *count += requests,
            None => drop(self.0.insert(name.into(), requests)),
        }
    }

    /// Those that had a hand in anything, by name.
    pub fn each(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (&**name, *count))
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &RuleHits) {
        other.each().for_each(|(name, count)| self.count(name, count));
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_no_request_is_lost() {
        let mut hits = RuleHits::default();
        for n in 0..10 * RULES_MAX {
            hits.count(&format!("rule-{n}"), 2);
        }
        let mut twice = hits.clone();
        twice.merge(&hits);
        assert_eq!(twice.each().count(), RULES_MAX + 1);
        assert_eq!(twice.each().map(|(_, count)| count).sum::<u64>(), 40 * RULES_MAX as u64);
        assert_eq!(twice.each().next(), Some((OTHER_RULES, 36 * RULES_MAX as u64)));
    }
}
