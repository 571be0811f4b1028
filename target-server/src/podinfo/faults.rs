//! `/fault_injection/..`: podinfo's one switch for one fault, in front of whatever does it here.

use std::fmt;

use http::StatusCode;
use serde::Serialize;

use super::Plain;

/// What the switch moves. Closures, so that the endpoints need not know the rules.
pub(crate) struct FaultInjection {
    /// Turns it on or off; or says in words why that is refused.
    pub(crate) put: Box<dyn Fn(bool) -> Result<(), String> + Send + Sync>,
    /// Whether it is on; it goes off by itself when its time is over.
    pub(crate) is_on: Box<dyn Fn() -> bool + Send + Sync>,
}

#[derive(Serialize)]
struct State {
    fault_injection: &'static str,
}

impl FaultInjection {
    /// 202 with what was asked for, or 409: the target is in no state to do so.
    pub(super) fn put(&self, on: bool) -> Plain {
        match (self.put)(on) {
            Ok(()) => state(StatusCode::ACCEPTED, on),
            Err(reason) => Plain::refusal(StatusCode::CONFLICT, &reason),
        }
    }

    /// 200 with what is.
    pub(super) fn status(&self) -> Plain {
        state(StatusCode::OK, (self.is_on)())
    }
}

fn state(status: StatusCode, on: bool) -> Plain {
    Plain::json(status, &State { fault_injection: if on { "enabled" } else { "disabled" } })
}

impl fmt::Debug for FaultInjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultInjection").field("is_on", &(self.is_on)()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{text, with};
    use super::*;

    #[tokio::test]
    async fn the_switch_says_what_it_did_and_what_is() {
        let podinfo = with(|_| {});
        let state = |word: &str| format!("{{\n  \"fault_injection\": \"{word}\"\n}}");
        for (method, path, status, word) in [
            ("GET", "/fault_injection/status", 200, "disabled"),
            ("POST", "/fault_injection/enable", 202, "enabled"),
            ("GET", "/fault_injection/status", 200, "enabled"),
            ("POST", "/fault_injection/enable", 202, "enabled"),
            ("POST", "/fault_injection/disable", 202, "disabled"),
            ("GET", "/fault_injection/status", 200, "disabled"),
        ] {
            let answer = podinfo.ask(method, path, &[], "").await;
            assert_eq!((answer.status.as_u16(), text(&answer)), (status, state(word).as_str()), "{method} {path}");
            assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let refuse = |_| Err("faults are switched off".to_owned());
        let faults = FaultInjection { put: Box::new(refuse), is_on: Box::new(|| false) };
        let answer = faults.put(true);
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(text(&answer).contains("faults are switched off"));
    }
}
