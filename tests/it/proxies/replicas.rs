//! A proxy before two replicas that sends a request to one and, after an error, to the other: each sees the number once, and
//! only both together show that it came twice.

use std::fmt::Write as _;
use std::process::Command;

use shared::protocol::Protocol;
use target_server::Config;

use super::path::{Deed, Path, TIMEOUT};
use super::proof::{assert_told, ended, for_a_second};
use super::{proxy, request};
use crate::fixture::{RunningTarget, program, run};

/// What both replicas are called in the injector's `/etc/hosts`.
const NAME: &str = "replicas.test";

/// Runs a program where this file is `/etc/hosts`, which nobody else sees.
const WITH_HOSTS: &str = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";

/// Whether this process may have mounts of its own; says so if not.
fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["--mount", "true"]).status();
    let can = tried.is_ok_and(|status| status.success());
    let is_strict = std::env::var_os("REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(can || !is_strict, "needs root, for a name that has two addresses");
    if !can {
        eprintln!("skipped: needs root");
    }
    can
}

#[test]
fn a_retry_that_goes_to_another_replica_is_a_duplicate() {
    if !may_mount() {
        return;
    }
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
        let folder = tempfile::tempdir().unwrap();
        let [hosts, file] = ["hosts", "scenario.yaml"].map(|name| folder.path().join(name));
        std::fs::write(&hosts, format!("127.0.0.1 {NAME}\n127.0.0.2 {NAME}\n")).unwrap();
        std::fs::write(&file, scenario).unwrap();
        let mut arguments = for_a_second(one.admin);
        *arguments.last_mut().unwrap() = format!("{NAME}:{}", one.admin.port());
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", WITH_HOSTS]).arg(&hosts).arg(program("injector"));
        command.args(["run", "--admin-address", "127.0.0.1:0", "--json", "-"]).args(arguments).arg(&file);
        let ended = tokio::task::spawn_blocking(|| ended(command)).await.unwrap();
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
        one.stop().await;
        other.stop().await;
    });
}
