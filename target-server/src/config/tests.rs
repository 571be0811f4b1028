//! What operators type.

use super::*;

fn parse(args: &[&str]) -> Result<Config, String> {
    read(args, &[]).map(|loaded| loaded.config)
}

/// What a command line, and an environment of these variables, come to.
pub(super) fn read(args: &[&str], variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    let line = std::iter::once("target-server").chain(args.iter().copied()).map(Into::into).collect();
    Config::read(line, &variable).map_err(|error| error.to_string())
}

/// podinfo's flags that are ours, too.
const OF_BOTH: [&str; 1] = ["port"];

#[test]
fn the_command_line_is_well_formed() {
    load::command().debug_assert();
    for (flag, words) in [("--help", "PODINFO_RANDOM_ERROR"), ("-h", "--random-error"), ("-v", "target-server 0")] {
        let line = vec!["target-server".into(), flag.into()];
        let error = Config::read(line, &|_| None).unwrap_err();
        assert_eq!(error.exit_code(), 0, "{flag}");
        assert!(error.to_string().contains(words), "{flag}: {error}");
    }
}

#[test]
fn every_flag_has_a_variable_of_its_name_and_a_help() {
    let mut podinfos = 0;
    for arg in load::command().get_arguments().filter(|arg| !["help", "version"].contains(&arg.get_id().as_str())) {
        let flag = arg.get_long().unwrap();
        let variable = arg.get_env().and_then(|name| name.to_str()).unwrap();
        let (whose, name) = variable.split_once('_').unwrap();
        assert!(["CLOAD", "PODINFO"].contains(&whose), "--{flag}: {variable}");
        assert_eq!(name, flag.replace('-', "_").to_uppercase(), "--{flag}");
        assert!(arg.get_help().is_some(), "--{flag}");
        assert_eq!(arg.get_id().as_str(), flag.replace('-', "_"), "--{flag}: a flag is named as its field");
        podinfos += usize::from(whose == "PODINFO");
    }
    assert_eq!(podinfos + OF_BOTH.len(), 32, "podinfo 6.14.1 has as many flags");
}

#[test]
fn defaults_are_the_documented_ones() {
    let config = parse(&[]).unwrap();
    assert_eq!(config.http_address.to_string(), "[::]:9898");
    assert_eq!(config.admin_address.to_string(), "[::]:9797");
    assert_eq!(config.faults.limits(), Limits::default());
    assert_eq!((config.drain_delay, config.shutdown_timeout), (Duration::from_secs(3), Duration::from_secs(10)));
    assert_eq!(Config::loopback().drain_delay, Duration::ZERO, "a test waits for nobody");
    let renamed = parse(&["--drain-timeout", "4s"]).unwrap();
    assert_eq!(renamed.shutdown_timeout, Duration::from_secs(4), "the name it had before");
}

#[test]
fn addresses_are_read_as_people_write_them() {
    for (text, address) in
        [("9000", "[::]:9000"), (":9000", "[::]:9000"), ("127.0.0.1:0", "127.0.0.1:0"), ("[::1]:80", "[::1]:80")]
    {
        assert_eq!(parse(&["--http-address", text]).unwrap().http_address.to_string(), address);
    }
}

#[test]
fn a_bad_value_names_the_flag_and_what_would_work() {
    let cases: [(&[&str], &str, &str); 25] = [
        (&["--http-address", "localhost"], "--http-address", "127.0.0.1:9898"),
        (&["--http-address", "1.2.3.4"], "--http-address", ":9898 or 9898"),
        (&["--admin-address", "99999"], "--admin-address", "[::]:9898"),
        (&["--port", "70000"], "--port", "0..=65535"),
        (&["--head-timeout", "0s"], "--head-timeout", "30s"),
        (&["--idle-timeout", "0"], "--idle-timeout", "10m"),
        (&["--spec-max", "32KiB"], "--spec-max", "2048"),
        (&["--log-level", "foo"], "--log-level", "debug"),
        (&["--threads", "0"], "--threads", "1..=1024"),
        (&["--drain-delay", "5"], "--drain-delay", "expected"),
        (&["--size-max", "1XB"], "--size-max", "expected"),
        (&["--pod", "a/b"], "--pod", "A-Z a-z 0-9"),
        (&["--zone", "a\r\nx: y"], "--zone", "A-Z a-z 0-9"),
        (&["--log-level", "=,="], "--log-level", "info"),
        (&["--faults", "maybe"], "--faults", "on, request-only, rules-only, off"),
        (&["--random-error=maybe"], "--random-error", "true or false"),
        (&["--random-delay-unit", "h"], "--random-delay-unit", "s, ms"),
        (&["--random-delay-min", "6"], "--random-delay-max 5", "--random-delay-min 6"),
        (&["--random-delay=true", "--random-delay-max", "99"], "--random-delay-max 99", "--delay-max 1m"),
        (&["--stress-cpu=-1"], "--stress-cpu", "0..=65535"),
        (&["--secure-port", "x"], "--secure-port", "invalid"),
        (&["--host", "example.test"], "--host", "localhost"),
        (&["--prefix", "/a?b"], "--prefix", "/shop"),
        (&["--backend-errors", "500"], "--backend-errors", "ok, status"),
        (&["--http-client-timeout", "5"], "--http-client-timeout", "expected"),
    ];
    for (args, flag, expected) in cases {
        let error = parse(args).unwrap_err();
        assert!(error.contains(flag), "{args:?}: {error}");
        assert!(error.contains(expected), "{args:?}: {error}");
    }
}

#[test]
fn unknown_flags_are_refused_with_the_nearest_one() {
    assert!(parse(&["--http-adress", ":1"]).unwrap_err().contains("--http-address"));
}
