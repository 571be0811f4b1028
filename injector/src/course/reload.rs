//! A scenario that is read again: another cast, other rates and phases, at the instant to which the course was moved on.

use std::sync::Arc;

use super::Course;
use super::lane::Lane;
use crate::cast::Cast;
use crate::plan::Plan;

impl Course {
    /// From now on it is a course of this plan, whose cast follows its own. It stays in its phase, and what people have said
    /// stands.
    ///
    /// # Errors
    /// If the phases are others: where the run would be in them is not known.
    pub(crate) fn reload(&mut self, plan: &Plan, cast: Arc<Cast>) -> Result<(), String> {
        let are_the_same = plan.phases.iter().map(|phase| phase.name).eq(self.phases.iter().map(|phase| phase.name));
        if !are_the_same {
            let names = self.phases.iter().map(|phase| phase.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "the run goes through the phases {names}, and their names and order stay; what they say can be changed, other \
                 phases take a restart"
            ));
        }
        self.phases = plan.phases.clone().into();
        self.lanes = cast
            .roles
            .iter()
            .enumerate()
            .map(|(number, role)| match self.lanes.get(number) {
                Some(lane) => lane.follow(role),
                None => Lane::new(role),
            })
            .collect();
        self.cast = cast;
        if self.wishes.rate.is_some() && !self.lanes.iter().any(Lane::is_weighted) {
            self.wishes.rate = None;
        }
        Ok(())
    }

    /// Names of another cast get their places; nothing else changes.
    pub(crate) fn enrol(&mut self, next: &Cast) {
        let cast = Arc::new(self.cast.enrol(next));
        self.lanes.extend(cast.roles[self.lanes.len()..].iter().map(Lane::new));
        self.cast = cast;
    }
}
