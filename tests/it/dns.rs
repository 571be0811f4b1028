//! DNS between the two sides, request by request and label by label; and with strangers on either end.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use injector::plan::{Overrides, Plan, Ports};
use injector::preflight::System;
use injector::scenario::Scenario;
use shared::protocol::Protocol;
use tokio_util::sync::CancellationToken;

use crate::agree::{Said, agreed, both_sides};
use crate::fixture::{RunningTarget, assert_accounted, at, engine, run};
use crate::metrics::metric;
use crate::tools::require;

/// Everything DNS can do, over both transports.
const ASKS: [&str; 47] = [
    "",
    "fault: delay=5ms..20ms",
    "fault: rcode=NXDOMAIN",
    "fault: \"rcode=SERVFAIL:50,REFUSED:10\"",
    "fault: rcode=22",
    "fault: rcode=22, edns: false",
    "fault: nodata=true&neg=30s",
    "fault: count=3",
    "fault: count=60",
    "fault: count=300&ttl=7s, type: AAAA",
    "fault: count=2, type: TXT",
    "fault: count=2, type: MX",
    "fault: count=2, type: SRV",
    "type: PTR",
    "type: CNAME",
    "fault: size=700",
    "fault: size=1200",
    "fault: size=4000",
    "fault: size=500, edns: false",
    "fault: ttl=60s&ede=22",
    "fault: cname=3",
    "fault: cname=loop",
    "fault: addr=127.0.0.77",
    "fault: answer=who, type: TXT",
    "fault: answer=cnt",
    "fault: fault=tc",
    "fault: fault=tcf",
    "fault: fault=noaa",
    "fault: fault=lame",
    "fault: fault=dup",
    "fault: fault=late",
    "fault: fault=oversize",
    "fault: fault=garbage",
    "fault: fault=badhead",
    "fault: fault=cut",
    "fault: fault=cut(20)",
    "fault: fault=abort",
    "fault: fault=clen(+5)",
    "fault: fault=clen(-5)",
    "fault: fault=cut(2)",
    "fault: addr=2001:db8::77, type: AAAA",
    "fault: addr=127.0.0.77, type: AAAA",
    "type: NS",
    "type: SOA",
    "fault: \"nodata=true&ede=15\", type: NS",
    "carrier: name",
    "fault: \"p=30&rcode=3\", carrier: name, case: random",
];

/// What is not answered costs a timeout each.
const SILENT: [&str; 9] = [
    "fault: fault=reset",
    "fault: fault=drop",
    "fault: fault=badid",
    "fault: fault=badq",
    "fault: fault=qr0",
    "fault: fault=empty",
    "fault: fault=cut(1)",
    "fault: fault=badcase, case: random",
    "fault: \"fault=drop&over=udp\"",
];

fn mix() -> String {
    let mut mix = "target: t\ntimeout: 3s\nmix:\n".to_owned();
    for transport in ["udp", "tcp"] {
        for (rate, timeout, connection, asks) in
            [(8, "3s", "pooled(2)", &ASKS[..]), (3, "3s", "fresh", &ASKS[..]), (2, "1s", "pooled(2)", &SILENT[..])]
        {
            for (i, ask) in asks.iter().enumerate() {
                let name = format!("{transport}-{}-{rate}-{i}", &connection[..1]);
                let comma = if ask.is_empty() { "" } else { ", " };
                mix += &format!(
                    "  - {{ name: {name}, rate: {rate}/s, timeout: {timeout}, connection: {connection}, \
                     dns: {{ transport: {transport}{comma}{ask} }} }}\n"
                );
            }
        }
    }
    mix
}

fn plan(scenario: &str, dns: SocketAddr, admin: SocketAddr) -> Plan {
    let mut ports = Ports::default();
    for protocol in [Protocol::DnsUdp, Protocol::DnsTcp] {
        ports.set(protocol, dns.port());
    }
    let overrides = Overrides { target: at(dns), admin: at(admin), ports, ..Overrides::default() };
    let scenario = Scenario::parse("test", scenario).unwrap_or_else(|problems| panic!("{problems}"));
    Plan::new(&scenario, &overrides, &System::read().unwrap()).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_two_sides_agree_label_by_label() {
    let whole = mix();
    let head = "target: t\ntimeout: 3s\nmix:\n";
    let lines: Vec<&str> = whole.strip_prefix(head).unwrap().lines().collect();
    // A scenario has at most 64 operations.
    for part in lines.chunks(60) {
        let scenario = format!("{head}{}\n", part.join("\n"));
        run(async {
            let target = RunningTarget::start();
            agreed(plan(&scenario, target.dns, target.admin), target.admin, Duration::from_secs(2)).await;
            target.stop().await;
        });
    }
}

#[test]
fn a_fallback_is_one_request_here_and_two_queries_there() {
    let mut scenario = "target: t\nmix:\n".to_owned();
    for (name, fault, connection) in [
        ("tc", "fault=tc", "pooled(2)"),
        ("large", "size=2000", "fresh"),
        ("tcp", "fault=tc&rcode=SERVFAIL:50", "pooled(2)"),
        ("late", "fault=tc&delay=5ms", "pooled(2)"),
        ("none", "count=2", "pooled(2)"),
        ("twice", "fault=tcf", "fresh"),
    ] {
        scenario += &format!(
            "  - {{ name: {name}, rate: 20/s, timeout: 3s, connection: {connection}, dns: {{ fallback: true, fault: \"{fault}\" }} }}\n"
        );
    }
    let Said { names, ours, theirs, client, server } = run(async {
        let target = RunningTarget::start();
        let plan = plan(&scenario, target.dns, target.admin);
        let said = both_sides(plan, target.admin, Duration::from_secs(2)).await;
        target.stop().await;
        said
    });
    let requests = |side: &str, text: &str, name: &str| {
        let requests = metric(&format!("continuous_load_{side}_requests_total"));
        let requests = requests.label("operation", name).by("protocol", text);
        requests.into_iter().filter(|(_, count)| *count > 0.0).collect::<BTreeMap<String, f64>>()
    };
    for (name, ours) in names.iter().zip(&ours) {
        assert_accounted(ours);
        assert_eq!((ours.success, ours.sent), (ours.planned, ours.planned), "{name}: {:?}", ours.examples);
        assert_eq!(ours.fallbacks, if name == "none" { 0 } else { ours.sent }, "{name}");
        let theirs = &theirs.operations[name];
        assert_eq!(theirs.received, ours.sent + ours.fallbacks, "{name}");
        assert_eq!(theirs.answered_total(), ours.answered() + ours.fallbacks, "{name}");
        let of = |counts: &[(&str, u64)]| -> BTreeMap<String, f64> {
            let counts = counts.iter().filter(|(_, count)| *count > 0);
            counts.map(|(protocol, count)| ((*protocol).to_owned(), *count as f64)).collect()
        };
        assert_eq!(requests("client", &client, name), of(&[("dns_udp", ours.sent)]), "{name}");
        assert_eq!(
            requests("server", &server, name),
            of(&[("dns_udp", ours.sent), ("dns_tcp", ours.fallbacks)]),
            "{name}"
        );
    }
}

/// `dig` with these arguments: what it printed.
fn dig(server: SocketAddr, arguments: &str) -> String {
    let (ip, port) = (server.ip(), server.port());
    let line = format!("dig +time=2 +tries=1 @{ip} -p {port} {arguments}");
    let output = Command::new("bash").args(["-c", &line]).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn dig_understands_every_answer() {
    if require("dig").is_none() {
        return;
    }
    run(async {
        let target = RunningTarget::start();
        let hex: String = "rcode=REFUSED".bytes().map(|byte| format!("{byte:02x}")).collect();
        let by_option = format!("ok.cload.test A +ednsopt=65001:{hex}");
        let mut wrong = Vec::new();
        let long = format!("{}an9.f.cload.test TXT", "x7k2m9qa.");
        for (arguments, wanted) in [
            ("ok.cload.test A", vec!["status: NOERROR", "192.0.2.1", "flags: qr aa rd"]),
            ("ok.cload.test AAAA +tcp", vec!["status: NOERROR", "2001:db8::1"]),
            ("ok.cload.test A +noedns", vec!["status: NOERROR", "ADDITIONAL: 0"]),
            ("oK.ClOaD.TeSt A", vec!["oK.ClOaD.TeSt.", "192.0.2.1"]),
            ("x7k2m9qa.rcsrv.f.cload.test A", vec!["status: SERVFAIL"]),
            ("x7k2m9qa.an3.ttl9.f.cload.test A", vec!["ANSWER: 3", "9 IN\tA"]),
            (long.as_str(), vec!["ANSWER: 9", "\"cload 8\""]),
            ("x7k2m9qa.sz1000.f.cload.test A +bufsize=1232", vec!["MSG SIZE  rcvd: 1000"]),
            ("x7k2m9qa.sz1000.f.cload.test A +bufsize=600 +ignore", vec!["flags: qr aa tc"]),
            ("x7k2m9qa.tc.f.cload.test A", vec!["Truncated", "192.0.2.1"]),
            ("x7k2m9qa.cn2.f.cload.test A", vec!["ANSWER: 3", "CNAME"]),
            ("x7k2m9qa.ede22.f.cload.test A", vec!["EDE: 22"]),
            ("x7k2m9qa.who.f.cload.test TXT", vec!["transport=udp", "client=127.0.0.1"]),
            ("x7k2m9qa.cnt.f.cload.test TXT", vec!["udp/127.0.0.1=1"]),
            ("x7k2m9qa.ip-127-0-0-9.f.cload.test A", vec!["127.0.0.9"]),
            ("x7k2m9qa.ip-10-0-0-5.f.cload.test A", vec!["status: NXDOMAIN", "--dns-answer-cidrs"]),
            ("x7k2m9qa.dx.f.cload.test TXT", vec!["status: NXDOMAIN", "bad token", "EDE: 0"]),
            ("x7k2m9qa.dx.f.cload.test A", vec!["status: NXDOMAIN", "SOA"]),
            ("rcsrv.f.cload.test A", vec!["status: NOERROR", "ANSWER: 0", "SOA"]),
            (by_option.as_str(), vec!["status: REFUSED"]),
            ("x7k2m9qa.drop.f.cload.test A", vec!["no servers could be reached"]),
            ("cload.test SOA", vec!["status: NOERROR", "hostmaster.cload.test."]),
            ("cload.test NS +tcp", vec!["status: NOERROR", "ns.cload.test."]),
            ("nowhere.cload.test A", vec!["status: NXDOMAIN", "SOA"]),
            (". NS", vec!["status: NOERROR", "ns.cload.test."]),
            ("example.com A", vec!["status: REFUSED"]),
            ("ok.cload.test ANY", vec!["status: REFUSED"]),
            ("+opcode=NOTIFY ok.cload.test A", vec!["status: NOTIMP"]),
            ("+edns=1 +noednsneg ok.cload.test A", vec!["status: BADVERS"]),
        ] {
            let said = tokio::task::block_in_place(|| dig(target.dns, arguments));
            let missing: Vec<&&str> = wanted.iter().filter(|word| !said.contains(**word)).collect();
            if !missing.is_empty() {
                wrong.push(format!("dig {arguments}: without {missing:?}:\n{said}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        target.stop().await;
    });
}

/// The manual; its `sh` examples are run here word for word.
const MANUAL: &str = include_str!("../../docs/dns.md");

#[test]
fn every_dig_example_of_the_manual_does_what_it_says() {
    if require("dig").is_none() {
        return;
    }
    run(async {
        let target = RunningTarget::start();
        let mut examples: Vec<(&str, Vec<&str>)> = Vec::new();
        for line in MANUAL.split("```sh\n").skip(1).flat_map(|block| block.split("```").next().unwrap().lines()) {
            match line.strip_prefix("# has=") {
                Some(wanted) => examples.last_mut().expect("an expectation follows a command").1.push(wanted),
                None => examples.push((line.strip_prefix("dig @127.0.0.1 -p 1053 ").unwrap(), Vec::new())),
            }
        }
        assert!(examples.len() >= 9);
        for (arguments, wanted) in examples {
            assert!(!wanted.is_empty(), "{arguments} promises nothing");
            let said = tokio::task::block_in_place(|| dig(target.dns, arguments));
            wanted.iter().for_each(|word| assert!(said.contains(word), "dig {arguments}: without {word}:\n{said}"));
        }
        target.stop().await;
    });
}

/// Another name server, with a zone of its own.
struct Nsd {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Nsd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn nsd(program: &std::path::Path) -> Nsd {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    // It cannot be told to choose a port: one that is free for both is, until somebody takes it in between.
    for _ in 0..8 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = udp.local_addr().unwrap();
        let Ok(tcp) = TcpListener::bind(address) else { continue };
        drop((udp, tcp));
        let config = format!(
            "server:\n ip-address: 127.0.0.1@{}\n username: \"\"\n chroot: \"\"\n zonesdir: \"{path}\"\n pidfile: \"\"\n \
             xfrdfile: \"\"\n zonelistfile: \"{path}/zone.list\"\n xfrdir: \"{path}\"\n database: \"\"\n server-count: 1\n \
             rrl-ratelimit: 0\nremote-control:\n control-enable: no\nzone:\n name: stranger.test\n zonefile: zone\n",
            address.port()
        );
        let zone = "$ORIGIN stranger.test.\n$TTL 60\n@ IN SOA ns hostmaster 1 3600 600 86400 30\n@ IN NS ns\n\
                    ns IN A 127.0.0.1\na IN A 192.0.2.1\nmany IN A 127.0.0.1\nmany IN A 127.0.0.2\nmany IN A 127.0.0.3\n";
        std::fs::write(folder.path().join("nsd.conf"), config).unwrap();
        std::fs::write(folder.path().join("zone"), zone).unwrap();
        let mut child = Command::new(program)
            .args(["-d", "-c", &format!("{path}/nsd.conf")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..100 {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            if dig(address, "+tcp a.stranger.test A").contains("192.0.2.1") {
                return Nsd { child, address, _folder: folder };
            }
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    panic!("nsd does not start");
}

#[test]
fn another_name_server_is_asked_plainly() {
    let (Some(program), Some(_)) = (require("nsd"), require("dig")) else { return };
    let server = nsd(&program);
    let scenario = "target: t\nmix:\n\
        - { name: a, rate: 50/s, dns: { name: a.stranger.test., plain: true, case: random, expect: { answers: 1, address: 192.0.2.1, ttl: 60 } } }\n\
        - { name: many, rate: 50/s, connection: fresh, dns: { name: many.stranger.test., transport: tcp, plain: true, expect: { answers: 3 } } }\n\
        - { name: none, rate: 50/s, dns: { name: nothing.stranger.test., edns: false, plain: true, expect: { rcode: NXDOMAIN } } }\n\
        - { name: foreign, rate: 50/s, dns: { name: example.com., plain: true, expect: { rcode: [REFUSED, SERVFAIL] } } }\n\
        - { name: wrong, rate: 50/s, dns: { name: a.stranger.test., plain: true, expect: { answers: 2 } } }\n";
    run(async {
        let engine = engine(plan(scenario, server.address, server.address), Duration::from_secs(1));
        let finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
        for (account, all) in finished.accounts.iter().zip([true, true, true, true, false]) {
            assert_accounted(account);
            assert_eq!(account.success, if all { account.planned } else { 0 }, "{account:?}");
        }
    });
}
