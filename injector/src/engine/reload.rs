//! Another plan for a run that is under way: what must be the same is compared, every list grows before anybody counts into
//! it, and then the course turns at one instant. All of it between two gatherings, so that nobody sees the half of it.

use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::gathered::Gathered;
use super::series::counted;
use super::{Engine, Tick};
use crate::account::Ledger;
use crate::cast::{Cast, Member};
use crate::compat;
use crate::counter::Counter;
use crate::course::Status;
use crate::names::asker::Asker;
use crate::names::book::Book;
use crate::plan::Plan;

/// Most operations of earlier casts that may still drain: each may hold as many connections as it was allowed.
const LEAVING_MAX: usize = 128;

/// Told of every plan that a run has taken up, as it is run: with every operation there ever was by number.
pub type OnReload = Box<dyn FnMut(&Plan) + Send>;

/// Gives a run another plan. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Reloader(mpsc::Sender<Asked>);

/// A plan, and where to say what became of it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) plan: Box<Plan>,
    pub(super) answer: oneshot::Sender<Result<(), String>>,
}

impl Reloader {
    /// One plan at a time: who asks waits for the answer.
    pub(super) fn new() -> (Reloader, mpsc::Receiver<Asked>) {
        let (asked, asks) = mpsc::channel(1);
        (Reloader(asked), asks)
    }

    /// Has the run go on by this plan; answered once that is decided, for all workers at one instant. A run that has not begun
    /// answers when it has.
    ///
    /// # Errors
    /// What cannot be changed under way, in words; the run goes on as it was.
    pub async fn reload(&self, plan: Plan) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let over = || "the run is over".to_owned();
        self.0.send(Asked { plan: Box::new(plan), answer }).await.map_err(|_| over())?;
        answered.await.unwrap_or_else(|_| Err(over()))
    }
}

/// What a run keeps by operation on the leader's side.
pub(super) struct Stage {
    pub(super) ledgers: Vec<Arc<Ledger>>,
    pub(super) book: Arc<Book>,
    pub(super) keeping: JoinSet<()>,
    pub(super) gathered: Gathered,
    /// Every operation there was so far, by number, as it is now or was last.
    pub(super) as_run: Arc<Plan>,
    asker: Arc<Asker>,
    /// Whoever has been of a cast, as long as a worker still has it.
    members: Vec<Weak<Member>>,
    pub(super) reloads: u64,
}

impl Stage {
    pub(super) fn new(engine: &Engine) -> io::Result<Stage> {
        let plan = engine.plan();
        let mut stage = Stage {
            ledgers: (0..engine.workers.get()).map(|_| Arc::new(Ledger::new(plan.operations.len()))).collect(),
            book: Arc::default(),
            keeping: JoinSet::new(),
            gathered: Gathered::new(plan),
            as_run: Arc::clone(&engine.plan),
            asker: Arc::new(Asker::asking(plan.nameserver, plan.longest_timeout())?),
            members: Vec::new(),
            reloads: 0,
        };
        stage.has(&engine.control.cast(), engine);
        Ok(stage)
    }

    /// Of the time since that much was told.
    pub(super) fn tick<'a>(
        &'a self,
        (elapsed, active): (Duration, Duration),
        told: Duration,
        status: &'a Status,
    ) -> Tick<'a> {
        Tick {
            elapsed,
            active,
            length: elapsed.saturating_sub(told),
            interval: &self.gathered.interval,
            by_operation: &self.gathered.by_operation,
            total: &self.gathered.total,
            plan: &self.as_run,
            status,
        }
    }

    /// Looks up what the operations of a cast need.
    fn has(&mut self, cast: &Cast, engine: &Engine) {
        let counter = |operation| Counter {
            series: engine.red.series(operation, 0),
            ledger: Arc::clone(&self.ledgers[0]),
            operation,
            shares: None,
        };
        self.book.follow(&cast.as_run(engine.plan()), &cast.left(), &engine.red, counter);
        self.book.open(&self.asker, &mut self.keeping);
        self.members.retain(|member| member.strong_count() > 0);
        let is_known = |member: &Weak<Member>| self.members.iter().any(|known| known.ptr_eq(member));
        let new: Vec<_> = cast.roles.iter().map(|role| Arc::downgrade(&role.member)).filter(|m| !is_known(m)).collect();
        self.members.extend(new);
    }

    /// Room in every list for so many operations.
    fn grow(&mut self, operations: usize) {
        self.ledgers.iter().for_each(|ledger| ledger.grow(operations));
        self.gathered.grow(operations);
    }

    /// Operations that have changed or left, and still have requests under way.
    fn leaving(&self, cast: &Cast) -> usize {
        let is_current = |member: &Arc<Member>| cast.roles.iter().any(|role| Arc::ptr_eq(&role.member, member));
        self.members.iter().filter_map(Weak::upgrade).filter(|member| !is_current(member)).count()
    }
}

impl Engine {
    /// By which the run can be given another plan.
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Who is told of every plan that was taken up, before the next tick.
    pub fn on_reload(&mut self, told: OnReload) {
        self.on_reload = Some(told);
    }

    /// Goes on by another plan.
    ///
    /// # Errors
    /// See [`Reloader::reload`].
    pub(super) fn reload(&mut self, plan: Plan, stage: &mut Stage) -> Result<(), String> {
        self.can_become(&plan)?;
        let next = self.control.try_reload(&plan)?;
        if stage.leaving(&self.control.cast()) > LEAVING_MAX {
            return Err(format!(
                "more than {LEAVING_MAX} operations of earlier reloads still have requests under way; try again when those are \
                 done"
            ));
        }
        if self.k6.as_ref().is_some_and(|k6| !k6.has_room(plan.operations.len())) {
            return Err("the run has asked for as many things as k6's metrics may tell apart; restart it".to_owned());
        }
        self.enrol(&next, &next.as_run(&plan), stage);
        let before = std::mem::replace(&mut self.plan, Arc::new(plan));
        stage.has(&next, self);
        if let Err(refused) = self.control.reload(&self.plan) {
            self.plan = before;
            stage.has(&self.control.cast(), self);
            return Err(refused);
        }
        let cast = self.control.cast();
        stage.has(&cast, self);
        stage.reloads += 1;
        self.export(&self.control.status().borrow());
        stage.as_run = Arc::new(cast.as_run(&self.plan));
        if let Some(told) = &mut self.on_reload {
            told(&stage.as_run);
        }
        Ok(())
    }

    /// Makes room for a cast before anybody of it begins.
    fn enrol(&mut self, next: &Cast, as_run: &Plan, stage: &mut Stage) {
        let known = stage.gathered.total.len();
        let counted = counted(as_run);
        for (number, (role, operation)) in next.roles.iter().zip(&counted).enumerate() {
            match number < known {
                true if role.is_left => {}
                true => self.red.changed(number, operation),
                false => {
                    let admitted = self.red.admit(operation);
                    debug_assert_eq!(admitted, number, "numbers are places");
                }
            }
            if let Some(k6) = self.k6.as_ref().filter(|_| !role.is_left) {
                k6.asks(number, &compat::k6_call(&role.operation), &operation.expected);
            }
        }
        stage.grow(counted.len());
        self.control.enrol(next);
    }

    /// Whether a plan differs only in what can be changed under way.
    fn can_become(&self, plan: &Plan) -> Result<(), String> {
        let changed = |what: &str, before: String, now: String| {
            Err(format!("{what} was {before} and would be {now}: that holds for as long as a run lasts; restart it"))
        };
        let nameserver =
            |plan: &Plan| plan.nameserver.as_ref().map_or("the system's".to_owned(), |at| at.0.to_string());
        let before = &*self.plan;
        if before.source != plan.source {
            return changed("source", before.source.to_string(), plan.source.to_string());
        }
        if before.admin != plan.admin {
            let what = format!(
                "the target's admin port (it goes with target unless admin says where it is: admin: {} keeps it)",
                before.admin
            );
            return changed(&what, before.admin.to_string(), plan.admin.to_string());
        }
        if before.nameserver != plan.nameserver {
            return changed("nameserver", nameserver(before), nameserver(plan));
        }
        if plan.max_in_flight < self.workers {
            return Err(format!(
                "max_in_flight would be {}, less than the {} workers of this run; raise it, or restart the run",
                plan.max_in_flight, self.workers
            ));
        }
        Ok(())
    }
}
