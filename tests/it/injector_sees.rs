//! The injector against servers that misbehave: everything is seen, nothing is retried, everything is accounted for.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use shared::outcome::{ConnectionEnd, ErrorClass};

use crate::fixture::{ScriptedServer, Step, inject, ok, refusing_port, run};

const SECOND: Duration = Duration::from_secs(1);

fn pooled(connections: u32, http: &str) -> String {
    format!(
        "target: t\nrate: 200/s\ntimeout: 5s\nmix:\n  - name: op\n    weight: 1\n    connection: pooled({connections})\n    http: {http}\n"
    )
}

fn failures(account: &injector::account::OperationAccount, class: ErrorClass) -> u64 {
    account.failures[class.index()]
}

#[test]
fn every_reset_on_a_kept_alive_connection_is_reported() {
    let server = ScriptedServer::start(|number, head| match number % 2 {
        0 => Step::Answer(ok(head, "")),
        _ => Step::Reset,
    });
    let finished = run(inject(&pooled(1, "{}"), server.address, SECOND));
    let account = &finished.accounts[0];
    assert_eq!(account.planned, 200);
    assert_eq!((account.success, failures(account, ErrorClass::Reset)), (100, 100));
    assert_eq!(account.connections, 100, "a connection serves one answer and dies of the next request");
}

#[test]
fn a_connection_closed_instead_of_an_answer_is_closed_and_not_asked_again() {
    let server = ScriptedServer::start(|number, head| match number {
        0 => Step::Answer(ok(head, "")),
        _ => Step::Close,
    });
    let finished = run(inject(&pooled(1, "{}"), server.address, SECOND));
    let account = &finished.accounts[0];
    assert_eq!((account.success, failures(account, ErrorClass::Closed)), (100, 100));
}

#[test]
fn a_target_that_ignores_size_or_status_fails_validation_every_time() {
    for http in ["{ fault: size=1000 }", "{ fault: status=503 }", "{ path: /status/404 }", "{ body: hello }"] {
        let server = ScriptedServer::start(|_, head| Step::Answer(ok(head, "")));
        let finished = run(inject(&pooled(4, http), server.address, SECOND / 4));
        let account = &finished.accounts[0];
        assert_eq!(account.planned, 50, "{http}");
        assert_eq!(failures(account, ErrorClass::Validation), 50, "{http}");
    }
}

#[test]
fn an_answer_to_somebody_else_fails_validation() {
    let server = ScriptedServer::start(|_, _| {
        Step::Answer(b"HTTP/1.1 200 OK\r\nx-cload: id=zzzz2345.1\r\ncontent-length: 0\r\n\r\n".to_vec())
    });
    let finished = run(inject(&pooled(1, "{}"), server.address, SECOND / 4));
    assert_eq!(failures(&finished.accounts[0], ErrorClass::Validation), 50);
}

#[test]
fn garbage_is_a_protocol_error_and_an_unexpected_503_a_status() {
    let garbage = ScriptedServer::start(|_, _| Step::Answer(b"\x00\x01garbage\r\n\r\n".to_vec()));
    let finished = run(inject(&pooled(1, "{}"), garbage.address, SECOND / 4));
    assert_eq!(failures(&finished.accounts[0], ErrorClass::Protocol), 50);
    let busy = ScriptedServer::start(|_, _| Step::Answer(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_vec()));
    let finished = run(inject(&pooled(1, "{}"), busy.address, SECOND / 4));
    assert_eq!(failures(&finished.accounts[0], ErrorClass::Status), 50);
}

#[test]
fn a_server_that_accepts_and_says_nothing_times_out() {
    // Never accepted: the kernel completes the handshake and takes the request into its buffer.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let scenario = pooled(100, "{}").replace("200/s", "40/s").replace("5s", "500ms");
    let finished = run(inject(&scenario, silent.local_addr().unwrap(), SECOND));
    let account = &finished.accounts[0];
    assert_eq!((account.planned, account.sent), (40, 40));
    assert_eq!(failures(account, ErrorClass::Timeout), 40);
    let response = account.response.quantile(0.5).unwrap();
    assert!(response >= Duration::from_millis(500), "time to failure is recorded: {response:?}");
}

#[test]
fn nobody_listening_is_refused_and_counts_as_not_sent() {
    let (_held, address) = refusing_port();
    let finished = run(inject(&pooled(4, "{}"), address, SECOND / 4));
    let account = &finished.accounts[0];
    assert_eq!((account.planned, account.sent), (50, 0));
    assert_eq!(failures(account, ErrorClass::ConnectRefused), 50);
}

#[test]
fn a_slow_server_does_not_slow_the_schedule_down() {
    // One connection, 50 ms an answer: 20 answers a second at most, of 200 asked.
    let server = ScriptedServer::start(|_, head| {
        std::thread::park_timeout(Duration::from_millis(50));
        Step::Answer(ok(head, ""))
    });
    let scenario = pooled(1, "{}").replace("5s", "500ms");
    let finished = run(inject(&scenario, server.address, SECOND));
    let account = &finished.accounts[0];
    assert_eq!(account.planned, 200, "the plan is kept, whatever the server does");
    assert!(account.dropped_total() > 100, "what cannot be sent is dropped: {account:?}");
    let (response, service) = (account.response.quantile(0.9).unwrap(), account.service.quantile(0.9).unwrap());
    assert!(response > 3 * service, "waiting is in the response time alone: {response:?} {service:?}");
    let (wait, lag) = (account.wait.quantile(0.9).unwrap(), account.lag.quantile(0.9).unwrap());
    assert!(wait > 10 * lag, "and is not taken for our own lateness: {wait:?} {lag:?}");
}

#[test]
fn an_overloaded_injector_accounts_for_every_slot() {
    let server = ScriptedServer::start(|_, head| Step::Answer(ok(head, "")));
    let scenario = pooled(2, "{}").replace("200/s", "1000000/s").replace("5s", "100ms");
    let finished = run(inject(&scenario, server.address, SECOND / 5));
    let account = &finished.accounts[0];
    assert_eq!(account.planned, 200_000);
    assert!(account.success > 0 && account.dropped_total() > 0);
}

#[test]
fn a_fresh_connection_serves_one_request() {
    let server = ScriptedServer::start(|number, head| match number {
        0 => Step::Answer(ok(head, "")),
        _ => Step::Reset,
    });
    let scenario = pooled(1, "{}").replace("pooled(1)", "fresh");
    let finished = run(inject(&scenario, server.address, SECOND / 2));
    let account = &finished.accounts[0];
    assert_eq!((account.planned, account.success, account.connections), (100, 100, 100));
}

#[test]
fn a_pooled_connection_that_dies_while_idle_is_an_event_and_no_failure() {
    // Closed right behind the answer, without saying so: seen before the next request is due, 200 ms later.
    let server = ScriptedServer::start(|_, head| Step::Last(ok(head, "")));
    let scenario = pooled(1, "{}").replace("200/s", "5/s");
    let finished = run(inject(&scenario, server.address, 2 * SECOND));
    let account = &finished.accounts[0];
    assert_eq!((account.planned, account.success), (10, 10), "{account:?}");
    assert_eq!(account.connections, 10);
    let noticed = account.connections_closed[ConnectionEnd::PeerClosed.index()];
    assert!(noticed >= 9, "the last may outlive the run: {account:?}");
}

#[test]
fn an_answer_that_ends_with_its_connection_ends_its_connection() {
    let server = ScriptedServer::start(|_, head| {
        let text = String::from_utf8(ok(head, "")).unwrap();
        Step::Last(text.replace("content-length: 0\r\n", "").into_bytes())
    });
    let finished = run(inject(&pooled(1, "{}"), server.address, SECOND / 2));
    let account = &finished.accounts[0];
    assert_eq!((account.planned, account.success, account.connections), (100, 100, 100), "{account:?}");
    assert_eq!(account.connections_closed[ConnectionEnd::Said.index()], 100, "{account:?}");
}

#[test]
fn a_target_that_reports_absurd_times_costs_nothing() {
    let server = ScriptedServer::start(|_, head| {
        let text = String::from_utf8(ok(head, "")).unwrap();
        let timing = "server-timing: cload;dur=1.8e22, cload-fault;dur=1.8e22\r\n\r\n";
        Step::Answer(text.replace("\r\n\r\n", &format!("\r\n{timing}")).into_bytes())
    });
    let finished = run(inject(&pooled(1, "{}"), server.address, SECOND / 4));
    assert_eq!((finished.accounts[0].planned, finished.accounts[0].success), (50, 50));
}

#[test]
fn streams_share_the_permits_fairly() {
    // One request in flight at once, 20 ms each: fifty a second for two streams that want a hundred each.
    let server = ScriptedServer::start(|_, head| {
        std::thread::park_timeout(Duration::from_millis(20));
        Step::Answer(ok(head, ""))
    });
    let scenario = "target: t\nrate: 200/s\ntimeout: 500ms\nmax_in_flight: 1\nmix:\n  \
                    - { name: a, weight: 1, connection: pooled(4), http: {} }\n  \
                    - { name: b, weight: 1, connection: fresh, http: {} }\n";
    let finished = run(inject(scenario, server.address, 2 * SECOND));
    let (a, b) = (finished.accounts[0].success, finished.accounts[1].success);
    assert!(a.min(b) * 3 > a.max(b), "one stream starved: {a} and {b}");
}
