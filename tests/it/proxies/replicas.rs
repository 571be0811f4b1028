//! A proxy before two replicas that sends a request to one and, after an error, to the other: each sees the number once, and
//! only both together show that it came twice.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use shared::protocol::Protocol;
use target_server::Config;

use super::path::{Deed, Path, TIMEOUT};
use super::proof::{assert_told, for_a_second, injected};
use super::{proxy, request};
use crate::fixture::{RunningTarget, run};
use crate::zone::Zone;

/// What both replicas are called.
const NAME: &str = "replicas.test";

#[test]
fn a_retry_that_goes_to_another_replica_is_a_duplicate() {
    run(async {
        let one = RunningTarget::start();
        let mut config = Config::loopback();
        // The name has one admin port, so both replicas must have the same.
        config.admin_address = ([127, 0, 0, 2], one.admin.port()).into();
        let other = RunningTarget::with(config);
        let mut scenario = format!("target: 127.0.0.1\ntimeout: {}s\nmix:\n", TIMEOUT.as_secs());
        let mut paths = Vec::new();
        for protocol in Protocol::ALL {
            let replicas = [&one, &other].map(|target| target.addresses.of(protocol).unwrap());
            let path = Path::new(&replicas, |_, seq| match seq % 10 {
                2 | 3 => Deed::RetryElsewhere,
                5 => Deed::Retry,
                6 => Deed::Swallow,
                7 => Deed::Mute,
                _ => Deed::Pass,
            });
            let (at, name, request) = (proxy(protocol, &path).await, protocol.as_str(), request(protocol));
            writeln!(scenario, "- {{ name: {name}, rate: 20/s, target: \"{at}\", {request} }}").unwrap();
            paths.push((protocol, path));
        }
        let zone = Zone::start();
        zone.addresses(NAME, [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)]);
        let mut arguments = for_a_second(one.admin);
        *arguments.last_mut().unwrap() = format!("{NAME}:{}", one.admin.port());
        arguments.extend(["--nameserver".to_owned(), zone.address.to_string()]);
        let ended = injected(scenario, &arguments).await;
        ended.assert_passed();
        for (protocol, path) in paths {
            let name = protocol.as_str();
            assert_eq!(path.done(name).len(), 20, "{name}");
            assert_told(&ended, name, protocol, &path);
            let words = format!(
                "duplicates: {name}: 6 arrived twice: something on the path sent them again, 4 of them to another replica\n"
            );
            assert!(ended.text.contains(&words), "{words:?} is not in {}", ended.text);
        }
        assert!(!ended.text.contains("for no known reason"), "each replica's part is explained: {}", ended.text);
        one.stop().await;
        other.stop().await;
    });
}
