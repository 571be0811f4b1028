//! The TCP echo: plain and byte-exact by default; a connection that begins with `CL/1 ` is in command mode.
//!
//! Invariants:
//! - Whatever comes without `CL/1 ` in front goes back as it is, at once.
//! - A connection holds at most a command line, what is read ahead of a delay, and one write, whatever flows through it.
//! - Every wait has a bound: `--head-timeout` for a line, `--idle-timeout` for bytes, the language's limits for the rest.

mod answer;
mod command;
mod connection;
mod flow;
mod input;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::accept::Speaker;
use crate::core::{Core, client_ip};

/// The TCP echo.
pub(crate) struct Tcp {
    core: Arc<Core>,
}

impl Tcp {
    pub(crate) fn new(core: Arc<Core>) -> Tcp {
        Tcp { core }
    }
}

impl Speaker for Tcp {
    async fn serve(self: Arc<Self>, stream: TcpStream, client: SocketAddr, drain: CancellationToken) {
        connection::serve(&self.core, stream, client_ip(client), drain).await;
    }

    /// An echo has no words for it: the connection is closed.
    fn refuse(&self, _: &TcpStream) {
        self.core.count_nameless(Protocol::Tcp, "refused", Code::NONE, ServerError::Overload);
    }
}
