//! What the injector asks the target besides its traffic: whether it is there, and its account of our session.

mod life;
mod told;

use std::collections::BTreeMap;
use std::time::Duration;

use shared::outcome::ErrorClass;
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) use self::life::{Change, Life, born};
pub(crate) use self::told::{Met, REPLICAS_MAX, Replica, Told, account, meet, told};
use crate::names::Names;
use crate::plan::{Endpoint, Plan};

/// How long one question may take.
pub(crate) const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);

/// Resolves and, where there is something to connect to, connects to every endpoint of the plan once.
///
/// # Errors
/// The first endpoint that cannot be reached, by name, with the reason.
pub(crate) async fn reach(plan: &Plan) -> Result<(), String> {
    let names = Names::asking(plan.nameserver, QUESTION_TIMEOUT).map_err(|error| error.to_string())?;
    let mut seen: Vec<(&Endpoint, bool)> = Vec::new();
    for operation in &plan.operations {
        let one = (&operation.endpoint, operation.protocol().is_datagram());
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    for (endpoint, is_datagram) in seen {
        reach_one(&names, endpoint, is_datagram).await.map_err(|class| {
            format!("target {endpoint} of operation {:?} is unreachable: {}", first_user(plan, endpoint), words(class))
        })?;
    }
    Ok(())
}

fn first_user<'a>(plan: &'a Plan, endpoint: &Endpoint) -> &'a str {
    let user = plan.operations.iter().find(|operation| operation.endpoint == *endpoint);
    user.map_or("the plan", |operation| operation.name.as_str())
}

/// Over datagrams a name must resolve; more can only be seen by asking, which is what the run is for.
async fn reach_one(names: &Names, endpoint: &Endpoint, is_datagram: bool) -> Result<(), ErrorClass> {
    let address = timeout(QUESTION_TIMEOUT, names.resolve(endpoint)).await.unwrap_or(Err(ErrorClass::DnsTimeout))?;
    if is_datagram {
        return Ok(());
    }
    let connected = timeout(QUESTION_TIMEOUT, TcpStream::connect(address)).await;
    match connected {
        Ok(connected) => connected.map(drop).map_err(|error| ErrorClass::of_connect(&error)),
        Err(_) => Err(ErrorClass::ConnectTimeout),
    }
}

/// What went wrong before there was a connection, for a person.
pub(crate) fn words(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::DnsNxdomain => "the name does not exist or has no address (dns_nxdomain)",
        ErrorClass::DnsTimeout => "no name server answered in time (dns_timeout)",
        ErrorClass::DnsServfail => "the name server failed (dns_servfail)",
        ErrorClass::ConnectRefused => "the connection was refused; is anything listening there? (connect_refused)",
        ErrorClass::ConnectTimeout => "the connection was not established in time (connect_timeout)",
        ErrorClass::ConnectUnreachable => "there is no route to it (connect_unreachable)",
        other => other.as_str(),
    }
}

/// How many addresses the names of the plan have now, by name; a name that has none, or cannot be looked up, is left out.
pub(crate) async fn addresses(plan: &Plan) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let Ok(names) = Names::asking(plan.nameserver, QUESTION_TIMEOUT) else { return found };
    for operation in &plan.operations {
        let host = operation.endpoint.host.to_string();
        if found.contains_key(&host) {
            continue;
        }
        // Not to be had in time is not to be had.
        if let Ok(Ok(all)) = timeout(QUESTION_TIMEOUT, names.all(&operation.endpoint)).await {
            found.insert(host, all.len());
        }
    }
    found
}
