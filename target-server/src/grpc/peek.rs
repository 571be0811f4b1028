//! The first message of a call that may carry a fault, read before anything is decided.

use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use http::HeaderMap;
use prost::Message;
use shared::carrier;
use shared::fault::{Fault, SpecErrors};

use super::frame::{self, PREFIX_BYTES};
use super::intake::SLACK_BYTES;

/// What of a `cload.v1.Request` is looked at here; the payload is passed over.
#[derive(Clone, PartialEq, Message)]
struct Spec {
    #[prost(string, tag = "1")]
    fault: String,
}

/// Reads up to the end of the first message. What is malformed is left for the method to refuse: here it carries nothing.
/// Also returns all that was read.
pub(super) async fn first(
    recv: &mut RecvStream,
    headers: &HeaderMap,
    size_max_bytes: u64,
) -> (Bytes, Option<Result<Fault, SpecErrors>>) {
    let mut bytes = BytesMut::new();
    let max_bytes = size_max_bytes + SLACK_BYTES;
    loop {
        if let Some((_, length)) = frame::prefix(&bytes)
            && (length as u64 > max_bytes || bytes.len() - PREFIX_BYTES >= length)
        {
            break;
        }
        let Some(Ok(data)) = poll_fn(|cx| recv.poll_data(cx)).await else { break };
        let _ = recv.flow_control().release_capacity(data.len());
        bytes.extend_from_slice(&data);
    }
    let bytes = bytes.freeze();
    let fault = spec(&bytes, headers, max_bytes).filter(|spec| !spec.fault.is_empty());
    let fault = fault.map(|spec| carrier::header(&spec.fault));
    (bytes, fault)
}

fn spec(bytes: &[u8], headers: &HeaderMap, max_bytes: u64) -> Option<Spec> {
    let (flag, length) = frame::prefix(bytes)?;
    let message = bytes.get(PREFIX_BYTES..PREFIX_BYTES + length)?;
    match flag {
        0 => Spec::decode(message).ok(),
        1 if headers.get("grpc-encoding").is_some_and(|encoding| encoding == "gzip") => {
            Spec::decode(frame::decompressed(message, max_bytes)?.as_slice()).ok()
        }
        _ => None,
    }
}
