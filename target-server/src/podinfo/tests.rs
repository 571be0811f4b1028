//! Asking one endpoint, without a socket; and what concerns all of them.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use shared::admin::{Readiness, registry};
use shared::carrier;

use super::token::Tokens;
use super::*;
use crate::page::About;

/// The endpoints of a target that serves.
pub(super) struct Tested {
    podinfo: Podinfo,
    pub(super) readiness: Readiness,
}

/// The endpoints with these options.
pub(super) fn with(change: impl FnOnce(&mut Options)) -> Tested {
    try_with(change).unwrap()
}

/// The same, where the options may be refused.
pub(super) fn try_with(change: impl FnOnce(&mut Options)) -> Result<Tested, OptionsError> {
    let mut options = Options::default();
    change(&mut options);
    let readiness = Readiness::default();
    readiness.set(true);
    let on = Arc::new(AtomicBool::new(false));
    let (put, get) = (Arc::clone(&on), on);
    let fault_injection = FaultInjection {
        put: Box::new(move |on| {
            put.store(on, Ordering::Relaxed);
            Ok(())
        }),
        is_on: Box::new(move || get.load(Ordering::Relaxed)),
    };
    let state = State::new("/nowhere".into(), None, Arc::new(Tokens::new(b"a secret".to_vec())), &options.prefix);
    let registry = registry("target").unwrap();
    let (guard, trusts) = (ChangeGuard::traffic(None), Box::new(|client: IpAddr| client.is_loopback()));
    let page = Page::new(About::tested(&options.ui, &options.prefix));
    let controls = Controls { readiness: readiness.clone(), registry, fault_injection, guard, trusts, state, page };
    Ok(Tested { podinfo: Podinfo::new(options, controls)?, readiness })
}

impl Tested {
    pub(super) async fn get(&self, path: &str) -> Plain {
        self.ask("GET", path, &[], "").await
    }

    /// Asks what the glue would: a path of podinfo's, by a method that it takes.
    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        fields: &[(&'static str, &'static str)],
        body: impl Into<Bytes>,
    ) -> Plain {
        let route = Route::of(path).unwrap();
        assert!(route.takes(method), "{method} {path}");
        let verdict = match carrier::path(path) {
            Some(fault) => fault.unwrap().roll(0, "k", 0),
            None => Verdict::default(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let (method, client) = (method.parse().unwrap(), Ipv4Addr::LOCALHOST.into());
        let asked =
            Asked { route, path, method: &method, headers: &headers, client, body: body.into(), verdict: &verdict };
        self.podinfo.answer(asked).await
    }
}

/// An answer's body.
pub(super) fn text(answer: &Plain) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[tokio::test]
async fn plain_answers_have_the_status_that_the_table_promises() {
    let podinfo = with(|options| options.environment = Some(Vec::new()));
    for path in [
        "/",
        "/api/info",
        "/version",
        "/echo",
        "/api/echo/x",
        "/env",
        "/headers",
        "/delay/0",
        "/healthz",
        "/readyz",
        "/status/200",
        "/configs",
        "/chunked",
        "/chunked/0",
        "/fault_injection/status",
        "/metrics",
        "/swagger/",
        "/swagger.json",
    ] {
        let answer = podinfo.get(path).await;
        let route = Route::of(path).unwrap();
        assert_eq!((answer.status.as_u16(), answer.error), (route.plain_status(), None), "{path}");
    }
}
