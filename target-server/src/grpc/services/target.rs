//! `cload.v1.Target`: the four shapes of a call. What the fault asks of status, time and breakage is done around it.

use std::sync::Arc;

use bytes::Bytes;
use shared::proto::cload::v1::target_server;
use shared::proto::cload::v1::{Reply, Request as Ask};
use tonic::{Code, Request, Response, Status, Streaming};

use super::super::context::Context;
use super::super::status::bad_field;
use super::super::unfold::{Answers, unfold};

pub(super) struct Target;

/// One call's answers, as far as they depend on what came.
struct Desk {
    context: Arc<Context>,
    asks: Option<Streaming<Ask>>,
    /// The last payload that came: what is echoed.
    echo: Bytes,
    messages_received: u64,
    bytes_received: u64,
    index: u64,
}

impl Desk {
    fn new(context: Arc<Context>, asks: Option<Streaming<Ask>>) -> Desk {
        Desk { context, asks, echo: Bytes::new(), messages_received: 0, bytes_received: 0, index: 0 }
    }

    fn received(&mut self, ask: Ask) {
        self.messages_received += 1;
        self.bytes_received += ask.payload.len() as u64;
        self.echo = ask.payload;
    }

    /// The next message; the end of the stream is nothing.
    async fn next(&mut self) -> Result<bool, Status> {
        let Some(asks) = &mut self.asks else { return Ok(false) };
        let Some(ask) = asks.message().await? else {
            self.asks = None;
            return Ok(false);
        };
        self.context.was_compressed();
        if self.messages_received > 0 && !ask.fault.is_empty() {
            let reason = "a fault in a message that is not the first".to_owned();
            return Err(bad_field(
                Code::InvalidArgument,
                "fault",
                reason,
                "a fault in the first message or the metadata",
            ));
        }
        self.received(ask);
        Ok(true)
    }

    fn reply(&mut self) -> Reply {
        let payload = self.context.made.clone().unwrap_or_else(|| self.echo.clone());
        self.index += 1;
        Reply {
            payload,
            index: self.index - 1,
            messages_received: self.messages_received,
            bytes_received: self.bytes_received,
            server: self.context.place.clone(),
        }
    }
}

#[tonic::async_trait]
impl target_server::Target for Target {
    async fn unary(&self, request: Request<Ask>) -> Result<Response<Reply>, Status> {
        let mut desk = Desk::new(Context::of(&request)?, None);
        desk.received(request.into_inner());
        Ok(Response::new(desk.reply()))
    }

    type ServerStreamStream = Answers<Reply>;

    /// As many as asked for, else one.
    async fn server_stream(&self, request: Request<Ask>) -> Result<Response<Self::ServerStreamStream>, Status> {
        let context = Context::of(&request)?;
        let count = context.count.unwrap_or(1);
        context.set_expected(count);
        let mut desk = Desk::new(context, None);
        desk.received(request.into_inner());
        Ok(Response::new(unfold(desk, move |mut desk| async move {
            Ok((desk.index < count).then(|| (desk.reply(), desk)))
        })))
    }

    /// One answer that counts; there is no one message it could echo.
    async fn client_stream(&self, request: Request<Streaming<Ask>>) -> Result<Response<Reply>, Status> {
        let context = Context::of(&request)?;
        let mut desk = Desk::new(context, Some(request.into_inner()));
        while desk.next().await? {
            desk.echo = Bytes::new();
        }
        Ok(Response::new(desk.reply()))
    }

    type BidiStreamStream = Answers<Reply>;

    /// One for each; if a number was asked for, that many in all, whether more or fewer come.
    async fn bidi_stream(&self, request: Request<Streaming<Ask>>) -> Result<Response<Self::BidiStreamStream>, Status> {
        let context = Context::of(&request)?;
        let count = context.count;
        let desk = Desk::new(context, Some(request.into_inner()));
        Ok(Response::new(unfold(desk, move |mut desk| async move {
            if count.is_some_and(|count| desk.index >= count) {
                return Ok(None);
            }
            let came = desk.next().await?;
            Ok((came || count.is_some()).then(|| (desk.reply(), desk)))
        })))
    }
}
