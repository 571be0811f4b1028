//! podinfo's endpoints, made of flags and of what the rest of the target shares with them.

use std::sync::Arc;

use prometheus::Registry;
use shared::admin::Readiness;

use super::BindError;
use crate::core::Core;
use crate::podinfo::{Controls, FaultInjection, Options, Podinfo, State, Tokens};

/// All endpoints.
pub(super) fn endpoints(
    core: &Core,
    readiness: &Readiness,
    registry: &Registry,
    tokens: Arc<Tokens>,
) -> Result<Podinfo, BindError> {
    let state = State::new("/data".into(), None, tokens, "");
    let controls = Controls {
        readiness: readiness.clone(),
        registry: registry.clone(),
        fault_injection: fault_injection(core),
        state,
    };
    Podinfo::new(Options::default(), controls).map_err(|error| BindError::Podinfo(error.to_string()))
}

/// podinfo's switch for faults: a rule like others.
fn fault_injection(core: &Core) -> FaultInjection {
    let (rules, shown) = (Arc::clone(core.faults.rules()), Arc::clone(core.faults.rules()));
    FaultInjection {
        put: Box::new(move |on| rules.put_shim(on).map(|_| ()).map_err(|refused| refused.to_string())),
        is_on: Box::new(move || shown.shim_enabled()),
    }
}
