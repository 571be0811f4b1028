//! Methods that nobody here knows: asked of their servers once, before a run starts.

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
    for operation in &mut plan.operations {
        let Call::Grpc(call) = &mut operation.call else { continue };
        if call.messages.is_ok() {
            continue;
        }
        let (name, endpoint) = (&operation.name, &operation.endpoint);
        let asked = describe(&names, endpoint, operation.tls.as_ref(), &call.method.service).await;
        let pool = asked.map_err(|untold| {
            let exit = match untold {
                Untold::Unreachable(_) => Exit::Unreachable,
                Untold::Unknown(_) => Exit::Scenario,
            };
            let message = format!(
                "operation {name:?}: {} is not built in, and the server at {endpoint} does not tell of it: {untold}",
                call.method,
                name = name.as_str()
            );
            (exit, message)
        })?;
        call.resolve(&pool).map_err(|misfit| {
            let place = misfit.position().map_or_else(String::new, |(line, column)| format!("{line}:{column}: "));
            (
                Exit::Scenario,
                format!("{place}operation {:?}: {misfit} (by the reflection of {endpoint})", name.as_str()),
            )
        })?;
    }
    Ok(())
}
