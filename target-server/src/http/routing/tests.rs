//! Paths, prefixes and methods.

use http::Request;

use super::*;

fn parts(method: &str, target: &str, fields: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn said(routing: &Routing, parts: &Parts) -> String {
    match routing.way(parts) {
        Way::Echo => "echo".into(),
        Way::Own(routed) => format!("{} {}", routed.route.label(parts.method.as_str()), routed.path),
        Way::Nowhere(plain) => {
            let more = plain.headers.get(LOCATION).or_else(|| plain.headers.get(ALLOW));
            let more = more.map_or("", |value| value.to_str().unwrap());
            format!("{} {more}", plain.status.as_u16()).trim_end().into()
        }
    }
}

fn routing(prefix: &str, compat: Compat) -> Routing {
    Routing::new(prefix, compat)
}

const SIGNED: &[(&str, &str)] = &[("x-cload", "source=a/b;op=c;id=abcdefgh.1")];
const FAULTED: &[(&str, &str)] = &[("x-cload-fault", "delay=1ms")];

#[test]
fn strangers_get_podinfos_answers_and_speakers_get_one_on_every_path() {
    let podinfo = routing("", Compat::Podinfo);
    for (method, target, fields, expected) in [
        ("GET", "/", &[][..], "root /"),
        ("POST", "/", &[], "405 GET, HEAD"),
        ("GET", "/nowhere", &[], "404"),
        ("GET", "/version", &[], "version /version"),
        ("GET", "/version/", &[], "404"),
        ("HEAD", "/version", &[], "version /version"),
        ("POST", "/version", &[], "405 GET, HEAD"),
        ("GET", "/%76ersion", &[], "version /version"),
        ("GET", "//version", &[], "301 /version"),
        ("GET", "/a/../version?x=1", &[], "301 /version?x=1"),
        ("GET", "/store/%2e%2e%2fx", &[], "301 /x"),
        ("FOO", "/echo", &[], "echo /echo"),
        ("DELETE", "/status/200", &[], "405 GET, POST, PUT, HEAD"),
        ("GET", "/status/abc", &[], "404"),
        ("GET", "/?status=503", &[], "echo"),
        ("POST", "/nowhere?delay=1ms", &[], "echo"),
        ("GET", "/version?delay=1ms", &[], "version /version"),
        ("GET", "/?utm_source=a", &[], "root /"),
        ("GET", "/nowhere?x=1", &[], "404"),
        ("GET", "/?staus=503", &[], "echo"),
        ("GET", "/readyz/disable?delay=1ms", &[], "405 POST"),
        ("GET", "/store", SIGNED, "405 POST, PUT"),
        ("GET", "//%5Cevil.test/", &[], "301 /%5Cevil.test/"),
        ("POST", "/", SIGNED, "echo"),
        ("POST", "/nowhere", SIGNED, "echo"),
        ("POST", "//nowhere", SIGNED, "echo"),
        ("PATCH", "/status/200", SIGNED, "status /status/200"),
        ("GET", "/nowhere", FAULTED, "echo"),
    ] {
        assert_eq!(said(&podinfo, &parts(method, target, fields)), expected, "{method} {target}");
    }
}

#[test]
fn without_podinfo_only_the_language_has_paths() {
    let none = routing("", Compat::None);
    for (target, expected) in
        [("/", "echo"), ("/version", "echo"), ("//a", "echo"), ("/status/503", "status /status/503")]
    {
        assert_eq!(said(&none, &parts("POST", target, &[])), expected, "{target}");
    }
}

#[test]
fn a_prefix_moves_every_endpoint() {
    let moved = routing("/foo", Compat::Podinfo);
    for (target, expected) in [
        ("/foo", "root /"),
        ("/foo/", "root /"),
        ("/foo/version", "version /version"),
        ("/foobar", "404"),
        ("/version", "404"),
        ("/healthz", "404"),
    ] {
        assert_eq!(said(&moved, &parts("GET", target, &[])), expected, "{target}");
    }
}

proptest::proptest! {
    #[test]
    fn what_looks_clean_is(path in "/[/.a]{0,8}") {
        proptest::prop_assert!(may_be_unclean(&path) || clean(&path) == path);
    }
}
