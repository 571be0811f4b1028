//! A `dns` entry of the file: the query, checked before anything is sent.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::Spanned;
use shared::carrier::compose_line;
use shared::carrier::dns::{NameAsk, Zone, fault_labels, fault_name, name, ok_name};
use shared::dnsanswer::{End, FAULT_TTL_S, OK_TTL_S, PLAIN_SIZE_MAX_BYTES, TYPES, UDP_SIZE_MAX_BYTES, type_number};
use shared::fault::{Dialect, Fault, Limits, Rcode, Separator, Transport};
use shared::identity::{Identity, Name, RequestId, Source, session_from_bits};
use shared::units::print_duration;

use super::{Carrier, DnsCall, DnsExpect};
use crate::plan::compile::{Found, digits, yes_or_no};
use crate::scenario::{WrittenDns, WrittenDnsExpect};

/// Requests predicted before a plan is called hopeless.
const PREDICTED: u32 = 10_000;

/// Reads a `dns` entry. Always gives a call; whether it may be used, `found` knows.
pub(in crate::plan) fn compile(
    found: &mut Found,
    subject: &str,
    written: &Spanned<WrittenDns>,
    sender: Option<(Source, Name)>,
    seed: u64,
    timeout: Duration,
) -> DnsCall {
    let dns = &written.value;
    let part = |key: &str| format!("{subject}.{key}");
    let kind = found.read(dns.r#type.as_ref(), &part("type"), kind).unwrap_or(shared::dnsanswer::A);
    let transport = found.read(dns.transport.as_ref(), &part("transport"), transport).unwrap_or(Transport::Udp);
    let zone = found.read(dns.zone.as_ref(), &part("zone"), str::parse::<Zone>).unwrap_or_default();
    let plain = found.read(dns.plain.as_ref(), &part("plain"), yes_or_no).unwrap_or(false);
    let edns = found.read(dns.edns.as_ref(), &part("edns"), yes_or_no).unwrap_or(true);
    let size = found.read(dns.edns_size.as_ref(), &part("edns_size"), edns_size).unwrap_or(UDP_SIZE_MAX_BYTES);
    if let (false, Some(text)) = (edns, &dns.edns_size) {
        found.add(text.referenced, &part("edns_size"), "there is no EDNS to carry it");
    }
    let usual = if edns { Carrier::Option } else { Carrier::Name };
    let asked = found.read(dns.carrier.as_ref(), &part("carrier"), Carrier::parse);
    let carrier = if plain { Carrier::None } else { asked.unwrap_or(usual) };
    if let (Carrier::Option, false, Some(text)) = (carrier, edns, &dns.carrier) {
        found.add(text.referenced, &part("carrier"), "there is no EDNS to carry it; use name");
    }
    if plain {
        for (key, text) in [("fault", &dns.fault), ("carrier", &dns.carrier)] {
            if let Some(text) = text {
                found.add(text.referenced, &part(key), "a server that is not ours cannot be asked; leave out plain");
            }
        }
    }
    let is_mixed = found.read(dns.case.as_ref(), &part("case"), case).unwrap_or(false);
    let written_name = found.read(dns.name.as_ref(), &part("name"), |text| absolute(text, &zone));
    if let (Carrier::Name, Some(text)) = (carrier, &dns.name) {
        found.add(
            text.referenced,
            &part("name"),
            "the name is made of identity and fault; leave it out, or use carrier: option",
        );
    }
    let full = written_name.unwrap_or_else(|| format!("ok.{zone}"));
    let fault = dns.fault.as_ref().and_then(|text| {
        let parsed = Fault::parse(&text.value, Separator::Ampersand).and_then(|fault| {
            fault.check(Dialect::Dns, &Limits::default())?;
            Ok(fault)
        });
        parsed
            .map_err(|errors| (&errors).into_iter().for_each(|error| found.add(text.referenced, &part("fault"), error)))
            .ok()
    });
    let fault_at = dns.fault.as_ref().or(dns.name.as_ref()).map_or(written.referenced, |text| text.referenced);
    let labels: Vec<&[u8]> = full.split('.').filter(|label| !label.is_empty()).map(str::as_bytes).collect();
    let in_name = match name(&labels, &zone) {
        _ if plain => Fault::default(),
        NameAsk::Armed { fault: Ok(fault), .. } => fault,
        NameAsk::Armed { fault: Err(errors), .. } => {
            (&errors).into_iter().for_each(|error| found.add(fault_at, &part("name"), error));
            Fault::default()
        }
        NameAsk::Ok { .. } => Fault::default(),
        _ => {
            let message =
                format!("lies neither in ok.{zone} nor, with a nonce, in f.{zone}; for another server use plain: true");
            found.add(fault_at, &part("name"), message);
            Fault::default()
        }
    };
    let is_under_fault = match carrier {
        Carrier::Name => fault.as_ref().is_some_and(|fault| !fault.is_empty()),
        _ => full.ends_with(&format!(".f.{zone}")),
    };
    let mut asked = fault.unwrap_or_default();
    if asked.id().is_some() {
        found.add(fault_at, &part("fault"), "id: the request's identity is the key of its draws here");
    }
    let together = in_name.clone().overridden_by(asked.clone());
    if !together.is_empty() && together.seed().is_none() {
        asked = Fault::parse(&format!("seed={seed}"), Separator::Ampersand)
            .expect("a whole number is a seed")
            .overridden_by(asked);
    }
    if let Err(problem) = sayable(carrier, sender, &asked, &zone) {
        found.add(fault_at, &part(if dns.fault.is_some() { "fault" } else { "carrier" }), problem);
    }
    let falls_back = found.read(dns.fallback.as_ref(), &part("fallback"), yes_or_no).unwrap_or(false);
    if let (true, Transport::Tcp, Some(text)) = (falls_back, transport, &dns.fallback) {
        found.add(text.referenced, &part("fallback"), "falls back to TCP, which this already is; leave it out");
    }
    let whole = in_name.overridden_by(asked.clone());
    let mut call = DnsCall {
        name: (carrier != Carrier::Name).then_some(full),
        kind,
        transport,
        zone,
        edns_size: edns.then_some(size),
        fault: whole.clone().over_transport(transport),
        asked,
        carrier,
        is_mixed,
        ttl_s: if is_under_fault { FAULT_TTL_S } else { OK_TTL_S },
        expect: dns.expect.as_ref().map(|expect| expectation(found, &part("expect"), expect)).unwrap_or_default(),
        fallback: None,
    };
    if falls_back {
        let fault = whole.over_transport(Transport::Tcp);
        call.fallback = Some(Arc::new(DnsCall { transport: Transport::Tcp, fault, ..call.clone() }));
    }
    let mut predicted = (0..PREDICTED).map(|n| call.predict(&format!("check.{n}")));
    let is_too_slow = |verdict: shared::fault::Verdict| verdict.delay >= timeout && call.end(&verdict) != End::Silence;
    if !call.fault.is_empty() && predicted.all(is_too_slow) {
        let message = format!(
            "no query can succeed: the delay is {} or so and the timeout is {}; lower the one or raise the other",
            print_duration(call.predict("check.0").delay),
            print_duration(timeout)
        );
        found.add(fault_at, &part("fault"), message);
    }
    call
}

/// Whether every request of the operation fits its carrier: what the longest of its kind fits, all do.
fn sayable(carrier: Carrier, sender: Option<(Source, Name)>, asked: &Fault, zone: &Zone) -> Result<(), String> {
    let id = RequestId { session: session_from_bits(0), seq: u64::MAX };
    let identity = sender.map(|(source, operation)| Identity { source, operation, id });
    let said = match (carrier, identity) {
        (Carrier::None, _) => return Ok(()),
        (Carrier::Option, _) => compose_line(identity, asked, Separator::Semicolon),
        (Carrier::Name, None) => fault_labels(asked).map(|_| String::new()),
        (Carrier::Name, Some(identity)) if asked.is_empty() => ok_name(identity, zone),
        (Carrier::Name, Some(identity)) => fault_name(identity, asked, zone),
    };
    let instead = if carrier == Carrier::Name { "; use carrier: option" } else { "" };
    said.map(drop).map_err(|unsayable| format!("{unsayable}{instead}"))
}

fn kind(text: &str) -> Result<u16, String> {
    let all = || TYPES.map(|(name, _)| name).join(", ");
    let text = text.to_ascii_uppercase();
    // Beside what names under `ok` have, what every zone has.
    let of_zones = [("NS", 2), ("SOA", 6)].into_iter().find(|(name, _)| *name == text).map(|(_, kind)| kind);
    type_number(&text)
        .or(of_zones)
        .ok_or_else(|| format!("{text:?} is not a type of this version; expected one of {}, NS, SOA", all()))
}

fn transport(text: &str) -> Result<Transport, String> {
    let known = Transport::ALL.into_iter().find(|transport| transport.as_str() == text);
    known.ok_or_else(|| format!("{text:?} is not a transport; expected udp or tcp"))
}

fn case(text: &str) -> Result<bool, String> {
    match text {
        "random" => Ok(true),
        "lower" => Ok(false),
        _ => Err(format!("{text:?}; expected random or lower")),
    }
}

fn edns_size(text: &str) -> Result<u16, String> {
    let size = digits(text).and_then(|text| text.parse().ok()).filter(|size| *size >= PLAIN_SIZE_MAX_BYTES);
    size.ok_or_else(|| format!("{text:?} is not a size: 512 to 65535 bytes"))
}

/// A name with a dot at its end is absolute, another lies in the zone.
fn absolute(text: &str, zone: &Zone) -> Result<String, String> {
    let full =
        if text.ends_with('.') { text.to_ascii_lowercase() } else { format!("{}.{zone}", text.to_ascii_lowercase()) };
    let labels = full.strip_suffix('.').unwrap_or(&full);
    let fits = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_graphic());
    if full != "." && (labels.len() > 253 || !labels.split('.').all(fits)) {
        return Err(format!("{text:?} is not a name: labels of 1 to 63 visible characters, 253 in all"));
    }
    Ok(full)
}

fn expectation(found: &mut Found, subject: &str, written: &Spanned<WrittenDnsExpect>) -> DnsExpect {
    let expect = &written.value;
    let part = |key: &str| format!("{subject}.{key}");
    let whole = |text: &str| {
        digits(text).and_then(|text| text.parse::<u32>().ok()).ok_or_else(|| format!("{text:?} is not a whole number"))
    };
    let mut rcodes = Vec::new();
    if let Some(list) = &expect.rcode {
        for text in &list.value.0 {
            match rcode(text) {
                Some(code) => rcodes.push(code.get()),
                None => found.add(
                    list.referenced,
                    &part("rcode"),
                    format!("{text:?} is not a response code such as NXDOMAIN"),
                ),
            }
        }
    }
    DnsExpect {
        rcodes,
        answers: found.read(expect.answers.as_ref(), &part("answers"), whole).map(|count| count as usize),
        size_bytes: found.read(expect.size.as_ref(), &part("size"), whole).map(u64::from),
        ttl_s: found.read(expect.ttl.as_ref(), &part("ttl"), whole),
        address: found.read(expect.address.as_ref(), &part("address"), |text| {
            text.parse::<IpAddr>().map_err(|_| format!("{text:?} is not an address"))
        }),
    }
}

fn rcode(text: &str) -> Option<Rcode> {
    (0..=Rcode::MAX).filter_map(Rcode::new).find(|code| code.to_string() == text || code.get().to_string() == text)
}
