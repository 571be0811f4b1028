//! Asks the target for the fates of unanswered requests, beside the run, on the leader's runtime.
//!
//! Not at once: a request may still be on its way when its timeout is over, and would be called lost while it arrives. One
//! that is held for longer is called lost all the same, so the newest of those are asked for once more when the accounts
//! of both sides do not fit, and at the end of the run.
//!
//! Fates are asked for, accounts are compared and names are looked up beside each other: none waits for another, and each
//! can be broken off between two questions without losing what it knows.

pub(crate) mod subjects;
mod sweep;

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{StreamExt as _, iter};
use shared::account::Account;
use shared::identity::{Name, Session};
use shared::receipt::{Finding, SEQS_MAX};
use shared::red::client::ClientRed;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use self::subjects::{Subject, Subjects};
use super::elsewhere::Elsewhere;
use super::excuse::{Excuse, unaccounted};
use super::heard::Heard;
use super::replicas::Replicas;
use super::{Fates, Kind, Lost, Unanswered};
use crate::account::OperationAccount;
use crate::difference::{Difference, Figures};
use crate::live::Agreement;
use crate::names::Names;
use crate::plan::{Endpoint, Plan};
use crate::summary::of_target;
use crate::target::{self, Met, Told};
use crate::threshold::Compared;

/// From a failure to the question. Flat: who ran into a long timeout has waited that long already.
const GRACE: Duration = Duration::from_secs(2);
/// How often it is looked whether somebody waits: a lock for each operation.
const LOOK: Duration = Duration::from_millis(500);
/// How often the name is looked up: who begins to serve is to be met before it can be gone again.
const MEET: Duration = Duration::from_secs(1);
/// How often the accounts of both sides are compared: a question to each replica.
const COMPARE: Duration = Duration::from_secs(10);
/// Questions about one request, until it is given up because somebody does not answer: with the grace before each and the
/// timeout of each, a partition of twenty seconds.
const TRIES_MAX: u8 = 5;
/// Operations asked about at once.
const OPERATIONS_AT_ONCE: usize = 8;
/// Longest that the end of a run waits for fates, and again for what explains a difference.
const END_MAX: Duration = Duration::from_secs(5);
/// Requests of an operation called lost that are asked for once more, the newest: those of one question.
const LOOKED_AT_AGAIN_MAX: usize = SEQS_MAX;

/// The one who asks, with what is known so far.
pub(crate) struct Inquest {
    replicas: Replicas,
    unanswered: Arc<Unanswered>,
    red: ClientRed,
    subjects: Arc<Subjects>,
    admin: Endpoint,
    session: Session,
    figures: watch::Receiver<Vec<Figures>>,
    heard: Arc<Heard>,
    excuse: Mutex<Excuse>,
    met: Mutex<Met>,
    /// The operation behind the one that was asked about last.
    next: AtomicUsize,
    /// Of each operation, most requests that those who have no whole account can have had; known at the end only.
    unaccounted: Vec<u64>,
}

/// What is known of an operation's requests.
#[derive(Default)]
pub(crate) struct Known {
    fates: Fates,
    /// Being asked about, by kind: kept here, so that a question that is broken off loses none.
    asking: [Vec<Lost>; Kind::ALL.len()],
    /// Called lost; they may yet arrive. Oldest first.
    lost: VecDeque<Lost>,
    elsewhere: Elsewhere,
    /// What the accounts of both sides said when they were last compared; nothing while they were not.
    compared: Option<Compared>,
    /// What both sides had counted then.
    agreed: Option<Agreement>,
}

/// A panic while the lock was held cannot leave half of anything: nothing is changed in two steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let subjects = Arc::new(Subjects::default());
        subjects.follow(plan);
        Inquest {
            replicas: Replicas::new(session, plan.admin.clone(), names),
            unanswered,
            red,
            heard: Arc::new(Heard::new(plan.operations.len())),
            subjects,
            admin: plan.admin.clone(),
            session,
            figures,
            excuse: Mutex::default(),
            met: Mutex::default(),
            next: AtomicUsize::new(0),
            unaccounted: Vec::new(),
        }
    }

    /// Where it is to be noted who answers.
    pub(crate) fn heard(&self) -> Arc<Heard> {
        Arc::clone(&self.heard)
    }

    /// Where operations are to be announced that come later.
    pub(crate) fn subjects(&self) -> Arc<Subjects> {
        Arc::clone(&self.subjects)
    }

    /// Meets the target's processes, so that a restart shows. Before the first request.
    pub(crate) async fn open(&self) {
        if let Some(name) = self.anybody() {
            self.replicas.meet(name).await;
        }
        let met = target::meet(self.replicas.names(), &self.admin, self.session).await;
        *lock(&self.met) = met;
    }

    /// Everybody who had an account when last asked, and who was there at the beginning.
    pub(crate) fn met(&self) -> Met {
        lock(&self.met).clone()
    }

    /// An operation that has receipts.
    fn anybody(&self) -> Option<Name> {
        self.subjects.all().iter().find(|subject| subject.carries_id).map(|subject| subject.name)
    }

    /// Decides fates until the run is over, then the rest of them, within [`END_MAX`].
    pub(crate) async fn hold(&self, over: CancellationToken) {
        // Broken off by the end of the run, wherever they are: what is being asked is asked again.
        over.run_until_cancelled(async {
            tokio::join!(self.keep_asking(), self.keep_comparing(), self.keep_meeting(), self.keep_figures())
        })
        .await;
        let deadline = Instant::now() + END_MAX;
        // Out of time is no failure: the rest is unknown.
        let _ = timeout_at(deadline, self.last()).await;
        self.give_up();
        let _ = timeout_at(deadline, self.look_at_all_again()).await;
    }

    async fn keep_asking(&self) {
        loop {
            sleep(LOOK).await;
            self.sweep(Instant::now() - GRACE).await;
        }
    }

    async fn keep_comparing(&self) {
        loop {
            sleep(COMPARE).await;
            self.compare().await;
        }
    }

    async fn keep_meeting(&self) {
        let Some(name) = self.anybody() else { return };
        loop {
            sleep(MEET).await;
            self.replicas.meet_new(name).await;
        }
    }

    async fn keep_figures(&self) {
        let mut figures = self.figures.clone();
        while figures.changed().await.is_ok() {
            lock(&self.excuse).look(&figures.borrow_and_update(), self.replicas.gone_at());
        }
    }

    /// Sets the accounts of both sides against each other for the metrics. The question lies between figures of ours that are
    /// true before it and others that are true after it: what is between them is on its way.
    async fn compare(&self) {
        if let Some(name) = self.anybody() {
            self.replicas.look(name).await;
        }
        let mut figures = self.figures.clone();
        if figures.changed().await.is_err() {
            return;
        }
        let before = figures.borrow_and_update().clone();
        let met = self.met();
        let told = target::told(self.replicas.names(), &self.admin, self.session, &met).await;
        let asked = Instant::now();
        let progress: Vec<(u64, u64)> = (0..before.len()).map(|operation| self.red.progress(operation)).collect();
        // What came during the question is older than its end.
        figures.mark_unchanged();
        let Ok(told) = told else { return };
        lock(&self.met).keep(&told);
        self.replicas.have_told(told.servers(), &self.heard);
        // Of one that has gone since the receipts were looked at, nobody knows yet what it excuses.
        if let Some(gone_at) = told.gone_at.filter(|at| Some(*at) > self.replicas.gone_at()) {
            self.replicas.is_gone(gone_at);
            return;
        }
        if !told.is_whole() || figures.changed().await.is_err() {
            return;
        }
        let after = figures.borrow().clone();
        for (operation, ((before, after), progress)) in
            before.iter().zip(after).zip(progress).enumerate().take(self.subjects.count())
        {
            if self.subjects.of(operation).carries_id && self.replicas.were_all_asked(&self.heard, operation) {
                let figures = |fates| after.since(before, progress, fates);
                let difference = self.explain(operation, &told.account, figures).await;
                self.red.unexplained(operation, difference.unexplained);
                let subject = self.subjects.of(operation);
                let server = of_target(&told.account, &subject.name);
                let mut known = subject.lock();
                known.compared = Some(Compared::from(&difference));
                known.agreed = Some(Agreement {
                    at: asked,
                    sent: progress.0,
                    received: server.received,
                    answered: progress.1,
                    answered_there: server.answered_total(),
                    by_rule: server.by_rule,
                });
            }
        }
    }

    /// What is between both sides of an operation. Who may explain what nothing else does is asked only then.
    async fn explain(&self, operation: usize, account: &Account, figures: impl Fn(Fates) -> Figures) -> Difference {
        let subject = self.subjects.of(operation);
        let server = of_target(account, &subject.name);
        let now = || {
            let sent = figures(Fates::default()).sendings();
            let figures = figures(self.fates(operation, sent));
            (figures, Difference::new(&figures, &server, self.replicas.gone_at().is_some()))
        };
        let (figures, difference) = now();
        if difference.unexplained == 0 {
            return difference;
        }
        self.look_again(operation).await;
        let mut elsewhere = subject.lock().elsewhere;
        let found = elsewhere.total();
        elsewhere.look(&self.replicas, subject.name, figures.planned()).await;
        subject.lock().elsewhere = elsewhere;
        self.red.found(operation, Finding::ArrivedElsewhere, elsewhere.total().saturating_sub(found));
        now().1
    }

    /// What the receipts told of each operation, in the plan's order, and whether a process of the target is gone with what
    /// it knew. The target's account, if there is one, was asked for after [`Inquest::hold`].
    pub(crate) async fn close(mut self, ours: &[OperationAccount], told: Option<&Told>) -> (Vec<Fates>, bool) {
        let deadline = Instant::now() + END_MAX;
        self.heard.note(ours);
        if let Some(told) = told {
            self.replicas.have_told(told.servers(), &self.heard);
            told.gone_at.into_iter().for_each(|at| self.replicas.is_gone(at));
            if told.is_shared {
                self.replicas.are_shared();
            }
        }
        if let Some(told) = told {
            let unaccounted = |(subject, ours): (&Arc<Subject>, _)| {
                unaccounted(ours, &subject.lock().fates, told, |server| self.replicas.has_lost(server))
            };
            self.unaccounted = self.subjects.all().iter().zip(ours).map(unaccounted).collect();
        }
        let whole = told.filter(|told| told.is_whole());
        for (operation, ours) in ours.iter().enumerate().take(self.subjects.count()) {
            let is_claimed =
                self.subjects.of(operation).carries_id && self.replicas.were_all_asked(&self.heard, operation);
            if let Some(told) = whole.filter(|_| is_claimed) {
                let figures = |fates| Figures::from(ours).with(fates);
                // Out of time is no failure: what is not found stays unexplained.
                let _ = timeout_at(deadline, self.explain(operation, &told.account, figures)).await;
            }
        }
        let sent = ours.iter().map(|ours| Figures::from(ours).sendings()).chain(std::iter::repeat(0));
        let fates = (0..self.subjects.count()).zip(sent).map(|(operation, sent)| {
            let mut fates = self.fates(operation, sent);
            if self.subjects.of(operation).carries_id && !self.replicas.were_all_asked(&self.heard, operation) {
                fates.disclaim();
            }
            fates
        });
        (fates.collect(), self.replicas.gone_at().is_some())
    }

    /// The fates found so far of each operation's requests, what the accounts of both sides said when they were last
    /// compared, and what both had counted then.
    pub(crate) fn so_far(&self) -> (Vec<Fates>, Vec<Option<Compared>>, Vec<Option<Agreement>>) {
        let known = |subject: &Arc<Subject>| {
            let known = subject.lock();
            (known.fates, known.compared, known.agreed)
        };
        self.subjects.all().iter().map(known).collect()
    }

    /// What is known now of an operation of which so much was sent.
    fn fates(&self, operation: usize, sent: u64) -> Fates {
        let subject = self.subjects.of(operation);
        let known = subject.lock();
        let mut fates = known.fates;
        fates.elsewhere = known.elsewhere.total();
        let most = self.unaccounted.get(operation).copied().unwrap_or(u64::MAX);
        fates.excused = lock(&self.excuse).of(operation, self.replicas.gone_at(), sent).min(most);
        fates
    }

    /// Asks once more about those called lost: whoever has arrived since is lost no more. Changes nothing if broken off.
    async fn look_again(&self, operation: usize) {
        let subject = self.subjects.of(operation);
        let numbers: Vec<u64> = subject.lock().lost.iter().map(|lost| lost.seq).collect();
        if numbers.is_empty() {
            return;
        }
        let told = self.replicas.ask(subject.name, &numbers).await;
        let known = &mut *subject.lock();
        let (arrived, lost): (VecDeque<Lost>, _) = known.lost.drain(..).partition(|lost| told.has_arrived(lost));
        known.lost = lost;
        arrived.iter().for_each(|lost| known.fates.has_arrived(lost));
        self.red.found(operation, Finding::ArrivedLate, arrived.len() as u64);
    }

    /// Before the accounts of both sides are set against each other for the last time. Whoever was met is asked in any case:
    /// whether a process has begun anew is to be known even if no request was lost.
    async fn look_at_all_again(&self) {
        let look = async {
            if let Some(name) = self.anybody().filter(|_| self.replicas.count() > 0) {
                self.replicas.look(name).await;
            }
        };
        let again = iter(0..self.subjects.count()).map(|operation| self.look_again(operation));
        tokio::join!(look, again.buffer_unordered(OPERATIONS_AT_ONCE).for_each(async |()| ()));
    }
}
