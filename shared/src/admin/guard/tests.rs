//! Every refusal of the guard, and what it lets pass.

use std::io::Write as _;

use super::*;

const TOKEN: &str = "0123456789abcdef";
const LOOPBACK: &str = "127.0.0.1:9797";
const NETWORK: &str = "[::]:9797";

fn token() -> Option<Arc<Token>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(TOKEN.as_bytes()).unwrap();
    Some(Arc::new(Token::load(TARGET_TOKEN_FLAG, file.path()).unwrap()))
}

fn admin(token: Option<Arc<Token>>, bound: &str) -> ChangeGuard {
    ChangeGuard::admin(token, bound.parse().unwrap())
}

/// The code of the refusal, or nothing.
fn ask(guard: &ChangeGuard, fields: &[(&'static str, &str)]) -> &'static str {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().unwrap());
    }
    match guard.allows(&headers, IpAddr::from([127, 0, 0, 1])) {
        Ok(()) => "",
        Err(refusal) => {
            assert!(!refusal.reason().is_empty() && !refusal.expected().is_empty() && !refusal.field().is_empty());
            refusal.code()
        }
    }
}

#[test]
fn a_page_may_change_nothing() {
    let cases: [(&[(&str, &str)], &str); 14] = [
        (&[], ""),
        (&[("user-agent", "curl/8.5.0")], ""),
        (&[("user-agent", "Mozilla/5.0 (X11)")], "browser"),
        (&[("user-agent", "curl/8.5.0"), ("user-agent", "Mozilla/5.0")], "browser"),
        (&[("origin", "http://localhost:9797")], ""),
        (&[("origin", "https://LOCALHOST:9797")], ""),
        (&[("origin", "http://localhost")], "cross_origin"),
        (&[("origin", "http://localhost:9797.evil.example")], "cross_origin"),
        (&[("origin", "http://evil.example")], "cross_origin"),
        (&[("origin", "null")], "cross_origin"),
        (&[("origin", "http://localhost:9797"), ("origin", "http://evil.example")], "cross_origin"),
        (&[("sec-fetch-site", "same-origin")], ""),
        (&[("sec-fetch-site", "same-site")], "cross_origin"),
        (&[("sec-fetch-site", "cross-site")], "cross_origin"),
    ];
    for guard in [admin(None, LOOPBACK), ChangeGuard::traffic(None)] {
        for (fields, code) in cases {
            let fields: Vec<_> = [("host", "localhost:9797")].into_iter().chain(fields.iter().copied()).collect();
            assert_eq!(ask(&guard, &fields), code, "{fields:?}");
        }
    }
    assert_eq!(ask(&ChangeGuard::traffic(None), &[("origin", "http://")]), "cross_origin", "an empty host is nobody's");
}

#[test]
fn a_page_may_change_nothing_even_if_it_knows_the_token() {
    let guard = admin(token(), NETWORK);
    let known = ("authorization", "Bearer 0123456789abcdef");
    assert_eq!(ask(&guard, &[known]), "");
    assert_eq!(ask(&guard, &[known, ("user-agent", "Mozilla/5.0")]), "browser");
    assert_eq!(ask(&guard, &[known, ("origin", "http://evil.example")]), "cross_origin");
}

#[test]
fn a_listener_on_the_loopback_answers_to_no_name_but_its_own() {
    let good =
        ["localhost", "LOCALHOST:9797", "target.localhost:1", "127.0.0.1:9797", "[::1]:9797", "127.8.8.8", "[::1]"];
    let bad = [
        "",
        "evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "x@localhost",
        "localhost@evil",
        "127.1",
        "[x]",
        "a b",
    ];
    for bound in [LOOPBACK, "[::1]:9797", "[::ffff:127.0.0.1]:9797", "127.8.8.8:1"] {
        let guard = admin(None, bound);
        for host in good {
            assert_eq!(ask(&guard, &[("host", host)]), "", "{bound} {host}");
        }
        for host in bad {
            assert_eq!(ask(&guard, &[("host", host)]), "foreign_host", "{bound} {host}");
        }
        assert_eq!(ask(&guard, &[]), "foreign_host", "{bound}");
        assert_eq!(ask(&guard, &[("host", "localhost"), ("host", "localhost")]), "foreign_host", "{bound}");
    }
    // Behind a Service any name may lead here, and a token is needed anyway.
    let known = ("authorization", "Bearer 0123456789abcdef");
    assert_eq!(ask(&admin(token(), NETWORK), &[("host", "target.load.svc:9797"), known]), "");
}

#[test]
fn the_token_is_asked_for_wherever_one_is_configured() {
    let cases: [(&[&str], &str); 9] = [
        (&[], "no_token"),
        (&["Bearer 0123456789abcdef"], ""),
        (&["bearer  0123456789abcdef "], ""),
        (&["Bearer 0123456789abcdeX"], "wrong_token"),
        (&["Bearer "], "no_token"),
        (&["Bearer"], "no_token"),
        (&["Basic 0123456789abcdef"], "no_token"),
        (&["0123456789abcdef"], "no_token"),
        (&["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"], "no_token"),
    ];
    for guard in [admin(token(), LOOPBACK), admin(token(), NETWORK), ChangeGuard::traffic(token())] {
        for (values, code) in cases {
            let fields = values.iter().map(|value| ("authorization", *value));
            let fields: Vec<_> = fields.chain([("host", "localhost")]).collect();
            assert_eq!(ask(&guard, &fields), code, "{values:?}");
        }
    }
}

#[test]
fn without_a_token_the_network_changes_nothing() {
    for bound in [NETWORK, "[fe80::7]:9797"] {
        assert_eq!(ask(&admin(None, bound), &[("host", "localhost")]), "no_token_configured", "{bound}");
    }
    assert!(Refusal::Unguarded.expected().contains("--admin-token-file"));
}

#[test]
fn a_run_is_changed_by_nobody_without_a_token_wherever_he_is() {
    let closed = ChangeGuard::control(None);
    let known = ("authorization", "Bearer 0123456789abcdef");
    assert_eq!(ask(&closed, &[("host", "localhost"), known]), "no_token_configured");
    assert!(Refusal::Closed.expected().contains("--api-token-file"));
    let guard = ChangeGuard::control(token());
    assert_eq!(ask(&guard, &[known]), "");
    assert_eq!(ask(&guard, &[("host", "anything.example"), known]), "");
    assert_eq!(ask(&guard, &[]), "no_token");
    assert_eq!(ask(&guard, &[known, ("user-agent", "Mozilla/5.0")]), "browser");
    let refusal = guard.allows(&HeaderMap::new(), IpAddr::from([127, 0, 0, 1])).unwrap_err();
    assert!(refusal.expected().contains("--api-token-file"), "{refusal:?}");
}

#[test]
fn a_token_would_help_or_it_would_not() {
    for refusal in [Refusal::NoToken(TARGET_TOKEN_FLAG), Refusal::WrongToken(TARGET_TOKEN_FLAG)] {
        assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED);
    }
    for refusal in [
        Refusal::Browser,
        Refusal::CrossOrigin(String::new()),
        Refusal::Host(String::new()),
        Refusal::Unguarded,
        Refusal::Closed,
    ] {
        assert_eq!(refusal.status(), StatusCode::FORBIDDEN);
    }
}
