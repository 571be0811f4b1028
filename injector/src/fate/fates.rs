//! What the receipts told of one operation's requests, in figures.

use std::collections::BTreeMap;

use shared::outcome::Fate;

use super::{Doubt, Kind, Lost, Verdict};

/// How many had which fate, and what else the receipts showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// Requests without an answer, by [`Fate::index`].
    decided: [u64; Fate::ALL.len()],
    /// The unknown ones of them by [`Doubt::index`].
    doubts: [u64; Doubt::ALL.len()],
    /// Requests with a wrong answer, by what would be their fate without it.
    wrong: [u64; Fate::ALL.len()],
    /// Of those that were asked again over TCP, the ones of which a sending never arrived.
    pub(crate) lost_again: u64,
    /// Called lost, and arrived after that: they have the fate of those that arrived.
    pub(crate) late: u64,
    /// Arrivals at one process of requests that another one had, too.
    pub(crate) elsewhere: u64,
    /// Most requests that processes which are gone can have had in their accounts.
    pub(crate) excused: u64,
    /// Somebody may have seen requests who was never asked: of what nobody has seen, nothing is claimed.
    pub(crate) is_disclaimed: bool,
}

impl Fates {
    /// Counts some without an answer.
    pub fn count(&mut self, verdict: Verdict, count: u64) {
        self.decided[verdict.fate().index()] += count;
        if let Verdict::Unknown(doubt) = verdict {
            self.doubts[doubt.index()] += count;
        }
    }

    /// Counts some of whose answer nothing more is known than that it was wrong, or was none.
    pub(crate) fn count_many(&mut self, kind: Kind, verdict: Verdict, count: u64) {
        match kind {
            Kind::Unanswered => self.count(verdict, count),
            Kind::Wrong => self.wrong[verdict.fate().index()] += count,
        }
    }

    /// Counts one.
    pub(crate) fn count_one(&mut self, lost: &Lost, verdict: Verdict) {
        self.count_many(lost.kind, verdict, 1);
        self.lost_again += u64::from(lost.sendings > 1 && verdict == Verdict::RequestLost);
    }

    /// One that was counted as lost has arrived since.
    pub(crate) fn has_arrived(&mut self, lost: &Lost) {
        let counts = match lost.kind {
            Kind::Unanswered => &mut self.decided,
            Kind::Wrong => &mut self.wrong,
        };
        counts[Fate::RequestLost.index()] -= 1;
        counts[Fate::ResponseLost.index()] += 1;
        self.lost_again -= u64::from(lost.sendings > 1);
        self.late += 1;
    }

    /// Not everybody was asked: whatever was called lost, and answered by something on the path, may have arrived.
    pub(crate) fn disclaim(&mut self) {
        let lost = std::mem::take(&mut self.decided[Fate::RequestLost.index()]);
        self.count(Verdict::Unknown(Doubt::Unasked), lost);
        let wrong = std::mem::take(&mut self.wrong[Fate::RequestLost.index()]);
        self.wrong[Fate::Unknown.index()] += wrong;
        (self.lost_again, self.is_disclaimed) = (0, true);
    }

    /// How many without an answer had this one.
    pub fn of(&self, fate: Fate) -> u64 {
        self.decided[fate.index()]
    }

    /// How many with a wrong answer would have had this one without it: lost requests were answered by something on the
    /// path.
    pub(crate) fn of_wrong(&self, fate: Fate) -> u64 {
        self.wrong[fate.index()]
    }

    /// How many without an answer there are.
    pub fn total(&self) -> u64 {
        self.decided.iter().sum()
    }

    /// Why fates are not known; reasons that did not occur are left out.
    pub fn doubts(&self) -> BTreeMap<&'static str, u64> {
        let counts = Doubt::ALL.map(|doubt| (doubt.as_str(), self.doubts[doubt.index()]));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// What became known since these were all. One that was called lost and has arrived counts as arrived once more: the
    /// sum of all fates, which is what a window is judged by, is then too high by it, and never too low.
    pub(crate) fn since(&self, before: &Fates) -> Fates {
        let mut new = *self;
        let decided = new.decided.iter_mut().zip(before.decided);
        let doubts = new.doubts.iter_mut().zip(before.doubts);
        let wrong = new.wrong.iter_mut().zip(before.wrong);
        decided.chain(doubts).chain(wrong).for_each(|(mine, theirs)| *mine = mine.saturating_sub(theirs));
        new.lost_again = new.lost_again.saturating_sub(before.lost_again);
        new.late = new.late.saturating_sub(before.late);
        new.elsewhere = new.elsewhere.saturating_sub(before.elsewhere);
        new.excused = new.excused.saturating_sub(before.excused);
        new
    }

    /// Adds another's figures.
    pub fn merge(&mut self, other: &Fates) {
        let decided = self.decided.iter_mut().zip(other.decided);
        let doubts = self.doubts.iter_mut().zip(other.doubts);
        let wrong = self.wrong.iter_mut().zip(other.wrong);
        decided.chain(doubts).chain(wrong).for_each(|(mine, theirs)| *mine += theirs);
        self.lost_again += other.lost_again;
        self.late += other.late;
        self.elsewhere += other.elsewhere;
        self.excused += other.excused;
        self.is_disclaimed |= other.is_disclaimed;
    }
}
