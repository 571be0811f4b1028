//! The way out of one stream: head, data, trailers, or a reset, and how to see that the client no longer wants any.

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, Response, StatusCode, Version};

use crate::h2body::{self, Gone};

/// One stream's way out.
pub(super) struct Out<'a> {
    respond: &'a mut SendResponse<Bytes>,
    /// Once the head is out.
    stream: Option<SendStream<Bytes>>,
}

impl<'a> Out<'a> {
    pub(super) fn new(respond: &'a mut SendResponse<Bytes>) -> Out<'a> {
        Out { respond, stream: None }
    }

    /// The request's body is wanted: says so to a client that waits for it.
    pub(super) fn go_on(&mut self) {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::CONTINUE;
        // If the client has left, whatever comes next says so.
        let _ = self.respond.send_informational(response);
    }

    /// Sends the head. `length` is what is announced as the body's.
    pub(super) fn head(
        &mut self,
        status: StatusCode,
        mut headers: HeaderMap,
        length: Option<u64>,
        is_end: bool,
    ) -> Result<(), Gone> {
        // RFC 9113, section 8.2.2: there is no field about the connection.
        headers.remove(CONNECTION);
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        let mut response = Response::new(());
        *response.status_mut() = status;
        *response.version_mut() = Version::HTTP_2;
        *response.headers_mut() = headers;
        self.stream = Some(self.respond.send_response(response, is_end).map_err(|_| Gone)?);
        Ok(())
    }

    pub(super) fn has_head(&self) -> bool {
        self.stream.is_some()
    }

    /// Sends a part of the body, as fast as the client takes it.
    pub(super) async fn data(&mut self, data: Bytes, is_end: bool) -> Result<(), Gone> {
        let stream = self.stream.as_mut().ok_or(Gone)?;
        h2body::send(stream, data, is_end).await
    }

    /// Sends trailers, which end the stream.
    pub(super) fn trailers(&mut self, trailers: HeaderMap) -> Result<(), Gone> {
        h2body::send_trailers(self.stream.as_mut().ok_or(Gone)?, trailers)
    }

    /// Ends the stream by `RST_STREAM`.
    pub(super) fn reset(&mut self, code: Reason) {
        match &mut self.stream {
            Some(stream) => stream.send_reset(code),
            None => self.respond.send_reset(code),
        }
    }

    /// Returns when the client has reset the stream, or its connection is over.
    pub(super) async fn left(&mut self) -> Gone {
        match &mut self.stream {
            Some(stream) => h2body::left(stream).await,
            None => h2body::left_before_head(self.respond).await,
        }
    }
}
