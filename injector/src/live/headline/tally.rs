//! Failures by whose doing they are. Pure.

use shared::outcome::{DropReason, ErrorClass, Fate};

use super::{Blame, Part, Sight};

/// What became of requests in a window, all operations together.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Came to an end or were dropped.
    pub(super) placed: u64,
    /// Came to an end.
    pub(super) finished: u64,
    /// Of those, the ones that were not what was asked for.
    pub(super) failed: u64,
    /// Dropped because the injector was late; failed inside of it.
    pub(super) late: u64,
    pub(super) internal: u64,
    /// Dropped because nothing was free.
    pub(super) limit: u64,
    /// Rules of the target had a hand in them, and of those the ones that failed.
    pub(super) by_rule: u64,
    pub(super) failed_by_rule: u64,
    /// Failed before a byte was sent, and what most of those failed of.
    pub(super) unsent: u64,
    pub(super) worst_unsent: Worst,
    /// Sent, without an answer; those that never arrived, and those that did.
    silent: u64,
    lost: u64,
    arrived: u64,
    /// Struck by rules of the target without an answer that says so.
    undeclared: u64,
    /// Answered wrongly by something on the path.
    path_answered: u64,
    /// Answered wrongly, whoever did.
    wrong: u64,
    by_class: [u64; ErrorClass::ALL.len()],
}

/// The class most failures are of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Worst(Option<ErrorClass>);

impl Worst {
    pub(super) fn as_str(self) -> &'static str {
        self.0.map_or("none", ErrorClass::as_str)
    }
}

impl Tally {
    pub(super) fn of(parts: &[Part<'_>]) -> Tally {
        let mut tally = Tally::default();
        for Part { account, undeclared, .. } in parts {
            tally.undeclared += undeclared;
            tally.placed += account.placed_total();
            tally.finished += account.finished_total();
            tally.failed += account.failed();
            tally.late += account.dropped[DropReason::Late.index()];
            tally.limit += account.dropped[DropReason::Limit.index()];
            tally.by_rule += account.by_rule;
            tally.failed_by_rule += account.failed_by_rule;
            tally.lost += account.fates.of(Fate::RequestLost);
            tally.arrived += account.fates.of(Fate::ResponseLost);
            tally.path_answered += account.fates.of_wrong(Fate::RequestLost);
            for (sum, count) in tally.by_class.iter_mut().zip(account.failures) {
                *sum += count;
            }
        }
        for class in ErrorClass::ALL {
            let count = tally.by_class[class.index()];
            match class {
                ErrorClass::Internal => tally.internal += count,
                ErrorClass::Status | ErrorClass::Validation => tally.wrong += count,
                before if before.is_before_sending() => tally.unsent += count,
                _ => tally.silent += count,
            }
        }
        tally.worst_unsent = tally.worst(|class| class.is_before_sending() && class != ErrorClass::Internal);
        tally
    }

    fn worst(&self, is_meant: impl Fn(ErrorClass) -> bool) -> Worst {
        let classes = ErrorClass::ALL.into_iter().filter(|class| is_meant(*class) && self.by_class[class.index()] > 0);
        Worst(classes.max_by_key(|class| self.by_class[class.index()]))
    }

    /// `status, timeout`: classes, the most frequent first; drops where nothing failed.
    pub(super) fn worst_in_words(&self) -> String {
        let mut classes: Vec<ErrorClass> =
            ErrorClass::ALL.into_iter().filter(|class| self.by_class[class.index()] > 0).collect();
        classes.sort_by_key(|class| std::cmp::Reverse(self.by_class[class.index()]));
        match classes[..] {
            [] => "dropped: nothing was free for them".to_owned(),
            _ => classes.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(", "),
        }
    }

    /// Whether anything came to an end before the window.
    pub(super) fn finished_ever(&self, sight: &Sight<'_>) -> bool {
        sight.planned > sight.parts.iter().map(|part| part.account.planned).sum::<u64>()
    }

    /// Who did most of it, and in words why that is known. What was released too late is not among it.
    pub(super) fn blame(&self) -> (Blame, &'static str) {
        let never_arrived = self.lost.min(self.silent);
        let struck = self.undeclared.min(self.silent - never_arrived);
        let no_answer = self.silent - never_arrived - struck;
        let path_answered = self.path_answered.min(self.wrong);
        let by_target = (self.wrong - path_answered).saturating_sub(self.failed_by_rule);
        let causes = [
            (self.failed_by_rule, Blame::Asked, "their answers say that fault rules of the target did it"),
            (struck, Blame::Asked, "the target counts as many that its fault rules struck"),
            (self.unsent, Blame::Path, "no connection could be made"),
            (never_arrived, Blame::Path, "the target’s receipts say that they never arrived"),
            (path_answered, Blame::Path, "something on the path answered in the target’s place"),
            (by_target, Blame::Target, "its answers were not what was asked for"),
            (no_answer, Blame::PathOrTarget, self.unanswered()),
            (self.limit, Blame::PathOrTarget, "too slow for this plan, or its connections are too few"),
        ];
        // Of two that did as much, the first.
        let (_, blame, words) = causes.into_iter().rev().max_by_key(|(count, ..)| *count).expect("there are eight");
        (blame, words)
    }

    fn unanswered(&self) -> &'static str {
        if self.arrived > 0 {
            "they arrived, and no answer came back"
        } else {
            "no answer came back; the target’s receipts are being asked"
        }
    }
}
