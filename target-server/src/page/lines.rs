//! A fault as a line for each carrier: to be pasted into a shell, a client or a scenario.
//!
//! Pure. Invariant: whatever the fault and the host hold, a shell sees one word of it where one is meant; tests run the lines.

use std::time::Duration;

use serde::Serialize;
use shared::carrier::dns::{LABEL_MAX_BYTES, NAME_MAX_BYTES, Zone, fault_labels};
use shared::carrier::{EDNS_OPTION, HEADER_FAULT, compose_line};
use shared::fault::{Dialect, DnsAnswer, Fault, Key, Limits, Separator, Transport, Verdict};

/// What the echoes are given to say where the fault needs no other payload.
const SAID: &str = "hello";
/// An answer over UDP is never longer than its question: spaces behind the command make room for all that the answer says of
/// itself.
const COMMAND_WIDTH: usize = 120;
/// The most zeros that `printf` hands to `nc` in one piece, so that they are one datagram.
const DATAGRAM_MAX_BYTES: u64 = 3072;
/// What `dig` waits for by itself.
const DIG_TIMEOUT_S: u64 = 5;

/// Where the lines lead.
pub(super) struct Site<'a> {
    /// The address of the HTTP listener's root as the client sees it, with a slash at its end.
    pub(super) root: String,
    /// Its host alone, without brackets.
    pub(super) host: String,
    /// It is behind TLS.
    pub(super) is_secured: bool,
    /// Name and port of each listener.
    pub(super) ports: &'a [(&'static str, u16)],
    pub(super) zone: &'a Zone,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// Its name for programs.
    carrier: &'static str,
    title: &'static str,
    /// The protocols that take it so.
    on: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl Line {
    pub(super) fn new(
        carrier: &'static str,
        title: &'static str,
        on: &'static str,
        text: Result<String, String>,
    ) -> Line {
        let (text, refused) = match text {
            Ok(text) => (Some(text), None),
            Err(reason) => (None, Some(reason)),
        };
        Line { carrier, title, on, text, refused }
    }
}

impl Site<'_> {
    fn port(&self, listener: &str) -> Result<u16, String> {
        let port = self.ports.iter().find(|(name, _)| *name == listener).map(|(_, port)| *port);
        port.ok_or_else(|| format!("this target does not listen for it: --{listener}-address is off"))
    }

    /// Another port of the same host, as `host:port`.
    pub(super) fn beside(&self, port: u16) -> String {
        if self.host.contains(':') { format!("[{}]:{port}", self.host) } else { format!("{}:{port}", self.host) }
    }

    /// A line that is possible and has a listener to go to.
    pub(super) fn line(
        &self,
        listener: &str,
        can: Result<(), String>,
        text: impl FnOnce(u16) -> String,
    ) -> Result<String, String> {
        can.and_then(|()| self.port(listener)).map(text)
    }
}

/// All lines; none if nothing is asked for. `slowest` is how long an answer may well take, for clients that give up.
pub(super) fn of(fault: &Fault, site: &Site<'_>, limits: &Limits, slowest: Duration) -> Vec<Line> {
    if fault.is_empty() {
        return Vec::new();
    }
    let can = |dialect| {
        fault.check(dialect, limits).map_err(|errors| {
            let first = errors.first();
            format!("{}; expected {}", first.reason, first.expected)
        })
    };
    let (one, two) = (can(Dialect::Http1), can(Dialect::Http2));
    let on_http = match (&one, &two) {
        (Ok(()), Err(_)) => "HTTP/1.1",
        (Err(_), Ok(())) => "HTTP/2",
        _ => "HTTP/1.1, HTTP/2",
    };
    let either = one.clone().or_else(|reason| two.clone().map_err(|_| reason));
    let url = format!("{}?{}", site.root, fault.to_query());
    let header = format!("{HEADER_FAULT}: {}", fault.to_text(Separator::Semicolon));
    let version = if site.is_secured { "--http2 " } else { "--http2-prior-knowledge " };
    let wait_s = slowest.as_secs() + 2;
    let verdict = sample(fault);
    vec![
        Line::new("query", "URL", on_http, either.clone().map(|()| url.clone())),
        Line::new("header", "Header", on_http, either.clone().map(|()| header.clone())),
        Line::new("curl", "curl", "HTTP/1.1", one.map(|()| curl("", fault, &url))),
        Line::new("curl2", "curl, HTTP/2", "HTTP/2", two.map(|()| curl(version, fault, &url))),
        Line::new(
            "grpcurl",
            "grpcurl",
            "gRPC",
            site.line("grpc", can(Dialect::Grpc), |port| grpcurl(fault, &header, &site.beside(port))),
        ),
        Line::new("nc", "nc", "TCP", can(Dialect::Tcp).and_then(|()| tcp(fault, &verdict, site))),
        Line::new("nc-u", "nc -u", "UDP", can(Dialect::Udp).and_then(|()| udp(fault, &verdict, site, wait_s))),
        Line::new("dig", "dig", "DNS", can(Dialect::Dns).and_then(|()| dig(fault, site, wait_s))),
        Line::new("scenario", "Scenario", "an operation of the injector", Ok(scenario(fault))),
    ]
}

/// What an answer may come to, with the largest size of a few draws: what is sent must leave room for it.
fn sample(fault: &Fault) -> Verdict {
    let whole = fault.clone().without(&[Key::P]);
    let rolls = (0..32).map(|n| whole.roll(0, &n.to_string(), 0));
    rolls.max_by_key(|verdict| verdict.size_bytes).expect("32 rolls were made")
}

/// With the head of what comes; what may be no text goes nowhere near a terminal.
fn curl(version: &str, fault: &Fault, url: &str) -> String {
    let has = |key| fault.keys().any(|one| one == key);
    let shown = if has(Key::Size) || has(Key::Fault) { "-sS -D - -o /dev/null " } else { "-i " };
    let trailers = if has(Key::Trailer) { "-H 'te: trailers' " } else { "" };
    let gzip = if has(Key::Gzip) { "--compressed " } else { "" };
    let body = if has(Key::Read) { "-d hello " } else { "" };
    format!("curl {shown}{version}{trailers}{gzip}{body}{}", quoted(url))
}

fn grpcurl(fault: &Fault, header: &str, address: &str) -> String {
    let method = if fault.keys().any(|key| key == Key::Count) { "ServerStream" } else { "Unary" };
    format!("grpcurl -plaintext -H {} -d '{{}}' {} cload.v1.Target/{method}", quoted(header), quoted(address))
}

fn command(fault: &Fault) -> Result<String, String> {
    let line = compose_line(None, fault, Separator::Space).map_err(|unsayable| unsayable.to_string())?;
    Ok(quoted(&format!("CL/1 {line}")))
}

/// `%s`, so that no character of the line means anything to `printf`.
fn tcp(fault: &Fault, verdict: &Verdict, site: &Site<'_>) -> Result<String, String> {
    let (command, port) = (command(fault)?, site.port("tcp")?);
    let host = quoted(&site.host);
    let said = match verdict.payload_bytes {
        Some(bytes) => format!("{{ printf '%s\\n' {command}; head -c {bytes} /dev/zero; }}"),
        None => format!("printf '%s\\n' {command} {SAID}"),
    };
    Ok(format!("{said} | nc -N {host} {port}"))
}

/// `env printf`, because that of some shells writes each line by itself, and each would be a datagram.
fn udp(fault: &Fault, verdict: &Verdict, site: &Site<'_>, wait_s: u64) -> Result<String, String> {
    let (command, port) = (command(fault)?, site.port("udp")?);
    let said = match verdict.size_bytes {
        Some(bytes) if bytes > DATAGRAM_MAX_BYTES => {
            let reason = "an answer is no longer than its question, and no line of a shell sends one as long as";
            return Err(format!("{reason} {bytes} bytes; expected a size of at most {DATAGRAM_MAX_BYTES}"));
        }
        Some(bytes) if bytes > SAID.len() as u64 => {
            format!("env printf '%-{COMMAND_WIDTH}s\\n%0{bytes}d' {command} 0")
        }
        _ => format!("env printf '%-{COMMAND_WIDTH}s\\n%s' {command} {SAID}"),
    };
    Ok(format!("{said} | nc -u -w {wait_s} {} {port}", quoted(&site.host)))
}

/// By name where labels can say it, else by the EDNS option. The name is another one each second: caches, and luck anew.
fn dig(fault: &Fault, site: &Site<'_>, wait_s: u64) -> Result<String, String> {
    let port = site.port("dns")?;
    let verdict = sample(fault);
    let kind = match (verdict.answer, verdict.addr) {
        (Some(DnsAnswer::Who | DnsAnswer::Count), _) => "TXT",
        (_, Some(address)) if address.is_ipv6() => "AAAA",
        _ => "A",
    };
    let over = if fault.over() == Some(Transport::Tcp) { "+tcp " } else { "" };
    let timeout = if wait_s > DIG_TIMEOUT_S { format!("+timeout={wait_s} ") } else { String::new() };
    let asked = match name(fault, site.zone) {
        Some(name) => format!("\"x$(date +%s).{name}\" {kind}"),
        None => {
            let line = compose_line(None, fault, Separator::Semicolon).map_err(|unsayable| unsayable.to_string())?;
            let hex: String = line.bytes().map(|byte| format!("{byte:02x}")).collect();
            format!("ok.{} {kind} +ednsopt={EDNS_OPTION}:{hex}", site.zone)
        }
    };
    Ok(format!("dig {over}+tries=1 {timeout}-p {port} {} {asked}", quoted(&format!("@{}", site.host))))
}

/// Everything behind the nonce's label, if labels can say it. They are of letters, digits and hyphens.
fn name(fault: &Fault, zone: &Zone) -> Option<String> {
    let labels = fault_labels(fault).ok()?;
    let name = format!("{}.f.{zone}", labels.join("."));
    // Seconds of the clock have 10 digits, and 11 in three centuries.
    let fits = labels.iter().all(|label| label.len() <= LABEL_MAX_BYTES) && name.len() + 13 <= NAME_MAX_BYTES;
    fits.then_some(name)
}

/// YAML reads JSON's texts.
fn scenario(fault: &Fault) -> String {
    format!("fault: {}", serde_json::Value::from(fault.to_string()))
}

/// As one word of a POSIX shell.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+:,./-_".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests;
