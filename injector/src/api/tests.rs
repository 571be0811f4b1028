//! The routes without a network: what is asked, what is refused, what is found in what the run has told.

mod live;
mod reading;
mod refusing;

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{HeaderMap, Request, header};
use serde_json::Value;
use shared::admin::Readiness;
use shared::admin::guard::{INJECTOR_TOKEN_FLAG, Token};
use shared::identity::session_from_bits;
use shared::outcome::{Code, ErrorClass, Outcome};
use tower::ServiceExt as _;

use super::*;
use crate::account::{Finished, OperationAccount, Started};
use crate::engine::{Engine, Options, Tick};
use crate::fixture::plan;
use crate::pacer::Quantum;
use crate::threshold::Compared;

const TOKEN: &str = "a-token-of-a-test-0123";
const SECOND: Duration = Duration::from_secs(1);

const TWO: &str = "target: t\nrate: 100/s\ntimeout: 2s\nmix:\n- { name: web, weight: 3, http: {} }\n\
                   - { name: ill, weight: 1, http: { fault: 'status=503', expect: { status: 503 } } }\n";

/// The API of a run that has not begun, to which a test tells what it is to have seen.
struct Api {
    router: Router,
    board: Arc<Board>,
    told: Duration,
    total: Vec<OperationAccount>,
}

/// An answer.
#[derive(Debug)]
struct Told {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Told {
    /// The body, which is JSON and says so to the letter.
    fn json(&self) -> Value {
        assert_eq!(self.headers.get(header::CONTENT_TYPE).unwrap(), "application/json");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What is wrong.
    fn error(&self, field: &str) -> String {
        self.json()["error"][field].as_str().unwrap_or_else(|| panic!("no error.{field}: {self:?}")).to_owned()
    }
}

impl Api {
    fn new(has_token: bool) -> Api {
        let options = Options { length: None, is_paused: true, workers: None, quantum: Quantum::Precise };
        let engine = Engine::new(plan(TWO), options, session_from_bits(7));
        let (plan, control) = (engine.shared_plan(), engine.control());
        let board = Arc::new(Board::new("scenarios/two.yaml".to_owned(), engine.session(), plan, control));
        let token = has_token.then(|| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(TOKEN.as_bytes()).unwrap();
            // Read for the last time when it is gone: the old one then still holds.
            Arc::new(Token::load(INJECTOR_TOKEN_FLAG, file.path()).unwrap())
        });
        let common = shared::admin::router("injector", prometheus::Registry::new(), Readiness::default());
        let router = router(common, &board, ChangeGuard::control(token));
        let client = SocketAddr::from(([127, 0, 0, 1], 40_000));
        Api { router: router.layer(MockConnectInfo(client)), board, told: Duration::ZERO, total: Vec::new() }
    }

    /// A second in which each operation had these.
    fn second(&mut self, accounts: &[OperationAccount]) {
        self.while_long(SECOND, accounts);
    }

    /// The same of another length.
    fn while_long(&mut self, length: Duration, accounts: &[OperationAccount]) {
        self.told += length;
        self.total.resize_with(accounts.len(), OperationAccount::default);
        let mut interval = OperationAccount::default();
        for (sum, account) in self.total.iter_mut().zip(accounts) {
            sum.merge(account);
            interval.merge(account);
        }
        let status = self.board.control.status().borrow().clone();
        let plan = self.board.plan();
        let tick = Tick {
            elapsed: self.told,
            active: self.told,
            length,
            interval: &interval,
            by_operation: accounts,
            total: &self.total,
            plan: &plan,
            status: &status,
        };
        self.board.note(&tick, &[], &[Some(Compared { unexplained: 3, duplicates: 0 }), None]);
    }

    async fn send(&self, request: Request<Body>) -> Told {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Told { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// What no address may have is escaped.
    async fn get(&self, path: &str) -> Told {
        let escaped = [(" ", "%20"), ("<", "%3C"), (">", "%3E"), ("{", "%7B"), ("}", "%7D"), ("|", "%7C")];
        let path = escaped.iter().fold(path.to_owned(), |path, (letter, escape)| path.replace(letter, escape));
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Like a program that knows the token.
    async fn post(&self, path: &str, body: &str) -> Told {
        let request = Request::post(path).header("authorization", format!("Bearer {TOKEN}"));
        let request = match body {
            "" => request.header("content-length", "0"),
            _ => request.header("content-length", body.len()).header("content-type", "application/json"),
        };
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

/// So many requests that took that long, of which so many failed, and of those so many by a rule.
fn seen(requests: u64, failed: u64, by_rule: u64, took: Duration) -> OperationAccount {
    let mut account = OperationAccount::default();
    for n in 0..requests {
        account.scheduled();
        account.started(&Started { lag: Duration::from_micros(70), wait: Duration::ZERO });
        account.sent += 1;
        let outcome = match n < failed {
            true => Outcome::Failure(Code::Http(503), ErrorClass::Status),
            false => Outcome::Success(Code::Http(200)),
        };
        account.finished(&Finished {
            outcome,
            response: took,
            service: took,
            server: Some(took / 2),
            network: Some(took / 4),
            backend: None,
            is_declared: false,
            by_rule: n < by_rule,
            sent_bytes: 10,
            received_bytes: 1_000,
        });
    }
    if failed > 0 {
        account.examples[ErrorClass::Status.index()] = Some("503 instead of 200".to_owned());
    }
    account
}
