//! Every matcher, alone.

use super::*;

fn strikes(matches: Value, fault: &str, facts: &Facts<'_>) -> bool {
    let rules = rules();
    rules.put(written(json!({ "match": matches, "fault": fault }))).unwrap();
    rules.strike(facts, || "k", 0).is_some()
}

#[test]
fn http_is_matched_by_all_that_is_named() {
    let mut headers = HeaderMap::new();
    headers.append("x-tenant", "blue".parse().unwrap());
    headers.append("x-tenant", "green".parse().unwrap());
    let facts = http(Protocol::Http, "POST", "/api/cart/7", Some("Shop.Example:80"), &headers);
    for (matches, holds) in [
        (json!({}), true),
        (json!({ "path": "/api/cart/7" }), true),
        (json!({ "path": "/api/cart" }), false),
        (json!({ "path": "/api/*" }), true),
        (json!({ "path": "re:/api/[a-z]+/[0-9]+" }), true),
        (json!({ "path": "re:/api/[a-z]+" }), false),
        (json!({ "method": "POST" }), true),
        (json!({ "method": ["GET", "HEAD"] }), false),
        (json!({ "host": "shop.example" }), true),
        (json!({ "host": "*.example" }), true),
        (json!({ "host": "*.test" }), false),
        (json!({ "headers": { "X-Tenant": "green" } }), true),
        (json!({ "headers": { "x-tenant": "red" } }), false),
        (json!({ "headers": { "x-tenant": "*" } }), true),
        (json!({ "headers": { "x-other": "*" } }), false),
        (json!({ "source": "127.0.0.0/8" }), true),
        (json!({ "source": ["127.1.0.0/16", "127.0.0.1/32"] }), true),
        (json!({ "source": "127.1.0.0/16" }), false),
        (json!({ "path": "/api/*", "method": "POST", "host": "shop.example", "source": "127.0.0.0/8" }), true),
        (json!({ "path": "/api/*", "method": "GET", "host": "shop.example" }), false),
    ] {
        let mut all = matches.clone();
        all["protocol"] = json!(["http", "http2"]);
        assert_eq!(strikes(all.clone(), "status=503", &facts), holds, "{matches}");
        let two = Facts { protocol: Protocol::Http2, ..facts };
        assert_eq!(strikes(all, "status=503", &two), holds, "{matches} over HTTP/2");
    }
    let no_host = http(Protocol::Http, "GET", "/", None, &headers);
    assert!(!strikes(json!({ "protocol": "http", "host": "*.example" }), "status=503", &no_host));
}

#[test]
fn grpc_is_matched_by_method_and_metadata() {
    let mut headers = HeaderMap::new();
    headers.insert("x-tenant", "blue".parse().unwrap());
    let detail = Detail::Grpc { method: "shop.v1.Cart/Add", headers: &headers };
    let facts = Facts { protocol: Protocol::Grpc, client: [127, 0, 0, 1].into(), detail };
    for (matches, holds) in [
        (json!({}), true),
        (json!({ "grpc_method": "shop.v1.Cart/Add" }), true),
        (json!({ "grpc_method": "shop.v1.Cart/*" }), true),
        (json!({ "grpc_method": "shop.v2.*" }), false),
        (json!({ "grpc_method": "re:.*/(Add|Remove)" }), true),
        (json!({ "headers": { "x-tenant": "blue" } }), true),
        (json!({ "headers": { "x-tenant": "red" } }), false),
    ] {
        let mut all = matches.clone();
        all["protocol"] = json!("grpc");
        assert_eq!(strikes(all, "status=UNAVAILABLE", &facts), holds, "{matches}");
    }
}

#[test]
fn dns_is_matched_by_name_and_type() {
    let detail = Detail::Dns { name: "a.b.shop.test", kind: "AAAA" };
    let facts = Facts { protocol: Protocol::DnsUdp, client: [127, 0, 0, 1].into(), detail };
    for (matches, holds) in [
        (json!({}), true),
        (json!({ "dns_name": "a.b.shop.test" }), true),
        (json!({ "dns_name": "A.B.Shop.Test." }), true),
        (json!({ "dns_name": "*.shop.test" }), true),
        (json!({ "dns_name": "shop.test" }), false),
        (json!({ "dns_name": "a.*.test" }), true),
        (json!({ "dns_type": "aaaa" }), true),
        (json!({ "dns_type": ["A", "TXT"] }), false),
    ] {
        let mut all = matches.clone();
        all["protocol"] = json!(["dns_udp", "dns_tcp"]);
        assert_eq!(strikes(all.clone(), "rcode=SERVFAIL", &facts), holds, "{matches}");
        let tcp = Facts { protocol: Protocol::DnsTcp, ..facts };
        assert_eq!(strikes(all, "rcode=SERVFAIL", &tcp), holds, "{matches} over TCP");
    }
}

#[test]
fn a_rule_strikes_its_protocols_only() {
    let echo = |protocol| Facts { protocol, client: [127, 0, 0, 1].into(), detail: Detail::Echo };
    for (named, on_tcp, on_udp, on_http) in [
        (json!("tcp"), true, false, false),
        (json!(["tcp", "udp"]), true, true, false),
        (json!("*"), true, true, true),
        (json!("http"), false, false, true),
    ] {
        let matches = json!({ "protocol": named });
        assert_eq!(strikes(matches.clone(), "delay=1s", &echo(Protocol::Tcp)), on_tcp, "{named}");
        assert_eq!(strikes(matches.clone(), "delay=1s", &echo(Protocol::Udp)), on_udp, "{named}");
        assert_eq!(strikes(matches, "delay=1s", &plain()), on_http, "{named}");
    }
}

#[test]
fn the_highest_priority_decides_then_the_oldest_and_nobody_is_asked_after_it() {
    let rules = rules();
    rules.put(written(json!({ "id": "b", "fault": "status=501" }))).unwrap();
    rules.put(written(json!({ "id": "a", "fault": "status=502" }))).unwrap();
    assert_eq!(fate(&rules, "k").as_deref(), Some("status=501"), "the older of two equals");
    rules.put(written(json!({ "id": "b", "fault": "status=504" }))).unwrap();
    assert_eq!(fate(&rules, "k").as_deref(), Some("status=504"), "a rule that is replaced keeps its place");
    rules.put(written(json!({ "id": "c", "fault": "status=505", "priority": 101 }))).unwrap();
    assert_eq!(fate(&rules, "k").as_deref(), Some("status=505"));
    rules.put(written(json!({ "id": "d", "priority": 102, "percent": 0 }))).unwrap();
    assert_eq!(fate(&rules, "k"), None, "the first that matches said no");
    rules.put(written(json!({ "id": "d", "priority": 102, "match": { "protocol": "http", "path": "/x" } }))).unwrap();
    assert_eq!(fate(&rules, "k").as_deref(), Some("status=505"), "one that does not match says nothing");
    let listed: Vec<Option<String>> = rules.list(None, None).faults.into_iter().map(|view| view.rule.id).collect();
    assert_eq!(listed, ["d", "c", "b", "a"].map(|id| Some(id.to_owned())));
}
