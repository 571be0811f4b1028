//! Methods that nobody here knows: asked of their servers once, before a run starts.

use std::sync::Arc;

use crate::driver::grpc::reflect::{Untold, describe};
use crate::names::Names;
use crate::plan::{Call, Plan};
use crate::target::QUESTION_TIMEOUT;
use crate::verdict::Exit;

/// Makes the messages of every operation whose method is not built in.
///
/// # Errors
/// How the process should end, and why: the server cannot be asked, it has no such method, or a message does not fit it.
pub(crate) async fn resolve(plan: &mut Plan) -> Result<(), (Exit, String)> {
    let names =
        Names::asking(plan.nameserver, QUESTION_TIMEOUT).map_err(|error| (Exit::Unreachable, error.to_string()))?;
    let sources = &plan.sources;
    for operation in &mut plan.operations {
        let (name, endpoint, tls) = (operation.name, operation.endpoint.clone(), operation.tls.clone());
        let Call::Grpc(first) = &operation.call else { continue };
        if first.messages.is_ok() {
            continue;
        }
        // Of one method for all rows.
        let method = first.method.clone();
        let asked = describe(&names, &endpoint, tls.as_ref(), &method.service).await;
        let pool = asked.map_err(|untold| {
            let exit = match untold {
                Untold::Unreachable(_) => Exit::Unreachable,
                Untold::Unknown(_) => Exit::Scenario,
            };
            let message = format!(
                "{}: operation {:?}: {method} is not built in, and the server at {endpoint} does not tell of it: {untold}",
                sources.name(),
                name.as_str()
            );
            (exit, message)
        })?;
        let rows = operation.rows.as_mut().map(|rows| Arc::make_mut(&mut rows.calls));
        for call in rows.into_iter().flatten().chain([&mut operation.call]) {
            let Call::Grpc(call) = call else { continue };
            call.resolve(&pool).map_err(|misfit| {
                let place = sources.place(misfit.at());
                let words = format!("operation {:?}: {misfit} (by the reflection of {endpoint})", name.as_str());
                (Exit::Scenario, format!("{place}: {words}"))
            })?;
        }
    }
    Ok(())
}
