//! Asks the target for the fates of unanswered requests, beside the run, on the leader's runtime.
//!
//! Not at once: a request may still be on its way when its timeout is over, and would be called lost while it arrives. One
//! that is held for longer is called lost all the same, so the newest of those are asked for once more when the accounts
//! of both sides do not fit, and at the end of the run.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use shared::account::Account;
use shared::identity::{Name, Session};
use shared::receipt::{Finding, SEQS_MAX};
use shared::red::client::ClientRed;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::elsewhere::Elsewhere;
use super::excuse::Excuse;
use super::replicas::Replicas;
use super::{Doubt, Fates, Kind, Lost, Unanswered, Verdict};
use crate::account::OperationAccount;
use crate::difference::{Difference, Figures};
use crate::names::Names;
use crate::plan::{Endpoint, Plan};
use crate::summary::of_target;
use crate::target::{self, Met};

/// From a failure to the question. Flat: who ran into a long timeout has waited that long already.
const GRACE: Duration = Duration::from_secs(2);
/// How often it is looked whether somebody waits: a lock for each operation.
const LOOK: Duration = Duration::from_millis(500);
/// How often the accounts of both sides are compared: a question to each replica.
const COMPARE: Duration = Duration::from_secs(10);
/// Questions about one request, until it is given up because somebody does not answer: with the grace before each and the
/// timeout of each, a partition of twenty seconds.
const TRIES_MAX: u8 = 5;
/// Longest that the end of a run waits for fates, and again for what explains a difference.
const END_MAX: Duration = Duration::from_secs(5);
/// Requests of an operation called lost that are asked for once more, the newest: those of one question.
const LOOKED_AT_AGAIN_MAX: usize = SEQS_MAX;

/// The one who asks, with what is known so far.
pub(crate) struct Inquest {
    replicas: Replicas,
    unanswered: Arc<Unanswered>,
    red: ClientRed,
    operations: Vec<Subject>,
    admin: Endpoint,
    session: Session,
    figures: watch::Receiver<Vec<Figures>>,
    excuse: Excuse,
    met: Met,
}

struct Subject {
    name: Name,
    carries_id: bool,
    fates: Fates,
    /// Being asked about: kept here, so that a question that is broken off loses none.
    asking: Vec<Lost>,
    /// Called lost; they may yet arrive. Oldest first.
    lost: VecDeque<Lost>,
    elsewhere: Elsewhere,
}

impl Inquest {
    pub(crate) fn new(
        plan: &Plan,
        session: Session,
        names: Names,
        unanswered: Arc<Unanswered>,
        red: ClientRed,
        figures: watch::Receiver<Vec<Figures>>,
    ) -> Inquest {
        let subject = |(name, carries_id)| Subject {
            name,
            carries_id,
            fates: Fates::default(),
            asking: Vec::new(),
            lost: VecDeque::new(),
            elsewhere: Elsewhere::default(),
        };
        let operations = plan.operations.iter().map(|one| (one.name, one.call.carries_id()));
        Inquest {
            replicas: Replicas::new(session, plan.admin.clone(), names),
            unanswered,
            red,
            operations: operations.map(subject).collect(),
            admin: plan.admin.clone(),
            session,
            figures,
            excuse: Excuse::default(),
            met: Met::default(),
        }
    }

    /// Meets the target's processes, so that a restart shows. Before the first request.
    pub(crate) async fn open(&mut self) {
        if let Some(name) = self.anybody() {
            self.replicas.meet(name).await;
        }
        self.met = target::meet(self.replicas.names(), &self.admin, self.session).await;
    }

    /// Everybody who had an account when last asked, and who was there at the beginning.
    pub(crate) fn met(&self) -> &Met {
        &self.met
    }

    /// An operation that has receipts.
    fn anybody(&self) -> Option<Name> {
        self.operations.iter().find(|subject| subject.carries_id).map(|subject| subject.name)
    }

    /// Decides fates until the run is over, then the rest of them, within [`END_MAX`].
    pub(crate) async fn hold(&mut self, over: CancellationToken) {
        let mut compared = Instant::now();
        let mut figures = self.figures.clone();
        while over.run_until_cancelled(sleep(LOOK)).await.is_some() {
            if figures.has_changed().is_ok_and(|is| is) {
                self.excuse.look(&figures.borrow_and_update(), self.replicas.gone_at());
            }
            if compared.elapsed() >= COMPARE {
                compared = Instant::now();
                // Broken off by the end of the run, which has a comparison of its own.
                over.run_until_cancelled(self.compare()).await;
            }
            // To its end even if the run ends meanwhile: a question is bounded.
            self.sweep(Instant::now() - GRACE).await;
        }
        let deadline = Instant::now() + END_MAX;
        // Out of time is no failure: the rest is unknown.
        let _ = timeout_at(deadline, self.last()).await;
        self.give_up();
        let _ = timeout_at(deadline, self.look_at_all_again()).await;
    }

    /// Sets the accounts of both sides against each other for the metrics. The question lies between figures of ours that are
    /// true before it and others that are true after it: what is between them is on its way.
    async fn compare(&mut self) {
        if let Some(name) = self.anybody() {
            self.replicas.look(name).await;
        }
        if self.figures.changed().await.is_err() {
            return;
        }
        let before = self.figures.borrow_and_update().clone();
        let told = target::told(self.replicas.names(), &self.admin, self.session, &self.met).await;
        let progress: Vec<(u64, u64)> = (0..before.len()).map(|operation| self.red.progress(operation)).collect();
        // What came during the question is older than its end.
        self.figures.mark_unchanged();
        let Ok(told) = told else { return };
        self.met.keep(&told);
        if !told.is_whole || self.figures.changed().await.is_err() {
            return;
        }
        let after = self.figures.borrow().clone();
        // More servers than can be asked, behind one address: what they say in turn is nobody's account. And of one that has
        // begun anew since the receipts were looked at, nobody knows yet what it excuses.
        let has_more = after.iter().any(|figures| figures.servers() > self.met.count());
        if has_more || told.has_restarted && self.replicas.gone_at().is_none() {
            return;
        }
        for (operation, ((before, after), progress)) in before.iter().zip(after).zip(progress).enumerate() {
            if self.operations[operation].carries_id {
                let figures = |fates| after.since(before, progress, fates);
                let difference = self.explain(operation, &told.account, figures).await;
                self.red.unexplained(operation, difference.unexplained);
            }
        }
    }

    /// What is between both sides of an operation. Who may explain what nothing else does is asked only then.
    async fn explain(&mut self, operation: usize, account: &Account, figures: impl Fn(Fates) -> Figures) -> Difference {
        let server = of_target(account, &self.operations[operation].name);
        let now = |inquest: &Inquest| {
            let sent = figures(Fates::default()).sendings();
            let figures = figures(inquest.fates(operation, sent));
            (figures, Difference::new(&figures, &server, inquest.replicas.gone_at().is_some()))
        };
        let (figures, difference) = now(self);
        if difference.unexplained == 0 {
            return difference;
        }
        self.look_again(operation).await;
        let (subject, replicas) = (&mut self.operations[operation], &mut self.replicas);
        let found = subject.elsewhere.total();
        subject.elsewhere.look(replicas, subject.name, figures.planned()).await;
        self.red.found(operation, Finding::ArrivedElsewhere, subject.elsewhere.total().saturating_sub(found));
        now(self).1
    }

    /// What the receipts told of each operation, in the plan's order, and whether a process of the target is gone with what
    /// it knew. The target's account, if there is a whole one, was asked for after [`Inquest::hold`].
    pub(crate) async fn close(mut self, ours: &[OperationAccount], account: Option<&Account>) -> (Vec<Fates>, bool) {
        let deadline = Instant::now() + END_MAX;
        for (operation, ours) in ours.iter().enumerate() {
            if let Some(account) = account.filter(|_| self.operations[operation].carries_id) {
                let figures = |fates| Figures::from(ours).with(fates);
                // Out of time is no failure: what is not found stays unexplained.
                let _ = timeout_at(deadline, self.explain(operation, account, figures)).await;
            }
        }
        let sent = ours.iter().map(|ours| Figures::from(ours).sendings()).chain(std::iter::repeat(0));
        let fates = (0..self.operations.len()).zip(sent).map(|(operation, sent)| self.fates(operation, sent));
        (fates.collect(), self.replicas.gone_at().is_some())
    }

    /// What is known now of an operation of which so much was sent.
    fn fates(&self, operation: usize, sent: u64) -> Fates {
        let subject = &self.operations[operation];
        let mut fates = subject.fates;
        fates.elsewhere = subject.elsewhere.total();
        fates.excused = self.excuse.of(operation, self.replicas.gone_at(), sent);
        fates
    }

    /// Who has never answered is not waited for, nor is the rest of a wrong answer.
    async fn last(&mut self) {
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

    /// Asks about all that have waited since that instant, an operation and a kind at a time.
    pub(super) async fn sweep(&mut self, until: Instant) {
        for operation in 0..self.operations.len() {
            for kind in Kind::ALL {
                loop {
                    match self.ask(operation, kind, until).await {
                        // The next question would run into the same timeout; those who wait are asked about next time.
                        None => return,
                        Some(SEQS_MAX) => {}
                        Some(_) => break,
                    }
                }
            }
        }
    }

    /// Asks one question: about how many. Nothing if not all answered who were asked.
    async fn ask(&mut self, operation: usize, kind: Kind, until: Instant) -> Option<usize> {
        let (lost, overflow) = self.unanswered.take(operation, kind, until);
        self.decide(operation, kind, Verdict::Unknown(Doubt::Overflow), overflow);
        let count = lost.len();
        let subject = &mut self.operations[operation];
        if !subject.carries_id {
            self.decide(operation, kind, Verdict::Unknown(Doubt::Anonymous), count as u64);
            return Some(count);
        }
        if lost.is_empty() {
            return Some(0);
        }
        let numbers: Vec<u64> = lost.iter().map(|lost| lost.seq).collect();
        subject.asking = lost;
        let told = self.replicas.ask(subject.name, &numbers).await;
        for lost in std::mem::take(&mut self.operations[operation].asking) {
            match told.of(&lost) {
                Verdict::Unknown(Doubt::Unreachable) if lost.tries + 1 < TRIES_MAX => {
                    let again = Lost { since: Instant::now(), tries: lost.tries + 1, ..lost };
                    self.unanswered.remember(operation, again);
                }
                verdict => self.decide_one(operation, lost, verdict),
            }
        }
        told.is_whole().then_some(count)
    }

    /// Asks once more about those called lost: whoever has arrived since is lost no more. Changes nothing if broken off.
    async fn look_again(&mut self, operation: usize) {
        let subject = &mut self.operations[operation];
        if subject.lost.is_empty() {
            return;
        }
        let numbers: Vec<u64> = subject.lost.iter().map(|lost| lost.seq).collect();
        let told = self.replicas.ask(subject.name, &numbers).await;
        let subject = &mut self.operations[operation];
        let (arrived, lost) = subject.lost.drain(..).partition(|lost| told.has_arrived(lost));
        subject.lost = lost;
        let arrived: VecDeque<Lost> = arrived;
        arrived.iter().for_each(|lost| subject.fates.has_arrived(lost));
        self.red.found(operation, Finding::ArrivedLate, arrived.len() as u64);
    }

    /// Before the accounts of both sides are set against each other for the last time. Whoever was met is asked in any case:
    /// whether a process has begun anew is to be known even if no request was lost.
    async fn look_at_all_again(&mut self) {
        for operation in 0..self.operations.len() {
            self.look_again(operation).await;
        }
        if let Some(name) = self.anybody().filter(|_| self.replicas.are_known()) {
            self.replicas.look(name).await;
        }
    }

    /// What is still without a fate has none.
    pub(super) fn give_up(&mut self) {
        for operation in 0..self.operations.len() {
            let subject = &mut self.operations[operation];
            let doubt = if subject.carries_id { Doubt::Unreachable } else { Doubt::Anonymous };
            for lost in std::mem::take(&mut subject.asking) {
                self.decide_one(operation, lost, Verdict::Unknown(doubt));
            }
            for kind in Kind::ALL {
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

    fn decide_one(&mut self, operation: usize, lost: Lost, verdict: Verdict) {
        let subject = &mut self.operations[operation];
        subject.fates.count_one(&lost, verdict);
        match lost.kind {
            Kind::Unanswered => self.red.fate(operation, verdict.fate(), 1),
            Kind::Wrong if verdict == Verdict::RequestLost => self.red.found(operation, Finding::PathAnswered, 1),
            Kind::Wrong => {}
        }
        if verdict == Verdict::RequestLost {
            if subject.lost.len() == LOOKED_AT_AGAIN_MAX {
                subject.lost.pop_front();
            }
            subject.lost.push_back(lost);
        }
    }

    /// Those of whom nothing is known.
    fn decide(&mut self, operation: usize, kind: Kind, verdict: Verdict, count: u64) {
        self.operations[operation].fates.count_many(kind, verdict, count);
        if kind == Kind::Unanswered {
            self.red.fate(operation, verdict.fate(), count);
        }
    }
}
