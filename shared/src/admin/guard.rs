//! Who may change something on an admin listener: whoever knows the token, and never a page in somebody's browser.
//!
//! Invariants:
//! - One policy for all listeners; they differ only in what happens where no token is configured.
//! - Without a token, what listens beyond the loopback changes nothing on the admin listener.
//! - No answer and no log line says anything of a token, neither the right one nor a wrong one.

mod token;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN, USER_AGENT};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

pub use token::{Token, TokenError};

/// The target's flag that names the file of the token.
pub const TARGET_TOKEN_FLAG: &str = "--admin-token-file";
/// The injector's: it has another one already, for the admin ports of targets.
pub const INJECTOR_TOKEN_FLAG: &str = "--api-token-file";

/// Says where a browser's request comes from (W3C Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// How every browser's `User-Agent` begins, and no tool's.
const BROWSER: &[u8] = b"Mozilla/";

/// The guard of one listener.
#[derive(Clone, Debug)]
pub struct ChangeGuard {
    token: Option<Arc<Token>>,
    door: Door,
}

/// Who can reach the listener, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Programs of this machine, and browsers of this machine that were lured by a name.
    Loopback,
    /// Everybody on the network, and nobody whom we can tell from another without a token.
    Network,
    /// Everybody who is served at all: who may cause faults there is decided by address.
    Traffic,
    /// Whoever it is: nobody without a token.
    Closed,
}

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A browser sends it.
    Browser,
    /// A page of another site sends it: this is what it says of itself.
    CrossOrigin(String),
    /// A listener on the loopback is called by a name that is not the loopback's.
    Host(String),
    /// There is no token in it, or more than one; the flag that names the right one.
    NoToken(&'static str),
    /// There is another token in it; likewise.
    WrongToken(&'static str),
    /// Nobody may: no token is configured, and the network reaches the listener.
    Unguarded,
    /// Nobody may: no token is configured.
    Closed,
}

impl ChangeGuard {
    /// For the admin listener, bound here.
    pub fn admin(token: Option<Arc<Token>>, bound: SocketAddr) -> ChangeGuard {
        let door = if bound.ip().to_canonical().is_loopback() { Door::Loopback } else { Door::Network };
        ChangeGuard { token, door }
    }

    /// For changes on the traffic listener, such as podinfo's. Without a token they are allowed; who reaches them is up to
    /// the caller.
    pub fn traffic(token: Option<Arc<Token>>) -> ChangeGuard {
        ChangeGuard { token, door: Door::Traffic }
    }

    /// For the injector's admin listener: a load on a network is changed by nobody who cannot say that he may, also not from
    /// the same machine.
    pub fn control(token: Option<Arc<Token>>) -> ChangeGuard {
        ChangeGuard { token, door: Door::Closed }
    }

    /// Whether a request with these headers may change something. `headers` has the `Host`, also of HTTP/2, if the
    /// request is to be taken for one of its own pages.
    ///
    /// # Errors
    /// Says why not.
    pub fn allows(&self, headers: &HeaderMap, client: IpAddr) -> Result<(), Refusal> {
        let allowed = own_page(headers).and_then(|()| self.own_name(headers)).and_then(|()| self.knows(headers));
        if let Err(refusal) = &allowed {
            // No louder, because anybody can cause it any number of times.
            tracing::debug!(%client, reason = refusal.code(), "change refused");
        }
        allowed
    }

    /// DNS rebinding: the browser thinks it talks to its page's host, whose name now leads here. The page's requests are
    /// then of the same origin, and only the name gives it away.
    fn own_name(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.door != Door::Loopback {
            return Ok(());
        }
        let mut hosts = headers.get_all(HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) if is_local(host) => Ok(()),
            (host, _) => Err(Refusal::Host(host.map(shown).unwrap_or_default())),
        }
    }

    fn knows(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match (&self.token, self.door) {
            (Some(token), door) => {
                let flag = if door == Door::Closed { INJECTOR_TOKEN_FLAG } else { TARGET_TOKEN_FLAG };
                let is_known = token.is(bearer(headers).ok_or(Refusal::NoToken(flag))?);
                if is_known { Ok(()) } else { Err(Refusal::WrongToken(flag)) }
            }
            (None, Door::Loopback | Door::Traffic) => Ok(()),
            (None, Door::Network) => Err(Refusal::Unguarded),
            (None, Door::Closed) => Err(Refusal::Closed),
        }
    }
}

/// That no browser sends it for somebody else's page. Nor for ours: a page of our own has no need of changes, and a browser
/// that leaves out the other two fields still names itself.
fn own_page(headers: &HeaderMap) -> Result<(), Refusal> {
    let host = headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    for origin in headers.get_all(ORIGIN) {
        let of = origin.to_str().ok().and_then(|origin| Some(origin.split_once("://")?.1)).unwrap_or_default();
        if of.is_empty() || !of.as_bytes().eq_ignore_ascii_case(host) {
            return Err(Refusal::CrossOrigin(format!("origin: {}", shown(origin))));
        }
    }
    for site in headers.get_all(SEC_FETCH_SITE) {
        // `none` is a person who typed the address.
        if !["same-origin", "none"].contains(&site.to_str().unwrap_or_default()) {
            return Err(Refusal::CrossOrigin(format!("sec-fetch-site: {}", shown(site))));
        }
    }
    let browser = headers.get_all(USER_AGENT).iter().any(|agent| agent.as_bytes().starts_with(BROWSER));
    if browser { Err(Refusal::Browser) } else { Ok(()) }
}

/// A name that no name server outside of this machine can lead here, or no name at all.
fn is_local(host: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    let host = authority.host().to_ascii_lowercase();
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    let is_name = host == "localhost" || host.ends_with(".localhost");
    !authority.as_str().contains('@') && (is_name || literal.parse::<IpAddr>().is_ok())
}

/// The token of the one `Authorization: Bearer` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    let (scheme, token) = field.as_bytes().split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

/// A stranger's header value, short enough to be sent back.
fn shown(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).chars().take(100).collect()
}

impl Refusal {
    /// 401 if a token would help, 403 if nothing would.
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::NoToken(_) | Refusal::WrongToken(_) => StatusCode::UNAUTHORIZED,
            Refusal::Browser | Refusal::CrossOrigin(_) | Refusal::Host(_) => StatusCode::FORBIDDEN,
            Refusal::Unguarded | Refusal::Closed => StatusCode::FORBIDDEN,
        }
    }

    /// The class of the refusal; stable, part of the wire format.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Browser => "browser",
            Refusal::CrossOrigin(_) => "cross_origin",
            Refusal::Host(_) => "foreign_host",
            Refusal::NoToken(_) => "no_token",
            Refusal::WrongToken(_) => "wrong_token",
            Refusal::Unguarded | Refusal::Closed => "no_token_configured",
        }
    }

    /// The header field that is at fault.
    pub fn field(&self) -> &'static str {
        match self {
            Refusal::Browser => "user-agent",
            Refusal::CrossOrigin(said) if said.starts_with(SEC_FETCH_SITE.as_str()) => "sec-fetch-site",
            Refusal::CrossOrigin(_) => "origin",
            Refusal::Host(_) => "host",
            Refusal::NoToken(_) | Refusal::WrongToken(_) | Refusal::Unguarded | Refusal::Closed => "authorization",
        }
    }

    /// A lowercase fragment.
    pub fn reason(&self) -> String {
        match self {
            Refusal::Browser => "a browser may change nothing here".to_owned(),
            Refusal::CrossOrigin(said) => format!("a page of another origin may change nothing here ({said})"),
            Refusal::Host(host) => format!("{host:?} is not a name of this machine's own"),
            Refusal::NoToken(_) => "a change needs the token, once".to_owned(),
            Refusal::WrongToken(_) => "this is not the token".to_owned(),
            Refusal::Unguarded => "the network reaches this listener and no token is configured".to_owned(),
            Refusal::Closed => "no token is configured, and without one nobody may".to_owned(),
        }
    }

    /// What would be accepted.
    pub fn expected(&self) -> String {
        match self {
            Refusal::Browser | Refusal::CrossOrigin(_) => "a program such as curl".to_owned(),
            Refusal::Host(_) => "host: localhost, a name below it, or an address".to_owned(),
            Refusal::NoToken(flag) | Refusal::WrongToken(flag) => format!("authorization: Bearer <content of {flag}>"),
            Refusal::Unguarded => {
                format!("the target started with {TARGET_TOKEN_FLAG} FILE, or its admin listener on 127.0.0.1")
            }
            Refusal::Closed => format!("the injector started with {INJECTOR_TOKEN_FLAG} FILE"),
        }
    }
}

#[cfg(test)]
mod tests;
