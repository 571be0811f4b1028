//! The admin listener as a program that knows its API meets it.

use std::net::SocketAddr;

use serde_json::Value;

use super::http1::{Answer, Connection};
use crate::metrics::metric;
use crate::process::get;

/// The only content type that a body may have, to the letter.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// A target's admin listener.
#[derive(Clone, Copy)]
pub(crate) struct Admin(pub(crate) SocketAddr);

impl Admin {
    /// One call on a connection of its own.
    pub(crate) fn call(self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string);
        let headers: &[(&str, &str)] = if body.is_some() { &[JSON] } else { &[] };
        let mut connection = Connection::open(self.0);
        connection.send(method, path, headers, &body.unwrap_or_default());
        connection.answer()
    }

    /// Installs a rule, which is a new one.
    pub(crate) fn install(self, id: &str, rule: &Value) -> Value {
        let answer = self.call("PUT", &format!("/faults/{id}"), Some(rule));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    pub(crate) fn rule(self, id: &str) -> Value {
        let answer = self.call("GET", &format!("/faults/{id}"), None);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Whether there was one to remove.
    pub(crate) fn remove(self, id: &str) -> bool {
        let answer = self.call("DELETE", &format!("/faults/{id}"), None);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["removed"].as_bool().unwrap()
    }

    /// What a rule matched, changed, and would have changed if there had been room.
    pub(crate) fn counts(self, id: &str) -> [u64; 3] {
        let rule = self.rule(id);
        ["hits", "injected", "overflow"].map(|count| rule[count].as_u64().unwrap())
    }

    pub(crate) fn metrics(self) -> String {
        get(self.0, "/metrics")
    }

    /// Effects of this kind that this source asked for.
    pub(crate) fn effects(self, kind: &str, source: &str) -> f64 {
        let effects = metric("continuous_load_server_faults_total").label("kind", kind).label("source", source);
        effects.sum_in(&self.metrics())
    }

    pub(crate) fn put_switch(self, body: &Value) {
        let answer = self.call("PUT", "/switch", Some(body));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}
