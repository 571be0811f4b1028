//! Asks the target for the fates of unanswered requests, beside the run, on the leader's runtime.
//!
//! Not at once: a request may still be on its way when its timeout is over, and would be called lost while it arrives.

use std::sync::Arc;
use std::time::Duration;

use shared::identity::{Name, Session};
use shared::red::client::ClientRed;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::replicas::Replicas;
use super::{Doubt, Fates, Lost, Unanswered, Verdict};
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
/// Longest that the end of a run waits for fates.
const END_MAX: Duration = Duration::from_secs(5);

/// The one who asks, with what is known so far.
pub(crate) struct Inquest {
    replicas: Replicas,
    unanswered: Arc<Unanswered>,
    red: ClientRed,
    operations: Vec<Subject>,
    admin: Endpoint,
    session: Session,
    figures: watch::Receiver<Vec<Figures>>,
    met: Met,
}

struct Subject {
    name: Name,
    carries_id: bool,
    fates: Fates,
    /// Being asked about: kept here, so that a question that is broken off loses none.
    asking: Vec<Lost>,
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
        let subject = |(name, carries_id)| Subject { name, carries_id, fates: Fates::default(), asking: Vec::new() };
        let operations = plan.operations.iter().map(|one| (one.name, one.call.carries_id()));
        Inquest {
            replicas: Replicas::new(session, plan.admin.clone(), names),
            unanswered,
            red,
            operations: operations.map(subject).collect(),
            admin: plan.admin.clone(),
            session,
            figures,
            met: Met::default(),
        }
    }

    /// Meets the target's processes, so that a restart shows. Before the first request.
    pub(crate) async fn open(&mut self) {
        if let Some(name) = self.operations.iter().find(|subject| subject.carries_id).map(|subject| subject.name) {
            self.replicas.meet(name).await;
        }
        self.met = target::meet(self.replicas.names(), &self.admin, self.session).await;
    }

    /// Everybody who had an account when last asked, and who was there at the beginning.
    pub(crate) fn met(&self) -> &Met {
        &self.met
    }

    /// Decides fates until the run is over, then the rest of them, within [`END_MAX`].
    pub(crate) async fn hold(&mut self, over: CancellationToken) {
        let mut compared = Instant::now();
        while over.run_until_cancelled(sleep(LOOK)).await.is_some() {
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
    }

    /// Sets the accounts of both sides against each other for the metrics. The figures of ours are those of a second before
    /// and of a second after the question: what is between them is on its way.
    async fn compare(&mut self) {
        let before = self.figures.borrow_and_update().clone();
        let told = target::told(self.replicas.names(), &self.admin, self.session, &self.met).await;
        let Ok(told) = told else { return };
        self.met.keep(&told);
        if !told.is_whole || self.figures.changed().await.is_err() {
            return;
        }
        let after = self.figures.borrow().clone();
        // More servers than can be asked, behind one address: what they say in turn is nobody's account.
        if after.iter().any(|figures| figures.servers() > self.met.count()) {
            return;
        }
        let both = before.iter().zip(after).zip(&self.operations);
        for (operation, ((before, after), subject)) in both.enumerate().filter(|(_, (_, one))| one.carries_id) {
            let figures = after.since(before, subject.fates);
            let server = of_target(&told.account, &subject.name);
            let difference = Difference::new(&figures, &server, self.replicas.has_restarted() || told.has_restarted);
            self.red.unexplained(operation, difference.unexplained);
        }
    }

    /// Fates by operation in the plan's order, and whether a process of the target is gone with what it knew.
    pub(crate) fn close(self) -> (Vec<Fates>, bool) {
        (self.operations.into_iter().map(|subject| subject.fates).collect(), self.replicas.has_restarted())
    }

    /// Who has never answered is not waited for.
    async fn last(&mut self) {
        while let Some(newest) = self.unanswered.newest() {
            if self.replicas.are_known() {
                sleep_until(newest + GRACE).await;
            }
            self.sweep(newest).await;
            if !self.replicas.are_known() {
                return;
            }
        }
    }

    /// Asks about all that have waited since that instant, an operation at a time.
    pub(super) async fn sweep(&mut self, until: Instant) {
        for operation in 0..self.operations.len() {
            let (lost, overflow) = self.unanswered.take(operation, until);
            self.decide(operation, Verdict::Unknown(Doubt::Overflow), overflow);
            let subject = &mut self.operations[operation];
            if !subject.carries_id {
                self.decide(operation, Verdict::Unknown(Doubt::Anonymous), lost.len() as u64);
                continue;
            }
            if lost.is_empty() {
                continue;
            }
            let mut numbers: Vec<u64> = lost.iter().map(|lost| lost.seq).collect();
            numbers.sort_unstable();
            subject.asking = lost;
            let told = self.replicas.ask(subject.name, &numbers).await;
            for lost in std::mem::take(&mut self.operations[operation].asking) {
                match told.of(&lost) {
                    Verdict::Unknown(Doubt::Unreachable) if lost.tries + 1 < TRIES_MAX => {
                        let again = Lost { since: Instant::now(), tries: lost.tries + 1, ..lost };
                        self.unanswered.remember(operation, again);
                    }
                    verdict => self.decide(operation, verdict, 1),
                }
            }
            // The next question would run into the same timeout; those who wait are asked about next time.
            if !told.is_whole() {
                return;
            }
        }
    }

    /// What is still without a fate has none.
    pub(super) fn give_up(&mut self) {
        for operation in 0..self.operations.len() {
            let (lost, overflow) = self.unanswered.take(operation, Instant::now());
            let subject = &mut self.operations[operation];
            let asking = std::mem::take(&mut subject.asking).len();
            let doubt = if subject.carries_id { Doubt::Unreachable } else { Doubt::Anonymous };
            self.decide(operation, Verdict::Unknown(doubt), (lost.len() + asking) as u64);
            self.decide(operation, Verdict::Unknown(Doubt::Overflow), overflow);
        }
    }

    fn decide(&mut self, operation: usize, verdict: Verdict, count: u64) {
        self.operations[operation].fates.count(verdict, count);
        self.red.fate(operation, verdict.fate(), count);
    }
}
