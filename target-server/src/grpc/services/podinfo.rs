//! podinfo's services, so that what calls podinfo over gRPC can call this instead.
//!
//! Each answers as podinfo does where that makes sense, and is a method like any other: metadata, deadline and record
//! are heard around it. What podinfo lets anybody do (end the process, read its environment) has to be allowed first.

mod about;
mod act;
mod token;

use std::sync::Arc;

use http::Request;
use http::uri::Authority;
use shared::proto::delay::delay_service_server::DelayServiceServer;
use shared::proto::echo::echo_service_server::EchoServiceServer;
use shared::proto::env::env_service_server::EnvServiceServer;
use shared::proto::header::header_service_server::HeaderServiceServer;
use shared::proto::info::info_service_server::InfoServiceServer;
use shared::proto::panic::panic_service_server::PanicServiceServer;
use shared::proto::status::status_service_server::StatusServiceServer;
use shared::proto::token::token_service_server::TokenServiceServer;
use shared::proto::version::version_service_server::VersionServiceServer;
use tonic::Status;
use tonic::codec::CompressionEncoding::Gzip;

use super::super::intake::Intake;
use super::super::method::{DELAY, ECHO, ENV, HEADER, INFO, PANIC, STATUS, TOKEN, VERSION};
use super::{Handler, handler};
use crate::podinfo::info::{Info, Ui};
use crate::podinfo::token::Tokens;

/// What podinfo's services may do and say.
pub(crate) struct Options {
    /// The name that health answers for beside the services' own.
    pub(crate) service_name: String,
    pub(crate) ui: Ui,
    /// Whether a call may end the process.
    pub(crate) allow_panic: bool,
    /// The process's environment, `NAME=value` each; nothing if it may not be shown. Read by the one who reads flags.
    pub(crate) env: Option<Vec<String>>,
    /// Nothing without a secret to sign with.
    pub(crate) tokens: Option<Arc<Tokens>>,
}

impl Default for Options {
    fn default() -> Options {
        let service_name = "podinfo".to_owned();
        Options { service_name, ui: Ui::default(), allow_panic: false, env: None, tokens: None }
    }
}

/// All of podinfo's services. tonic's own limit of a message is podinfo's too, 4 MiB once it is unpacked.
pub(super) fn handlers(options: Options) -> Vec<(&'static str, Handler)> {
    let Options { ui, allow_panic, env, tokens, .. } = options;
    let header = handler(HeaderServiceServer::new(about::Header).accept_compressed(Gzip));
    vec![
        (ECHO, handler(EchoServiceServer::new(act::Echo).accept_compressed(Gzip))),
        (VERSION, handler(VersionServiceServer::new(about::Version).accept_compressed(Gzip))),
        (DELAY, handler(DelayServiceServer::new(act::Delay).accept_compressed(Gzip))),
        (HEADER, Box::new(move |request| header(with_authority(request)))),
        (INFO, handler(InfoServiceServer::new(about::About(Info::new(&ui))).accept_compressed(Gzip))),
        (PANIC, handler(PanicServiceServer::new(act::Panic { is_allowed: allow_panic }).accept_compressed(Gzip))),
        (STATUS, handler(StatusServiceServer::new(act::Statuses).accept_compressed(Gzip))),
        (TOKEN, handler(TokenServiceServer::new(token::Token(tokens)).accept_compressed(Gzip))),
        (ENV, handler(EnvServiceServer::new(about::Env(env)).accept_compressed(Gzip))),
    ]
}

/// tonic does not hand the address of a request on to its method; metadata alone it does.
fn with_authority(mut request: Request<Intake>) -> Request<Intake> {
    let authority: Option<Authority> = request.uri().authority().cloned();
    if let Some(authority) = authority {
        request.extensions_mut().insert(authority);
    }
    request
}

/// What only a flag permits.
fn not_allowed(what: &str, flag: &str) -> Status {
    Status::permission_denied(format!("{what} is not allowed here; expected a target started with {flag}"))
}
