//! The methods that are served: their names in metrics, and which asks mean something on them.

use shared::fault::{Dialect, Fault, Key, Limits, SpecErrorCode, SpecErrors};
use shared::identity::Name;

use super::intake::SLACK_BYTES;

/// One method.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Method {
    /// Name of the package and service, and of the method.
    service: &'static str,
    method: &'static str,
    /// The operation of requests without an identity.
    name: &'static str,
    /// Its answers carry bytes, whose size and content can be asked for.
    pub(super) has_payload: bool,
    /// How many answers it sends can be asked for.
    takes_count: bool,
    /// It takes a stream of messages.
    pub(super) is_client_streaming: bool,
    /// What its clients know as the largest message it takes, where they know one.
    message_max_bytes: u64,
}

/// What is wrong with an answer's number or size on a method that has none.
const NO_PAYLOAD: &str = "a method of cload.v1.Target, or UnaryCall and the like of grpc.testing.TestService";
const NO_COUNT: &str = "cload.v1.Target/ServerStream or BidiStream, or grpc.testing.TestService/StreamingOutputCall";

pub(super) const TARGET: &str = "cload.v1.Target";
pub(super) const TEST: &str = "grpc.testing.TestService";
pub(super) const HEALTH: &str = "grpc.health.v1.Health";
pub(super) const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
pub(super) const REFLECTION_ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";

pub(super) const ECHO: &str = "echo.EchoService";
pub(super) const VERSION: &str = "version.VersionService";
pub(super) const DELAY: &str = "delay.DelayService";
pub(super) const HEADER: &str = "header.HeaderService";
pub(super) const INFO: &str = "info.InfoService";
pub(super) const PANIC: &str = "panic.PanicService";
pub(super) const STATUS: &str = "status.StatusService";
pub(super) const TOKEN: &str = "token.TokenService";
pub(super) const ENV: &str = "env.EnvService";

/// Largest message that podinfo takes, the default of Go's servers.
const PODINFO_MESSAGE_MAX_BYTES: u64 = 4 << 20;

const fn plain(service: &'static str, method: &'static str, name: &'static str) -> Method {
    Method {
        service,
        method,
        name,
        has_payload: false,
        takes_count: false,
        is_client_streaming: false,
        message_max_bytes: u64::MAX,
    }
}

const fn podinfo(service: &'static str, method: &'static str, name: &'static str) -> Method {
    Method { message_max_bytes: PODINFO_MESSAGE_MAX_BYTES, ..plain(service, method, name) }
}

const fn payload(service: &'static str, method: &'static str, name: &'static str) -> Method {
    Method { has_payload: true, ..plain(service, method, name) }
}

const METHODS: [Method; 26] = [
    payload(TARGET, "Unary", "unary"),
    Method { takes_count: true, ..payload(TARGET, "ServerStream", "server_stream") },
    Method { is_client_streaming: true, ..payload(TARGET, "ClientStream", "client_stream") },
    Method { takes_count: true, is_client_streaming: true, ..payload(TARGET, "BidiStream", "bidi_stream") },
    plain(TEST, "EmptyCall", "empty_call"),
    payload(TEST, "UnaryCall", "unary_call"),
    payload(TEST, "CacheableUnaryCall", "cacheable_unary_call"),
    Method { takes_count: true, ..payload(TEST, "StreamingOutputCall", "streaming_output_call") },
    Method { is_client_streaming: true, ..plain(TEST, "StreamingInputCall", "streaming_input_call") },
    Method { is_client_streaming: true, ..payload(TEST, "FullDuplexCall", "full_duplex_call") },
    Method { is_client_streaming: true, ..payload(TEST, "HalfDuplexCall", "half_duplex_call") },
    plain(TEST, "UnimplementedCall", "unimplemented_call"),
    plain(HEALTH, "Check", "health_check"),
    plain(HEALTH, "Watch", "health_watch"),
    Method { is_client_streaming: true, ..plain(REFLECTION, "ServerReflectionInfo", "reflection") },
    Method { is_client_streaming: true, ..plain(REFLECTION_ALPHA, "ServerReflectionInfo", "reflection") },
    podinfo(ECHO, "Echo", "echo"),
    podinfo(VERSION, "Version", "version"),
    podinfo(DELAY, "Delay", "delay"),
    podinfo(HEADER, "Header", "header"),
    podinfo(INFO, "Info", "info"),
    podinfo(PANIC, "Panic", "panic"),
    podinfo(STATUS, "Status", "status"),
    podinfo(TOKEN, "TokenGenerate", "token_generate"),
    podinfo(TOKEN, "TokenValidate", "token_validate"),
    podinfo(ENV, "Env", "env"),
];

/// A path nobody serves; any ask about its status and time still holds.
static UNKNOWN: Method = plain("", "", "other");

impl Method {
    /// The method of a path `/package.Service/Method`.
    pub(super) fn of(path: &str) -> &'static Method {
        static KNOWN: [Method; 26] = METHODS;
        let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else {
            return &UNKNOWN;
        };
        KNOWN.iter().find(|known| known.service == service && known.method == method).unwrap_or(&UNKNOWN)
    }

    /// Whether anything is served under this name of a service.
    pub(super) fn is_service(name: &str) -> bool {
        METHODS.iter().any(|known| known.service == name)
    }

    /// Largest message it takes.
    pub(super) fn message_max_bytes(&self, limits: &Limits) -> u64 {
        self.message_max_bytes.min(limits.size_max_bytes + SLACK_BYTES)
    }

    /// The operation of a request without an identity.
    pub(super) fn operation(&self) -> Name {
        Name::from_static(self.name)
    }

    /// The full name of its service; empty for a path that is nobody's.
    pub(super) fn service(&self) -> &'static str {
        self.service
    }

    /// Whether the first message may carry a fault.
    pub(super) fn carries_fault(&self) -> bool {
        self.service == TARGET
    }

    /// Whether no rule ever strikes it: who asks how we are, or what there is to call, gets the truth.
    pub(super) fn is_spared(&self) -> bool {
        [HEALTH, REFLECTION, REFLECTION_ALPHA].contains(&self.service)
    }

    /// Whether it returns metadata it is sent, and says UNIMPLEMENTED as a service.
    pub(super) fn is_test(&self) -> bool {
        self.service == TEST
    }

    /// Refuses what this method, or gRPC, cannot do.
    pub(super) fn check(&self, fault: &Fault, limits: &Limits) -> Result<(), SpecErrors> {
        fault.check(Dialect::Grpc, limits)?;
        let refuse = |key: Key, reason: &str, expected: &str| {
            Err(fault.error_at(key, SpecErrorCode::UnsupportedOnProtocol, reason, expected))
        };
        for key in fault.keys() {
            match key {
                Key::Size | Key::Body if !self.has_payload => {
                    return refuse(key, "the answers of this method carry no payload", NO_PAYLOAD);
                }
                Key::Count if !self.takes_count => {
                    return refuse(key, "this method does not send as many answers as it is asked for", NO_COUNT);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_and_named_in_a_bounded_way() {
        for method in &METHODS {
            assert_eq!(Method::of(&format!("/{}/{}", method.service, method.method)), method);
            method.operation();
            assert!(Method::is_service(method.service));
        }
        for path in ["", "/", "//", "/cload.v1.Target", "/cload.v1.Target/unary", "cload.v1.Target/Unary", "/a/b/c"] {
            assert_eq!(Method::of(path).name, "other", "{path:?}");
        }
    }
}
