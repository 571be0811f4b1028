//! What the injector asks the target besides its traffic: whether it is there, and its account of our session.

use std::time::Duration;

use futures_util::stream::{StreamExt as _, iter};
use shared::account::{self, Account};
use shared::identity::Session;
use shared::outcome::ErrorClass;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::fault::client::{AT_ONCE_MAX, Call, Client};
use crate::names::Names;
use crate::plan::{Endpoint, Plan};

/// How long one question may take.
pub(crate) const QUESTION_TIMEOUT: Duration = Duration::from_secs(2);
/// How long to wait for the target to have finished its own records after our last answer.
const SETTLE_MAX: Duration = Duration::from_secs(1);
/// Between two looks while it settles.
const SETTLE_STEP: Duration = Duration::from_millis(20);

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

/// The account of all the target's replicas together.
#[derive(Debug)]
pub struct Told {
    /// The sum; its `server` names them all.
    pub account: Account,
    /// Whether every replica has told.
    pub is_whole: bool,
}

/// The target's account of a session, once it has no request of it in flight (or after a second of waiting for that).
///
/// # Errors
/// Why there is none, in words.
pub(crate) async fn account(plan: &Plan, session: Session) -> Result<Told, String> {
    let names = Names::asking(plan.nameserver, QUESTION_TIMEOUT).map_err(|error| error.to_string())?;
    let deadline = Instant::now() + SETTLE_MAX;
    loop {
        let told = told(&names, &plan.admin, session).await?;
        let settled = told.account.operations.values().all(|operation| operation.in_flight == 0);
        if settled || Instant::now() >= deadline {
            return Ok(told);
        }
        sleep(SETTLE_STEP).await;
    }
}

/// What the replicas say now. One that nothing of the session reached has no account of it, which is as good as an empty
/// one as long as another has one.
///
/// # Errors
/// If none has one: why the first has not.
pub(crate) async fn told(names: &Names, admin: &Endpoint, session: Session) -> Result<Told, String> {
    let replicas = names.all(admin).await.map_err(|class| class.as_str().to_owned())?;
    let client = Client { token: None, timeout: QUESTION_TIMEOUT };
    let call = Call { method: "GET", path: account::path(session), json: None };
    let (client, call) = (&client, &call);
    let asking = replicas.iter().map(async |at| client.ask(*at, call).await);
    let answers: Vec<_> = iter(asking).buffered(AT_ONCE_MAX).collect().await;
    let (mut sum, mut servers, mut is_whole, mut why) = (Account::default(), Vec::new(), true, None);
    for answer in answers {
        let body = match answer {
            Ok((200, body)) => body,
            Ok((status, _)) => {
                is_whole &= status == 404;
                why.get_or_insert(format!("GET {} was answered {status}", call.path));
                continue;
            }
            Err(failure) => {
                is_whole = false;
                why.get_or_insert(failure.to_string());
                continue;
            }
        };
        let account: Account =
            serde_json::from_slice(&body).map_err(|error| format!("its answer is no account: {error}"))?;
        for (name, part) in &account.operations {
            sum.operations.entry(name.clone()).or_default().merge(part);
        }
        servers.push(account.server);
    }
    if servers.is_empty() {
        return Err(why.unwrap_or_else(|| "no replica".to_owned()));
    }
    sum.server = servers.join(", ");
    Ok(Told { account: sum, is_whole })
}
