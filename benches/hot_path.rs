//! What one request costs each side in arithmetic alone, with its allocations: reading an ask, rolling it, telling who sent
//! it, recording it, working out when it is due. Beside the several microseconds that the kernel takes, each of these should
//! stay in the noise. `cargo bench --bench hot_path`; the ceilings of whole programs are `scripts/bench`.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use divan::Bencher;
use injector::account::{Finished, Ledger};
use injector::schedule::{Schedule, Spacing, Timetable};
use shared::carrier;
use shared::draw::Draw;
use shared::fault::{Dialect, Limits};
use shared::identity::{Identity, Name, Source};
use shared::outcome::{Code, ErrorClass, Outcome, ServerError};
use shared::protocol::Protocol;
use shared::red::Labels;
use shared::red::client::{ClientOperation, ClientRed};
use shared::red::server::ServerRed;

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

const ASKS: [&str; 4] =
    ["", "size=600", "status=503:5&delay=20ms..80ms", "delay=lognormal(20ms,200ms)&size=22KiB&fault=reset:1&at=50%"];

#[divan::bench(args = ASKS)]
fn read_and_check_an_ask(bencher: Bencher<'_, '_>, query: &str) {
    let limits = Limits::default();
    bencher.bench(|| {
        let fault = carrier::query(black_box(query)).expect("the asks above are valid");
        fault.check(Dialect::Http1, &limits).expect("the asks above are within the limits");
        fault
    });
}

#[divan::bench(args = ASKS)]
fn roll(bencher: Bencher<'_, '_>, query: &str) {
    let fault = carrier::query(query).expect("the asks above are valid");
    bencher.bench(|| fault.roll(black_box(0), black_box("abcd2345.123456"), 3));
}

#[divan::bench]
fn read_an_identity(bencher: Bencher<'_, '_>) {
    let header = b"source=team-a/nightly;op=web-ok;id=abcd2345.123456";
    bencher.bench(|| Identity::from_header(black_box(header)));
}

fn labels() -> Labels {
    Labels {
        source: Source::external(),
        protocol: Protocol::Http,
        operation: Name::from_static("bench"),
        injected: false,
    }
}

#[divan::bench]
fn record_on_the_server(bencher: Bencher<'_, '_>) {
    let series = ServerRed::new(&[], &[]).series(labels());
    bencher.bench(|| {
        series.started();
        series.finished(
            Outcome::<ServerError>::Success(Code::Http(200)),
            black_box(Duration::from_micros(70)),
            Duration::ZERO,
        );
        series.bytes(600, 0);
    });
}

#[divan::bench]
fn record_on_the_client(bencher: Bencher<'_, '_>) {
    let operation = ClientOperation { labels: labels(), rate_per_s: 1.0, expected: vec![Code::Http(200)] };
    let series = ClientRed::new(&[operation], 1).series(0, 0);
    let ledger = Ledger::new(1);
    let finished = Finished {
        outcome: Outcome::<ErrorClass>::Success(Code::Http(200)),
        response: Duration::from_micros(170),
        service: Duration::from_micros(90),
        server: Some(Duration::from_micros(3)),
        network: Some(Duration::from_micros(60)),
        backend: None,
        is_declared: false,
        by_rule: false,
        sent_bytes: 0,
        received_bytes: 600,
    };
    bencher.bench(|| {
        series.scheduled();
        let (service, response) = (black_box(finished.service), black_box(finished.response));
        series.finished(finished.outcome, service, response, finished.network, finished.is_declared);
        ledger.update(0, |account| account.finished(black_box(&finished)));
    });
}

#[divan::bench(args = ["uniform", "poisson"])]
fn next_slot(bencher: Bencher<'_, '_>, spacing: &str) {
    let schedule = Schedule {
        spacing: if spacing == "uniform" { Spacing::Uniform } else { Spacing::Poisson },
        warp: None,
        events: std::num::NonZeroU64::new(72_000).expect("not zero"),
        seconds: std::num::NonZeroU64::MIN,
        phase: Duration::ZERO,
        seed: 0,
        draw: |seed, n| Draw::new(seed, "").u("arrival", n),
    };
    // As a stream holds it.
    let mut timetable = Timetable::new(0, NonZeroU32::MIN);
    timetable.turn(Duration::ZERO, Some(&schedule));
    bencher.bench_local(|| timetable.next());
}
