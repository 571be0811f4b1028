//! The services that tell: of this process, and of the call as it arrived.

use std::collections::BTreeMap;

use http::uri::Authority;
use shared::proto::env::env_service_server::EnvService;
use shared::proto::env::{EnvRequest, EnvResponse};
use shared::proto::header::header_service_server::HeaderService;
use shared::proto::header::{HeaderRequest, HeaderResponse};
use shared::proto::info::info_service_server::InfoService;
use shared::proto::info::{InfoRequest, InfoResponse};
use shared::proto::version::version_service_server::VersionService;
use shared::proto::version::{VersionRequest, VersionResponse};
use tonic::{Request, Response, Status};

use super::not_allowed;
use crate::podinfo::info::{Info, REVISION, VERSION};

pub(super) struct Version;

#[tonic::async_trait]
impl VersionService for Version {
    async fn version(&self, _: Request<VersionRequest>) -> Result<Response<VersionResponse>, Status> {
        Ok(Response::new(VersionResponse { version: VERSION.to_owned(), commit: REVISION.to_owned() }))
    }
}

/// What this process says of itself.
pub(super) struct About(pub(super) Info);

#[tonic::async_trait]
impl InfoService for About {
    async fn info(&self, _: Request<InfoRequest>) -> Result<Response<InfoResponse>, Status> {
        let info = self.0.now();
        Ok(Response::new(InfoResponse {
            hostname: info.hostname,
            version: info.version,
            revision: info.revision,
            color: info.color,
            logo: info.logo,
            message: info.message,
            goos: info.goos,
            goarch: info.goarch,
            runtime: info.runtime,
            numgoroutine: info.num_goroutine,
            numcpu: info.num_cpu,
        }))
    }
}

pub(super) struct Header;

#[tonic::async_trait]
impl HeaderService for Header {
    /// As they came, in the order of their names, where podinfo's order is another each time. What is no text is shown as
    /// far as it is some.
    async fn header(&self, request: Request<HeaderRequest>) -> Result<Response<HeaderResponse>, Status> {
        let (metadata, extensions, _) = request.into_parts();
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if let Some(authority) = extensions.get::<Authority>() {
            values.insert(":authority".to_owned(), vec![authority.to_string()]);
        }
        for (name, value) in &metadata.into_headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            values.entry(name.as_str().to_owned()).or_default().push(value);
        }
        let headers = values.into_iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
        Ok(Response::new(HeaderResponse { headers }))
    }
}

/// The environment; nothing if it may not be shown.
pub(super) struct Env(pub(super) Option<Vec<String>>);

#[tonic::async_trait]
impl EnvService for Env {
    async fn env(&self, _: Request<EnvRequest>) -> Result<Response<EnvResponse>, Status> {
        let shown = self.0.clone().ok_or_else(|| not_allowed("to show the environment", "--allow-env"))?;
        Ok(Response::new(EnvResponse { env_vars: shown }))
    }
}
