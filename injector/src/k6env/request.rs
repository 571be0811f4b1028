//! One request of k6's `http.batch`, as an operation.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// What k6 takes for success: `http_req_failed` counts the rest. Those of 200 to 399 that servers give.
const RIGHT: [u16; 18] = [200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308];

/// Parameters of a request that are taken; the others are named.
const PARAMS: [&str; 7] = ["headers", "tags", "timeout", "redirects", "cookies", "responseType", "responseCallback"];

const EXPECTED: &str = "expected a JSON list such as [{\"method\": \"GET\", \"url\": \"http://target:9898/\"}]";

/// An operation in the making.
#[derive(Debug, Default)]
pub(super) struct Request {
    name: String,
    address: String,
    is_secure: bool,
    path: String,
    method: String,
    headers: Map<String, Value>,
    body: Option<String>,
    timeout: Option<String>,
}

/// All requests of the list.
pub(super) fn all(text: &str, notes: &mut Vec<String>) -> Result<Vec<Request>, String> {
    let said = |error: String| format!("{}: {error}; {EXPECTED}", super::TARGET);
    let value: Value = serde_json::from_str(text).map_err(|error| said(error.to_string()))?;
    let entries = match &value {
        Value::Array(entries) if !entries.is_empty() => entries.clone(),
        // k6 takes an object of requests too, whose names mean nothing to it.
        Value::Object(entries) if !entries.is_empty() => entries.values().cloned().collect(),
        _ => return Err(said(format!("{value} is no list of requests"))),
    };
    let mut requests: Vec<Request> = Vec::new();
    let mut wrong = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match one(entry, notes, index) {
            Ok(mut request) => {
                let taken = |name: &str| requests.iter().any(|held| held.name == name);
                if taken(&request.name) {
                    request.name = format!("{}-{}", request.name.chars().take(28).collect::<String>(), index + 1);
                }
                requests.push(request);
            }
            Err(error) => wrong.push(format!("{}: request {}: {error}", super::TARGET, index + 1)),
        }
    }
    if wrong.is_empty() { Ok(requests) } else { Err(wrong.join("\n")) }
}

/// A URL, `[method, url, body, params]`, or an object of these.
fn one(entry: &Value, notes: &mut Vec<String>, index: usize) -> Result<Request, String> {
    let none = Value::Null;
    let (method, url, body, params) = match entry {
        Value::String(_) => (&none, entry, &none, &none),
        Value::Array(parts) => {
            let part = |n: usize| parts.get(n).unwrap_or(&none);
            (part(0), part(1), part(2), part(3))
        }
        Value::Object(parts) => {
            let known = ["method", "url", "body", "params"];
            if let Some(other) = parts.keys().find(|key| !known.contains(&key.as_str())) {
                return Err(format!("unknown key {other:?}; keys here: {}", known.join(", ")));
            }
            (&entry["method"], &entry["url"], &entry["body"], &entry["params"])
        }
        _ => return Err(format!("{entry} is no request: a URL, or an object with method and url")),
    };
    let mut request = Request { method: scalar(method).unwrap_or_else(|| "GET".to_owned()), ..Request::default() };
    let url = url.as_str().ok_or_else(|| format!("url: {url} is no text"))?;
    (request.is_secure, request.address, request.path) = taken_apart(url)?;
    request.body = match body {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => return Err(format!("body: {other} would be sent as a form; write the form's text")),
    };
    let params = match params {
        Value::Null => Map::new(),
        Value::Object(params) => params.clone(),
        other => return Err(format!("params: {other} is no object")),
    };
    if let Some(other) = params.keys().find(|key| !PARAMS.contains(&key.as_str())) {
        return Err(format!("params.{other} cannot be translated; what can: {}", PARAMS.join(", ")));
    }
    for name in ["redirects", "responseCallback"] {
        if params.get(name).is_some_and(|value| *value != json!(0)) {
            notes.push(format!(
                "{}: request {}: params.{name} has no effect: redirects are not followed, statuses 200 to 399 are right",
                super::TARGET,
                index + 1
            ));
        }
    }
    request.headers = fields(params.get("headers"), "headers")?;
    let cookies = fields(params.get("cookies"), "cookies")?;
    if !cookies.is_empty() {
        let pairs: Vec<String> =
            cookies.iter().filter_map(|(name, it)| Some(format!("{name}={}", scalar(it)?))).collect();
        request.headers.insert("cookie".to_owned(), json!(pairs.join("; ")));
    }
    request.timeout = match params.get("timeout") {
        None => None,
        Some(Value::Number(ms)) => Some(format!("{ms}ms")),
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => return Err(format!("params.timeout: {other}; expected milliseconds, or a text such as 30s")),
    };
    let tag = ["type", "name"].into_iter().find_map(|tag| params.get("tags")?.get(tag)?.as_str());
    request.name = tag.map(name).filter(|name| !name.is_empty()).unwrap_or_else(|| format!("request-{}", index + 1));
    Ok(request)
}

/// Header fields or cookies: texts by name.
fn fields(value: Option<&Value>, key: &str) -> Result<Map<String, Value>, String> {
    let Some(value) = value else { return Ok(Map::new()) };
    let Value::Object(fields) = value else { return Err(format!("params.{key}: {value} is no object")) };
    match fields.iter().find(|(_, value)| scalar(value).is_none()) {
        Some((name, value)) => Err(format!("params.{key}.{name}: {value} is no text")),
        None => Ok(fields.clone()),
    }
}

/// Whether it is HTTPS, host and port, path and query. The ports without one are those of the web, not the target's.
fn taken_apart(url: &str) -> Result<(bool, String, String), String> {
    let (is_secure, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return Err(format!("url: {url:?} begins with neither http:// nor https://")),
    };
    // What is behind # is for who reads the answer.
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(format!("url: {url:?} has a user in it; write a header Authorization"));
    }
    if authority.is_empty() {
        return Err(format!("url: {url:?} has no host"));
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let port = match (has_port, is_secure) {
        (true, _) => "",
        (false, true) => ":443",
        (false, false) => ":80",
    };
    let scheme = if is_secure { "https" } else { "http" };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((is_secure, format!("{scheme}://{authority}{port}"), path))
}

/// A tag as the name of an operation.
fn name(tag: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    tag.chars().map(plain).take(32).collect()
}

impl Request {
    /// Appends it to a list of operations, in YAML whose values are JSON's.
    pub(super) fn write(&self, text: &mut String, rate: &str, connections: u32) {
        let mut http = Map::new();
        http.insert("plain".to_owned(), json!(true));
        http.insert("method".to_owned(), json!(self.method));
        http.insert("path".to_owned(), json!(self.path));
        if !self.headers.is_empty() {
            let fields =
                self.headers.iter().map(|(name, value)| (name.clone(), json!(scalar(value).unwrap_or_default())));
            http.insert("headers".to_owned(), Value::Object(fields.collect()));
        }
        http.extend(self.body.as_ref().map(|body| ("body".to_owned(), json!(body))));
        http.insert("expect".to_owned(), json!({ "status": RIGHT }));
        let mut line = |key: &str, value: &str| writeln!(text, "    {key}: {value}").expect("a String takes it");
        line("- name", &quoted(&self.name));
        line("  rate", rate);
        line("  target", &quoted(&self.address));
        line("  connection", &format!("pooled({connections})"));
        if let Some(timeout) = &self.timeout {
            line("  timeout", &quoted(timeout));
        }
        if self.is_secure {
            // The script checked no certificate.
            line("  tls", "{ verify: false }");
        }
        line("  http", &escaped(&Value::Object(http)));
    }
}

/// A scalar as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A text as a value of the file.
pub(super) fn quoted(text: &str) -> String {
    escaped(&json!(text))
}

/// JSON, which is YAML, every dollar standing for itself.
pub(super) fn escaped(value: &Value) -> String {
    value.to_string().replace('$', "$$")
}
