//! Asking a server what its methods look like (gRPC server reflection, v1 and the older v1alpha, which are alike on the
//! wire).
//!
//! One connection of its own, one stream per question, everything bounded. Not a part of any run: asked before one starts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use prost::Message as _;
use prost_reflect::{DescriptorPool, prost_types::FileDescriptorProto};
use shared::outcome::{Code, ErrorClass};
use tokio::time::timeout;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::exchange::{End, Exchange, Listener};
use super::frame::framed;
use super::status::Said;
use super::{fields, request, uri};
use crate::dial;
use crate::driver::Marks;
use crate::names::Names;
use crate::plan::{Endpoint, Tls};
use crate::socket::Guard;

/// How long all questions to one server may take.
const QUESTIONS_TIMEOUT: Duration = Duration::from_secs(5);
/// Most files that the description of one service may be spread over.
const FILES_MAX: usize = 256;
/// Longest answer.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Both know the same messages.
const VERSIONS: [&str; 2] = ["grpc.reflection.v1", "grpc.reflection.v1alpha"];
const NOT_FOUND: u8 = 5;
const UNIMPLEMENTED: u8 = 12;

/// Why a server did not tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untold {
    /// It could not be asked.
    #[error("{0}")]
    Unreachable(String),
    /// It was asked, and has no such service or no reflection.
    #[error("{0}")]
    Unknown(String),
}

impl From<h2::Error> for Untold {
    fn from(error: h2::Error) -> Untold {
        Untold::Unreachable(format!("the connection broke: {error}"))
    }
}

/// The descriptors of `service` and all it depends on, as the server at `endpoint` has them.
///
/// # Errors
/// Why there are none, in words.
pub(crate) async fn describe(
    names: &Names,
    endpoint: &Endpoint,
    tls: Option<&Tls>,
    service: &str,
) -> Result<DescriptorPool, Untold> {
    let late = || Untold::Unreachable(format!("no answer within {} s", QUESTIONS_TIMEOUT.as_secs()));
    timeout(QUESTIONS_TIMEOUT, ask(names, endpoint, tls, service)).await.unwrap_or_else(|_| Err(late()))
}

async fn ask(names: &Names, endpoint: &Endpoint, tls: Option<&Tls>, service: &str) -> Result<DescriptorPool, Untold> {
    let marks = Marks::default();
    let class = |class: ErrorClass| {
        let why = marks.why().map_or_else(String::new, |why| format!(": {why}"));
        Untold::Unreachable(format!("{}{why}", class.as_str()))
    };
    let guard = Guard::new(QUESTIONS_TIMEOUT, None);
    let stream = dial::stream(names, endpoint, tls, &guard, &marks, None).await.map_err(class)?;
    let (requests, connection) = Builder::new().enable_push(false).handshake::<_, Bytes>(stream).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    tokio::select! {
        described = all(Questions { requests, scheme, endpoint, version: 0 }, service) => described,
        ended = connection => {
            let why = ended.err().map_or_else(|| "the server closed it".to_owned(), |error| error.to_string());
            Err(Untold::Unreachable(format!("the connection ended: {why}")))
        }
    }
}

async fn all(mut questions: Questions<'_>, service: &str) -> Result<DescriptorPool, Untold> {
    let mut files: BTreeMap<String, FileDescriptorProto> = BTreeMap::new();
    let mut answered = questions.ask(MessageRequest::FileContainingSymbol(service.to_owned())).await?;
    loop {
        for bytes in &answered {
            let file = FileDescriptorProto::decode(bytes.as_slice())
                .map_err(|error| Untold::Unknown(format!("a file of reflection cannot be read: {error}")))?;
            files.insert(file.name().to_owned(), file);
        }
        if files.len() > FILES_MAX {
            return Err(Untold::Unknown(format!("{service} is spread over more than {FILES_MAX} files")));
        }
        let imported: BTreeSet<&str> =
            files.values().flat_map(|file| file.dependency.iter().map(String::as_str)).collect();
        let Some(missing) = imported.into_iter().find(|name| !files.contains_key(*name)).map(str::to_owned) else {
            break;
        };
        answered = questions.ask(MessageRequest::FileByFilename(missing.clone())).await?;
        let is_there =
            |bytes: &Vec<u8>| FileDescriptorProto::decode(bytes.as_slice()).is_ok_and(|file| file.name() == missing);
        if !answered.iter().any(is_there) {
            return Err(Untold::Unknown(format!("it answers {missing} by other files")));
        }
    }
    let mut pool = DescriptorPool::new();
    let added = pool.add_file_descriptor_protos(files.into_values());
    added.map_err(|error| Untold::Unknown(format!("its descriptors are inconsistent: {error}")))?;
    Ok(pool)
}

struct Questions<'a> {
    requests: SendRequest<Bytes>,
    scheme: &'static str,
    endpoint: &'a Endpoint,
    /// Of [`VERSIONS`]; goes up where the server does not know one.
    version: usize,
}

impl Questions<'_> {
    /// The files of an answer.
    async fn ask(&mut self, question: MessageRequest) -> Result<Vec<Vec<u8>>, Untold> {
        let host = self.endpoint.host.to_string();
        let message = ServerReflectionRequest { host, message_request: Some(question) }.encode_to_vec();
        loop {
            let method = format!("{}.ServerReflection/ServerReflectionInfo", VERSIONS[self.version]);
            let (end, answers) = self.call(&method, &message).await?;
            match end {
                End::Status(UNIMPLEMENTED) if self.version + 1 < VERSIONS.len() => self.version += 1,
                End::Status(UNIMPLEMENTED) => {
                    let message = "it offers no reflection, neither grpc.reflection.v1 nor v1alpha";
                    return Err(Untold::Unknown(message.to_owned()));
                }
                End::Status(0) => return files(&answers),
                End::Status(NOT_FOUND) => {
                    return Err(Untold::Unknown("its reflection does not know it".to_owned()));
                }
                End::Status(code) => {
                    return Err(Untold::Unreachable(format!("{method} was answered {}", Code::Grpc(code))));
                }
                End::BadHead(status) => {
                    let status = status.as_u16();
                    return Err(Untold::Unreachable(format!("{method} was answered HTTP status {status} and no gRPC")));
                }
                End::Unframed(why) => return Err(Untold::Unreachable(format!("{method} was answered {why}"))),
                End::NoStatus | End::Deadline => {
                    return Err(Untold::Unreachable(format!("{method} was answered without a status")));
                }
            }
        }
    }

    async fn call(&mut self, method: &str, message: &[u8]) -> Result<(End, Vec<Bytes>), Untold> {
        let request = request(uri(self.scheme, self.endpoint, method), fields(std::iter::empty()));
        self.requests = self.requests.clone().ready().await?;
        let begun = self.requests.send_request(request, false)?;
        let mut heard = Heard::default();
        let end = Exchange::new(&mut heard, begun, [framed(message)], ANSWER_BYTES_MAX).run().await?;
        Ok((end, heard.messages))
    }
}

fn files(answers: &[Bytes]) -> Result<Vec<Vec<u8>>, Untold> {
    let first = answers.first().and_then(|bytes| ServerReflectionResponse::decode(bytes.clone()).ok());
    match first.and_then(|answer| answer.message_response) {
        Some(MessageResponse::FileDescriptorResponse(files)) => Ok(files.file_descriptor_proto),
        Some(MessageResponse::ErrorResponse(error)) => Err(Untold::Unknown(error.error_message)),
        _ => Err(Untold::Unknown("its reflection gives no files".to_owned())),
    }
}

/// Keeps the messages of one answer: at most as many as fit its bound.
#[derive(Default)]
struct Heard {
    messages: Vec<Bytes>,
    bytes: usize,
}

impl Listener for Heard {
    fn wrote(&mut self, _bytes: usize) {}
    fn wrote_all(&mut self) {}
    fn said(&mut self, _said: &Said) {}
    fn received(&mut self, _bytes: usize) {}

    fn message(&mut self, message: Bytes) {
        self.bytes += message.len();
        if self.bytes <= ANSWER_BYTES_MAX && self.messages.is_empty() {
            self.messages.push(message);
        }
    }
}
