//! The services that do as they are told: say back, wait, end with a status, end the process.

use std::time::Duration;

use shared::proto::delay::delay_service_server::DelayService;
use shared::proto::delay::{DelayRequest, DelayResponse};
use shared::proto::echo::Message;
use shared::proto::echo::echo_service_server::EchoService;
use shared::proto::panic::panic_service_server::PanicService;
use shared::proto::panic::{PanicRequest, PanicResponse};
use shared::proto::status::status_service_server::StatusService;
use shared::proto::status::{StatusRequest, StatusResponse};
use shared::units::print_duration;
use tonic::{Code, Request, Response, Status};

use super::super::super::context::{Context, Next};
use super::super::super::status::bad_field;
use super::not_allowed;

pub(super) struct Echo;

#[tonic::async_trait]
impl EchoService for Echo {
    /// What it says is never logged.
    async fn echo(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

pub(super) struct Delay;

#[tonic::async_trait]
impl DelayService for Delay {
    /// Held against the limit that delays of the fault language have. podinfo has none, and sleeps on when its client has
    /// left.
    async fn delay(&self, request: Request<DelayRequest>) -> Result<Response<DelayResponse>, Status> {
        let context = Context::of(&request)?;
        let seconds = request.into_inner().seconds;
        let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        let most = context.limits.delay_max;
        if wait > most {
            let expected = format!("at most {}, the limit of --delay-max", print_duration(most));
            return Err(bad_field(Code::InvalidArgument, "seconds", format!("{seconds} is over the limit"), &expected));
        }
        context.push(Next { wait, gzip: false });
        Ok(Response::new(DelayResponse { message: seconds }))
    }
}

/// Go's names of the statuses, by number. Others are unknown, as to podinfo: to also hear `NOT_FOUND` or `5` would be kind
/// to nobody, because clients of podinfo cannot use it and the metadata `x-cload-fault` hears both.
const NAMES: [&str; 17] = [
    "Ok",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// Most characters of an unknown name that are said back: a status travels in a header.
const NAME_SHOWN_MAX: usize = 32;

pub(super) struct Statuses;

#[tonic::async_trait]
impl StatusService for Statuses {
    async fn status(&self, request: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let context = Context::of(&request)?;
        let name = request.into_inner().code;
        let Some(number) = (0_i32..).zip(NAMES).find_map(|(number, known)| (known == name).then_some(number)) else {
            let shown: String = name.chars().take(NAME_SHOWN_MAX).collect();
            let reason = format!("{shown:?} is no name of a status");
            return Err(bad_field(Code::Unknown, "code", reason, &format!("one of {}", NAMES.join(", "))));
        };
        context.set_scripted();
        match Code::from_i32(number) {
            Code::Ok => Ok(Response::new(StatusResponse { status: name })),
            code => Err(Status::new(code, "")),
        }
    }
}

pub(super) struct Panic {
    pub(super) is_allowed: bool,
}

/// What podinfo ends with when gRPC tells it to.
const PANIC_EXIT_CODE: i32 = 225;

#[tonic::async_trait]
impl PanicService for Panic {
    async fn panic(&self, _: Request<PanicRequest>) -> Result<Response<PanicResponse>, Status> {
        if !self.is_allowed {
            return Err(not_allowed("to end the process", "--allow-panic"));
        }
        tracing::error!(exit_code = PANIC_EXIT_CODE, "a gRPC call ends the process, as --allow-panic permits");
        #[expect(clippy::disallowed_methods, reason = "a crash is what was asked for and allowed: no drain, no answer")]
        std::process::exit(PANIC_EXIT_CODE)
    }
}
