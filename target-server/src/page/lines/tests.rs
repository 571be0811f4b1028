//! Lines as a table; that they do what they say is for tests with the real clients.

use proptest::prelude::*;

use super::*;

const PORTS: [(&str, u16); 6] =
    [("http", 9898), ("grpc", 9999), ("tcp", 9007), ("udp", 9007), ("dns", 1053), ("admin", 9797)];

fn lines_on(fault: &str, host: &str, ports: &[(&'static str, u16)], slowest: Duration) -> Vec<Line> {
    let fault = Fault::parse(fault, Separator::Ampersand).unwrap();
    let zone = Zone::default();
    let site = Site {
        root: format!("http://{host}:9898/"),
        host: host.trim_matches(['[', ']']).to_owned(),
        is_secured: false,
        ports,
        zone: &zone,
    };
    of(&fault, &site, &Limits::default(), slowest)
}

fn line(lines: &[Line], carrier: &str) -> String {
    let line = lines.iter().find(|line| line.carrier == carrier).unwrap();
    line.text.clone().unwrap_or_else(|| format!("({})", line.refused.as_ref().unwrap()))
}

#[test]
fn each_carrier_has_its_own_words() {
    for (fault, carrier, expected) in [
        ("status=503:5&delay=20ms", "query", "http://127.0.0.1:9898/?status=503:5&delay=20ms"),
        ("status=503:5&delay=20ms", "header", "x-cload-fault: status=503:5; delay=20ms"),
        ("status=503:5", "curl", "curl -i 'http://127.0.0.1:9898/?status=503:5'"),
        ("status=503", "curl2", "curl -i --http2-prior-knowledge 'http://127.0.0.1:9898/?status=503'"),
        (
            "size=1KiB&gzip=true",
            "curl",
            "curl -sS -D - -o /dev/null --compressed 'http://127.0.0.1:9898/?size=1KiB&gzip=true'",
        ),
        ("trailer=a:b", "curl", "curl -i -H 'te: trailers' 'http://127.0.0.1:9898/?trailer=a:b'"),
        ("read=none", "curl", "curl -i -d hello 'http://127.0.0.1:9898/?read=none'"),
        ("fault=badchunk&size=9", "curl2", "(HTTP/2 has no badchunk; expected badchunk on HTTP/1.1 only)"),
        ("fault=badchunk&size=9", "query", "http://127.0.0.1:9898/?size=9&fault=badchunk"),
        ("status=503", "grpcurl", "(gRPC has no 503; expected 503 on HTTP/1.1, HTTP/2 only)"),
        (
            "status=UNAVAILABLE&msg=it's",
            "grpcurl",
            "grpcurl -plaintext -H 'x-cload-fault: status=UNAVAILABLE; msg=it'\\''s' -d '{}' 127.0.0.1:9999 cload.v1.Target/Unary",
        ),
        (
            "count=3",
            "grpcurl",
            "grpcurl -plaintext -H 'x-cload-fault: count=3' -d '{}' 127.0.0.1:9999 cload.v1.Target/ServerStream",
        ),
        ("delay=1ms", "nc", "printf '%s\\n' 'CL/1 delay=1ms' hello | nc -N 127.0.0.1 9007"),
        (
            "bytes=5&mode=upper",
            "nc",
            "{ printf '%s\\n' 'CL/1 mode=upper bytes=5'; head -c 5 /dev/zero; } | nc -N 127.0.0.1 9007",
        ),
        ("loss=5", "nc-u", "env printf '%-120s\\n%s' 'CL/1 loss=true:5' hello | nc -u -w 2 127.0.0.1 9007"),
        ("size=500", "nc-u", "env printf '%-120s\\n%0500d' 'CL/1 size=500' 0 | nc -u -w 2 127.0.0.1 9007"),
        ("size=1..500&p=1", "nc-u", "env printf '%-120s\\n%0"),
        (
            "size=4KiB",
            "nc-u",
            "(an answer is no longer than its question, and no line of a shell sends one as long as 4096 bytes; expected a size of at most 3072)",
        ),
        (
            "rcode=SERVFAIL:10&delay=20ms",
            "dig",
            "dig +tries=1 -p 1053 @127.0.0.1 \"x$(date +%s).d20ms.rcsrv-p10.f.cload.test.\" A",
        ),
        ("answer=who", "dig", "dig +tries=1 -p 1053 @127.0.0.1 \"x$(date +%s).who.f.cload.test.\" TXT"),
        (
            "addr=2001:db8::1&over=tcp",
            "dig",
            "dig +tcp +tries=1 -p 1053 @127.0.0.1 \"x$(date +%s).ip6-20010db8000000000000000000000001.tcp.f.cload.test.\" AAAA",
        ),
        (
            "delay=exp(1ms,max=2s)",
            "dig",
            &format!(
                "dig +tries=1 -p 1053 @127.0.0.1 ok.cload.test. A +ednsopt=65001:{}",
                hex("delay=exp(1ms,max=2s)")
            ),
        ),
        ("rcode=SERVFAIL", "curl", "(HTTP/1.1 has no rcode; expected rcode on DNS only)"),
        ("header=a:%22b%22", "scenario", "fault: \"header=a:%22b%22\""),
    ] {
        let got = line(&lines_on(fault, "127.0.0.1", &PORTS, Duration::ZERO), carrier);
        let is_right = if fault.contains("..") { got.starts_with(expected) } else { got == expected };
        assert!(is_right, "{fault}, {carrier}:\n wanted {expected}\n got    {got}");
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn who_waits_waits_long_enough() {
    let lines = lines_on("delay=20s", "127.0.0.1", &PORTS, Duration::from_secs(20));
    assert!(line(&lines, "nc-u").contains(" -w 22 "), "{lines:?}");
    assert!(line(&lines, "dig").contains(" +timeout=22 "), "{lines:?}");
}

#[test]
fn a_listener_that_is_off_and_an_address_with_colons_have_their_lines() {
    let lines = lines_on("delay=1ms", "[::1]", &PORTS[..1], Duration::ZERO);
    assert_eq!(line(&lines, "nc"), "(this target does not listen for it: --tcp-address is off)");
    assert_eq!(line(&lines, "dig"), "(this target does not listen for it: --dns-address is off)");
    let lines = lines_on("delay=1ms", "[::1]", &PORTS, Duration::ZERO);
    assert_eq!(line(&lines, "nc"), "printf '%s\\n' 'CL/1 delay=1ms' hello | nc -N ::1 9007");
    assert!(line(&lines, "grpcurl").contains(" '[::1]:9999' "), "{lines:?}");
    assert!(line(&lines, "dig").contains(" @::1 "), "{lines:?}");
    assert_eq!(lines_on("", "127.0.0.1", &PORTS, Duration::ZERO), []);
}

/// What a shell makes of one quoted word: no expansion, no second word.
fn unquoted(word: &str) -> String {
    let (mut text, mut is_inside, mut chars) = (String::new(), false, word.chars());
    while let Some(c) = chars.next() {
        match c {
            '\'' => is_inside = !is_inside,
            '\\' if !is_inside => text.extend(chars.next()),
            c => {
                assert!(is_inside || c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c), "{word}");
                text.push(c);
            }
        }
    }
    assert!(!is_inside, "{word}");
    text
}

proptest! {
    #[test]
    fn a_shell_sees_the_text_and_nothing_but_it(text in ".*") {
        prop_assert_eq!(unquoted(&quoted(&text)), text);
    }
}
