//! `/healthz`, `/readyz` and the switch beside it.
//!
//! Liveness is not readiness: a target that drains, or was switched off, is alive, and restarting it would help nobody.
//! podinfo turns both red when it drains; here only `--unhealthy` makes `/healthz` fail, and no endpoint can change that.

use http::StatusCode;
use serde::Serialize;
use shared::admin::Readiness;

use super::Plain;

/// What the probes show.
pub(super) struct Health {
    is_unhealthy: bool,
    readiness: Readiness,
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

impl Health {
    /// Readiness is one for the process: the admin port and gRPC's health show the same.
    pub(super) fn new(is_unhealthy: bool, is_unready: bool, readiness: Readiness) -> Health {
        readiness.hold(is_unready);
        Health { is_unhealthy, readiness }
    }

    pub(super) fn healthz(&self) -> Plain {
        probe(!self.is_unhealthy)
    }

    pub(super) fn readyz(&self) -> Plain {
        probe(self.readiness.is_ready())
    }

    /// Says whether traffic is wanted; a target that drains does not become ready by it.
    pub(super) fn want(&self, is_wanted: bool) -> Plain {
        self.readiness.hold(!is_wanted);
        Plain::empty(StatusCode::ACCEPTED)
    }
}

fn probe(is_good: bool) -> Plain {
    if is_good {
        Plain::json(StatusCode::OK, &Status { status: "OK" })
    } else {
        Plain::empty(StatusCode::SERVICE_UNAVAILABLE)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plain;
    use super::super::tests::{Tested, text, with};

    const OK: &str = "{\n  \"status\": \"OK\"\n}";

    fn assert_good(answer: &Plain) {
        assert_eq!((answer.status.as_u16(), text(answer)), (200, OK));
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    }

    fn assert_bad(answer: &Plain) {
        assert_eq!((answer.status.as_u16(), text(answer)), (503, ""));
        assert!(answer.headers.is_empty());
    }

    async fn switch(podinfo: &Tested, path: &str) {
        let answer = podinfo.ask("POST", path, &[], "").await;
        assert_eq!((answer.status.as_u16(), text(&answer), answer.headers.len()), (202, "", 0));
    }

    #[tokio::test]
    async fn readiness_is_switched_off_and_on() {
        let podinfo = with(|_| {});
        assert_good(&podinfo.get("/readyz").await);
        switch(&podinfo, "/readyz/disable").await;
        assert_bad(&podinfo.get("/readyz").await);
        assert_good(&podinfo.get("/healthz").await);
        assert!(!podinfo.readiness.is_ready(), "the admin port and gRPC's health say the same");
        switch(&podinfo, "/readyz/enable").await;
        assert_good(&podinfo.get("/readyz").await);
    }

    #[tokio::test]
    async fn unready_can_be_overridden_and_unhealthy_cannot() {
        let podinfo = with(|options| (options.unready, options.unhealthy) = (true, true));
        assert_bad(&podinfo.get("/readyz").await);
        assert_bad(&podinfo.get("/healthz").await);
        switch(&podinfo, "/readyz/enable").await;
        assert_good(&podinfo.get("/readyz").await);
        assert_bad(&podinfo.get("/healthz").await);
    }

    #[tokio::test]
    async fn a_drain_ends_readiness_for_good_and_leaves_liveness_green() {
        let podinfo = with(|_| {});
        podinfo.readiness.set(false);
        assert_bad(&podinfo.get("/readyz").await);
        assert_good(&podinfo.get("/healthz").await);
        switch(&podinfo, "/readyz/enable").await;
        assert_bad(&podinfo.get("/readyz").await);
    }
}
