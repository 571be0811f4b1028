//! What is read, what is printed, what is refused.

use proptest::prelude::*;

use super::*;

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn read(text: &str) -> ConnectionPolicy {
    let written = WrittenPolicy::parse(text).unwrap_or_else(|error| panic!("{error}"));
    written.sized_for("10/s".parse().unwrap(), Duration::from_millis(300), NonZeroU32::MIN)
}

#[test]
fn every_policy_is_read() {
    let limits = |requests: Option<u32>, age_s: Option<u64>| {
        ConnectionLimits::new(requests.map(number), age_s.map(Duration::from_secs)).unwrap()
    };
    let cases = [
        ("fresh", ConnectionPolicy::Fresh),
        ("pooled", ConnectionPolicy::Pooled { connections: number(3) }),
        ("pooled(7)", ConnectionPolicy::Pooled { connections: number(7) }),
        (
            "rotating(max_requests=100)",
            ConnectionPolicy::Rotating { connections: number(3), limits: limits(Some(100), None) },
        ),
        (
            "rotating(max_age=5m)",
            ConnectionPolicy::Rotating { connections: number(3), limits: limits(None, Some(300)) },
        ),
        (
            "rotating( connections = 4,max_age=1m30s ,max_requests=1 )",
            ConnectionPolicy::Rotating { connections: number(4), limits: limits(Some(1), Some(90)) },
        ),
    ];
    for (text, policy) in cases {
        assert_eq!(read(text), policy, "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_what_is_right() {
    let takes = "rotating takes max_requests=100, max_age=5m (one of them or both) and connections=4";
    let cases = [
        ("keep", EXPECTED.to_owned()),
        ("fresh(1)", EXPECTED.to_owned()),
        ("pooled(4", "\"(\" without \")\"".to_owned()),
        ("pooled(0)", "\"0\" is not a number of connections: 1 to 100000".to_owned()),
        ("pooled(+4)", "\"+4\" is not a number of connections: 1 to 100000".to_owned()),
        ("rotating", format!("no limit; {takes}")),
        ("rotating()", format!("no limit; {takes}")),
        ("rotating(connections=4)", format!("no limit; {takes}")),
        ("rotating(100)", format!("\"100\" is no limit; {takes}")),
        ("rotating(max_age=1m,)", format!("\"\" is no limit; {takes}")),
        ("rotating(requests=100)", format!("\"requests\" is not known; {takes}")),
        ("rotating(max_age=1m, max_age=2m)", format!("\"max_age\" is written twice; {takes}")),
        ("rotating(max_requests=0)", "\"0\" is not a number of requests: 1 to 1000000000".to_owned()),
        ("rotating(max_age=9ms)", "max_age \"9ms\" is out of range; expected 10ms to 720h".to_owned()),
        ("rotating(max_age=721h)", "max_age \"721h\" is out of range; expected 10ms to 720h".to_owned()),
        ("hold(10000)", format!("hold is not supported by this version; {EXPECTED}")),
    ];
    for (text, reason) in cases {
        assert_eq!(WrittenPolicy::parse(text).unwrap_err().to_string(), format!("{text:?}: {reason}"));
    }
    let error = WrittenPolicy::parse("rotating(max_age=5)").unwrap_err().to_string();
    assert!(error.contains("\"5\" has no unit") && error.contains("a duration with a unit"), "{error}");
}

proptest! {
    #[test]
    fn what_is_printed_is_read(
        kind in 0..3,
        n in 1..=CONNECTIONS_MAX,
        requests in proptest::option::of(1..=MAX_REQUESTS_MAX),
        age_us in 10_000..=2_592_000_000_000_u64,
    ) {
        let age = (kind == 1 || requests.is_none()).then(|| Duration::from_micros(age_us));
        let policy = match kind {
            0 => ConnectionPolicy::Pooled { connections: number(n) },
            _ => ConnectionPolicy::Rotating {
                connections: number(n),
                limits: ConnectionLimits::new(requests.map(number), age).unwrap(),
            },
        };
        prop_assert_eq!(read(&policy.to_string()), policy);
    }
}
