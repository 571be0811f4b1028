//! Asks about all that wait, several operations at once. What one question is about stays with its operation until it is
//! decided, so that a sweep may be broken off at any time.

use std::sync::atomic::Ordering;

use shared::receipt::Finding;

use super::*;
use crate::fate::{Doubt, Verdict};

impl Inquest {
    /// Who has never answered is not waited for, nor is the rest of a wrong answer.
    pub(in crate::fate) async fn last(&self) {
        self.take_up();
        while let Some(newest) = Kind::ALL.iter().filter_map(|kind| self.unanswered.newest(*kind)).max() {
            if let Some(newest) = self.unanswered.newest(Kind::Unanswered).filter(|_| self.replicas.are_known()) {
                sleep_until(newest + GRACE).await;
            }
            self.sweep(newest).await;
            if !self.replicas.are_known() {
                return;
            }
        }
    }

    /// What was being asked about when that was broken off waits again.
    fn take_up(&self) {
        for (operation, subject) in self.subjects.all().iter().enumerate() {
            for kind in Kind::ALL {
                let asking = std::mem::take(&mut subject.lock().asking[kind as usize]);
                self.unanswered.put_back(operation, kind, asking);
            }
        }
    }

    /// Asks about all that have waited since that instant. It begins behind the operation that was done last, so that none
    /// always comes too late when time runs out.
    pub(in crate::fate) async fn sweep(&self, until: Instant) {
        let count = self.subjects.count();
        let first = self.next.load(Ordering::Relaxed);
        let asking = (0..count).map(|turn| (first + turn) % count).map(async |operation| {
            for kind in Kind::ALL {
                while self.ask(operation, kind, until).await == SEQS_MAX {}
            }
            self.next.store((operation + 1) % count, Ordering::Relaxed);
        });
        iter(asking).buffer_unordered(OPERATIONS_AT_ONCE).for_each(async |()| ()).await;
    }

    /// Asks one question: about how many.
    async fn ask(&self, operation: usize, kind: Kind, until: Instant) -> usize {
        let (lost, overflow) = self.unanswered.take(operation, kind, until);
        self.decide(operation, kind, Verdict::Unknown(Doubt::Overflow), overflow);
        let count = lost.len();
        let subject = self.subjects.of(operation);
        if !subject.carries_id {
            self.decide(operation, kind, Verdict::Unknown(Doubt::Anonymous), count as u64);
            return count;
        }
        if lost.is_empty() {
            return 0;
        }
        let numbers: Vec<u64> = lost.iter().map(|lost| lost.seq).collect();
        subject.lock().asking[kind as usize] = lost;
        let told = self.replicas.ask(subject.name, &numbers).await;
        let were_all_asked = self.replicas.were_all_asked(&self.heard, operation);
        let asked = std::mem::take(&mut subject.lock().asking[kind as usize]);
        for lost in asked {
            match told.of(&lost) {
                Verdict::Unknown(Doubt::Unreachable) if lost.tries + 1 < TRIES_MAX => {
                    // A question that one was spared was not in vain.
                    let tries = lost.tries + u8::from(!told.has_spared());
                    self.unanswered.remember(operation, Lost { since: Instant::now(), tries, ..lost });
                }
                Verdict::RequestLost if !were_all_asked => {
                    self.decide_one(operation, lost, Verdict::Unknown(Doubt::Unasked));
                }
                verdict => self.decide_one(operation, lost, verdict),
            }
        }
        count
    }

    /// What is still without a fate has none.
    pub(in crate::fate) fn give_up(&self) {
        for (operation, subject) in self.subjects.all().iter().enumerate() {
            let doubt = if subject.carries_id { Doubt::Unreachable } else { Doubt::Anonymous };
            for kind in Kind::ALL {
                let asking = std::mem::take(&mut subject.lock().asking[kind as usize]);
                self.decide(operation, kind, Verdict::Unknown(doubt), asking.len() as u64);
                let mut rest = SEQS_MAX;
                while rest == SEQS_MAX {
                    let (lost, overflow) = self.unanswered.take(operation, kind, Instant::now());
                    rest = lost.len();
                    self.decide(operation, kind, Verdict::Unknown(doubt), rest as u64);
                    self.decide(operation, kind, Verdict::Unknown(Doubt::Overflow), overflow);
                }
            }
        }
    }

    fn decide_one(&self, operation: usize, lost: Lost, verdict: Verdict) {
        let subject = self.subjects.of(operation);
        let known = &mut *subject.lock();
        known.fates.count_one(&lost, verdict);
        match lost.kind {
            Kind::Unanswered => self.red.fate(operation, verdict.fate(), 1),
            Kind::Wrong if verdict == Verdict::RequestLost => self.red.found(operation, Finding::PathAnswered, 1),
            Kind::Wrong => {}
        }
        if verdict == Verdict::RequestLost {
            if known.lost.len() == LOOKED_AT_AGAIN_MAX {
                known.lost.pop_front();
            }
            known.lost.push_back(lost);
        }
    }

    /// Those of whom nothing is known.
    fn decide(&self, operation: usize, kind: Kind, verdict: Verdict, count: u64) {
        self.subjects.of(operation).lock().fates.count_many(kind, verdict, count);
        if kind == Kind::Unanswered {
            self.red.fate(operation, verdict.fate(), count);
        }
    }
}
