//! Whether and how connections are secured, and over how many streams they carry what.

use super::*;

/// A plan of one operation: `file` are keys of the file, `keys` those of the operation, on line 4 from column 36 on.
fn text(file: &str, keys: &str) -> String {
    format!("{file}\nmix:\n# one operation\n- {{ name: a, rate: 10/s, http: {{}}, {keys} }}\n")
}

#[test]
fn the_nearest_word_decides_whether_a_connection_is_secured() {
    let unverified = "tls: { verify: false }";
    for (file, keys, endpoint, is_secure) in [
        ("target: host", "", "host:9898", false),
        ("target: https://host\ntls: { verify: false }", "", "host:9899", true),
        ("target: https://host:443\ntls: { verify: false }", "", "host:443", true),
        ("target: host\ntls: { verify: false }", "", "host:9899", true),
        ("target: host:80\ntls: { verify: false }", "", "host:80", true),
        ("target: host", unverified, "host:9899", true),
        ("target: host:80", unverified, "host:80", true),
        ("target: http://host:80", unverified, "host:9899", true),
        ("target: host\ntls: { verify: false }", "tls: false", "host:9898", false),
        ("target: https://host:443\ntls: { verify: false }", "tls: false", "host:9898", false),
        ("target: host\ntls: { verify: false }", "target: http://other", "other:9898", false),
        ("target: host\ntls: { verify: false }", "target: other", "other:9899", true),
        ("target: http://host", "target: 'https://other:1', tls: { verify: false }", "other:1", true),
    ] {
        let plan = plan(&text(file, keys));
        let operation = &plan.operations[0];
        assert_eq!(operation.endpoint.to_string(), endpoint, "{file} {keys}");
        assert_eq!(operation.tls.is_some(), is_secure, "{file} {keys}");
    }
}

#[test]
fn a_scheme_on_the_command_line_wins_over_the_file() {
    for (flag, is_secure) in [("https://other", true), ("http://other", false), ("other", true)] {
        let overrides = Overrides { target: Some(flag.parse().unwrap()), ..Overrides::default() };
        let plan = try_plan(&text("target: host\ntls: { verify: false }", ""), &overrides, &SYSTEM).unwrap();
        assert_eq!(plan.operations[0].tls.is_some(), is_secure, "{flag}");
    }
}

#[test]
fn keys_of_the_operation_win_over_those_of_the_file() {
    let plan =
        plan(&text("target: host.\ntls: { verify: false, server_name: a.test }", "tls: { server_name: b.test }"));
    let tls = plan.operations[0].tls.as_ref().unwrap();
    assert_eq!((tls.server_name().as_str(), tls.is_verified, tls.shows_certificate), ("b.test", false, false));
    let host = try_plan(&text("target: Host.", "tls: { verify: false }"), &Overrides::default(), &SYSTEM).unwrap();
    assert_eq!(host.operations[0].tls.as_ref().unwrap().server_name(), "host");
}

#[test]
fn what_cannot_be_secured_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    let empty = empty.display();
    let pair = format!("tls: {{ verify: false, cert: {empty}, key: {empty} }}");
    let problems = refused(&text("target: h", &pair));
    assert!(
        problems[0].contains("holds no certificate") && problems[1].contains("holds no private key"),
        "{problems:?}"
    );
    for (file, keys, said) in [
        (
            "target: h",
            "tls: { ca: /nowhere/ca.pem }".to_owned(),
            "operation \"a\": tls.ca: cannot read /nowhere/ca.pem: No such",
        ),
        ("target: h", format!("tls: {{ ca: {empty} }}"), "tls.ca: \""),
        ("target: h", "tls: { verify: nope }".to_owned(), "tls.verify: \"nope\"; expected true or false"),
        ("target: h", "tls: { verify: false, ca: x }".to_owned(), "cannot be checked with verify: false"),
        ("target: h", "tls: { verify: false, cert: x }".to_owned(), "tls.cert: needs its key; write key: FILE"),
        ("target: h", "tls: { verify: false, key: x }".to_owned(), "tls.key: needs its certificate; write cert: FILE"),
        (
            "target: h",
            "tls: { verify: false, server_name: 'a b' }".to_owned(),
            "tls.server_name: \"a b\" is not a name",
        ),
        ("target: h", "target: 'http://b', tls: { verify: false }".to_owned(), "contradicts http:// in the target"),
        ("target: h", "target: 'https://b', tls: false".to_owned(), "contradicts https:// in the target"),
        ("target: http://h\ntls: { verify: false }", String::new(), "tls: contradicts http:// in the target"),
        ("target: h", "streams: 2".to_owned(), "streams: this protocol carries one request at a time"),
    ] {
        let problems = refused(&text(file, &keys));
        assert!(problems[0].contains(said), "{file} {keys}: {problems:?}");
        assert!(problems[0].starts_with(|c: char| c.is_ascii_digit()), "{problems:?}");
    }
    let wrong = Scenario::parse("test", &text("target: h", "tls: { cs: x }")).unwrap_err().to_string();
    assert!(
        wrong.contains("unknown key \"cs\" (did you mean \"ca\"?); keys here: ca, verify, server_name, cert, key"),
        "{wrong}"
    );
    let wrong = Scenario::parse("test", &text("target: h", "tls: maybe")).unwrap_err().to_string();
    assert!(wrong.contains("expected true, false, or keys such as { ca: FILE }"), "{wrong}");
}

#[test]
fn files_are_looked_for_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.yaml");
    std::fs::write(&path, text("target: h", "tls: { ca: ca.pem }")).unwrap();
    let scenario = Scenario::read(&path, &|_| None).unwrap();
    let problems = Plan::new(&scenario, &Overrides::default(), &SYSTEM).unwrap_err().to_string();
    assert!(problems.contains(&format!("cannot read {}", folder.path().join("ca.pem").display())), "{problems}");
}

#[test]
fn streams_are_of_http2_alone_and_share_connections() {
    let one = |keys: &str| format!("target: h\nmix:\n- {{ name: a, rate: 100/s, http: {{ version: 2 }}, {keys} }}\n");
    for (keys, connections, streams) in [
        ("connection: pooled(4), streams: 10", "pooled(4)", 10),
        ("streams: 10", "pooled(10)", 10),
        ("", "pooled(64)", 1),
        ("connection: fresh", "fresh", 1),
    ] {
        let plan = plan(&one(keys));
        let operation = &plan.operations[0];
        assert_eq!(operation.protocol(), Protocol::Http2);
        assert_eq!(
            (operation.connection.to_string().as_str(), operation.streams.get()),
            (connections, streams),
            "{keys}"
        );
    }
    // Ports and descriptors are those of connections, however many requests they carry.
    assert_eq!(plan(&one("connection: pooled(4), streams: 10")).demand.endpoints[0].ports, 4);
    for (keys, said) in [
        ("streams: 0", "3:58 operation \"a\": streams: \"0\" is not a number of streams: 1 to 1000"),
        ("streams: 1001", "is not a number of streams"),
        ("connection: fresh, streams: 2", "connection: fresh has one request on each; leave one of them out"),
    ] {
        let problems = refused(&one(keys));
        assert!(problems[0].contains(said), "{keys}: {problems:?}");
    }
    let problems = refused("target: h\nmix:\n- name: a\n  rate: 1/s\n  http: { version: 3 }\n");
    assert_eq!(
        problems,
        ["5:20 operation \"a\": http.version: \"3\" is not a version of HTTP here; expected 1.1 or 2"]
    );
}

#[test]
fn each_version_has_the_faults_of_its_own() {
    let one = |version: &str, fault: &str| {
        format!("target: h\nmix:\n- {{ name: a, rate: 1/s, http: {{ version: {version}, fault: '{fault}' }} }}\n")
    };
    assert_eq!(plan(&one("2", "fault=h2rst(8)")).operations[0].call.http().unwrap().version, HttpVersion::Http2);
    assert!(refused(&one("1.1", "fault=h2rst(8)"))[0].contains("HTTP/1.1 has no h2rst"));
    assert!(refused(&one("2", "fault=empty"))[0].contains("HTTP/2 has no empty"));
    // RFC 9113, 8.2.2: no Connection field, which HTTP/1.1 needs to announce TE.
    let call = |version: &str| {
        let plan = plan(&one(version, "trailer=x-a:b&chunk=1&size=9"));
        let call = plan.operations[0].call.http().unwrap().clone();
        call.wire_headers().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(call("1.1"), ["x-cload-fault", "te", "connection"]);
    assert_eq!(call("2"), ["x-cload-fault", "te"]);
}
