//! What an operator can say about podinfo's endpoints, and what they need from the rest of the target.
//!
//! Plain values: flags and environment are read elsewhere, and a test writes what it means.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use prometheus::Registry;
use shared::admin::Readiness;

use super::FaultInjection;
use super::info::Ui;
use super::state::State;
use crate::page::Page;
use shared::admin::guard::ChangeGuard;

/// The most backends that one echo asks: what they answer is held in memory together.
pub(crate) const BACKENDS_MAX: usize = 16;

/// podinfo's flags, as far as its endpoints want to know them.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where all paths begin, as podinfo normalises it: `/`, or `/foo` without a slash at its end. For the page only: whoever
    /// routes strips it.
    pub(crate) prefix: String,
    /// What the page and the info show, and the field `X-Color`.
    pub(crate) ui: Ui,
    /// A folder whose `index.html` or `vue.html` is served instead of the page built in, read at every request.
    pub(crate) ui_path: Option<PathBuf>,
    /// Whom `/echo` asks, in this order; at most [`BACKENDS_MAX`].
    pub(crate) backends: Vec<String>,
    /// Which status an echo has whose backends failed.
    pub(crate) backend_errors: BackendErrors,
    /// How long one backend may take, to the last byte of its answer.
    pub(crate) http_client_timeout: Duration,
    /// The process's environment, `KEY=value` in its own order; nothing if `/env` is not allowed to show it.
    pub(crate) environment: Option<Vec<String>>,
    /// Whether `/panic` may end the process.
    pub(crate) allow_panic: bool,
    /// Whether `/healthz` says 503, whatever happens.
    pub(crate) unhealthy: bool,
    /// Whether `/readyz` says 503 until it is enabled.
    pub(crate) unready: bool,
    /// The folder that `/configs` shows.
    pub(crate) config_path: Option<PathBuf>,
}

/// Which status an echo has whose backends failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BackendErrors {
    /// 200, as podinfo: only the body tells.
    #[default]
    Ok,
    /// 502 if all failed, 207 if some did.
    Status,
}

/// What the endpoints share with the rest of the target.
pub(crate) struct Controls {
    /// What `/readyz` shows and `/readyz/enable` changes.
    pub(crate) readiness: Readiness,
    /// What `/metrics` shows.
    pub(crate) registry: Registry,
    /// What `/fault_injection/..` switches.
    pub(crate) fault_injection: FaultInjection,
    /// Who may change something, by what the request says.
    pub(crate) guard: ChangeGuard,
    /// Who may, by where the request comes from.
    pub(crate) trusts: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// What the endpoints hold that keep or sign something.
    pub(crate) state: State,
    /// What browsers get.
    pub(crate) page: Page,
}

/// A value that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{flag} {value:?}: {reason}")]
pub(crate) struct OptionsError {
    /// The flag that gave it.
    pub(crate) flag: &'static str,
    /// The offending text.
    pub(crate) value: String,
    /// What is wrong with it, and what would be right.
    pub(crate) reason: String,
}

impl Default for Options {
    /// podinfo's defaults; what could give something away is off.
    fn default() -> Options {
        Options {
            prefix: "/".to_owned(),
            ui: Ui::default(),
            ui_path: None,
            backends: Vec::new(),
            backend_errors: BackendErrors::Ok,
            http_client_timeout: Duration::from_secs(120),
            environment: None,
            allow_panic: false,
            unhealthy: false,
            unready: false,
            config_path: None,
        }
    }
}
