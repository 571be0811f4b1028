//! What a `dns` entry means, and what is refused.

use shared::dnsanswer::{AAAA, End};
use shared::fault::Transport;
use shared::outcome::Code;

use super::*;
use crate::plan::{Carrier, DnsCall};

fn text(dns: &str) -> String {
    format!("target: localhost\nrate: 10/s\nmix:\n- name: a\n  weight: 1\n  dns: {{ {dns} }}\n")
}

fn call(dns: &str) -> DnsCall {
    match &plan(&text(dns)).operations[0].call {
        Call::Dns(call) => call.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_entry_asks_for_the_address_of_ok() {
    let call = call("");
    assert_eq!(call.to_string(), "A ok.cload.test. over udp");
    assert_eq!((call.edns_size, call.carrier, call.is_mixed, call.ttl_s), (Some(1232), Carrier::Option, false, 5));
    assert_eq!(call.expected_codes(), [Code::NOERROR]);
    assert_eq!(plan(&text("")).operations[0].endpoint.to_string(), "localhost:1053");
}

#[test]
fn every_key_of_dns_is_heard() {
    let call =
        call("name: x1234.an3.f, type: aaaa, transport: tcp, edns_size: 4096, fault: rcode=SERVFAIL:50, case: random");
    assert_eq!((call.name.as_deref(), call.kind), (Some("x1234.an3.f.cload.test."), AAAA));
    assert_eq!((call.transport, call.edns_size, call.is_mixed, call.ttl_s), (Transport::Tcp, Some(4096), true, 0));
    let mut codes = call.expected_codes();
    codes.sort_unstable();
    assert_eq!(codes, [Code::NOERROR, Code::Rcode(2)]);
    let good = (0..100).map(|n| call.predict(&n.to_string())).find(|verdict| verdict.rcode.is_none()).unwrap();
    assert_eq!(call.shape(&good).records, 3, "what the name asks for is predicted too");
}

#[test]
fn without_edns_the_name_carries() {
    let call = call("edns: false, fault: fault=drop");
    assert_eq!((call.name.as_deref(), call.carrier, call.ttl_s), (None, Carrier::Name, 0));
    assert_eq!(call.end(&call.predict("k")), End::Silence);
}

#[test]
fn a_fault_for_the_other_transport_is_none() {
    let call = call("fault: \"fault=drop&over=tcp\"");
    assert_eq!(call.end(&call.predict("k")), End::Answer);
    assert!(!plan(&text("fault: \"fault=drop&over=tcp\"")).operations[0].injected);
}

#[test]
fn what_cannot_work_is_refused() {
    for (dns, wanted) in [
        ("type: X", "is not a type of this version"),
        ("transport: quic", "expected udp or tcp"),
        ("edns: maybe", "expected true or false"),
        ("edns_size: 100", "512 to 65535"),
        ("edns: false, edns_size: 600", "no EDNS to carry it"),
        ("edns: false, carrier: option", "use name"),
        ("plain: true, fault: fault=drop", "leave out plain"),
        ("carrier: name, name: ok", "leave it out"),
        ("fault: status=503", "dns has no status"),
        ("fault: id=abc", "the request's identity is the key"),
        ("fault: \"delay=load(1ms,1ms)\", carrier: name", "has no label; use carrier: option"),
        ("fault: delay=2s", "no query can succeed"),
        ("name: example.com.", "plain: true"),
        ("name: x1234.dx.f", "bad token"),
        ("name: a..b", "is not a name"),
        ("fallback: maybe", "6:20 operation \"a\": dns.fallback"),
        ("transport: tcp, fallback: true", "falls back to TCP, which this already is"),
        ("expect: { rcode: NOPE }", "is not a response code"),
        ("expect: { ttl: 5s }", "is not a whole number"),
    ] {
        let problems = refused(&text(dns));
        assert!(
            problems.iter().any(|problem| problem.to_lowercase().contains(&wanted.to_lowercase())),
            "{dns}: {problems:?}"
        );
    }
}

#[test]
fn fresh_datagrams_hold_their_ports_no_longer_than_their_timeout() {
    let many = "target: 127.0.0.1\nmix: [{ name: a, rate: 20000/s, connection: fresh, timeout: 1s, dns: {} }]";
    let system = System { descriptors: 100_000, time_wait_reuse: TimeWaitReuse::Off, ..SYSTEM };
    assert!(try_plan(many, &Overrides::default(), &system).is_ok());
    let tcp = many.replace("dns: {}", "dns: { transport: tcp }");
    assert!(try_plan(&tcp, &Overrides::default(), &system).is_err());
}

#[test]
fn a_name_that_will_not_fit_is_refused_where_it_is_written() {
    let fault = "seed=18446744073709551615&rcode=NOTIMP:50";
    let said = ".op-a.from-local.rel-injector.rcnotimp-p50.s18446744073709551615.f.";
    // x, the session, and the largest number there is.
    let room = 253 - (1 + 8 + 20 + said.len());
    let of_zone = |bytes: usize| {
        let (whole, rest) = (format!("{}.", "z".repeat(60)).repeat(2), "z".repeat(bytes - 122));
        text(&format!("carrier: name, fault: \"{fault}\", zone: {whole}{rest}"))
    };
    assert!(!plan(&of_zone(room)).operations.is_empty());
    let problems = refused(&of_zone(room + 1));
    let wanted = "6:32 operation \"a\": dns.fault: the name has 254 bytes, 253 at most; use carrier: option";
    assert_eq!(problems, [wanted]);
    assert!(!plan(&of_zone(room + 1).replace("carrier: name", "carrier: option")).operations.is_empty());
}

#[test]
fn a_fallback_is_the_same_question_over_tcp() {
    let call = call("fault: \"fault=tc\", fallback: true");
    assert_eq!(call.to_string(), "A ok.cload.test. over udp, and over tcp if truncated");
    let (last, verdict) = call.predict_last("k");
    assert_eq!(
        (last.transport, last.shape(&verdict).records, last.shape(&verdict).is_truncated),
        (Transport::Tcp, 1, false)
    );
    assert!(self::call("").fallback.is_none());
    let demand = |dns: &str| plan(&text(dns)).demand;
    let (without, with) = (demand(""), demand("fallback: true"));
    assert!(with.descriptors > without.descriptors && with.endpoints[0].ports > without.endpoints[0].ports);
}
