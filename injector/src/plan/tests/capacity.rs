//! What a plan needs of the machine.

use super::*;

#[test]
fn fresh_connections_beyond_the_ports_of_one_source_are_refused() {
    let text = |target: &str, rate: &str, connection: &str| {
        format!(
            "target: {target}\nrate: {rate}\nmix:\n- name: a\n  weight: 1\n  connection: {connection}\n  http: {{}}\n"
        )
    };
    // 28 232 ports, held for a minute: 470.5/s.
    let problems = refused(&text("far", "471/s", "fresh"));
    assert_eq!(problems.len(), 1);
    for words in [
        "6:15 operation \"a\": connection: connections to far:9898 need 28260 local ports",
        "held for 1m after",
        "has 28232 (net.ipv4.ip_local_port_range 32768 to 60999)",
        "at most 471 fresh connections/s",
        "connection: pooled",
        "tcp_tw_reuse=1",
    ] {
        assert!(problems[0].contains(words), "{words}: {problems:?}");
    }
    assert_eq!(plan(&text("far", "470/s", "fresh")).demand.endpoints[0].ports, 28_200);
    // On loopback a port is free again after a second, anywhere with tcp_tw_reuse=1; kept connections need no fresh ports.
    let many = System { descriptors: 1_000_000, ..SYSTEM };
    let fits = |target: &str, rate: &str, connection: &str, system: &System| {
        try_plan(&text(target, rate, connection), &Overrides::default(), system).is_ok()
    };
    assert!(fits("localhost", "28232/s", "fresh", &many));
    assert!(!fits("localhost", "28233/s", "fresh", &many));
    assert!(fits("far", "28232/s", "fresh", &System { time_wait_reuse: TimeWaitReuse::On, ..many }));
    assert!(!fits("localhost", "500/s", "fresh", &System { time_wait_reuse: TimeWaitReuse::Off, ..many }));
    assert!(fits("far", "100000/s", "pooled(500)", &many));
}

#[test]
fn every_source_address_has_ports_of_its_own() {
    let text = |rate: &str, keys: &str| {
        format!("target: far\nrate: {rate}\nmix:\n- {{ name: a, weight: 1, connection: fresh, {keys}, http: {{}} }}\n")
    };
    let many = System { descriptors: 1_000_000, ..SYSTEM };
    let fits = |rate: &str, keys: &str| try_plan(&text(rate, keys), &Overrides::default(), &many).is_ok();
    assert!(fits("1800/s", "source_addresses: 127.0.1.0/30"));
    assert!(!fits("1900/s", "source_addresses: 127.0.1.0/30"));
    let problems = refused_with(&text("1900/s", "source_addresses: 127.0.1.0/30"), &Overrides::default(), &many);
    assert!(problems[0].contains("4 source addresses have 112928 ("), "{problems:?}");
    for keys in ["target: 127.0.0.1, resolve: ttl", "target: '[::1]:80', select: rr"] {
        let problems = refused(&text("1/s", keys));
        assert!(problems[0].contains("is an address and not a name"), "{keys}: {problems:?}");
    }
    let other = refused(&text("1/s", "target: 127.0.0.1, source_addresses: fd00::1"));
    assert!(other[0].contains("source_addresses: fd00::1 has no IPv4 address to reach 127.0.0.1:9898"), "{other:?}");
}

#[test]
fn streams_to_one_endpoint_share_its_ports() {
    let mix = |second: &str| {
        format!(
            "target: far\nmix:\n- {{ name: a, rate: 300/s, connection: fresh, http: {{}} }}\n\
             - {{ name: b, rate: 300/s, connection: fresh, target: '{second}', http: {{}} }}\n"
        )
    };
    assert!(refused(&mix("far:9898"))[0].contains("need 36000 local ports"));
    assert_eq!(plan(&mix("far:81")).demand.endpoints.len(), 2);
}

#[test]
fn more_connections_than_file_descriptors_are_refused() {
    let text = "target: far\nmix:\n- { name: a, rate: 100/s, timeout: 2s, connection: fresh, http: {} }\n\
                - { name: b, rate: 1/s, connection: pooled(400), http: {} }\n";
    let demand = plan(text).demand;
    assert_eq!((demand.in_flight, demand.descriptors), (201, 400 + 200 + 64));
    let problems = refused_with(text, &Overrides::default(), &System { descriptors: 663, ..SYSTEM });
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("3:3 mix: the plan needs up to 664 file descriptors and this process may open 663"),
        "{problems:?}"
    );
    // The permits bound what fresh streams can hold.
    let overrides = Overrides { max_in_flight: NonZeroU32::new(100), ..Overrides::default() };
    assert_eq!(try_plan(text, &overrides, &SYSTEM).unwrap().demand.descriptors, 400 + 100 + 64);
}

#[test]
fn permits_cover_a_target_that_hangs() {
    let system = System { descriptors: 1_000_000, ..SYSTEM };
    for (rate, timeout, permits) in
        [("10/s", "1s", 1_024), ("1000/s", "1s", 2_000), ("1000/s", "5s", 10_000), ("72000/s", "1s", 65_536)]
    {
        let text = format!("target: h\nrate: {rate}\ntimeout: {timeout}\nmix: [{{ name: a, weight: 1, http: {{}} }}]");
        let plan = try_plan(&text, &Overrides::default(), &system).unwrap();
        assert_eq!(plan.max_in_flight.get(), permits, "{rate} {timeout}");
    }
}

#[test]
fn retired_connections_hold_ports_and_shared_ones_overlap() {
    let demand = |connection: &str, call: &str| {
        let text =
            format!("target: far\nmix: [{{ name: a, rate: 80/s, connection: 'rotating({connection})', {call} }}]\n");
        let demand = plan(&text).demand;
        (demand.descriptors - 64, demand.endpoints[0].ports)
    };
    // At least 80 requests each: one is retired every second, and its port held for a minute.
    assert_eq!(demand("max_requests=100, connections=4", "http: {}"), (4, 4 + 60));
    // At least eight seconds each: four every eight seconds.
    assert_eq!(demand("max_age=10s, connections=4", "tcp: {}"), (4, 4 + 30));
    assert_eq!(demand("max_age=10s, connections=4", "udp: {}"), (4, 4));
    assert_eq!(demand("max_age=10s, connections=4", "http: { version: 2 }"), (8, 8 + 30));
    // One request each, and forty at once: as many connections, and the one that takes the next.
    let many = "max_requests=1, connections=1";
    assert_eq!(demand(many, "streams: 40, http: { version: 2 }").0, 41);
    assert_eq!(demand("max_requests=10, connections=2", "streams: 40, http: { version: 2 }").0, 2 + 2 * 5);
    // Replaced ten times within a request's timeout, and never more than there are lanes or requests.
    assert_eq!(demand("max_age=125ms, connections=2", "streams: 40, http: { version: 2 }").0, 2 + 2 * 10);
    assert_eq!(demand("max_age=125ms, connections=2", "streams: 3, http: { version: 2 }").0, 2 + 2 * 3);
    assert_eq!(demand("max_age=20ms, connections=4", "streams: 40, http: { version: 2 }").0, 4 + 80);
    // 800/s of them would need 48 000 ports.
    let text = "target: far\nmix: [{ name: a, rate: 800/s, connection: 'rotating(max_requests=1)', http: {} }]\n";
    assert!(refused(text)[0].starts_with("2:"), "{:?}", refused(text));
}
