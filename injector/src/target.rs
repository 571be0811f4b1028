//! What the injector asks the target besides its traffic: whether it is there, and its account of our session.

mod life;
mod told;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use shared::outcome::{Code, ErrorClass};
use tokio::time::timeout;

pub(crate) use self::life::{Change, Life, born};
pub(crate) use self::told::{Met, REPLICAS_MAX, Replica, Told, account, meet, told};
use crate::dial;
use crate::names::{Names, Unfound};
use crate::plan::{Endpoint, Host, Plan, Sources};

/// How long one question may take.
pub(crate) const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);

/// Resolves and, where there is something to connect to, connects to every endpoint of the plan once.
///
/// # Errors
/// The first endpoint that cannot be reached, by name, with the reason.
pub(crate) async fn reach(plan: &Plan) -> Result<(), String> {
    let names = Names::asking(plan.nameserver, QUESTION_TIMEOUT).map_err(|error| error.to_string())?;
    let mut seen: Vec<(&Endpoint, bool, &Sources)> = Vec::new();
    for operation in &plan.operations {
        let one = (&operation.endpoint, operation.protocol().is_datagram(), &operation.route.sources);
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    for (endpoint, is_datagram, sources) in seen {
        reach_one(&names, endpoint, is_datagram, sources).await.map_err(|why| {
            format!("target {endpoint} of operation {:?} is unreachable: {why}", first_user(plan, endpoint))
        })?;
    }
    Ok(())
}

fn first_user<'a>(plan: &'a Plan, endpoint: &Endpoint) -> &'a str {
    let user = plan.operations.iter().find(|operation| operation.endpoint == *endpoint);
    user.map_or("the plan", |operation| operation.name.as_str())
}

/// From the first of the source addresses: another one might not be let through. Over datagrams a name must resolve; more can
/// only be seen by asking, which is what the run is for.
async fn reach_one(names: &Names, endpoint: &Endpoint, is_datagram: bool, sources: &Sources) -> Result<(), String> {
    const SILENCE: Unfound = Unfound { class: ErrorClass::DnsTimeout, code: Code::NONE };
    let address = timeout(QUESTION_TIMEOUT, names.resolve(endpoint)).await.unwrap_or(Err(SILENCE));
    let address = address.map_err(|unfound| format!("{} ({})", names.words(unfound), unfound.class.as_str()))?;
    if is_datagram {
        return Ok(());
    }
    let source = sources.nth(0, address.is_ipv6()).map(|ip| SocketAddr::new(ip, 0));
    if source.is_none() && !sources.is_empty() {
        return Err(format!("no source address has the family of {}", address.ip()));
    }
    let connected = match timeout(QUESTION_TIMEOUT, dial::connect(source, address)).await {
        Ok(connected) => connected.map(drop).map_err(|error| ErrorClass::of_connect(&error)),
        Err(_) => Err(ErrorClass::ConnectTimeout),
    };
    connected.map_err(|class| match endpoint.host {
        Host::Ip(_) => words(class).to_owned(),
        Host::Name(_) => format!("{address}: {}", words(class)),
    })
}

/// What went wrong before there was a connection, for a person.
pub(crate) fn words(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::DnsNxdomain => "the name does not exist or has no address (dns_nxdomain)",
        ErrorClass::DnsTimeout => "no name server answered in time (dns_timeout)",
        ErrorClass::DnsServfail => "the name server failed (dns_servfail)",
        ErrorClass::DnsOther => {
            "the name server refused, or its answer cannot be used: malformed, or too long for a datagram and not to be had \
             over TCP (dns_other)"
        }
        ErrorClass::ConnectRefused => "the connection was refused; is anything listening there? (connect_refused)",
        ErrorClass::ConnectTimeout => "the connection was not established in time (connect_timeout)",
        ErrorClass::ConnectUnreachable => "there is no route to it (connect_unreachable)",
        other => other.as_str(),
    }
}

/// The addresses that the names of the plan have now, by name; a name that has none, or cannot be looked up, is left out.
pub(crate) async fn addresses(plan: &Plan) -> BTreeMap<String, Vec<IpAddr>> {
    let mut found = BTreeMap::new();
    let Ok(names) = Names::asking(plan.nameserver, QUESTION_TIMEOUT) else { return found };
    for operation in &plan.operations {
        let host = operation.endpoint.host.to_string();
        if found.contains_key(&host) {
            continue;
        }
        // Not to be had in time is not to be had.
        if let Ok(Ok(all)) = timeout(QUESTION_TIMEOUT, names.all(&operation.endpoint)).await {
            found.insert(host, all.iter().map(SocketAddr::ip).collect());
        }
    }
    found
}
