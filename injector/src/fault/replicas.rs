//! Which replicas: every address behind the names that were given, each once, in order.

use std::net::SocketAddr;

use shared::protocol::ADMIN_PORT;

use crate::cli::AdminArgs;
use crate::names::Names;
use crate::plan::{Address, Scheme};
use crate::target::{QUESTION_TIMEOUT, words};
use crate::verdict::Exit;

/// Most replicas: far beyond what one Service has in practice, and few enough for one table.
const REPLICAS_MAX: usize = 256;

/// The addresses to ask; never empty.
///
/// # Errors
/// A name without an address, or a choice that is not among them; with the exit code.
pub(super) async fn replicas(args: &AdminArgs) -> Result<Vec<SocketAddr>, (Exit, String)> {
    let names =
        Names::asking(args.nameserver, QUESTION_TIMEOUT).map_err(|error| (Exit::Unreachable, error.to_string()))?;
    let mut found = Vec::new();
    for address in &args.admin {
        found.extend(resolve(&names, address, "--admin").await?);
    }
    found.sort_unstable();
    found.dedup();
    if found.len() > REPLICAS_MAX {
        let count = found.len();
        return Err((Exit::Usage, format!("--admin has {count} addresses; at most {REPLICAS_MAX} are asked at once")));
    }
    let Some(replica) = &args.replica else { return Ok(found) };
    let wanted = resolve(&names, replica, "--replica").await?;
    match wanted.as_slice() {
        [one] if found.contains(one) => Ok(wanted),
        _ => Err((
            Exit::Usage,
            format!("--replica {}: not one of the addresses of --admin; these are {}", text(replica), list(&found)),
        )),
    }
}

async fn resolve(names: &Names, address: &Address, flag: &str) -> Result<Vec<SocketAddr>, (Exit, String)> {
    if address.scheme == Some(Scheme::Https) {
        let text = text(address);
        return Err((Exit::Usage, format!("{flag} https://{text}: the admin port has no TLS; expected {text}")));
    }
    let found = names.all(&address.endpoint(ADMIN_PORT)).await;
    found.map_err(|class| (Exit::Unreachable, format!("{flag} {}: {}", text(address), words(class))))
}

fn text(address: &Address) -> String {
    match (&address.host, address.port) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_string(),
    }
}

/// `127.0.0.2:9797, 127.0.0.3:9797`.
pub(super) fn list(replicas: &[SocketAddr]) -> String {
    replicas.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ")
}
