//! Who sends: the operations of a run by number, as they are now. A scenario that is read again brings a new cast.
//!
//! A number means one operation, by its name, for as long as the process lives: it is the place in every account, series and
//! list. Who leaves keeps it, and has it again on coming back; numbers of requests go on where they were, because the
//! target's receipts know them by session and name. So the names of a process are bounded by what a target keeps apart in
//! one session. Pure.

use std::sync::Arc;
use std::time::Duration;

use crate::plan::{OPERATIONS_MAX, Operation, Plan};
use crate::schedule::{Rest, Spacing};
use crate::threshold::Condition;

/// The operations of a run at an instant. Shared by all workers, and never changed: another one follows it.
#[derive(Debug)]
pub(crate) struct Cast {
    /// By number; at most [`OPERATIONS_MAX`].
    pub(crate) roles: Vec<Role>,
    /// See [`Plan::max_in_flight`].
    pub(crate) max_in_flight: u32,
    /// See [`Plan::longest_timeout`].
    pub(crate) longest_timeout: Duration,
    /// See [`Plan::max_lag`].
    pub(crate) max_lag: Duration,
}

/// One number's operation.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// As the scenario has it now, or had it last.
    pub(crate) operation: Operation,
    /// The scenario has it no more, or its time has not come yet.
    pub(crate) is_left: bool,
    pub(crate) member: Arc<Member>,
}

/// An operation whose requests are all alike: as long as a role has the same one, its connections stay.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) operation: Operation,
    pub(crate) max_lag: Duration,
    /// See [`Plan::wants_parts`].
    pub(crate) has_parts: bool,
    /// What those before it have left to be done: its numbers begin there.
    pub(crate) rest: Option<Rest>,
}

impl Cast {
    /// Of a run that begins.
    pub(crate) fn new(plan: &Plan) -> Cast {
        let roles = plan.operations.iter().map(|operation| Role {
            operation: operation.clone(),
            is_left: false,
            member: Member::new(operation, plan, None),
        });
        Cast::of(plan, roles.collect())
    }

    fn of(plan: &Plan, roles: Vec<Role>) -> Cast {
        Cast {
            roles,
            max_in_flight: plan.max_in_flight.get(),
            longest_timeout: plan.longest_timeout(),
            max_lag: plan.max_lag,
        }
    }

    /// Of the same run by another plan; `rest` is what a number's requests have left to be done.
    ///
    /// # Errors
    /// What cannot be changed under way, in words.
    pub(crate) fn follow(&self, plan: &Plan, rest: impl Fn(usize) -> Option<Rest>) -> Result<Cast, String> {
        let mut roles = self.roles.clone();
        roles.iter_mut().for_each(|role| role.is_left = true);
        for operation in &plan.operations {
            let Some(number) = self.number(operation) else {
                let member = Member::new(operation, plan, None);
                roles.push(Role { operation: operation.clone(), is_left: false, member });
                continue;
            };
            let before = &self.roles[number];
            can_become(&before.operation, operation)?;
            let stays = !before.is_left && before.member.asks_the_same(operation, plan);
            let member = if stays { Arc::clone(&before.member) } else { Member::new(operation, plan, rest(number)) };
            roles[number] = Role { operation: operation.clone(), is_left: false, member };
        }
        if roles.len() > OPERATIONS_MAX {
            return Err(format!(
                "the run would have had {} operations by now, over the limit of {OPERATIONS_MAX} that a target tells apart in \
                 one session; restart it, or give an operation the name of one that has left",
                roles.len()
            ));
        }
        Ok(Cast::of(plan, roles))
    }

    /// With the names of another one, which have not begun yet: every list can grow before they do.
    pub(crate) fn enrol(&self, next: &Cast) -> Cast {
        let new = next.roles[self.roles.len()..].iter().cloned().map(|role| Role { is_left: true, ..role });
        let roles = self.roles.iter().cloned().chain(new).collect();
        let &Cast { max_in_flight, longest_timeout, max_lag, .. } = self;
        Cast { roles, max_in_flight, longest_timeout, max_lag }
    }

    fn number(&self, operation: &Operation) -> Option<usize> {
        self.roles.iter().position(|role| role.operation.name == operation.name)
    }

    /// The plan as it was run: every operation there ever was, by number.
    pub(crate) fn as_run(&self, plan: &Plan) -> Plan {
        let operations: Vec<Operation> = self.roles.iter().map(|role| role.operation.clone()).collect();
        // Operations have other places here, and there are more of them.
        let bind = |condition: &Condition| {
            condition.clone().bind(&operations).expect("it could be held against fewer of the same")
        };
        let thresholds = plan.thresholds.iter().map(|(asked, bound)| (asked.clone(), bind(&bound.condition)));
        Plan { thresholds: thresholds.collect(), operations: operations.clone(), ..plan.clone() }
    }

    /// By number, whether the scenario has it no more.
    pub(crate) fn left(&self) -> Vec<bool> {
        self.roles.iter().map(|role| role.is_left).collect()
    }
}

impl Member {
    fn new(operation: &Operation, plan: &Plan, rest: Option<Rest>) -> Arc<Member> {
        Arc::new(Member { operation: operation.clone(), max_lag: plan.max_lag, has_parts: plan.wants_parts(), rest })
    }

    fn asks_the_same(&self, operation: &Operation, plan: &Plan) -> bool {
        let alike = self.max_lag == plan.max_lag && self.has_parts == plan.wants_parts();
        alike && self.operation.asks_the_same(operation)
    }
}

/// Whether both are one operation to the target and in every account.
fn can_become(before: &Operation, now: &Operation) -> Result<(), String> {
    let name = before.name.as_str();
    let (spoke, speaks) = (before.protocol(), now.protocol());
    if spoke != speaks {
        return Err(format!(
            "operation {name:?} spoke {} and would speak {}: figures of both under one name mean nothing; give it another \
             name",
            spoke.as_str(),
            speaks.as_str()
        ));
    }
    if before.call.carries_id() != now.call.carries_id() {
        return Err(format!(
            "operation {name:?}: some of its requests would say who they are and some not, and the accounts of both sides \
             could not agree; give it another name"
        ));
    }
    let replays = |operation: &Operation| matches!(operation.arrival.spacing, Spacing::Replay(_));
    if (replays(before) || replays(now)) && before.arrival.spacing != now.arrival.spacing {
        return Err(format!(
            "operation {name:?}: a recording is played from its beginning; give the operation another name, or restart the \
             run"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
