//! How a change of the load reaches every worker at one instant.
//!
//! A [`Rota`] says what holds from an instant on, until the end as far as it is known. Whoever changes the load posts one to
//! every worker's [`Mailbox`]. A worker reads the clock under its box's lock, and releases nothing that is due later than
//! that reading; the instant of a rota is later than the clock was when all boxes were held at once. So no turn comes late
//! to any worker, however long a thread was stopped, and all of them agree on the number of every slot. The alternative, a
//! lead that is long enough, is never long enough for a machine that stands still.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use crate::cast::Cast;
use crate::schedule::Schedule;

/// Steps that a worker may have left unread: it looks thousands of times a second.
const UNREAD_MAX: usize = 4_096;

/// What holds from an instant on, for all operations.
#[derive(Debug)]
pub(crate) struct Step {
    /// Since t0.
    pub(crate) at: Duration,
    /// Number of the phase that its requests are of.
    pub(crate) phase: usize,
    /// By operation; nothing: silence.
    pub(crate) schedules: Vec<Option<Schedule>>,
    /// Who sends.
    pub(crate) cast: Arc<Cast>,
}

/// All that is known of what will hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rota {
    /// In order, each later than the one before.
    pub(crate) steps: VecDeque<Arc<Step>>,
    /// When planning ends, since t0; nothing: not known yet.
    pub(crate) end: Option<Duration>,
}

impl Rota {
    /// From `newer`'s first instant on, that one says what holds.
    pub(crate) fn follow(&mut self, newer: Rota) {
        if let Some(from) = newer.next_change() {
            self.steps.retain(|step| step.at < from);
        }
        self.steps.extend(newer.steps);
        self.end = newer.end;
    }

    /// The next instant at which something changes, the end included.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        self.steps.front().map(|step| step.at).or(self.end)
    }
}

/// Where one worker finds what is new.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    unread: Mutex<Option<Rota>>,
    arrived: Notify,
}

impl Mailbox {
    /// The time, and what was posted before it.
    pub(crate) fn look(&self) -> (Instant, Option<Rota>) {
        let mut unread = self.lock();
        // Under the lock, and not before it: see the head of this file.
        (Instant::now(), unread.take())
    }

    /// Ready when something was posted since the last one was.
    pub(crate) fn arrived(&self) -> Notified<'_> {
        self.arrived.notified()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Rota>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a rota was not posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotPosted {
    /// Its first instant has come meanwhile: another one, later, may be.
    Late,
    /// A worker has not read what was posted for thousands of turns.
    Stuck,
}

/// Posts a rota to all boxes, if its first step is still to come at `begins` for all of them.
pub(crate) fn post(boxes: &[Mailbox], rota: &Rota, begins: Instant) -> Result<(), NotPosted> {
    let mut held: Vec<MutexGuard<'_, Option<Rota>>> = boxes.iter().map(Mailbox::lock).collect();
    if Instant::now() >= begins {
        return Err(NotPosted::Late);
    }
    if held.iter().any(|unread| unread.as_ref().is_some_and(|rota| rota.steps.len() > UNREAD_MAX)) {
        return Err(NotPosted::Stuck);
    }
    for (unread, mailbox) in held.iter_mut().zip(boxes) {
        unread.get_or_insert_default().follow(rota.clone());
        mailbox.arrived.notify_one();
    }
    Ok(())
}
