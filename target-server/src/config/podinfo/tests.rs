//! What podinfo's users type, and its chart writes.

use shared::fault::{Fault, Separator};

use super::*;
use crate::config::tests::read;
use crate::config::{Config, Listen, Loaded};

fn parse(args: &[&str]) -> Config {
    read(args, &[]).unwrap_or_else(|error| panic!("{args:?}: {error}")).config
}

#[test]
fn prefixes_are_brought_into_one_form() {
    for (text, clean) in [
        ("", ""),
        ("/", ""),
        ("foo", "/foo"),
        ("/foo/", "/foo"),
        ("//foo//bar//", "/foo/bar"),
        ("/a/./b/../c", "/a/c"),
        (" /foo ", "/foo"),
        ("/..", ""),
    ] {
        assert_eq!(parse(&["--prefix", text]).podinfo.prefix, clean, "{text:?}");
    }
}

#[test]
fn switches_are_written_as_in_go() {
    for (args, on) in [
        (&["--random-error"][..], true),
        (&["--random-error=true"], true),
        (&["--random-error=1"], true),
        (&["--random-error="], false),
        (&["--random-error=False"], false),
        (&["--random-error", "--random-delay="], true),
        (&["--random-error", "--random-error=false"], false),
        (&[], false),
    ] {
        assert_eq!(parse(args).podinfo.random_error, on, "{args:?}");
    }
    assert!(read(&["--random-error", "true"], &[]).is_err(), "a word behind a switch is none of its own, as in Go");
}

#[test]
fn what_podinfos_chart_writes_is_taken() {
    // Every flag that its templates have, with the values of its defaults and some more.
    let config = parse(&[
        "--host=0000:0000::1",
        "--port=9898",
        "--cert-path=/data/cert",
        "--port-metrics=9797",
        "--grpc-port=9999",
        "--grpc-service-name=podinfo",
        "--backend-url=http://a/echo",
        "--backend-url=http://b/echo,http://c/echo",
        "--cache-server=",
        "--level=info",
        "--random-delay=false",
        "--random-delay-unit=s",
        "--random-delay-max=10",
        "--random-error=",
        "--unhealthy=true",
        "--unready",
        "--ui-color=#123456",
        "--h2c=true",
        "--config-path=",
        "--stress-cpu=0",
    ]);
    assert_eq!(config.podinfo.backend_url, ["http://a/echo", "http://b/echo", "http://c/echo"]);
    assert!(config.podinfo.unhealthy && config.podinfo.unready && config.podinfo.h2c);
    assert_eq!(config.http_address.to_string(), "[::1]:9898");
}

/// What matters of a configuration in one line: HTTP, HTTPS, gRPC, admin, certificate, level, head, idle, shutdown.
fn settled(config: &Config) -> String {
    let listeners = &config.listeners;
    let cert = listeners.tls_cert.as_ref().map_or("-".to_owned(), |file| file.display().to_string());
    let key = listeners.tls_key.as_ref().map_or("-".to_owned(), |file| file.display().to_string());
    assert_eq!(cert.trim_end_matches("crt"), key.trim_end_matches("key"), "the two are a pair");
    let timeouts = [config.connections.head_timeout, config.connections.idle_timeout, config.shutdown_timeout];
    format!(
        "{} {} {} {} {cert} {} {}",
        config.http_address,
        listeners.https_address,
        listeners.grpc_address,
        config.admin_address,
        config.log_level,
        timeouts.map(shared::units::print_duration).join(" ")
    )
}

#[test]
fn podinfos_flags_set_ours_unless_ours_are_given() {
    type Pairs = &'static [(&'static str, &'static str)];
    // Flags, variables, and what they change in the words of `settled`.
    let changes: [(&[&str], Pairs, Pairs); 25] = [
        (&[], &[], &[]),
        (&["--port", "80"], &[], &[("[::]:9898", "[::]:80")]),
        (&["--port", "0"], &[], &[("[::]:9898", "[::]:0")]),
        (&["--port", "80", "--http-address", "[::1]:1"], &[], &[("[::]:9898", "[::1]:1")]),
        (&["--port", "80"], &[("CLOAD_HTTP_ADDRESS", "[::1]:1")], &[("[::]:9898", "[::]:80")]),
        (&[], &[("PODINFO_PORT", "80")], &[("[::]:9898", "[::]:80")]),
        (&[], &[("PODINFO_PORT", "80"), ("CLOAD_PORT", "81")], &[("[::]:9898", "[::]:81")]),
        (&[], &[("PODINFO_PORT", "80"), ("CLOAD_PORT", "")], &[("[::]:9898", "[::]:80")]),
        (&[], &[("PODINFO_PORT", "tcp://127.0.0.1:80")], &[]),
        (&[], &[("CLOAD_PORT", "tcp://127.0.0.1:80"), ("PODINFO_PORT_METRICS", "udp://127.0.0.1:80")], &[]),
        (&[], &[("PODINFO_SECURE_PORT", "tcp://127.0.0.1:1"), ("PODINFO_GRPC_PORT", "tcp://127.0.0.1:1")], &[]),
        (
            &["--host", "localhost", "--port", "80"],
            &[],
            &[("[::]:9898", "127.0.0.1:80"), ("[::]:9899", "127.0.0.1:9899"), ("[::]:9999", "127.0.0.1:9999")],
        ),
        (
            &["--host", "::1", "--grpc-address", ":1", "--https-address", "off"],
            &[],
            &[("[::]:9898", "[::1]:9898"), ("[::]:9899", "off"), ("[::]:9999", "[::]:1")],
        ),
        (&["--host", ""], &[("PODINFO_HOST", "127.0.0.1")], &[]),
        (&["--secure-port", "443"], &[], &[("[::]:9899", "[::]:443"), (" - ", " /data/cert/tls.crt ")]),
        (
            &["--secure-port", "443", "--cert-path", "/c", "--host", "127.0.0.1", "--http-address", ":1"],
            &[],
            &[
                ("[::]:9898", "[::]:1"),
                ("[::]:9899", "127.0.0.1:443"),
                ("[::]:9999", "127.0.0.1:9999"),
                (" - ", " /c/tls.crt "),
            ],
        ),
        (
            &["--secure-port", "443", "--tls-cert", "x.crt", "--tls-key", "x.key", "--https-address", "off"],
            &[],
            &[("[::]:9899", "off"), (" - ", " x.crt ")],
        ),
        (&["--secure-port", "0"], &[], &[("[::]:9899", "off")]),
        (&["--grpc-port", "0"], &[], &[("[::]:9999", "off")]),
        (&["--grpc-port", "7"], &[("CLOAD_GRPC_ADDRESS", "off")], &[("[::]:9999", "[::]:7")]),
        (&["--port-metrics", "7"], &[], &[("[::]:9797", "[::]:7")]),
        (&["--port-metrics", "0"], &[], &[]),
        (&["--level", "panic", "--server-shutdown-timeout", "7s"], &[], &[("info", "error"), ("10s", "7s")]),
        (&["--level", "debug", "--log-level", "warn"], &[], &[("info", "warn")]),
        (&["--http-server-timeout", "5s", "--head-timeout", "1s"], &[], &[(" 30s 10m", " 1s 10s")]),
    ];
    let plain = settled(&parse(&[]));
    for (args, variables, changes) in changes {
        let wanted = changes.iter().fold(plain.clone(), |wanted, (from, to)| {
            assert!(wanted.contains(from), "{from} is not in {wanted}");
            wanted.replacen(from, to, 1)
        });
        let Loaded { config, warnings } = read(args, variables).unwrap();
        assert_eq!(settled(&config), wanted, "{args:?} {variables:?}");
        let links = variables.iter().filter(|(_, value)| value.contains("://")).count();
        assert_eq!(warnings.len(), links, "{warnings:?}");
    }
}

#[test]
fn the_certificate_is_that_of_the_strongest_source_that_names_one() {
    type Pairs = &'static [(&'static str, &'static str)];
    const PAIR: Pairs = &[("CLOAD_TLS_CERT", "x.crt"), ("CLOAD_TLS_KEY", "x.key")];
    let cases: [(&[&str], &[Pairs], Option<&str>); 12] = [
        (&[], &[], None),
        (&["--cert-path", "/c"], &[], None),
        (&["--secure-port", "0", "--cert-path", "/c"], &[], None),
        (&["--secure-port", "443"], &[], Some("/data/cert/tls.crt")),
        (&[], &[&[("PODINFO_SECURE_PORT", "443")]], Some("/data/cert/tls.crt")),
        (&["--secure-port", "443"], &[PAIR], Some("x.crt")),
        (&["--secure-port", "443"], &[PAIR, &[("PODINFO_CERT_PATH", "/c")]], Some("x.crt")),
        (&["--cert-path", "/c"], &[&[("PODINFO_SECURE_PORT", "443")]], Some("/c/tls.crt")),
        (&["--cert-path", "/c"], &[PAIR, &[("PODINFO_SECURE_PORT", "443")]], Some("/c/tls.crt")),
        (&["--cert-path", "/c", "--secure-port", "443"], &[PAIR], Some("/c/tls.crt")),
        (
            &["--cert-path", "/c", "--secure-port", "443", "--tls-cert", "y.crt", "--tls-key", "y.key"],
            &[PAIR],
            Some("y.crt"),
        ),
        (&["--tls-cert", "x.crt", "--cert-path", "/c", "--secure-port", "443"], &[&PAIR[1..]], Some("x.crt")),
    ];
    for (args, variables, cert) in cases {
        let listeners = read(args, &variables.concat()).unwrap().config.listeners;
        let named = listeners.tls_cert.as_deref().and_then(std::path::Path::to_str);
        assert_eq!(named, cert, "{args:?} {variables:?}");
        let key = cert.map(|cert| cert.replace(".crt", ".key").into());
        assert_eq!(listeners.tls_key, key, "{args:?} {variables:?}");
    }
}

#[test]
fn levels_are_understood_as_podinfo_does() {
    for (theirs, ours) in [
        ("debug", "debug"),
        ("info", "info"),
        ("warn", "warn"),
        ("error", "error"),
        ("fatal", "error"),
        ("loud", "info"),
    ] {
        assert_eq!(parse(&["--level", theirs]).log_level, ours, "{theirs}");
    }
}

#[test]
fn the_strongest_source_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let file = "ui-color: file\nui-message: file\nui-logo: file\nport: 5\nhead-timeout: 7s\nbackendUrl: [http://f]\n\
                jwt-secret: file\nrandom-error: true\nstrange: 1\n";
    std::fs::write(folder.path().join("more.yaml"), file).unwrap();
    let variables = [
        ("PODINFO_CONFIG_PATH", path),
        ("PODINFO_UI_COLOR", "env"),
        ("PODINFO_UI_LOGO", "env"),
        ("PODINFO_UI_MESSAGE", ""),
    ];
    let Loaded { config, warnings } = read(&["--config=more.yaml", "--ui-color=flag"], &variables).unwrap();
    let podinfo = &config.podinfo;
    assert_eq!((&*podinfo.ui_color, &*podinfo.ui_logo, &*podinfo.ui_message), ("flag", "env", "file"));
    assert_eq!(podinfo.backend_url, ["http://f"], "under podinfo's other name");
    assert_eq!((config.http_address.port(), config.connections.head_timeout), (5, Duration::from_secs(7)));
    assert_eq!(podinfo.jwt_secret, Some(Secret("file".to_owned())));
    assert!(podinfo.random_error && warnings.len() == 1 && warnings[0].starts_with("strange"), "{warnings:?}");
    assert!(!format!("{config:?}").contains("Secret(\"file"), "a log shows no key");

    let variables =
        [&variables[..1], &[("PODINFO_BACKEND_URL", "http://a,http://b"), ("PODINFO_JWT_SECRET", "env")]].concat();
    let loaded = read(&["--config", "more.yaml"], &variables).unwrap();
    assert_eq!(loaded.config.podinfo.backend_url, ["http://a", "http://b"]);
    assert_eq!(loaded.config.podinfo.jwt_secret, Some(Secret("env".to_owned())));
    let loaded = read(&["--config-path", path, "--backend-url=http://c"], &variables[1..]).unwrap();
    assert_eq!(loaded.config.podinfo.backend_url, ["http://c"]);
    assert_eq!(loaded.config.podinfo.ui_color, "#34577c", "there is no config.yaml");
}

#[test]
fn a_blank_key_in_the_file_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (text, key) in [("''", None), ("", None), ("'  '", None), ("\"\\n\"", None), ("' k'", Some(" k"))] {
        std::fs::write(folder.path().join("config.yaml"), format!("jwt-secret: {text}\n")).unwrap();
        let loaded = read(&["--config-path", path], &[]).unwrap();
        assert_eq!(loaded.config.podinfo.jwt_secret, key.map(|key| Secret(key.to_owned())), "{text:?}");
    }
}

#[test]
fn a_pair_of_flags_may_come_from_two_sources() {
    let loaded = read(&["--tls-cert", "a"], &[("CLOAD_TLS_KEY", "b")]).unwrap();
    assert!(loaded.config.listeners.tls_cert.is_some() && loaded.config.listeners.tls_key.is_some());
    assert!(read(&[], &[("CLOAD_TLS_KEY", "b")]).unwrap_err().contains("--tls-cert"));
}

#[test]
fn a_bad_value_is_said_with_where_it_came_from() {
    let error = read(&[], &[("PODINFO_RANDOM_DELAY_MAX", "x")]).unwrap_err();
    assert!(error.contains("--random-delay-max") && error.contains("the variable PODINFO_RANDOM_DELAY_MAX"), "{error}");
    let error = read(&["--port", "x"], &[("CLOAD_PORT", "80")]).unwrap_err();
    assert!(error.contains("--port") && !error.contains("CLOAD_PORT"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yaml"), "drain-delay: 5\n").unwrap();
    let error = read(&["--config-path", folder.path().to_str().unwrap()], &[]).unwrap_err();
    assert!(error.contains("--drain-delay") && error.contains("the file of --config"), "{error}");
}

#[test]
fn traces_that_are_not_exported_are_said() {
    let warnings = |args: &[&str]| read(args, &[]).unwrap().warnings;
    assert_eq!(warnings(&["--otel-service-name", "x"]).len(), 1);
    assert!(warnings(&["--otel-service-name="]).is_empty());
}

#[test]
fn standing_faults_are_what_podinfo_draws() {
    let off = parse(&["--random-delay-max=4"]);
    assert!(off.podinfo.standing().is_empty());
    for (args, spec) in [
        (&[][..], "delay=0s,1s,2s,3s,4s"),
        (&["--random-delay-min=2", "--random-delay-max=3"], "delay=2s"),
        (&["--random-delay-min=2", "--random-delay-max=2"], "delay=2s"),
        (&["--random-delay-max=33"], "delay=0s..33s"),
        (&["--random-delay-unit=ms", "--random-delay-min=5", "--random-delay-max=50"], "delay=5ms..50ms"),
        (&["--random-delay-unit=ms", "--random-delay-min=5"], "delay=5ms"),
        (&["--random-delay-unit=ms", "--random-delay-max=1"], "delay=0ms..1ms"),
        (&["--random-delay-min=1", "--random-delay-max=1"], "delay=1s"),
    ] {
        let standing = parse(&[&["--random-delay"], args].concat()).podinfo.standing();
        assert_eq!(standing, [Standing { name: "random-delay", fault: spec.to_owned(), instead: None }]);
        Fault::parse(spec, Separator::Ampersand).unwrap();
    }
    for none in
        [&["--random-delay-max=0"][..], &["--random-delay-max=1"], &["--random-delay-unit=ms", "--random-delay-max=0"]]
    {
        assert!(parse(&[&["--random-delay"], none].concat()).podinfo.standing().is_empty(), "{none:?} is no delay");
    }
    let most = parse(&["--random-delay", "--random-delay-max=32"]).podinfo.standing();
    Fault::parse(&most[0].fault, Separator::Ampersand).unwrap();
    assert_eq!(most[0].fault.matches(',').count(), 31);

    let both = parse(&["--random-delay", "--random-error"]).podinfo.standing();
    assert_eq!(
        both.iter().map(|one| (one.name, one.instead)).collect::<Vec<_>>(),
        [("random-delay", None), ("random-error", Some(""))]
    );
    let error = Fault::parse(&both[1].fault, Separator::Ampersand).unwrap();
    let mut drawn = std::collections::BTreeMap::new();
    for n in 0..3000 {
        let verdict = error.roll(0, &format!("key-{n}"), 0);
        *drawn.entry(verdict.status.and_then(|status| status.http())).or_insert(0) += 1;
    }
    let shares: Vec<(Option<u16>, bool)> = drawn
        .iter()
        .map(|(status, count)| (*status, if status.is_none() { 1800..2200 } else { 250..420 }.contains(count)))
        .collect();
    assert_eq!(shares, [(None, true), (Some(400), true), (Some(409), true), (Some(500), true)], "{drawn:?}");
}

#[test]
fn off_is_a_port_of_0() {
    let config = parse(&["--grpc-port=0", "--secure-port=0"]);
    assert_eq!((config.listeners.grpc_address, config.listeners.https_address), (Listen::Off, Listen::Off));
}
