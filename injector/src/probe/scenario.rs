//! A probe as a scenario of one operation: what a flag means is what the key of the same name means in a file, and is read
//! and refused by the same code.

use serde_json::{Map, Value, json};
use shared::units::print_duration;

use super::url::{ProbeUrl, Scheme};
use crate::cli::ProbeArgs;

/// The one operation of a probe.
pub(super) const OPERATION: &str = "probe";

/// The scenario's text, or which flags do not go with the scheme.
pub(super) fn text(args: &ProbeArgs) -> Result<String, String> {
    refuse_foreign(args)?;
    if matches!(args.url.scheme, Scheme::Tcp | Scheme::Udp) && !matches!(args.url.path.as_str(), "" | "/") {
        return Err(format!("{} has a path or query, and an echo has none; say with --fault what to ask", args.url));
    }
    let url = &args.url;
    let (protocol, call) = match url.scheme {
        Scheme::Http { .. } => ("http", http(args)),
        Scheme::Grpc { .. } => ("grpc", grpc(args)),
        Scheme::Tcp => ("tcp", echo(args)),
        Scheme::Udp => ("udp", echo(args)),
        Scheme::Dns => ("dns", dns(args)?),
    };
    let mut operation = Map::new();
    operation.insert("name".to_owned(), json!(OPERATION));
    operation.insert("rate".to_owned(), json!("1/s"));
    operation.insert("target".to_owned(), json!(address(url)));
    operation.insert("timeout".to_owned(), json!(print_duration(args.timeout)));
    operation.insert("connection".to_owned(), json!(if args.keep_alive { "pooled(1)" } else { "fresh" }));
    if let Some(tls) = tls(args) {
        operation.insert("tls".to_owned(), tls);
    }
    operation.insert(protocol.to_owned(), call);
    let mut scenario = Map::new();
    scenario.insert("mix".to_owned(), json!([operation]));
    if let Some(server) = args.nameserver {
        scenario.insert("nameserver".to_owned(), json!(server.to_string()));
    }
    Ok(Value::from(scenario).to_string())
}

/// The scheme stands in the address where it turns TLS on and sets the port.
fn address(url: &ProbeUrl) -> String {
    let scheme = if url.scheme.is_tls() { "https://" } else { "" };
    let port = url.address.port.map_or_else(String::new, |port| format!(":{port}"));
    format!("{scheme}{}{port}", url.address.host)
}

fn tls(args: &ProbeArgs) -> Option<Value> {
    if !args.url.scheme.is_tls() {
        return None;
    }
    let mut tls = Map::new();
    let mut set = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            tls.insert(key.to_owned(), json!(value));
        }
    };
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    set("ca", path(&args.ca));
    set("cert", path(&args.cert));
    set("key", path(&args.key));
    set("server_name", args.server_name.clone());
    set("verify", args.insecure.then(|| "false".to_owned()));
    Some(Value::Object(tls))
}

/// Flags that mean nothing to the scheme would be forgotten in silence.
fn refuse_foreign(args: &ProbeArgs) -> Result<(), String> {
    let scheme = args.url.scheme;
    let is_http = matches!(scheme, Scheme::Http { .. });
    let is_call = is_http || matches!(scheme, Scheme::Grpc { .. });
    let is_echo = matches!(scheme, Scheme::Tcp | Scheme::Udp);
    let is_dns = scheme == Scheme::Dns;
    let given = [
        ("--method", args.method.is_some(), is_http),
        ("--http2", args.http2, is_http),
        ("--header", !args.headers.is_empty(), is_call),
        ("--data", args.data.is_some(), is_call || is_echo),
        ("--size", args.size.is_some(), is_call || is_echo),
        ("--expect", !args.expect.is_empty(), is_call || is_dns),
        ("--plain", args.plain, is_echo),
        ("--type", args.record_type.is_some(), is_dns),
        ("--tcp", args.tcp, is_dns),
        ("--ca", args.ca.is_some(), scheme.is_tls()),
        ("--insecure", args.insecure, scheme.is_tls()),
        ("--server-name", args.server_name.is_some(), scheme.is_tls()),
        ("--cert", args.cert.is_some(), scheme.is_tls()),
    ];
    match given.iter().find(|(_, is_given, fits)| *is_given && !fits) {
        Some((flag, ..)) => Err(format!("{flag} does not go with {}", args.url)),
        None => Ok(()),
    }
}

/// Keys and values, those without a value left out.
fn object<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect::<Map<_, _>>().into()
}

fn headers(args: &ProbeArgs) -> Option<Value> {
    let fields: Map<_, _> = args.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    (!fields.is_empty()).then_some(Value::Object(fields))
}

fn codes(args: &ProbeArgs, key: &str) -> Option<Value> {
    (!args.expect.is_empty()).then(|| json!({ key: args.expect }))
}

fn http(args: &ProbeArgs) -> Value {
    let path = if args.url.path.is_empty() { "/" } else { &args.url.path };
    object([
        ("path", Some(json!(path))),
        ("method", args.method.as_ref().map(|method| json!(method))),
        ("headers", headers(args)),
        ("body", args.data.as_ref().map(|data| json!(data))),
        ("body_size", args.size.as_ref().map(|size| json!(size))),
        ("version", args.http2.then(|| json!("2"))),
        ("fault", args.fault.as_ref().map(|fault| json!(fault))),
        ("plain", (!args.verify && args.fault.is_none()).then(|| json!("true"))),
        ("expect", codes(args, "status")),
    ])
}

/// Without a method: is the server healthy? It is if it says so, not if it answers.
fn grpc(args: &ProbeArgs) -> Value {
    let (path, _) = args.url.split();
    let asks_health = !path.contains('/') && args.fault.is_none() && !args.verify && args.data.is_none();
    let (method, message, answer) = match (path, asks_health) {
        (service, true) => {
            let answer = args.expect.is_empty().then(|| json!({ "message": { "status": "SERVING" } }));
            (Some(json!("grpc.health.v1.Health/Check")), Some(json!({ "service": service })), answer)
        }
        ("", false) => (None, None, None),
        (method, false) => (Some(json!(method)), None, None),
    };
    let data = args.data.as_deref().map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data)));
    object([
        ("method", method),
        ("message", data.or(message)),
        ("size", args.size.as_ref().map(|size| json!(size))),
        ("metadata", headers(args)),
        ("fault", args.fault.as_ref().map(|fault| json!(fault))),
        ("expect", answer.or_else(|| codes(args, "status"))),
    ])
}

fn echo(args: &ProbeArgs) -> Value {
    object([
        ("body", args.data.as_ref().map(|data| json!(data))),
        ("size", args.size.as_ref().map(|size| json!(size))),
        ("fault", args.fault.as_ref().map(|fault| json!(fault))),
        ("plain", args.plain.then(|| json!("true"))),
    ])
}

/// A name in the URL is any server's; without one the target's own zone is asked, and the answer verified.
fn dns(args: &ProbeArgs) -> Result<Value, String> {
    let (name, query) = args.url.split();
    let record_type = match query.split_once('=') {
        _ if query.is_empty() => args.record_type.clone(),
        Some(("type", value)) => Some(value.to_owned()),
        _ => return Err(format!("{query:?} in {}: expected ?type=A or another record type", args.url)),
    };
    let is_plain = !name.is_empty() && args.fault.is_none() && !args.verify;
    let name = match name {
        "" => None,
        name if is_plain && !name.ends_with('.') => Some(json!(format!("{name}."))),
        name => Some(json!(name)),
    };
    Ok(object([
        ("name", name),
        ("type", record_type.map(|record_type| json!(record_type))),
        ("transport", args.tcp.then(|| json!("tcp"))),
        ("fault", args.fault.as_ref().map(|fault| json!(fault))),
        ("plain", is_plain.then(|| json!("true"))),
        ("expect", codes(args, "rcode")),
    ]))
}
