//! What is refused, by name; what is shown of what is not.

use super::*;

/// The rule that `changes` make, or what is wrong with it.
fn read(changes: Value) -> Result<View, Vec<Wrong>> {
    match rules().put(written(changes)) {
        Ok((_, view)) => Ok(view),
        Err(Refused::Invalid(wrong)) => Err(wrong),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_is_wrong_is_named_with_what_would_be_right() {
    let long = "x".repeat(300);
    for (changes, field, says) in [
        (json!({ "id": null }), "id", "1 to 64 of"),
        (json!({ "id": "Checkout" }), "id", "\"Checkout\" is no id of a rule"),
        (json!({ "id": "-x" }), "id", "beginning with a letter or a digit"),
        (json!({ "owner": "" }), "owner", "1 to 128 bytes"),
        (json!({ "owner": "a\nb" }), "owner", "control characters"),
        (json!({ "owner": "flags" }), "owner", "stands for the command line"),
        (json!({ "reason": long }), "reason", "1 to 256 bytes"),
        (json!({ "ttl": null }), "ttl", "expected 1s to 1h"),
        (json!({ "ttl": "60" }), "ttl", "\"60\" has no unit"),
        (json!({ "ttl": "999ms" }), "ttl", "out of range; expected 1s to 1h"),
        (json!({ "ttl": "2h" }), "ttl", "out of range; expected 1s to 1h"),
        (json!({ "start_after": "1m" }), "start_after", "end before it begins"),
        (json!({ "start_after": "x" }), "start_after", "not a duration"),
        (json!({ "priority": 1001 }), "priority", "0 to 1000"),
        (json!({ "priority": -1 }), "priority", "0 to 1000"),
        (json!({ "percent": 100.1 }), "percent", "over 100"),
        (json!({ "percent": -1 }), "percent", "0 to 100"),
        (json!({ "percent": 0.00001 }), "percent", "at most 4 decimals"),
        (json!({ "percent": 5, "every": 2 }), "percent", "one of the two"),
        (json!({ "every": 0 }), "every", "1 or more"),
        (json!({ "every": 3, "offset": 3 }), "offset", "0 to 2"),
        (json!({ "offset": 1 }), "offset", "every with offset"),
        (json!({ "max_hits": 0 }), "max_hits", "1 or more"),
        (json!({ "percent": 5, "ramp": { "from": 6, "over": "1m" } }), "ramp.from", "0 to 5"),
        (json!({ "ramp": { "from": 101, "over": "1m" } }), "ramp.from", "over 100"),
        (json!({ "ramp": { "from": 0, "over": "10ms" } }), "ramp.over", "1s or more"),
        (json!({ "every": 2, "ramp": { "from": 0, "over": "1m" } }), "ramp", "a ramp of percent"),
        (json!({ "fault": null }), "fault", "asks for nothing"),
        (json!({ "fault": "size=1MiB" }), "fault", "nothing of it makes an answer worse; expected one of the effects"),
        (json!({ "fault": "header=x:y&gzip=true" }), "fault", "nothing of it makes"),
        (json!({ "fault": "status=204" }), "fault", "a status of 400 or more"),
        (json!({ "fault": "delay=0s&size=10" }), "fault", "nothing of it makes"),
        (json!({ "fault": "p=0&status=503" }), "fault", "nothing of it makes"),
        (json!({ "fault": "status=14" }), "fault", "HTTP/1.1 has no UNAVAILABLE"),
        (json!({ "fault": "stauts=503" }), "fault", "stauts"),
        (json!({ "fault": "status=503&seed=1" }), "fault", "the field seed"),
        (json!({ "fault": "status=503&id=x" }), "fault", "one fate"),
        (json!({ "fault": "delay=61s" }), "fault", "at most 1m"),
        (json!({ "match": null }), "match.protocol", "\"*\", or one or more of http, http2"),
        (json!({ "match": { "protocol": [] } }), "match.protocol", "missing"),
        (json!({ "match": { "protocol": "smtp" } }), "match.protocol", "\"smtp\" is no protocol"),
        (json!({ "match": { "protocol": "*" } }), "fault", "gRPC has no 503"),
        (json!({ "match": { "protocol": ["http", "tcp"] }, "fault": "status=503" }), "fault", "TCP has no status"),
        (json!({ "match": { "protocol": "tcp" }, "fault": "bytes=5&delay=1s" }), "fault", "up to the client"),
        (json!({ "match": { "protocol": "tcp" }, "fault": "ack=0&delay=1s" }), "fault", "up to the client"),
        (json!({ "match": { "protocol": "http", "path": "api" } }), "match.path", "begins with /"),
        (json!({ "match": { "protocol": "http", "path": "re:(" } }), "match.path", "unclosed group"),
        (json!({ "match": { "protocol": "http", "path": "" } }), "match.path", "1 to 512"),
        (json!({ "match": { "protocol": "http", "method": "get" } }), "match.method", "upper case"),
        (json!({ "match": { "protocol": "http", "method": [] } }), "match.method", "1 to 32"),
        (json!({ "match": { "protocol": "http", "host": "a:80" } }), "match.host", "without a port"),
        (json!({ "match": { "protocol": "http", "headers": {} } }), "match.headers", "1 to 32"),
        (json!({ "match": { "protocol": "http", "headers": { "a b": "c" } } }), "match.headers", "no field name"),
        (json!({ "match": { "protocol": "http", "headers": { "a": "c\n" } } }), "match.headers", "no field value"),
        (
            json!({ "match": { "protocol": "http", "source": "127.0.0.1" } }),
            "match.source",
            "\"127.0.0.1\" is no network",
        ),
        (
            json!({ "match": { "protocol": "http", "grpc_method": "a/b" } }),
            "match.grpc_method",
            "match.protocol of grpc only",
        ),
        (json!({ "match": { "protocol": "http", "dns_name": "a.b" } }), "match.dns_name", "dns_udp, dns_tcp only"),
        (json!({ "match": { "protocol": "http", "dns_type": "A" } }), "match.dns_type", "dns_udp, dns_tcp only"),
        (
            json!({ "match": { "protocol": ["http", "grpc"], "path": "/" }, "fault": "delay=1s" }),
            "match.path",
            "no such thing on grpc",
        ),
        (json!({ "match": { "protocol": "tcp", "method": "GET" }, "fault": "delay=1s" }), "match.method", "on tcp"),
        (json!({ "match": { "protocol": "udp", "host": "a" }, "fault": "delay=1s" }), "match.host", "on udp"),
        (
            json!({ "match": { "protocol": "dns_tcp", "headers": { "a": "*" } }, "fault": "delay=1s" }),
            "match.headers",
            "http, http2, grpc only",
        ),
        (
            json!({ "match": { "protocol": "grpc", "grpc_method": "/a.B/C" }, "fault": "delay=1s" }),
            "match.grpc_method",
            "without a / before it",
        ),
        (
            json!({ "match": { "protocol": "dns_udp", "dns_type": "AAAAA" }, "fault": "delay=1s" }),
            "match.dns_type",
            "\"AAAAA\" is no DNS type",
        ),
    ] {
        let wrong = read(changes.clone()).expect_err(&changes.to_string());
        let named = wrong.iter().any(|wrong| wrong.field == field && wrong.to_string().contains(says));
        assert!(named, "{changes}: {wrong:#?}");
        assert!(wrong.iter().all(|wrong| wrong.field == field), "nothing else is wrong with {changes}: {wrong:#?}");
    }
}

#[test]
fn a_fault_may_shape_what_it_makes_worse() {
    for fault in ["delay=1ms&size=10", "status=204,503:1", "rate=1KiB&header=x:y", "size=10&fault=reset:1"] {
        assert!(read(json!({ "fault": fault })).is_ok(), "{fault}");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let fields: Vec<String> = read(json!({ "ttl": "0s", "priority": 5000, "fault": "status=x&delay=5" }))
        .unwrap_err()
        .into_iter()
        .map(|wrong| wrong.field)
        .collect();
    assert_eq!(fields, ["ttl", "priority", "fault", "fault"]);
}

#[test]
fn fields_that_do_not_exist_are_no_rule() {
    for text in [
        r#"{ "ttl": "1m", "fautl": "status=503" }"#,
        r#"{ "match": { "protokol": "http" } }"#,
        r#"{ "ramp": { "from": 0, "over": "1m", "to": 5 } }"#,
        r#"{ "percent": "25" }"#,
        r#"{ "max_hits": -1 }"#,
    ] {
        assert!(serde_json::from_str::<Written>(text).is_err(), "{text}");
    }
}

#[test]
fn a_rule_is_shown_with_its_defaults_in_one_spelling() {
    let rule = json!({
        "ttl": "60s", "owner": "ctk", "percent": 25.0,
        "match": { "protocol": ["http2", "http"], "host": "Shop.Example", "method": "GET" },
        "fault": "delay=0.02s..80ms&status=503:50",
    });
    let shown = serde_json::to_value(read(rule).unwrap()).unwrap();
    for (field, value) in [
        ("id", json!("one")),
        ("ttl", json!("1m")),
        ("start_after", json!("0s")),
        ("priority", json!(100)),
        ("percent", json!(25)),
        ("override_request", json!(false)),
        ("fault", json!("status=503:50&delay=20ms..80ms")),
        ("match", json!({ "protocol": ["http", "http2"], "host": "shop.example", "method": ["GET"] })),
        ("state", json!("active")),
        ("source", json!("rule")),
        ("hits", json!(0)),
        ("revision", json!(1)),
    ] {
        assert_eq!(shown[field], value, "{field} of {shown}");
    }
    assert!(shown.get("every").is_none() && shown.get("ended_by").is_none());
    assert!(shown["expires_at"].as_str().unwrap() > shown["created_at"].as_str().unwrap());
}

#[test]
fn a_preview_says_what_would_happen() {
    let rules = rules();
    let rule = |changes| rules.validate(&written(changes)).unwrap();
    let preview = rule(
        json!({ "percent": 20, "fault": "p=50&status=503:10,404:20,204:5&delay=20ms..80ms&fault=reset:1,hang:2" }),
    );
    for (effect, rate) in [("status", 0.03), ("delay", 0.1), ("reset", 0.001), ("hang", 0.002)] {
        assert!((preview.rates[effect] - rate).abs() < 1e-9, "{effect}: {:?}", preview.rates);
    }
    assert_eq!((preview.rates.len(), preview.protocols), (4, vec!["http"]));
    let delay = preview.delay.unwrap();
    assert!((0.048..0.052).contains(&delay.mean_seconds) && (0.078..0.08).contains(&delay.p99_seconds), "{delay:?}");
    let preview = rule(json!({ "every": 4, "id": null }));
    assert_eq!((preview.rates["status"], preview.delay), (0.25, None));
    assert!(rules.validate(&written(json!({ "ttl": null }))).is_err());
    assert!(rules.is_empty() && rules.list(None, None).faults.is_empty(), "nothing was installed");
}
