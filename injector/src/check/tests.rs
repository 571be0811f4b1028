//! What `injector check` says of a plan, word for word.

use crate::plan::{Overrides, Plan};
use crate::preflight::{System, TimeWaitReuse};
use crate::scenario::Scenario;

use super::{COLUMNS, describe};

fn described(text: &str) -> String {
    let system =
        System { port_first: 32_768, port_last: 60_999, time_wait_reuse: TimeWaitReuse::Loopback, descriptors: 1_024 };
    let scenario = Scenario::parse("test.yaml", text).unwrap_or_else(|problems| panic!("{problems}"));
    describe(&Plan::new(&scenario, &Overrides::default(), &system).unwrap_or_else(|problems| panic!("{problems}")))
}

#[test]
fn a_scenario_is_told_in_words_and_numbers() {
    let text = "target: far\nrate: 10/s\nmix:\n\
                - { name: plain, weight: 3, http: { body: hello } }\n\
                - { name: broken, weight: 1, connection: fresh, http: { fault: 'status=503:5&fault=reset:50&seed=7' } }\n\
                - { name: rare, rate: 1/m, http: { path: /x, fault: delay=100ms, expect: { status: [200, 504], size: any } } }\n";
    assert_eq!(
        described(text),
        "\
operations   3
rate         10.017/s in all
source       local/injector
seed         0
admin        far:9797
name server  the first of /etc/resolv.conf
max lag      1s
in flight    up to 12 if every request times out; limit 1024
descriptors  up to 76
local ports  up to 159 to far:9898

plain
  rate         7.5/s (74.88% of all): one every 133ms, the first after 0s
  connection   pooled: 8 kept, least recently used first
  keepalive    a connection that is silent for 10s is asked
  names        far, looked up for every new connection, and if there is none every 5s; its
               addresses are taken in turn
  timeout      1s
  request      POST http://far:9898/ with 5 bytes
  ends         answer
  status       200
  checked      status, size as asked, content byte by byte, id repeated
  content      38 bytes/s there, 38 bytes/s back, without heads

broken
  rate         2.5/s (24.96% of all): one every 400ms, the first after 133ms
  connection   fresh: 2.5/s new connections
  keepalive    a connection that is silent for 10s is asked
  names        far, looked up for every new connection; its addresses are taken in turn
  timeout      1s
  request      GET http://far:9898/
  asks         status=503:5; fault=reset:50; seed=7
  ends         answer 49.46%, reset 50.54% (of 10000 predicted)
  status       200 95%, 503 5%
  checked      status, size as asked, content byte by byte, id repeated

rare
  rate         1/m (0.17% of all): one every 1m, the first after 40s
  connection   pooled: 1 kept, least recently used first
  keepalive    a connection that is silent for 10s is asked
  names        far, looked up for every new connection, and if there is none every 5s; its
               addresses are taken in turn
  timeout      1s
  request      GET http://far:9898/x
  asks         delay=100ms; seed=17231637951676050166
  ends         answer
  status       200 or 504 (as the file says)
  delay        100ms
  checked      status, any size, any content, id repeated
"
    );
}

#[test]
fn a_distribution_is_shown_by_its_quantiles() {
    let text = described(
        "target: h\nrate: 1/s\ntimeout: 9s\nmix: [{ name: a, weight: 1, http: { fault: delay=20ms..40ms } }]",
    );
    let delay = text.lines().find_map(|line| line.trim().strip_prefix("delay")).unwrap();
    let numbers: Vec<f64> =
        delay.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|word| word.parse().ok()).collect();
    // p50 30ms, p90 38ms, p99 39.8ms, longest of 10000 40ms: uniform over 20..40.
    let [_, 50.0, p50, 90.0, p90, 99.0, p99, 10_000.0, longest] = numbers.as_slice() else { panic!("{delay}") };
    assert!((p50 - 30.0).abs() < 1.0 && (p90 - 38.0).abs() < 0.5 && (p99 - 39.8).abs() < 0.2, "{delay}");
    assert!(*longest <= 40.0 && *longest > 39.9, "{delay}");
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let path = "a".repeat(300);
    let fault = format!("header=a:{}b&status=503:5", "b%20".repeat(59));
    let text = described(&format!(
        "target: h\nrate: 1/s\nmix: [{{ name: a, weight: 1, http: {{ path: /{path}, fault: '{fault}', carrier: query }} }},\n\
         {{ name: b, weight: 1, http: {{ fault: '{fault}' }} }}]"
    ));
    assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
    let unbroken: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(unbroken.contains(&path) && unbroken.matches(&"b%20".repeat(59)).count() == 2, "{text}");
    for file in ["demo", "continuous"] {
        let path = format!("{}/../scenarios/{file}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = described(&std::fs::read_to_string(path).unwrap());
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
    }
}

#[test]
fn http2_and_tls_are_told_and_a_check_that_is_off_is_told_loudly() {
    let text = "target: https://far\ntls: { verify: false }\nmix:\n\
                - { name: a, rate: 100/s, connection: pooled(2), streams: 5, http: { version: 2, fault: 'fault=abort:50&size=1KiB' } }\n";
    let described = described(text);
    for line in [
        "connection   pooled: 2 kept, with up to 5 requests at once on each",
        "request      GET https://far:9899/ over HTTP/2",
        "tls          NOT VERIFIED: whoever answers is believed to be the target (verify: false)",
        "RST_STREAM(INTERNAL_ERROR)",
    ] {
        assert!(described.contains(line), "{line}:\n{described}");
    }
}

#[test]
fn a_rotating_connection_is_told_with_its_bounds() {
    for (connection, call, line) in [
        ("max_requests=100", "http: {}", "rotating: 10 kept, each closed after 80 to 100 requests"),
        ("max_age=5m, connections=2", "tcp: {}", "rotating: 2 kept, each closed after 4m to 5m"),
        (
            "max_requests=4, max_age=1m, connections=2",
            "streams: 3, http: { version: 2 }",
            "rotating: 2 kept, with up to 3 requests at once on each, each closed after 4 requests or 48s to 1m",
        ),
    ] {
        let connection = format!("connection: 'rotating({connection})'");
        let told = described(&format!("target: h\nmix: [{{ name: a, rate: 10/s, {connection}, {call} }}]\n"));
        let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(line), "{line}:\n{told}");
    }
}

#[test]
fn how_connections_find_their_way_is_told() {
    let of = |keys: &str| {
        let text = described(&format!("target: far\nrate: 1/s\nmix: [{{ name: a, weight: 1, {keys}, http: {{}} }}]"));
        // As one line, wherever it was broken.
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (keys, words) in [
        (
            "resolve: ttl",
            "far, looked up when its time to live is over; if that fails, the old answer is used and counted",
        ),
        (
            "resolve: interval(30s), select: random",
            "every 30s; if that fails, the old answer is used and counted; one of",
        ),
        ("resolve: once", "looked up once, at the start: what changes later is not seen"),
        ("select: all", "requests go to its addresses in turn, counted by address, each with connections as above"),
        ("source_addresses: 127.0.1.0/28", "from 16 source addresses in turn: 127.0.1.0/28 timeout"),
    ] {
        let text = of(keys);
        assert!(text.contains(words), "{keys}: {text}");
    }
    assert!(!of("target: 127.0.0.1").contains(" names "), "there is none");
    let common = "target: 127.0.0.1\nselect: all\nnameserver: 127.0.0.9\nrate: 1/s\nmix:\n- { name: a, weight: 1, keepalive: off, http: {} }\n\
                  - { name: b, weight: 1, keepalive: 7s, grpc: {} }\n- { name: c, weight: 1, udp: {} }\n";
    let text = described(common);
    let lines =
        |key: &str| text.lines().filter_map(|line| line.trim().strip_prefix(key)).map(str::trim).collect::<Vec<_>>();
    assert_eq!(lines("names"), ["none: 127.0.0.1 is an address; resolve and select have no effect"; 3]);
    assert_eq!(lines("name server"), ["127.0.0.9:53"]);
    assert_eq!(
        lines("keepalive"),
        ["off: a silent connection is never asked", "a connection that is silent for 7s is asked"]
    );
}

#[test]
fn phases_and_arrivals_are_told_in_words() {
    let text = "target: far\nrate: 10/s\nmix:\n\
                - { name: waves, weight: 3, arrival: \"poisson sine(50%, 10m)\", http: {} }\n\
                - { name: bursts, weight: 1, arrival: \"burst(25, 5ms)\", http: {} }\n\
                - { name: steps, rate: 1/m, arrival: \"steps(50%: 30s, 100%)\", http: {} }\n\
                phases:\n- { name: warmup, for: 30s, scale: 25% }\n- { name: main, for: 5m, rate: 20/s, gate: p(99) < 1s }\n\
                - { name: rest, scale: 0% }\n";
    let described = described(text);
    for line in [
        "phase        warmup: for 30s, at 25% of the rate (2.504/s in all)",
        "phase        main: for 5m, at 20/s (20.017/s in all); begins when p(99) < 1s holds, waited for at",
        "phase        rest: until told to stop, nothing is sent",
        "  rate         7.5/s (74.88% of all): at random, one every 133ms on average, at 100%; a wave up to",
        "               150% of it and down as much, every 600 s",
        "  rate         2.5/s (24.96% of all): 25 within 5ms, every 10s, the first after 133ms",
        "at 100%; 50% of it for 30 s,",
    ] {
        assert!(described.contains(line), "{line}\n{described}");
    }
}

#[test]
fn phases_are_told_in_numbers_with_what_they_come_to() {
    let text = "target: far\nrate: 10/s\nthresholds: ['p(99.9) < 1s']\nmix: [{ name: a, weight: 1, http: { body: '0123456789' } }]\n\
                phases: [{ name: up, for: 30s, scale: 10%..100% }, { name: main, for: 1m }]\n";
    let described = described(text);
    for line in [
        "phase        up: for 30s, from 10% to 100% of the rate (1/s to 10/s in all)",
        "phase        main: for 1m, at 100% of the rate (10/s in all)",
        "length       1m30s in all, about 765 requests come due",
        "  warning    threshold p(99.9) < 1s: 765 of these requests come due in 1m30s, and it needs 1000:",
        "  content      100 bytes/s there, 100 bytes/s back, without heads",
    ] {
        assert!(described.contains(line), "{line}\n{described}");
    }
}

#[test]
fn many_codes_are_told_by_their_number() {
    let told = |status: &str| {
        described(&format!(
            "target: far\nrate: 1/s\nmix: [{{ name: a, weight: 1, http: {{ plain: true, expect: {{ status: {status} }} }} }}]\n"
        ))
    };
    assert!(told("[200, 204, 206, 301]").contains("status       200 or 204 or 206 or 301 (as the file says)"));
    let many = told("[200, 201, 202, 204, 399, 304]");
    assert!(many.contains("status       one of 6 from 200 to 399 (as the file says)"), "{many}");
}
