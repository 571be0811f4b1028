//! A replica is replaced while a run goes on: the name leads to another process at another address.

use std::net::{IpAddr, Ipv4Addr};

use super::pair::{Injector, RATE, Target, named, own_address};
use crate::zone::Zone;

const NAME: &str = "replaced.test";

fn v4(ip: IpAddr) -> Ipv4Addr {
    let IpAddr::V4(ip) = ip else { panic!("{ip} is of IPv6") };
    ip
}

/// An injector that knows the target by its name.
fn injector(target: &Target, zone: &Zone) -> Injector {
    let admin = named(target.at.admin, Some(NAME));
    Injector::start(&target.mix(Some(NAME)), &admin, &["--nameserver", &zone.address.to_string()])
}

#[test]
fn a_replica_killed_and_replaced_behind_its_name_is_noticed() {
    let zone = Zone::start();
    let old = Target::start();
    zone.addresses(NAME, [v4(old.at.http.ip())]);
    let injector = injector(&old, &zone);
    injector.until_more("success", RATE);
    let new = Target::on(own_address(), Some(&old.at), &[]);
    zone.addresses(NAME, [v4(new.at.http.ip())]);
    old.process.signal("KILL");
    old.process.end();
    injector.until_well();
    assert!(new.metric("continuous_load_server_requests_total") >= RATE as f64, "the new one has the load");
    let ended = injector.stopped();
    assert_eq!(ended.exit, Some(0), "{}", ended.text);
    ended.is_sound();
    // Some took their time there when it was killed.
    assert!(ended.doubt("restarted") > 0, "{}", ended.text);
    assert_eq!(ended.fate("unknown"), ended.doubt("restarted"), "{}", ended.text);
    assert!(ended.operations().iter().all(|operation| operation["difference"]["restarted"] == true), "{}", ended.text);
}

#[test]
fn a_replica_that_joins_takes_its_share_and_both_accounts_are_one() {
    let zone = Zone::start();
    let first = Target::start();
    zone.addresses(NAME, [v4(first.at.http.ip())]);
    let injector = injector(&first, &zone);
    injector.until_more("success", RATE);
    let second = Target::on(own_address(), Some(&first.at), &[]);
    zone.addresses(NAME, [v4(second.at.http.ip()), v4(first.at.http.ip())]);
    injector.until_more("success", 2 * RATE);
    let ended = injector.stopped();
    assert_eq!(ended.exit, Some(0), "{}", ended.text);
    ended.is_sound();
    for target in [&first, &second] {
        assert!(target.metric("continuous_load_server_requests_total") > 0.0, "{}", target.at.http);
    }
    assert_eq!((ended.fate("request_lost"), ended.fate("unknown")), (0, 0), "nothing went wrong: {}", ended.text);
}
