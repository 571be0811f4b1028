//! Failures on the way to a name: which of its addresses, or which name server, is at fault.

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use shared::outcome::ErrorClass;

use super::{NAME, during, plan, rows};
use crate::fixture::run;
use crate::fleet::Fleet;
use crate::process::output;
use crate::zone::{Says, Zone};

/// Whatever chooses the address, requests are counted by where they went, and a failure says where that was.
#[test]
fn one_bad_address_is_named_however_it_is_chosen() {
    let mut fleet = Fleet::start(3);
    let zone = Zone::start();
    zone.addresses(NAME, fleet.ips());
    fleet.kill(1);
    let mix = "
- { name: turns, rate: 30/s, connection: fresh, http: {} }
- { name: drawn, rate: 60/s, select: random, resolve: ttl, connection: fresh, tcp: {} }
- { name: kept, rate: 30/s, connection: pooled(3), grpc: {} }
- { name: shared, rate: 30/s, connection: pooled(3), streams: 4, http: { version: 2 } }
";
    let plan = plan(&fleet, &zone, mix);
    let ports = plan.operations.iter().map(|operation| operation.endpoint.port).collect::<Vec<_>>();
    let (accounts, ..) = run(during(plan, (1, 1), async |_| ()));
    for (account, port) in accounts.iter().zip(ports) {
        let rows = rows(&account.names);
        let ips: Vec<IpAddr> = rows.iter().map(|(ip, _)| *ip).collect();
        assert_eq!(ips, fleet.ips().into_iter().map(IpAddr::V4).collect::<Vec<_>>());
        let sum = |column: usize| rows.iter().map(|(_, row)| row[column]).sum::<u64>();
        assert_eq!([0, 1, 2, 3].map(sum), [0, account.sent, account.success, account.failed()], "{rows:?}");
        let failures: Vec<u64> = rows.iter().map(|(_, row)| row[3]).collect();
        assert!(failures[1] > 0 && failures[0] + failures[2] == 0, "{failures:?}");
        let words = account.examples[ErrorClass::ConnectRefused.index()].as_deref().unwrap();
        assert!(words.ends_with(&format!("got connect_refused from {}:{port}", fleet.ip(1))), "{words}");
    }
    let turns: Vec<_> = rows(&accounts[0].names).into_iter().map(|(_, row)| row).collect();
    assert_eq!(turns, [[0, 10, 10, 0], [0, 0, 0, 10], [0, 10, 10, 0]]);
}

/// A name server that says no, and one that says nothing.
#[test]
fn a_failed_look_up_names_the_name_server() {
    let fleet = Fleet::start(1);
    let zone = Zone::start();
    zone.addresses(NAME, fleet.ips());
    let mix = "
- { name: asks, rate: 20/s, timeout: 300ms, connection: fresh, http: {} }
- { name: keeps, rate: 20/s, timeout: 300ms, resolve: interval(100ms), connection: fresh, http: {} }
";
    for (says, class, words) in [
        (Says::Code(ResponseCode::ServFail), ErrorClass::DnsServfail, "answered SERVFAIL"),
        (Says::Code(ResponseCode::NXDomain), ErrorClass::DnsNxdomain, "answered NXDOMAIN"),
        (Says::Nothing, ErrorClass::DnsTimeout, "did not answer in time"),
    ] {
        zone.set(NAME, says);
        let (accounts, ..) = run(during(plan(&fleet, &zone, mix), (1, 1), async |_| ()));
        for account in accounts {
            let got = account.examples[class.index()].as_deref().unwrap();
            assert!(got.ends_with(&format!(" (the name server {} {words})", zone.address)), "{got}");
            assert_eq!(rows(&account.names), []);
        }
    }
}

/// The same before the first request, which is then not sent.
#[test]
fn a_run_that_cannot_start_says_where_it_failed() {
    let mut fleet = Fleet::start(2);
    let zone = Zone::start();
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("out.json");
    let file = folder.path().join("one.yaml");
    std::fs::write(
        &file,
        format!("target: {NAME}.:{}\nmix: [{{ name: a, rate: 1/s, http: {{}} }}]\n", fleet.port("http")),
    )
    .unwrap();
    let says = |flags: &[&str]| {
        let server = zone.address.to_string();
        let json = json.to_str().unwrap();
        let fixed = ["run", "--json", json, file.to_str().unwrap(), "--for", "1s", "--admin-address", "127.0.0.1:0"];
        let ended = output("injector", &[&fixed[..], &["--nameserver", &server], flags].concat());
        assert_eq!(ended.status.code(), Some(97), "{ended:?}");
        String::from_utf8(ended.stderr).unwrap()
    };
    zone.set(NAME, Says::Nothing);
    let silent = format!("the name server {} did not answer in time (dns_timeout)", zone.address);
    let words = says(&[]);
    assert!(words.contains(&silent), "{words}");
    zone.set(NAME, Says::Code(ResponseCode::Refused));
    let words = says(&[]);
    assert!(words.contains(&format!("the name server {} answered REFUSED (dns_other)", zone.address)), "{words}");
    fleet.kill(0);
    zone.addresses(NAME, [fleet.ip(0)]);
    let words = says(&[]);
    let refused = format!("unreachable: {}:{}: the connection was refused", fleet.ip(0), fleet.port("http"));
    assert!(words.contains(&refused), "{words}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["one.yaml"], "nothing by half stays beside a result that never came");
}

/// Of no family that the name has.
#[test]
fn a_source_address_that_cannot_reach_the_address_says_so() {
    let fleet = Fleet::start(1);
    let zone = Zone::start();
    zone.addresses(NAME, fleet.ips());
    let mix = "
- { name: stream, rate: 10/s, source_addresses: '::1', connection: fresh, http: {} }
- { name: datagram, rate: 10/s, source_addresses: '::1', connection: fresh, udp: {} }
";
    let (accounts, ..) = run(during(plan(&fleet, &zone, mix), (1, 1), async |_| ()));
    for account in accounts {
        let words = account.examples[ErrorClass::ConnectUnreachable.index()].as_deref().unwrap();
        assert!(words.ends_with(&format!(" (no source address has the family of {})", fleet.ip(0))), "{words}");
    }
}
