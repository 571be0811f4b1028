//! The life of one connection: its first bytes decide what it is, then it is a plain echo or one command after another.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::carrier::TCP_PREFIX;
use shared::protocol::Protocol;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Request};
use super::command;
use super::input::{Input, READ_BYTES};
use crate::close;
use crate::core::{Core, Kept};
use crate::echo::Ask;
use crate::stream::Stream;

/// How long first bytes that could still become a command are held back.
const STALL_MAX: Duration = Duration::from_millis(250);

/// What the connection is for, after a request.
pub(super) enum After {
    /// The next request.
    Again,
    /// An orderly end.
    Fin,
    /// A reset.
    Rst,
    /// Nothing: the client is gone.
    Gone,
}

/// What a connection, or its next request, begins with.
pub(super) enum Opening {
    /// Nothing came.
    Nothing,
    /// `CL/1 `.
    Command,
    /// Anything else.
    Other,
}

/// What the requests of one connection share.
pub(super) struct Connection<'a> {
    pub(super) core: &'a Arc<Core>,
    pub(super) stream: &'a TcpStream,
    pub(super) client: IpAddr,
    pub(super) drain: &'a CancellationToken,
    pub(super) input: Input,
    pub(super) kept: Kept,
}

/// Serves a connection to its end.
pub(super) async fn serve(core: &Arc<Core>, stream: TcpStream, client: IpAddr, drain: CancellationToken) {
    let _open = core.opened(Protocol::Tcp);
    let mut connection =
        Connection { core, stream: &stream, client, drain: &drain, input: Input::default(), kept: Kept::default() };
    let after = match connection.opening(STALL_MAX).await {
        Opening::Nothing => After::Fin,
        // On the heap and only while something goes on: a connection that waits stays small.
        Opening::Other => Box::pin(connection.plain()).await,
        Opening::Command => connection.commands().await,
    };
    drop(connection);
    match after {
        After::Rst => Box::pin(close::reset(stream)).await,
        After::Fin | After::Again => Box::pin(close::orderly(Stream::Plain(stream))).await,
        After::Gone => {}
    }
}

impl Connection<'_> {
    /// Waits for as many bytes as tell what comes. Those that could still become `CL/1 ` wait for `stall_max`.
    async fn opening(&mut self, stall_max: Duration) -> Opening {
        loop {
            let held = &self.input.held;
            if held.starts_with(TCP_PREFIX) {
                return Opening::Command;
            }
            let is_silent = held.is_empty();
            if !TCP_PREFIX.starts_with(held) {
                return Opening::Other;
            }
            let otherwise = if is_silent { Opening::Nothing } else { Opening::Other };
            let patience = if is_silent { self.core.idle_timeout } else { stall_max };
            tokio::select! {
                biased;
                read = self.input.read(self.stream, READ_BYTES) => if !matches!(read, Ok(1..)) {
                    return otherwise;
                },
                () = self.drain.cancelled(), if is_silent => return otherwise,
                () = sleep(patience) => return otherwise,
            }
        }
    }

    /// All that comes, back as it is: one request, until the connection ends.
    async fn plain(&mut self) -> After {
        // One key for all rules that come and go under it: a share of connections is drawn once for each.
        let ask = Ask::keyed(&self.core.faults.key(None, None));
        let (call, decision) = command::start(self, &ask);
        let request = Request { call, decision, key: None, answers_with_line: false, ask };
        answer::run(self, request).await
    }

    /// One command after another.
    async fn commands(&mut self) -> After {
        loop {
            match Box::pin(command::run(self)).await {
                After::Again => {}
                after => return after,
            }
            self.input.rest();
            match self.opening(self.core.head_timeout).await {
                Opening::Nothing => return After::Fin,
                Opening::Command => {}
                Opening::Other => return command::refuse_other(self).await,
            }
        }
    }
}
