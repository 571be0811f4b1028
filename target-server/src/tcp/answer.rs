//! One answer: read, delay, line, payload in its pieces, and the fault where it strikes.
//!
//! A plain echo is the same thing without a line and without an ask, so that every delay, cut and bound means the same in
//! both.

use std::io;
use std::time::Duration;

use shared::echo::{Content, GARBAGE_BYTES};
use shared::fault::{Body, FaultKind, Verdict};
use shared::outcome::ServerError;
use shared::payload::Payload;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::connection::{After, Connection};
use super::flow::Flow;
use super::input::swallow;
use crate::bare::{broken, class_of_write, write_all};
use crate::close;
use crate::echo::Ask;
use crate::faults::Decision;
use crate::record::Call;

/// One request, understood and decided.
pub(super) struct Request {
    pub(super) call: Call,
    pub(super) decision: Decision,
    /// What the line repeats.
    pub(super) key: Option<String>,
    pub(super) answers_with_line: bool,
    /// What was asked, for a stream that outlives the rules of its beginning.
    pub(super) ask: Ask,
}

/// How an answer ended.
pub(super) enum End {
    Whole,
    /// Where its fault strikes.
    Struck,
    /// The client left before.
    Left,
    Broken(io::Error),
    /// Not yet: the rules have changed under a stream, which goes on as they say now.
    Changed,
    /// A pause would have been longer than any answer may take.
    TooLong,
}

/// Answers, and says what the connection is for afterwards. A drain ends what has no end of its own.
pub(super) async fn run(connection: &mut Connection<'_>, request: Request) -> After {
    let (stream, drain) = (connection.stream, connection.drain);
    let hang_max = connection.core.faults.limits().hang_max;
    let mut flow = Flow::new(connection.core, stream, connection.client, &mut connection.input, request);
    let (is_open, is_last) = (flow.is_open, flow.is_last);
    let swallows = is_open && matches!(flow.content, Content::Made(_));
    let end = loop {
        let strike_at = flow.strike_at();
        let end = tokio::select! {
            // First, so that an answer without delays also reaches a client that has left already.
            biased;
            end = flow.run() => end,
            () = sleep_until(strike_at.unwrap_or_else(Instant::now)), if strike_at.is_some() => End::Struck,
            () = drain.cancelled(), if is_open => End::Whole,
            () = swallow(stream), if swallows => End::Left,
            () = broken(stream), if !swallows => End::Left,
        };
        if !matches!(end, End::Changed) {
            break end;
        }
    };
    let Request { call, decision, .. } = flow.request;
    match end {
        End::Whole => {
            call.answered();
            if is_last || drain.is_cancelled() { After::Fin } else { After::Again }
        }
        End::Struck => strike(stream, call, &decision.verdict, hang_max, drain).await,
        End::Left | End::Changed => After::Fin,
        End::Broken(error) => {
            call.failed(class_of_write(&error));
            After::Gone
        }
        End::TooLong => {
            call.failed(ServerError::Overload);
            After::Fin
        }
    }
}

/// Breaks the answer. A drain cuts a hang short.
async fn strike(
    stream: &TcpStream,
    mut call: Call,
    verdict: &Verdict,
    hang_max: Duration,
    drain: &CancellationToken,
) -> After {
    match verdict.fault {
        Some(FaultKind::Hang) => {
            call.asked_begins();
            tokio::select! {
                // A client that has ended its side cannot be told from one that has left.
                () = close::left(stream) => {}
                () = sleep(hang_max) => {}
                () = drain.cancelled() => {}
            }
            call.left_unanswered();
            After::Rst
        }
        Some(FaultKind::Reset) => {
            call.left_unanswered();
            After::Rst
        }
        Some(FaultKind::Garbage) => {
            let random = Payload::new(Body::Random, GARBAGE_BYTES, verdict.seed, &verdict.key);
            // 0xff begins no answer line, whatever the dice say.
            let mut garbage = vec![0xff];
            garbage.extend(random.into_iter().flat_map(|random| random.chunks(GARBAGE_BYTES)).flatten());
            match write_all(stream, &garbage).await {
                Ok(()) => call.left_unanswered(),
                Err(error) => call.failed(class_of_write(&error)),
            }
            After::Fin
        }
        _ => {
            call.left_unanswered();
            After::Fin
        }
    }
}
