//! What operators type.

use clap::{CommandFactory, Parser};

use super::*;

fn parse(args: &[&str]) -> Result<Config, String> {
    let command = Config::command().mut_args(|arg| arg.env(clap::builder::Resettable::Reset));
    let matches = command.try_get_matches_from(std::iter::once("target-server").chain(args.iter().copied()));
    matches
        .and_then(|matches| <Config as clap::FromArgMatches>::from_arg_matches(&matches))
        .map_err(|error| error.to_string())
}

#[test]
fn the_command_line_is_well_formed() {
    Config::command().debug_assert();
    assert!(Config::try_parse_from(["target-server", "--help"]).is_err(), "help is not a configuration");
}

#[test]
fn every_flag_has_a_variable_of_its_name_and_a_help() {
    for arg in Config::command().get_arguments().filter(|arg| !["help", "version"].contains(&arg.get_id().as_str())) {
        let flag = arg.get_long().unwrap();
        let variable = format!("CLOAD_{}", flag.replace('-', "_").to_uppercase());
        assert_eq!(arg.get_env().and_then(|name| name.to_str()), Some(variable.as_str()), "--{flag}");
        assert!(arg.get_help().is_some(), "--{flag}");
    }
}

#[test]
fn defaults_are_the_documented_ones() {
    let config = parse(&[]).unwrap();
    assert_eq!(config.http_address().to_string(), "[::]:9898");
    assert_eq!(config.admin_address.to_string(), "[::]:9797");
    assert_eq!(config.faults.limits(), Limits::default());
    assert_eq!(parse(&["--port", "8080"]).unwrap().http_address().to_string(), "[::]:8080");
}

#[test]
fn addresses_are_read_as_people_write_them() {
    for (text, address) in
        [("9000", "[::]:9000"), (":9000", "[::]:9000"), ("127.0.0.1:0", "127.0.0.1:0"), ("[::1]:80", "[::1]:80")]
    {
        assert_eq!(parse(&["--http-address", text]).unwrap().http_address().to_string(), address);
    }
}

#[test]
fn a_bad_value_names_the_flag_and_what_would_work() {
    let cases: [(&[&str], &str, &str); 15] = [
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
