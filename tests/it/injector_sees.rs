//! The injector against servers that misbehave: everything is seen, nothing is retried, everything is accounted for.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use shared::outcome::ErrorClass;

use crate::fixture::{ScriptedServer, Step, inject, ok, run};

const SECOND: Duration = Duration::from_secs(1);

fn pooled(connections: u32, http: &str) -> String {
    format!(
        "target: t\nrate: 200/s\ntimeout: 500ms\nmix:\n  - name: op\n    weight: 1\n    connection: pooled({connections})\n    http: {http}\n"
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
    let scenario = pooled(100, "{}").replace("200/s", "40/s");
    let finished = run(inject(&scenario, silent.local_addr().unwrap(), SECOND));
    let account = &finished.accounts[0];
    assert_eq!((account.planned, account.sent), (40, 40));
    assert_eq!(failures(account, ErrorClass::Timeout), 40);
    let response = account.response.quantile(0.5).unwrap();
    assert!(response >= Duration::from_millis(500), "time to failure is recorded: {response:?}");
}

#[test]
fn nobody_listening_is_refused_and_counts_as_not_sent() {
    let address = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap()
    };
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
    let finished = run(inject(&pooled(1, "{}"), server.address, SECOND));
    let account = &finished.accounts[0];
    assert_eq!(account.planned, 200, "the plan is kept, whatever the server does");
    assert!(account.dropped_total() > 100, "what cannot be sent is dropped: {account:?}");
    let (response, service) = (account.response.quantile(0.9).unwrap(), account.service.quantile(0.9).unwrap());
    assert!(response > 3 * service, "waiting is in the response time alone: {response:?} {service:?}");
}

#[test]
fn an_overloaded_injector_accounts_for_every_slot() {
    let server = ScriptedServer::start(|_, head| Step::Answer(ok(head, "")));
    let scenario = pooled(2, "{}").replace("200/s", "1000000/s").replace("500ms", "100ms");
    let finished = run(inject(&scenario, server.address, SECOND));
    let account = &finished.accounts[0];
    assert_eq!(account.planned, 1_000_000);
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
    // Closed right behind the answer, without saying so: seen before the next request is due, 20 ms later.
    let server = ScriptedServer::start(|_, head| Step::Last(ok(head, "")));
    let scenario = pooled(1, "{}").replace("200/s", "50/s");
    let finished = run(inject(&scenario, server.address, SECOND));
    let account = &finished.accounts[0];
    assert_eq!((account.planned, account.success), (50, 50), "{account:?}");
    assert_eq!(account.connections, 50);
    assert!(account.connections_lost >= 49, "the last may outlive the run: {}", account.connections_lost);
}
