//! The target's page for people: what this is, a fault composed for every carrier, the rules that are active, the manual.
//!
//! Invariants:
//! - The page and what it asks stand below `/page/`, where no fault applies: it works while a rule breaks everything else. `/`
//!   is the same page to browsers, and is struck like any other path.
//! - It shows and composes; it changes nothing. Whoever may change rules asks the admin listener, as without a page.
//! - What may hold a secret of the operator's stays on the admin listener: a rule's match, owner and reason. Rules are shown to
//!   those who may ask for faults themselves.

mod compose;
mod lines;
mod manual;
mod markup;
mod state;

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use shared::carrier::dns::Zone;
use shared::fault::{FaultKind, Key, Limits};
use shared::outcome::ServerError;
use shared::page::{self, Asset, BASE_CSS, POLICY};

use self::manual::Manual;
#[cfg(test)]
use crate::podinfo::Ui;
use crate::podinfo::{Info, Plain};
use crate::rules::Rules;

const TEMPLATE: Asset = Asset::html("index.html", include_str!("../pages/index.html"));
/// The files beside it.
const FILES: [Asset; 3] = [
    BASE_CSS,
    Asset::css("target.css", include_str!("../pages/target.css")),
    Asset::js("target.js", include_str!("../pages/target.js")),
];

/// The page of one target.
pub(crate) struct Page {
    document: Bytes,
    policy: HeaderValue,
    manual: Manual,
    about: About,
}

/// What the page knows of its target.
pub(crate) struct About {
    pub(crate) info: Info,
    /// Pod, node and zone, as answers name them.
    pub(crate) place: String,
    /// Name and port of each listener.
    pub(crate) ports: Vec<(&'static str, u16)>,
    pub(crate) zone: Zone,
    /// In front of every path: empty or `/`, or `/` and a name.
    pub(crate) prefix: String,
    pub(crate) limits: Limits,
    pub(crate) seed: u64,
    pub(crate) rules: Arc<Rules>,
    /// Whether faults of requests are injected now.
    pub(crate) takes_requests: Box<dyn Fn() -> bool + Send + Sync>,
    /// Whether those of rules are.
    pub(crate) takes_rules: Box<dyn Fn() -> bool + Send + Sync>,
    /// Whether this client may ask for faults.
    pub(crate) trusts: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl Page {
    pub(crate) fn new(about: About) -> Page {
        let manual = Manual::read();
        let document = filled(&manual, about.prefix.trim_end_matches('/'));
        let policy = policy(&about.info.logo);
        Page { document: document.into(), policy, manual, about }
    }

    /// The document itself.
    pub(crate) fn document(&self, asked: &HeaderMap) -> Plain {
        let answer = page::answer(TEMPLATE.content_type, self.document.clone(), asked);
        plain(answer).with(CONTENT_SECURITY_POLICY, self.policy.clone())
    }

    /// `/page/` and everything below.
    pub(crate) fn answer(&self, method: &Method, path: &str, asked: &HeaderMap, client: IpAddr, body: &Bytes) -> Plain {
        let name = path.strip_prefix("/page/").unwrap_or_default();
        let takes = if name == "compose" { "POST" } else { "GET" };
        let file = FILES.iter().find(|file| file.name == name);
        match (name, file) {
            ("" | "state" | "compose", _) | (_, Some(_)) if (method == Method::POST) != (takes == "POST") => {
                Plain::refusal(StatusCode::METHOD_NOT_ALLOWED, &format!("{path} takes {takes}"))
            }
            ("", _) => self.document(asked),
            ("state", _) => fresh(Plain::json(StatusCode::OK, &state::of(&self.about, client))),
            ("compose", _) => match compose::of(&self.about, &self.manual, client, body) {
                Ok(composed) => fresh(Plain::json(StatusCode::OK, &composed)),
                Err(reason) => fresh(Plain::refusal(StatusCode::BAD_REQUEST, &reason)),
            },
            (_, Some(file)) => plain(file.answer(asked)),
            _ => Plain {
                error: Some(ServerError::BadRequest),
                ..Plain::of(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "404 page not found\n")
            },
        }
    }
}

/// What is true of this moment alone.
fn fresh(answer: Plain) -> Plain {
    answer.with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

fn plain(answer: http::Response<Bytes>) -> Plain {
    let (parts, body) = answer.into_parts();
    Plain { status: parts.status, headers: parts.headers, body, error: None }
}

/// The template with all that is known when the program starts.
fn filled(manual: &Manual, prefix: &str) -> String {
    let mut kinds = String::new();
    for kind in FaultKind::examples() {
        let on: Vec<&str> = kind.dialects().iter().map(|dialect| dialect.as_str()).collect();
        let _ = write!(kinds, "<option value=\"{kind}\">{kind} ({})", on.join(", "));
    }
    let has_field = |key: &Key| TEMPLATE.text.contains(&format!("data-key=\"{}\"", key.as_str()));
    let keys: String =
        Key::all().filter(|key| !has_field(key)).map(|key| format!("<option>{}", key.as_str())).collect();
    let mut page = TEMPLATE.text.replace("{{kinds}}", &kinds).replace("{{keys}}", &keys);
    for key in Key::all() {
        page = page.replace(&format!("{{{{about {}}}}}", key.as_str()), &markup::inline(manual.meaning(key)));
    }
    // Last: whatever stands in it is not looked at again.
    page.replace("{{prefix}}", &markup::escaped(prefix)).replace("{{manual}}", manual.html())
}

/// The policy of all pages, and the one host that the operator's picture comes from, if it comes from one.
fn policy(logo: &str) -> HeaderValue {
    let origin = url::Url::parse(logo).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let origin = origin.map(|url| url.origin().ascii_serialization());
    let own = origin.and_then(|origin| {
        HeaderValue::try_from(POLICY.replace("img-src 'self' data:", &format!("img-src 'self' data: {origin}"))).ok()
    });
    own.unwrap_or_else(|| HeaderValue::from_static(POLICY))
}

#[cfg(test)]
impl About {
    /// Of a target that listens nowhere and takes every fault of a client of this machine.
    pub(crate) fn tested(ui: &Ui, prefix: &str) -> About {
        let limits = Limits::default();
        About {
            info: Info::new(ui),
            place: "pod/node/zone".to_owned(),
            ports: [("http", 9898), ("grpc", 9999), ("tcp", 9007), ("udp", 9007), ("dns", 1053), ("admin", 9797)]
                .to_vec(),
            zone: Zone::default(),
            prefix: prefix.to_owned(),
            rules: Rules::new(limits.clone(), crate::rules::TTL_MAX, 0),
            limits,
            seed: 0,
            takes_requests: Box::new(|| true),
            takes_rules: Box::new(|| true),
            trusts: Box::new(|client| client.is_loopback()),
        }
    }
}

#[cfg(test)]
mod tests;
