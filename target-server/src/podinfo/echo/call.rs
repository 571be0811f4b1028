//! One call of a backend: the answer to a POST, wherever it is.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::header::{HeaderMap, LOCATION};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use shared::units::print_duration;
use tokio::time::timeout;
use url::Url;

/// The largest answer of a backend: what podinfo would take from a client.
pub(super) const ANSWER_MAX_BYTES: usize = 10 << 20;
/// How often a call is sent elsewhere before it is given up, as in Go.
const REDIRECTS_MAX: usize = 10;
/// How long a connection may wait for the next call: less than servers let theirs.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// Connections to one backend that may wait so.
const IDLE_MAX_PER_HOST: usize = 32;

/// Calls backends. A connection is kept for the next call; one that turns out to be closed before anything of the call was
/// sent is replaced, which the backend cannot notice. Nothing else is ever tried again.
pub(super) struct Caller {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    timeout: Duration,
}

impl Caller {
    /// Trusting these roots, or the system's.
    ///
    /// # Errors
    /// If the system has none.
    pub(super) fn new(timeout: Duration, roots: Option<RootCertStore>) -> Result<Caller, String> {
        let roots = roots.map_or_else(system_roots, Ok)?;
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.enforce_http(false);
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_MAX_PER_HOST)
            .build(connector);
        Ok(Caller { client, timeout })
    }

    /// The last answer's status and body.
    ///
    /// # Errors
    /// Says why there is none.
    pub(super) async fn post(
        &self,
        url: &Url,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), String> {
        let late = || format!("no complete answer within {}", print_duration(self.timeout));
        timeout(self.timeout, self.follow(url.clone(), headers, body)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn follow(&self, mut url: Url, headers: &HeaderMap, mut body: Bytes) -> Result<(StatusCode, Bytes), String> {
        let mut method = Method::POST;
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.send(method.clone(), &url, headers, body.clone()).await?;
            let Some((next, keeps_method)) = redirect(&url, &answer)? else {
                let status = answer.status();
                let content = to_bytes(Body::new(answer.into_body()), ANSWER_MAX_BYTES).await;
                return Ok((status, content.map_err(|error| words(&error))?));
            };
            if !keeps_method {
                (method, body) = (Method::GET, Bytes::new());
            }
            url = next;
        }
        Err(format!("stopped after {REDIRECTS_MAX} redirects"))
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, String> {
        let mut request = Request::builder().method(method).uri(url.as_str()).body(Body::from(body));
        if let Ok(request) = &mut request {
            *request.headers_mut() = headers.clone();
        }
        let request = request.map_err(|error| words(&error))?;
        self.client.request(request).await.map_err(|error| words(&error))
    }
}

/// Where an answer sends the call, and whether it goes on as the POST that it was. Nothing for an answer to keep, which is
/// also one that names no place.
fn redirect(url: &Url, answer: &Response<Incoming>) -> Result<Option<(Url, bool)>, String> {
    let keeps_method = match answer.status().as_u16() {
        301..=303 => false,
        307 | 308 => true,
        _ => return Ok(None),
    };
    let Some(location) = answer.headers().get(LOCATION) else { return Ok(None) };
    let next = location.to_str().ok().and_then(|location| url.join(location).ok());
    match next.filter(|next| matches!(next.scheme(), "http" | "https")) {
        Some(next) => Ok(Some((next, keeps_method))),
        None => Err(format!("redirected to {location:?}, which is no http or https URL")),
    }
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("an https backend needs root certificates, and this system has none that can be read; \
                    SSL_CERT_FILE may name a file of them"
            .to_owned());
    }
    Ok(roots)
}

/// An error with its causes: the client's own words say no more than "client error".
fn words(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| (**error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
