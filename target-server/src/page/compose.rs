//! `POST /page/compose`: a fault as text, read as a request's would be, told in words and written for every carrier. Nothing
//! is injected and nothing is kept.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::fault::{Dialect, Fault, Separator, SpecError, SpecErrors};
use shared::protocol::Protocol;
use url::{Host, Url};

use super::lines::{self, Line, Site, quoted};
use super::manual::Manual;
use super::{About, markup, state};
use crate::rules::{self, DelayPreview};

/// Largest body: a spec and an origin, and then some.
const BODY_MAX_BYTES: usize = 8 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    fault: String,
    /// Where the page is, as the browser sees it: `http://host:port`.
    origin: String,
}

/// What there is to say of it.
#[derive(Default, Serialize)]
pub(super) struct Composed {
    /// In canonical form; absent if it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    /// Everything that cannot be read, in the order of the text.
    errors: Vec<Mistake>,
    asks: Vec<Ask>,
    /// Absent if nothing is delayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<DelayPreview>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<&'static str>,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Mistake {
    code: &'static str,
    parameter: String,
    value: String,
    /// In bytes of the text.
    position: usize,
    reason: String,
    expected: String,
}

/// One value of a parameter, and who gets it.
#[derive(Serialize)]
struct Ask {
    key: &'static str,
    value: String,
    /// Of all requests.
    percent: f64,
    /// What the manual says of the key, without marks.
    meaning: String,
}

/// The answer, or what is wrong with the request itself.
pub(super) fn of(about: &About, manual: &Manual, client: IpAddr, body: &Bytes) -> Result<Composed, String> {
    if body.len() > BODY_MAX_BYTES {
        return Err(format!("the body has {} bytes; expected at most {BODY_MAX_BYTES}", body.len()));
    }
    let Asked { fault, origin } = serde_json::from_slice(body)
        .map_err(|error| format!("{error}; expected {{\"fault\": \"delay=1s\", \"origin\": \"http://host:port\"}}"))?;
    let (origin, host) =
        site(&origin).ok_or_else(|| format!("origin {origin:?} is none; expected http://host:port"))?;
    let fault = match Fault::parse(fault.trim(), Separator::Ampersand) {
        Ok(fault) => fault,
        Err(errors) => return Ok(Composed { errors: mistakes(&errors), ..Composed::default() }),
    };
    let delay = rules::delay(&fault, about.seed);
    let slowest = delay.map_or(Duration::ZERO, |delay| Duration::from_secs_f64(delay.p99_seconds));
    let site = Site {
        is_secured: origin.starts_with("https:"),
        root: format!("{origin}{}/", about.prefix.trim_end_matches('/')),
        host,
        ports: &about.ports,
        zone: &about.zone,
    };
    let mut lines = lines::of(&fault, &site, &about.limits, slowest);
    if !lines.is_empty() {
        lines.push(rule(&fault, &site, about));
    }
    let share = fault.shares().into_iter().map(|share| Ask {
        key: share.key.as_str(),
        value: share.value,
        percent: (share.share * 1e6).round() / 1e4,
        meaning: markup::plain(manual.meaning(share.key)),
    });
    Ok(Composed {
        fault: Some(fault.to_string()),
        errors: Vec::new(),
        asks: share.collect(),
        delay,
        withheld: state::withheld(about, client).filter(|_| fault.injects()),
        lines,
    })
}

/// An origin in its one spelling, and its host without brackets. Whatever comes from here is put into commands.
fn site(origin: &str) -> Option<(String, String)> {
    let url = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = match url.host()? {
        Host::Ipv6(address) => address.to_string(),
        host => host.to_string(),
    };
    Some((url.origin().ascii_serialization(), host))
}

fn mistakes(errors: &SpecErrors) -> Vec<Mistake> {
    let mistake = |error: &SpecError| Mistake {
        code: error.code.as_str(),
        parameter: error.parameter.clone(),
        value: error.value.clone(),
        position: error.position,
        reason: error.reason.clone(),
        expected: error.expected.clone(),
    };
    errors.iter().map(mistake).collect()
}

/// The same for requests that ask for nothing, as the admin listener takes it; refused in the words that it would use.
fn rule(fault: &Fault, site: &Site<'_>, about: &About) -> Line {
    let can = |dialect: Dialect| fault.check(dialect, &about.limits).is_ok();
    let protocols: Vec<&str> =
        Protocol::ALL.into_iter().filter(|protocol| can(protocol.dialect())).map(Protocol::as_str).collect();
    let document = json!({ "ttl": "1m", "match": { "protocol": protocols }, "fault": fault.to_string() });
    let checked = serde_json::from_value(document.clone())
        .map_err(|error| error.to_string())
        .and_then(|written| about.rules.validate(&written).map_err(|refused| refused.to_string()));
    let command = |port| {
        let url = quoted(&format!("http://{}/faults", site.beside(port)));
        format!("curl -sS -H 'content-type: application/json' -d {} {url}", quoted(&document.to_string()))
    };
    Line::new(
        "rule",
        "Fault rule, for a minute",
        "for requests that ask for nothing",
        site.line("admin", checked.map(|_| ()), command),
    )
}
