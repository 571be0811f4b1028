//! Hosts and ports as people write them.

use super::*;

#[test]
fn an_address_is_a_host_and_perhaps_a_port() {
    for (text, host, port) in [
        ("target-server", "target-server", None),
        ("Target.Example.", "target.example.", None),
        ("target-server:80", "target-server", Some(80)),
        ("http://target-server:80", "target-server", Some(80)),
        ("http://target-server/", "target-server", None),
        ("127.0.0.1", "127.0.0.1", None),
        ("127.0.0.1:65535", "127.0.0.1", Some(65_535)),
        ("[::1]", "[::1]", None),
        ("[2001:DB8::1]:8080", "[2001:db8::1]", Some(8_080)),
        ("_srv.my_host", "_srv.my_host", None),
    ] {
        let address: Address = text.parse().unwrap();
        assert_eq!((address.host.to_string().as_str(), address.port), (host, port), "{text}");
        let endpoint = address.endpoint(9_898);
        assert_eq!(endpoint.to_string(), format!("{host}:{}", port.unwrap_or(9_898)));
        // What is printed reads as the same place.
        let again: Address = endpoint.to_string().parse().unwrap();
        assert_eq!(again.endpoint(1), endpoint);
    }
}

#[test]
fn what_is_no_address_is_refused_with_what_would_be() {
    let long_label = "a".repeat(64);
    let long_name = format!("{}a", "a.".repeat(127));
    for (text, key_words) in [
        ("", "not a host"),
        (":80", "not a host"),
        ("a b", "not a host"),
        ("-a", "not a host"),
        ("a..b", "not a host"),
        ("1.2.3", "not a host"),
        ("256.1.1.1", "not a host"),
        (long_label.as_str(), "not a host"),
        (long_name.as_str(), "not a host"),
        ("host:", "\"\" is not a port: 1 to 65535"),
        ("host:0", "\"0\" is not a port"),
        ("host:+80", "\"+80\" is not a port"),
        ("host:65536", "\"65536\" is not a port"),
        ("::1", "an IPv6 address goes in brackets: [::1]"),
        ("[::1", "\"[\" without \"]\""),
        ("[::g]", "\"::g\" is not an IPv6 address"),
        ("[::1]80", "write [::1]:port"),
        ("ftp://host", "scheme \"ftp\" is not supported by this version: http, https"),
        ("https://host/path", "write it as path of the operation"),
        ("http://host/path", "write it as path of the operation"),
        ("host/path", "write it as path of the operation"),
    ] {
        let error = text.parse::<Address>().unwrap_err().to_string();
        assert!(error.contains(key_words), "{text}: {error}");
    }
}

#[test]
fn loopback_is_told_by_the_text() {
    for (text, is_loopback) in [
        ("127.0.0.1", true),
        ("127.8.9.1", true),
        ("[::1]", true),
        ("localhost", true),
        ("LocalHost.", true),
        ("x.localhost", true),
        ("10.0.0.1", false),
        ("[::2]", false),
        ("notlocalhost", false),
        ("localhost.example", false),
    ] {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.endpoint(1).is_loopback(), is_loopback, "{text}");
    }
}
