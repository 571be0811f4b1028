//! Where a request goes: to an echo, to an endpoint of its own, or nowhere.
//!
//! A request that speaks the language (an identity, a key in its query, a fault header) is answered on every path: with the endpoint's
//! answer if there is one, else with an echo. A stranger that says nothing gets what podinfo would say: its index, 404,
//! 405, or the clean form of a path.

use std::borrow::Cow;
use std::collections::HashMap;

use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use shared::carrier;
use shared::outcome::ServerError;
use shared::route::Route;

use crate::config::Compat;
use crate::headers;
use crate::podinfo::Plain;

/// What cannot stand in the path of a URL (RFC 3986, section 3.3).
const NOT_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'%');

/// How paths are understood.
#[derive(Clone, Debug)]
pub(crate) struct Routing {
    /// In front of every endpoint's path: empty, or `/` and a name.
    prefix: String,
    compat: Compat,
    /// Labels by what they are without a prefix; none if there is none.
    labels: HashMap<&'static str, &'static str>,
}

/// An endpoint, and what it has to know of the request's head.
pub(super) struct Routed {
    pub(super) route: Route,
    /// The query is meant for us. Others are no business of an endpoint's.
    pub(super) hears_query: bool,
    /// Decoded, without the prefix.
    pub(super) path: String,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
}

impl Routed {
    /// Whether podinfo's router knows it by a name, which has no prefix.
    fn is_named(&self) -> bool {
        match self.route {
            Route::Delay | Route::Status | Route::StoreHash => true,
            Route::Cache => self.method == Method::GET || self.method == Method::HEAD,
            _ => false,
        }
    }

    /// Whether it may become a WebSocket.
    pub(super) fn is_websocket(&self) -> bool {
        self.route == Route::WsEcho
    }
}

/// Where a request goes.
pub(super) enum Way {
    /// It is echoed.
    Echo,
    /// It has an endpoint.
    Own(Box<Routed>),
    /// It has none, and this is all there is to say.
    Nowhere(Box<Plain>),
}

impl Routing {
    /// `prefix` is empty, or `/` and a name.
    pub(crate) fn new(prefix: &str, compat: Compat) -> Routing {
        let mut labels = HashMap::new();
        if !prefix.is_empty() {
            let prefix: Vec<&str> =
                prefix.split(|c: char| !c.is_ascii_alphanumeric()).filter(|s| !s.is_empty()).collect();
            let prefix = prefix.join("_").to_lowercase();
            for bare in Route::ALL.into_iter().flat_map(|route| [route.label("GET"), route.label("POST")]) {
                let whole = if bare == Route::Index.label("GET") { prefix.clone() } else { format!("{prefix}_{bare}") };
                // A few dozen words for the life of the process, as labels are everywhere else.
                labels.entry(bare).or_insert_with(|| &*whole.leak());
            }
        }
        Routing { prefix: prefix.to_owned(), compat, labels }
    }

    /// podinfo's label `path`; nothing for what is not counted there.
    pub(super) fn label(&self, way: &Way, path: &str) -> Option<&'static str> {
        match way {
            Way::Echo if path == "/" => Some(Route::Index.label("GET")),
            Way::Echo => Some("echo"),
            Way::Nowhere(_) => Some("unmatched"),
            Way::Own(routed) if routed.route == Route::Metrics => None,
            Way::Own(routed) => {
                let bare = routed.route.label(routed.method.as_str());
                Some(self.labels.get(bare).copied().filter(|_| !routed.is_named()).unwrap_or(bare))
            }
        }
    }

    pub(super) fn way(&self, parts: &Parts) -> Way {
        let path = decoded(parts.uri.path());
        let is_podinfo = self.compat == Compat::Podinfo;
        if is_podinfo && may_be_unclean(&path) && !speaks(parts) {
            let clean = clean(&path);
            if clean != *path {
                return Way::Nowhere(Box::new(moved(&clean, parts.uri.query())));
            }
        }
        let inner = self.without_prefix(&path);
        let route = inner.and_then(Route::of).filter(|route| is_podinfo || is_spec(*route));
        let speaks = speaks(parts) || parts.uri.query().is_some_and(carrier::is_spoken);
        match (route, inner) {
            // There the language lives, since no path is shorter to type.
            (Some(Route::Index), _) if speaks => Way::Echo,
            // Whoever speaks may name a status or a time by any method; nothing else is done by a method that is not its own.
            (Some(route), _) if is_podinfo && !route.takes(parts.method.as_str()) && !(speaks && is_spec(route)) => {
                Way::Nowhere(Box::new(wrong_method(route)))
            }
            (Some(route), Some(inner)) => Way::Own(Box::new(Routed {
                route,
                hears_query: speaks || !is_podinfo,
                path: inner.to_owned(),
                method: parts.method.clone(),
                headers: parts.headers.clone(),
            })),
            _ if is_podinfo && !speaks => Way::Nowhere(Box::new(unknown())),
            _ => Way::Echo,
        }
    }

    /// The path below the prefix; both `/foo` and `/foo/` are its root.
    fn without_prefix<'a>(&self, path: &'a str) -> Option<&'a str> {
        match path.strip_prefix(self.prefix.as_str())? {
            "" => Some("/"),
            inner if inner.starts_with('/') => Some(inner),
            _ => None,
        }
    }
}

/// Whether its sender knows whom it talks to. A query is looked at apart: podinfo ignores it where it redirects.
fn speaks(parts: &Parts) -> bool {
    parts.headers.contains_key(&headers::IDENTITY) || parts.headers.contains_key(&headers::FAULT)
}

/// Routes that are part of the language, whoever we are compatible with.
fn is_spec(route: Route) -> bool {
    matches!(route, Route::Status | Route::Delay | Route::Chunked | Route::ChunkedWait)
}

/// A path as it is meant.
pub(super) fn decoded(path: &str) -> Cow<'_, str> {
    if path.contains('%') { percent_decode_str(path).decode_utf8_lossy() } else { Cow::Borrowed(path) }
}

/// Whether [`clean`] could find something to do: said without a copy, because nearly every path is clean.
fn may_be_unclean(path: &str) -> bool {
    path.starts_with('/') && path.as_bytes().windows(2).any(|pair| matches!(pair, b"//" | b"/."))
}

/// The path without empty, `.` and `..` segments; a slash at its end stays.
fn clean(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

/// 301: the same by its proper name.
fn moved(path: &str, query: Option<&str>) -> Plain {
    let path = utf8_percent_encode(path, NOT_IN_PATH);
    let location = query.map_or_else(|| path.to_string(), |query| format!("{path}?{query}"));
    let mut headers = HeaderMap::new();
    headers.extend(HeaderValue::try_from(location).map(|location| (LOCATION, location)));
    Plain { status: StatusCode::MOVED_PERMANENTLY, headers, body: bytes::Bytes::new(), error: None }
}

/// 404, in the words that Go's clients know.
fn unknown() -> Plain {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let body = bytes::Bytes::from_static(b"404 page not found\n");
    Plain { status: StatusCode::NOT_FOUND, headers, body, error: Some(ServerError::BadRequest) }
}

/// 405, saying what would do (RFC 9110, section 15.5.6).
fn wrong_method(route: Route) -> Plain {
    let mut methods = route.methods().to_vec();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    let mut headers = HeaderMap::new();
    headers.extend(HeaderValue::try_from(methods.join(", ")).map(|methods| (ALLOW, methods)));
    let error = Some(ServerError::BadRequest);
    Plain { status: StatusCode::METHOD_NOT_ALLOWED, headers, body: bytes::Bytes::new(), error }
}

#[cfg(test)]
mod tests;
