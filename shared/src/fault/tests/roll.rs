//! Chances: frequencies, independence, and what one roll looks like.

use std::time::Duration;

use super::parse;
use crate::fault::{At, Body, Dialect, FaultKind, Limits, Mode, Read, Status, Transport, Verdict};

const N: u32 = 100_000;

fn rolls(text: &str) -> Vec<Verdict> {
    let fault = parse(text);
    (0..N).map(|i| fault.roll(42, &format!("ab12.{i}"), 0)).collect()
}

/// Pearson's statistic.
fn chi2(observed: &[u32], shares: &[f64]) -> f64 {
    let n = f64::from(observed.iter().sum::<u32>());
    observed.iter().zip(shares).map(|(&o, share)| (f64::from(o) - share * n).powi(2) / (share * n)).sum()
}

#[test]
fn statuses_come_as_often_as_asked() {
    let mut counts = [0; 4];
    for verdict in rolls("status=503:5,404:0.5,429:20,500:0") {
        let class = match verdict.status.and_then(Status::http) {
            Some(503) => 0,
            Some(404) => 1,
            Some(429) => 2,
            None => 3,
            other => panic!("{other:?} has weight 0"),
        };
        counts[class] += 1;
    }
    // 3 degrees of freedom: 0.999 quantile.
    assert!(chi2(&counts, &[0.05, 0.005, 0.2, 0.745]) < 16.27, "{counts:?}");
}

#[test]
fn the_gate_is_exact_and_joint() {
    let verdicts = rolls("status=503&delay=10ms&close=true&p=12.5");
    let applied = verdicts.iter().filter(|verdict| verdict.applied).count() as u32;
    assert!(chi2(&[applied, N - applied], &[0.125, 0.875]) < 10.83, "{applied}");
    for verdict in verdicts {
        let plain = Verdict { applied: false, seed: 42, key: verdict.key.clone(), ..Verdict::default() };
        let all = verdict.status == Some(Status::Http(503)) && verdict.close && verdict.asked_delay().as_millis() == 10;
        assert!(if verdict.applied { all } else { verdict == plain }, "{verdict}");
    }
    assert!(rolls("status=503&p=0").iter().all(|verdict| !verdict.applied));
    assert!(rolls("status=503&p=100").iter().all(|verdict| verdict.applied));
}

#[test]
fn parameters_are_independent() {
    let alone = rolls("status=503:30");
    let together = rolls("status=503:30&delay=1ms..9ms&close=30&gzip=30&size=1KiB:30&fault=hang:30&id=x&p=100");
    // With the same id for all, draws would be the same for all; only the id may move them.
    assert!(together.iter().all(|verdict| verdict.status == together[0].status));
    let together = rolls("status=503:30&delay=1ms..9ms&close=30&gzip=30&size=1KiB:30&fault=hang:30&p=100");
    let status = |verdicts: &[Verdict]| verdicts.iter().map(|verdict| verdict.status).collect::<Vec<_>>();
    assert_eq!(status(&alone), status(&together), "another parameter moved the status draws");

    let mut counts = [0; 8];
    for verdict in &together {
        let bits = [verdict.status.is_some(), verdict.close, verdict.fault.is_some()];
        counts[bits.iter().fold(0, |sum, &bit| sum * 2 + usize::from(bit))] += 1;
    }
    let share = |i: u32| 0.3_f64.powi(i.count_ones() as i32) * 0.7_f64.powi(3 - i.count_ones() as i32);
    let shares: Vec<f64> = (0..8).map(share).collect();
    // 7 degrees of freedom: 0.999 quantile.
    assert!(chi2(&counts, &shares) < 24.32, "{counts:?}");
    let slow = |verdict: &&Verdict| verdict.delay > Duration::from_millis(5);
    let (hit, miss): (Vec<_>, Vec<_>) = together.iter().partition(|verdict| verdict.status.is_some());
    let [hit, miss] =
        [hit, miss].map(|of: Vec<&Verdict>| of.iter().copied().filter(slow).count() as f64 / of.len() as f64);
    assert!((hit - miss).abs() < 0.015, "{hit} and {miss}");
}

#[test]
fn chunks_draw_one_by_one() {
    let delay = parse("chunk_delay=1ms..3ms:50").roll(1, "k", 0).chunk_delay;
    let pauses: Vec<Duration> = (0..10_000).map(|i| delay.nth(i)).collect();
    let delayed = pauses.iter().filter(|pause| !pause.is_zero()).count();
    assert!((4_800..5_200).contains(&delayed), "{delayed}");
    assert!(pauses.iter().all(|pause| pause.is_zero() || (1_000_000..3_000_000).contains(&pause.as_nanos())));
    assert_eq!(delay.nth(7), pauses[7]);
    assert!(!delay.is_zero());
    assert!(Verdict::default().chunk_delay.is_zero());
    assert!(parse("chunk_delay=1s:0").roll(1, "k", 0).chunk_delay.is_zero());
    let loaded = parse("chunk_delay=load(1ms,1ms)").roll(1, "k", 4).chunk_delay;
    assert_eq!(loaded.nth(9), Duration::from_millis(5));
}

#[test]
fn one_roll_holds_everything_asked() {
    let text = "status=503&delay=1s&body_delay=2s&end_delay=3s&size=4KiB&chunk=5&rate=6&body=seq&gzip=true\
                &read=first(7)&fault=abort&at=8&close=true&header=A:b&header=C:d&trailer=E:f&retry_after=9s&cpu=10ms\
                &mem=11";
    let verdict = parse(text).roll(5, "ab12.7", 0);
    let expected = Verdict {
        status: Some(Status::Http(503)),
        delay: Duration::from_secs(1),
        body_delay: Duration::from_secs(2),
        end_delay: Duration::from_secs(3),
        size_bytes: Some(4096),
        chunk_bytes: Some(5),
        rate_bytes_per_s: Some(6),
        body: Body::Seq,
        gzip: true,
        read: Read::First(7),
        fault: Some(FaultKind::Abort),
        at: At::Bytes(8),
        close: true,
        headers: vec![("A".to_owned(), "b".to_owned()), ("C".to_owned(), "d".to_owned())],
        trailers: vec![("E".to_owned(), "f".to_owned())],
        retry_after: Some(Duration::from_secs(9)),
        cpu: Duration::from_millis(10),
        mem_bytes: 11,
        seed: 5,
        key: "ab12.7".to_owned(),
        ..Verdict::default()
    };
    assert_eq!(verdict, expected);
    assert_eq!(verdict.asked_delay(), Duration::from_secs(6));
    assert_eq!(parse(text).check(Dialect::Http1, &Limits::default()), Ok(()));
}

#[test]
fn what_frames_an_exchange_is_not_up_to_the_gate() {
    let verdict = parse("bytes=9&ack=0&mode=discard&delay=1s&p=0").roll(1, "k", 0);
    assert_eq!((verdict.payload_bytes, verdict.ack, verdict.applied), (Some(9), false, false));
    assert_eq!((verdict.mode, verdict.delay), (Mode::Echo, Duration::ZERO));
    assert_eq!(verdict.to_string(), "bytes=9; ack=0; p=0; seed=1; id=k");
}

#[test]
fn over_the_other_transport_nothing_is_left() {
    let fault = parse("rcode=SERVFAIL&over=udp&seed=3&id=x&p=5");
    assert_eq!(fault.clone().over_transport(Transport::Udp), fault);
    assert_eq!(fault.over_transport(Transport::Tcp), parse("seed=3&id=x"));
    let both = parse("rcode=SERVFAIL");
    assert_eq!(both.clone().over_transport(Transport::Tcp), both);
}

#[test]
fn the_mark_is_short_and_plain() {
    let mark = |text: &str| parse(text).roll(7, "ab12.7", 0).to_string();
    for (text, expected) in [
        ("", "seed=7; id=ab12.7"),
        ("status=503&delay=203.114ms", "status=503; delay=203.114ms; seed=7; id=ab12.7"),
        ("fault=abort&size=10", "size=10; fault=abort; seed=7; id=ab12.7"),
        ("fault=abort&size=10&at=50%", "size=10; fault=abort; at=50%; seed=7; id=ab12.7"),
        (
            "rcode=2&nodata=0&cname=loop&addr=::1&ede=3",
            "rcode=SERVFAIL; cname=loop; addr=::1; ede=3; seed=7; id=ab12.7",
        ),
        ("status=503&p=0", "p=0; seed=7; id=ab12.7"),
        ("seed=1&id=x", "seed=1; id=x"),
        ("read=all&close=false&delay=0", "seed=7; id=ab12.7"),
        ("at=body&fault=hang:0", "seed=7; id=ab12.7"),
    ] {
        assert_eq!(mark(text), expected, "{text}");
    }
    assert_eq!(Verdict::default().to_string(), "seed=0");
    assert_eq!(parse("delay=1s").roll(0, "no id; at all", 0).to_string(), "delay=1s; seed=0");
}

#[test]
fn faults_strike_where_they_can_unless_told() {
    for (text, at) in [
        ("fault=hang", At::Head),
        ("fault=reset", At::Head),
        ("fault=empty", At::Head),
        ("fault=garbage", At::Head),
        ("fault=badhead", At::Head),
        ("fault=abort", At::Body),
        ("fault=badchunk", At::Body),
        ("fault=clen(+1)", At::Body),
        ("fault=hang&at=after(5s)", At::After(Duration::from_secs(5))),
        ("fault=reset&at=12.5%", At::Percent(12.5)),
        ("fault=reset&at=1KiB", At::Bytes(1024)),
    ] {
        assert_eq!(parse(text).roll(0, "", 0).at, at, "{text}");
    }
}
