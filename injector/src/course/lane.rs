//! One operation of a course: at which rate it is sent under what holds.

use std::sync::Arc;

use shared::identity::Name;
use shared::protocol::Protocol;

use super::Course;
use crate::cast::Role;
use crate::rate::{MAX_PER_SECOND, Rate};
use crate::schedule::{Scale, Schedule, Shape, Spacing, Warp};

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) name: Name,
    pub(super) protocol: Protocol,
    /// As the plan has it.
    planned: Schedule,
    planned_rate: Rate,
    shape: Option<Arc<Shape>>,
    /// Which part of the mix's rate is its own: part and whole.
    share: Option<(u64, u64)>,
    /// The scenario has it no more.
    pub(super) is_left: bool,
    pub(super) is_enabled: bool,
    /// What it was told over all that.
    pub(super) rate: Option<Rate>,
}

impl Lane {
    pub(super) fn new(role: &Role) -> Lane {
        let operation = &role.operation;
        Lane {
            name: operation.name,
            protocol: operation.protocol(),
            planned: operation.schedule(),
            planned_rate: operation.rate,
            shape: operation.arrival.shape.clone(),
            share: operation.share,
            is_left: role.is_left,
            is_enabled: true,
            rate: None,
        }
    }

    pub(super) fn is_weighted(&self) -> bool {
        self.share.is_some() && !self.is_left
    }

    /// The same by another scenario: what people have said over the one before stands.
    pub(super) fn follow(&self, role: &Role) -> Lane {
        Lane { is_enabled: self.is_enabled, rate: self.rate, ..Lane::new(role) }
    }

    pub(super) fn asks(&mut self, rate: Rate) -> Result<(), String> {
        if matches!(self.planned.spacing, Spacing::Replay(_)) {
            return Err(format!("{} replays a file, which says when; scale it instead", self.name.as_str()));
        }
        self.rate = Some(rate);
        Ok(())
    }

    /// What holds now; nothing: silence.
    pub(super) fn schedule(&self, course: &Course) -> Result<Option<Schedule>, String> {
        let Some(rate) = self.rate_now(course)? else { return Ok(None) };
        let warp = match (&self.shape, course.phase().slope()) {
            // The plan has no slopes in phases beside shapes.
            (_, Some(slope)) => Some(Warp::new(Arc::new(slope), course.standing.in_phase)),
            (Some(shape), None) => Some(Warp::new(Arc::clone(shape), course.standing.active)),
            (None, None) => None,
        };
        Ok(Some(Schedule { warp, ..self.planned.at_rate(rate.events(), rate.seconds()) }))
    }

    /// The rate that a shape or a slope is of; nothing: it is silent.
    pub(super) fn rate_now(&self, course: &Course) -> Result<Option<Rate>, String> {
        let phase = course.phase();
        let flat = if phase.is_slope() { Scale::FULL } else { phase.scale.0 };
        let scale = flat.of(course.wishes.scale);
        if self.is_left || !self.is_enabled || scale == Scale::ZERO {
            return Ok(None);
        }
        let fits = |rate: Option<Rate>| {
            rate.ok_or_else(|| format!("the rate of {} would have more digits than can be kept", self.name.as_str()))
        };
        let common = course.wishes.rate.or(phase.rate);
        let rate = match (self.rate, self.share, common) {
            (Some(own), ..) => own,
            (None, Some((part, whole)), Some(common)) => fits(common.share(part, whole))?,
            _ => self.planned_rate,
        };
        let rate = match scale {
            Scale::FULL => rate,
            scale => fits(rate.share(scale.thousandths().into(), Scale::FULL.thousandths().into()))?,
        };
        if rate.per_second() > MAX_PER_SECOND as f64 {
            return Err(format!("{} would be at {rate}, over the limit of {MAX_PER_SECOND}/s", self.name.as_str()));
        }
        Ok(Some(rate))
    }

    /// Requests per second that are asked for at this very instant.
    pub(super) fn per_second(&self, course: &Course) -> f64 {
        let bent = match (course.phase().slope(), &self.shape) {
            (Some(slope), _) => slope.at(course.standing.in_phase),
            (None, Some(shape)) => shape.at(course.standing.active),
            (None, None) => Scale::FULL,
        };
        let rate = self.rate_now(course).ok().flatten();
        rate.map_or(0.0, |rate| rate.per_second() * bent.ratio())
    }
}
