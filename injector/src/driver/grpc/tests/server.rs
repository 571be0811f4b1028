//! A gRPC server by hand, on bare HTTP/2, so that it can end a call in every way, proper or not.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response, StatusCode};
use prost::Message as _;
use prost_reflect::prost_types::FileDescriptorSet;
use shared::identity::Identity;
use shared::proto::cload::v1 as cload;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{
    ErrorResponse, FileDescriptorResponse, ServerReflectionRequest, ServerReflectionResponse,
};

use super::super::frame::{Deframer, framed};

/// How a call ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// As `cload.v1.Target` does: a reply for each message.
    Echo,
    /// The same with one payload byte too few.
    EchoShort,
    /// SERVING.
    Health,
    /// This status alone.
    Status(u16),
    /// A head, then this status.
    StatusAfterHead(u16),
    NoStatus,
    /// An HTTP status and no gRPC.
    Http(u16),
    Rst(u32),
    GoAway(u32),
    CutMessage,
    Oversize,
    Hang,
    /// The files of our own services, one by one; nothing of anything else.
    Reflect,
}

/// The method's path and the operation's name in, what to do out.
type Script = dyn Fn(&str, &str) -> Act + Send + Sync;

pub(super) struct Server {
    pub(super) address: SocketAddr,
}

impl Server {
    /// Serves until the process ends. The script is asked by the name of the operation, empty where there is none.
    pub(super) fn start(script: impl Fn(&str) -> Act + Send + Sync + 'static) -> Server {
        Server::serving(Arc::new(move |_: &str, op: &str| script(op)))
    }

    /// Has reflection in one version and nothing else.
    pub(super) fn reflecting(version: &'static str) -> Server {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        Server::serving(Arc::new(
            move |asked: &str, _: &str| if asked == path { Act::Reflect } else { Act::Status(12) },
        ))
    }

    fn serving(script: Arc<Script>) -> Server {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { accept(TcpListener::from_std(listener).unwrap(), script).await });
        });
        Server { address }
    }
}

async fn accept(listener: TcpListener, script: Arc<Script>) {
    while let Ok((stream, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        tokio::spawn(async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            let (goaway, mut told) = watch::channel(None);
            loop {
                let accepted = tokio::select! {
                    accepted = connection.accept() => accepted,
                    _ = told.changed() => {
                        connection.abrupt_shutdown(Reason::from(told.borrow().unwrap_or(0)));
                        continue;
                    }
                };
                let Some(Ok((request, respond))) = accepted else { return };
                tokio::spawn(serve(request, respond, Arc::clone(&script), goaway.clone()));
            }
        });
    }
}

async fn serve(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    script: Arc<Script>,
    goaway: watch::Sender<Option<u32>>,
) {
    let (parts, mut body) = request.into_parts();
    let identity = parts.headers.get("x-cload").and_then(|value| Identity::from_header(value.as_bytes()));
    let op = identity.map(|identity| identity.operation.to_string()).unwrap_or_default();
    let mut deframer = Deframer::new(1 << 25);
    let mut messages = Vec::new();
    while let Some(Ok(piece)) = body.data().await {
        let _ = body.flow_control().release_capacity(piece.len());
        deframer.push(piece, &mut |message| messages.push(message)).unwrap();
    }
    let asks = |name: &str| parts.headers.contains_key(name);
    let id = match identity {
        Some(identity) if !asks("x-no-id") => {
            format!("id={}.{}", identity.id.session, identity.id.seq + u64::from(asks("x-wrong-id")))
        }
        _ => String::new(),
    };
    let trailers = |code: u16| {
        let mut fields = HeaderMap::new();
        fields.insert("grpc-status", code.into());
        fields.insert("server-timing", "cload;dur=0.5".parse().unwrap());
        if !id.is_empty() {
            fields.insert("x-cload", id.parse().unwrap());
        }
        if asks("x-rule-last") {
            fields.insert("x-cload-rule", "late".parse().unwrap());
        }
        fields
    };
    let head = |mut fields: HeaderMap| {
        if asks("x-rule-first") {
            fields.insert("x-cload-rule", "early".parse().unwrap());
        }
        let mut response = Response::new(());
        *response.headers_mut() = fields;
        response.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        response
    };
    match script(parts.uri.path(), &op) {
        act @ (Act::Echo | Act::EchoShort) => {
            let mut fields = HeaderMap::new();
            if asks("x-gzip") {
                fields.insert("grpc-encoding", "gzip".parse().unwrap());
            }
            let mut stream = respond.send_response(head(fields), false).unwrap();
            let mut bytes_received = 0;
            for (index, message) in messages.iter().enumerate() {
                let payload = cload::Request::decode(message.clone()).unwrap().payload;
                bytes_received += payload.len() as u64;
                let payload = if matches!(act, Act::EchoShort) { payload.slice(1..) } else { payload };
                let (index, messages_received) = (index as u64, index as u64 + 1);
                let reply = cload::Reply { payload, index, messages_received, bytes_received, server: String::new() };
                let reply = reply.encode_to_vec();
                let bytes = if asks("x-gzip") { gzipped(&reply) } else { framed(&reply) };
                stream.send_data(bytes, false).unwrap();
            }
            stream.send_trailers(trailers(0)).unwrap();
        }
        Act::Health => {
            let mut stream = respond.send_response(head(HeaderMap::new()), false).unwrap();
            stream.send_data(framed(&[8, 1]), false).unwrap();
            stream.send_trailers(trailers(0)).unwrap();
        }
        Act::Status(code) => {
            respond.send_response(head(trailers(code)), true).unwrap();
        }
        Act::StatusAfterHead(code) => {
            let mut stream = respond.send_response(head(HeaderMap::new()), false).unwrap();
            stream.send_trailers(trailers(code)).unwrap();
        }
        Act::NoStatus => {
            let mut stream = respond.send_response(head(HeaderMap::new()), false).unwrap();
            stream.send_data(framed(&[]), true).unwrap();
        }
        Act::Http(status) => {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            respond.send_response(response, true).unwrap();
        }
        Act::Rst(code) => respond.send_reset(Reason::from(code)),
        Act::GoAway(code) => {
            goaway.send_replace(Some(code));
            poll_fn(|cx| respond.poll_reset(cx)).await.ok();
        }
        Act::CutMessage => {
            let mut stream = respond.send_response(head(HeaderMap::new()), false).unwrap();
            stream.send_data(Bytes::from_static(&[0, 0, 0, 0, 9, 1]), false).unwrap();
            stream.send_trailers(trailers(0)).unwrap();
        }
        Act::Oversize => {
            let mut stream = respond.send_response(head(HeaderMap::new()), false).unwrap();
            let length: u32 = if op == "large" { 32 << 20 } else { (4 << 20) + 1 };
            let mut prefix = BytesMut::new();
            prefix.put_u8(0);
            prefix.put_u32(length);
            stream.send_data(prefix.freeze(), false).unwrap();
            poll_fn(|cx| stream.poll_reset(cx)).await.ok();
        }
        Act::Hang => {
            poll_fn(|cx| respond.poll_reset(cx)).await.ok();
        }
        Act::Reflect => {
            let mut stream = respond.send_response(head(HeaderMap::new()), false).unwrap();
            stream.send_data(framed(&reflected(&messages[0])), false).unwrap();
            stream.send_trailers(trailers(0)).unwrap();
        }
    }
}

fn gzipped(message: &[u8]) -> Bytes {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(message).unwrap();
    let packed = encoder.finish().unwrap();
    let mut bytes = BytesMut::new();
    bytes.put_u8(1);
    bytes.put_u32(u32::try_from(packed.len()).unwrap());
    bytes.put_slice(&packed);
    bytes.freeze()
}

/// Only the file that was asked for, as servers may: the client has to ask for what that imports.
fn reflected(question: &[u8]) -> Vec<u8> {
    let set = FileDescriptorSet::decode(shared::proto::FILE_DESCRIPTOR_SET).unwrap();
    let question = ServerReflectionRequest::decode(question).unwrap().message_request.unwrap();
    let file = set.file.iter().find(|file| match &question {
        MessageRequest::FileByFilename(name) => file.name() == name,
        MessageRequest::FileContainingSymbol(symbol) => {
            file.service.iter().any(|service| format!("{}.{}", file.package(), service.name()) == *symbol)
        }
        _ => false,
    });
    let answer = match (file, question) {
        (Some(file), _) => MessageResponse::FileDescriptorResponse(FileDescriptorResponse {
            file_descriptor_proto: vec![file.encode_to_vec()],
        }),
        (None, MessageRequest::FileContainingSymbol(symbol)) => MessageResponse::ErrorResponse(ErrorResponse {
            error_code: 5,
            error_message: format!("there is no {symbol} here"),
        }),
        (None, _) => panic!("a file that nothing imports"),
    };
    ServerReflectionResponse { message_response: Some(answer), ..Default::default() }.encode_to_vec()
}
