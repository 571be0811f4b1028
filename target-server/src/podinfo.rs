//! podinfo's endpoints: what its paths answer, whatever HTTP version asks.
//!
//! Invariants:
//! - An endpoint gets a whole, decoded request of a method that its route takes, and gives a whole answer. Methods, the
//!   prefix, HEAD, counting and everything that a fault asks for are the business of whoever calls.
//! - No state outside of [`Podinfo`]: two targets in one process know nothing of each other.

pub(crate) mod cache;
mod configs;
mod echo;
mod env;
mod faults;
mod headers;
mod health;
mod index;
pub(crate) mod info;
mod json;
mod metrics;
pub(crate) mod options;
mod panic;
mod spelled;
pub(crate) mod state;
mod store;
mod swagger;
#[cfg(test)]
mod tests;
pub(crate) mod token;
mod version;
pub(crate) mod ws;

pub(crate) mod request_metrics;

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, Method, StatusCode};
use shared::fault::Verdict;
use shared::outcome::ServerError;
use shared::route::Route;

pub(crate) use self::cache::Cache;
use self::configs::Configs;
use self::echo::Echo;
pub(crate) use self::faults::FaultInjection;
use self::health::Health;
use self::index::Index;
pub(crate) use self::info::{Info, Ui};
use self::metrics::Metrics;
pub(crate) use self::options::{Controls, Options, OptionsError};
pub(crate) use self::request_metrics::{RequestMetrics, Series};
pub(crate) use self::state::State;
pub(crate) use self::token::Tokens;
use crate::page::Page;
use shared::admin::guard::ChangeGuard;

/// The largest body of a request that is read whole, as in podinfo.
pub(crate) const BODY_MAX_BYTES: usize = 10 << 20;

/// All endpoints of one target.
pub(crate) struct Podinfo {
    index: Index,
    echo: Echo,
    configs: Configs,
    health: Health,
    faults: FaultInjection,
    metrics: Metrics,
    environment: Option<Vec<String>>,
    allow_panic: bool,
    guard: ChangeGuard,
    trusts: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    state: State,
    page: Page,
}

/// A request to one of podinfo's paths, by a method that the route takes.
pub(crate) struct Asked<'a> {
    /// What the path is.
    pub(crate) route: Route,
    /// Decoded, the prefix stripped.
    pub(crate) path: &'a str,
    /// HEAD arrives as what it is; who sends the answer leaves its body out.
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) client: IpAddr,
    /// Whole, at most [`BODY_MAX_BYTES`].
    pub(crate) body: Bytes,
    /// What was decided about this request.
    pub(crate) verdict: &'a Verdict,
}

/// An answer, before anything that a fault makes of it.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) status: StatusCode,
    /// The content's type and what the route adds; nothing that frames the answer.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Why it is not what was asked for; nothing if it is, whatever its status.
    pub(crate) error: Option<ServerError>,
}

impl Podinfo {
    /// Reads what the options name.
    ///
    /// # Errors
    /// Names the flag whose value cannot be served.
    pub(crate) fn new(options: Options, controls: Controls) -> Result<Podinfo, OptionsError> {
        Ok(Podinfo {
            echo: Echo::new(&options)?,
            configs: Configs::new(options.config_path),
            health: Health::new(options.unhealthy, options.unready, controls.readiness),
            faults: controls.fault_injection,
            metrics: Metrics::new(controls.registry),
            environment: options.environment,
            allow_panic: options.allow_panic,
            state: controls.state,
            page: controls.page,
            guard: controls.guard,
            trusts: controls.trusts,
            index: Index::new(&options.ui, options.ui_path, &options.prefix),
        })
    }

    /// What a route answers.
    pub(crate) async fn answer(&self, asked: Asked<'_>) -> Plain {
        match asked.route {
            Route::Index => self.index.answer(asked.headers, &self.page).await,
            Route::Page => self.page.answer(asked.method, asked.path, asked.headers, asked.client, &asked.body),
            Route::ApiInfo => self.index.info(),
            Route::Version => version::answer(),
            Route::Echo | Route::ApiEcho => self.echo.answer(asked.headers, asked.body).await,
            Route::Env => env::answer(self.environment.as_deref()),
            Route::Headers => headers::answer(asked.headers),
            Route::Status | Route::Delay | Route::Chunked | Route::ChunkedWait => spelled::answer(&asked),
            Route::Healthz => self.health.healthz(),
            Route::Readyz => self.health.readyz(),
            Route::ReadyzEnable | Route::ReadyzDisable | Route::FaultEnable | Route::FaultDisable => {
                self.change(&asked).unwrap_or_else(|refusal| refusal)
            }
            Route::FaultStatus => self.faults.status(),
            Route::Panic => panic::answer(self.allow_panic, asked.client, panic::end),
            Route::Configs => self.configs.answer().await,
            Route::Metrics => self.metrics.answer(asked.headers).await,
            Route::Store
            | Route::StoreHash
            | Route::Cache
            | Route::Token
            | Route::TokenValidate
            | Route::WsEcho
            | Route::Swagger
            | Route::SwaggerJson => self.state.answer(asked).await,
        }
    }
}

impl Podinfo {
    /// What changes the target for others. podinfo lets everybody; here a token is needed where there is one, no page of
    /// another site may, and nobody from outside of the networks that may ask for faults.
    fn change(&self, asked: &Asked<'_>) -> Result<Plain, Plain> {
        let allowed = self.guard.allows(asked.headers, asked.client);
        allowed.map_err(|refusal| Plain::refusal(refusal.status(), &refusal.reason()))?;
        if !(self.trusts)(asked.client) {
            return Err(Plain::refusal(StatusCode::FORBIDDEN, "this client is outside of --fault-cidrs"));
        }
        Ok(match asked.route {
            Route::ReadyzEnable => self.health.want(true),
            Route::ReadyzDisable => self.health.want(false),
            Route::FaultEnable => self.faults.put(true),
            _ => self.faults.put(false),
        })
    }
}

impl Plain {
    /// A status and nothing else.
    pub(crate) fn empty(status: StatusCode) -> Plain {
        Plain { status, headers: HeaderMap::new(), body: Bytes::new(), error: None }
    }

    /// Content that is what it says it is: no browser is to guess another type.
    pub(crate) fn of(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Plain {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        Plain { headers: HeaderMap::from_iter(headers), body: body.into(), ..Plain::empty(status) }
    }

    /// A stranger's bytes, given back: whatever they are, a browser must neither show nor run them.
    pub(crate) fn raw(status: StatusCode, body: Bytes) -> Plain {
        let nothing = HeaderValue::from_static("default-src 'none'");
        Plain::of(status, "application/octet-stream", body).with(CONTENT_SECURITY_POLICY, nothing)
    }

    /// What a rule wants said in place of the usual answer: JSON, or nothing.
    pub(crate) fn in_place(text: &'static str) -> Plain {
        match text {
            "" => Plain::empty(StatusCode::OK),
            text => Plain::json_text(StatusCode::OK, text.to_owned()),
        }
    }

    /// The same with one more field.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Plain {
        self.headers.insert(name, value);
        self
    }
}
