//! `/echo`: the request's body back, or what the backends said to it.

mod backends;
mod call;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::RootCertStore;

use self::backends::Backends;
use super::Plain;
use super::options::{Options, OptionsError};

/// Which of several colours answered: what a canary is watched by.
const COLOR: HeaderName = HeaderName::from_static("x-color");

/// What `/echo` does.
pub(super) struct Echo {
    color: HeaderValue,
    /// Nothing if there are none.
    backends: Option<Backends>,
}

impl Echo {
    /// # Errors
    /// If the color fits into no field, or the backends cannot be asked as they are given.
    pub(super) fn new(options: &Options) -> Result<Echo, OptionsError> {
        Echo::with_roots(options, None)
    }

    /// Trusting these instead of the system's roots.
    fn with_roots(options: &Options, roots: Option<RootCertStore>) -> Result<Echo, OptionsError> {
        let color = HeaderValue::from_str(&options.ui.color).map_err(|_| OptionsError {
            flag: "--ui-color",
            value: options.ui.color.clone(),
            reason: "it is sent as the field X-Color; expected visible ASCII such as #34577c".to_owned(),
        })?;
        let is_asking = !options.backends.is_empty();
        let backends = is_asking.then(|| Backends::new(options, roots)).transpose()?;
        Ok(Echo { color, backends })
    }

    /// 202 with the body as it came; with backends, their answers as a list.
    pub(super) async fn answer(&self, headers: &HeaderMap, body: Bytes) -> Plain {
        let answer = match &self.backends {
            None => Plain::raw(StatusCode::ACCEPTED, body),
            Some(backends) => backends.answer(headers, body).await,
        };
        answer.with(COLOR, self.color.clone())
    }
}

#[cfg(test)]
mod tests;
