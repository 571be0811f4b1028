//! From messages in JSON to bytes, by descriptors.

use std::sync::OnceLock;

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_saphyr::Location;
use shared::carrier;

use super::{GrpcCall, GrpcMethod, Messages, Own};
use crate::plan::http::RequestBody;
use crate::scenario::{Json, JsonValue};

/// What is needed to make the messages of a call once its method is known.
#[derive(Clone, Debug)]
pub struct Open {
    /// The method as written.
    pub(super) method_at: Location,
    /// In order.
    pub(super) requests: Requests,
    pub(super) expected: Option<Json>,
}

/// What is to be sent, as written.
#[derive(Clone, Debug)]
pub(super) enum Requests {
    /// `message`, or nothing at all.
    One(Option<Json>),
    /// `messages`, which need a client that streams.
    Many(Location, Vec<Json>),
    /// `size`: one message with so many payload bytes.
    Sized(Location, u64),
}

/// What does not fit, and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Misfit {
    pub(super) at: Location,
    /// The key it is about.
    pub(super) key: &'static str,
    /// A lowercase fragment.
    pub(super) message: String,
}

impl Misfit {
    fn new(at: Location, key: &'static str, message: impl Into<String>) -> Misfit {
        Misfit { at, key, message: message.into() }
    }

    /// Where it is written.
    pub fn at(&self) -> Location {
        self.at
    }
}

/// `12:5: operation "a": grpc.message: ...`, what stands before the subject left to the caller.
impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "grpc.{}: {}", self.key, self.message)
    }
}

/// The descriptors that need no question: our own services, those of the interop suite, health and reflection.
pub(super) fn built_in() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut pool = DescriptorPool::new();
        for set in [
            shared::proto::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            pool.decode_file_descriptor_set(set).expect("committed, and read by a test");
        }
        pool
    })
}

impl GrpcCall {
    /// Makes the messages of a call that is still open, by what the server says of its method.
    ///
    /// # Errors
    /// If there is no such method, or a message does not fit it.
    pub fn resolve(&mut self, pool: &DescriptorPool) -> Result<(), Misfit> {
        let Err(open) = &self.messages else { return Ok(()) };
        let messages = open.fit(&self.method, pool)?;
        let in_message = messages.own.zip(messages.requests.first()).and_then(|(own, first)| own.fault_in(first));
        if let Some(Ok(fault)) = in_message.as_deref().map(carrier::header) {
            self.fault = fault.overridden_by(std::mem::take(&mut self.fault));
        }
        self.messages = Ok(messages);
        Ok(())
    }
}

impl Open {
    /// The messages of `method`, by the descriptors of `pool`.
    ///
    /// # Errors
    /// If there is no such method, or a message does not fit it.
    pub fn fit(&self, method: &GrpcMethod, pool: &DescriptorPool) -> Result<Messages, Misfit> {
        let unknown = |message: String| Misfit::new(self.method_at, "method", message);
        let service = pool
            .get_service_by_name(&method.service)
            .ok_or_else(|| unknown(format!("there is no service {:?}", method.service)))?;
        let found = service.methods().find(|known| known.name() == method.name).ok_or_else(|| {
            let names: Vec<String> = service.methods().map(|known| known.name().to_owned()).collect();
            unknown(format!("{} has no method {:?}; it has {}", method.service, method.name, names.join(", ")))
        })?;
        let own = Own::of(method);
        let requests = match &self.requests {
            Requests::One(None) => vec![Bytes::new()],
            Requests::One(Some(json)) => vec![encode(&found.input(), "message", json)?.encode_to_vec().into()],
            Requests::Many(at, _) if !found.is_client_streaming() => {
                return Err(Misfit::new(*at, "messages", format!("{method} takes one message: write message: {{..}}")));
            }
            Requests::Many(_, list) => {
                let encoded =
                    |json| encode(&found.input(), "messages", json).map(|message| message.encode_to_vec().into());
                list.iter().map(encoded).collect::<Result<_, _>>()?
            }
            Requests::Sized(at, size_bytes) => {
                let filler = RequestBody::Generated { size_bytes: *size_bytes }.bytes();
                let sized = own.and_then(|own| own.sized(filler.into()));
                vec![sized.map(Bytes::from).ok_or_else(|| {
                    let message = format!("the messages of {method} have no payload known here to fill; write message");
                    Misfit::new(*at, "size", message)
                })?]
            }
        };
        let fault = own.zip(requests.first()).and_then(|(own, first)| own.fault_in(first));
        if let Some(Err(errors)) = fault.as_deref().map(carrier::header) {
            let at = match &self.requests {
                Requests::One(Some(json)) => json.referenced,
                _ => self.method_at,
            };
            return Err(Misfit::new(at, "message", errors.to_string()));
        }
        let expected =
            self.expected.as_ref().map(|json| encode(&found.output(), "expect.message", json)).transpose()?;
        Ok(Messages {
            requests,
            server_streams: found.is_server_streaming(),
            client_streams: found.is_client_streaming(),
            output: found.output(),
            expected,
            own,
        })
    }
}

fn encode(shape: &MessageDescriptor, key: &'static str, json: &Json) -> Result<DynamicMessage, Misfit> {
    if !matches!(json.value, JsonValue::Map(_)) && !shape.full_name().starts_with("google.protobuf.") {
        return Err(Misfit::new(
            json.referenced,
            key,
            format!("{} is a mapping such as {{ field: value }}", shape.full_name()),
        ));
    }
    let read = json.value.read(json.referenced, shape.clone());
    read.map_err(|unfit| {
        // The library knows no better than that it is none.
        let fields = match unfit.reason.starts_with("unrecognized field") {
            true => format!(
                "; its fields: {}",
                shape.fields().map(|field| field.json_name().to_owned()).collect::<Vec<_>>().join(", ")
            ),
            false => String::new(),
        };
        Misfit::new(unfit.at, key, format!("no {}: {}{fields}", shape.full_name(), unfit.reason))
    })
}
