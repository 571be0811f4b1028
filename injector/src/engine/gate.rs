//! What must hold before the next phase begins, and what happens if it never does.

use shared::units::print_duration;

use super::Tick;
use crate::control::Control;
use crate::plan::Plan;

/// Says whether a gate's condition holds, by the condition as written and the second that has just been told.
pub type Judge = Box<dyn FnMut(&str, &Tick<'_>) -> Gate + Send>;

/// What a [`Judge`] finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It holds: the phase begins.
    Open,
    /// It does not, or it cannot be said yet; why, in words.
    Shut(String),
}

/// Lets the run through a gate that holds; why it has to end if it never did.
pub(super) fn pass_gate(plan: &Plan, control: &Control, judge: &mut Option<Judge>, tick: &Tick<'_>) -> Option<String> {
    let (phase, waited) = control.gate()?;
    let next = &plan.phases[phase];
    let gate = next.gate.as_ref()?;
    let found = match judge {
        Some(judge) => judge(&gate.condition, tick),
        None => Gate::Shut("nobody judges gates".to_owned()),
    };
    match found {
        Gate::Open => {
            // An error says that somebody stopped or paused the run in this very moment.
            let _ = control.open(phase);
            None
        }
        Gate::Shut(why) if waited >= gate.timeout => Some(format!(
            "phase {} never began: {} did not hold within {} ({why})",
            next.name,
            gate.condition,
            print_duration(gate.timeout)
        )),
        Gate::Shut(_) => None,
    }
}
