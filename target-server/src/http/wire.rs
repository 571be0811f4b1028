//! Answers that hyper would never write, on the bare socket.
//!
//! hyper has read the request and given the socket back; what is written from here on ends the connection. Delays, sizes
//! and pacing are the same mechanism as for well-behaved answers ([`Shaped`]), so that a fault may strike anywhere in one.
//!
//! Invariants:
//! - An answer that is cut short can be seen to be: it is announced longer than it is, or chunked without an end.
//! - The client's leaving ends everything; nothing waits longer than `hang_max`.

mod head;
mod plan;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io;

use shared::fault::FaultKind;
use shared::outcome::{Code, ServerError};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::body::class_of;
use super::close;
use super::shape::Piece;
use super::source::BodyError;
pub(super) use plan::Plan;
use plan::Strike;

use crate::act::wait;

/// How the writing of an answer ended.
enum End {
    /// Where the fault strikes.
    Reached,
    /// The client left before.
    Left,
    Broken(io::Error),
    Short(BodyError),
}

/// Writes the answer up to where its fault strikes, and strikes. A drain cuts a hang short.
pub(super) async fn run(stream: TcpStream, mut plan: Box<Plan>, drain: &CancellationToken) {
    let at = plan.strike_time();
    let end = tokio::select! {
        // First, so that an answer without delays also reaches a client that has ended its side already.
        biased;
        end = write(&stream, &mut plan) => end,
        () = sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => End::Reached,
        () = close::left(&stream) => End::Left,
    };
    match end {
        End::Reached => strike(stream, *plan, drain).await,
        End::Left => plan.job.call.failed(ServerError::Aborted),
        End::Short(error) => plan.job.call.failed(class_of(&error)),
        End::Broken(error) => plan.job.call.failed(class_of_write(&error)),
    }
}

fn class_of_write(error: &io::Error) -> ServerError {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset => ServerError::Aborted,
        _ => ServerError::Write,
    }
}

async fn write(stream: &TcpStream, plan: &mut Plan) -> End {
    match write_to_strike(stream, plan).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return End::Short(error),
        Err(error) => return End::Broken(error),
    }
    if plan.strike_time().is_some() {
        // All is written and it is too early: the message stays open until its time has come.
        std::future::pending::<()>().await;
    }
    End::Reached
}

async fn write_to_strike(stream: &TcpStream, plan: &mut Plan) -> io::Result<Result<(), BodyError>> {
    wait(&mut plan.job.call, plan.delay).await;
    if plan.strike == Strike::Head {
        return Ok(Ok(()));
    }
    write_all(stream, &plan.head()).await?;
    plan.job.call.set_code(Code::Http(plan.job.status().as_u16()));
    if plan.job.is_bodiless() {
        return Ok(Ok(()));
    }
    let mut left = match plan.strike {
        Strike::Byte(bytes) => bytes,
        Strike::Head | Strike::End => u64::MAX,
    };
    loop {
        let piece = poll_fn(|cx| plan.shaped.poll_piece(cx, &mut plan.job.call)).await;
        let data = match piece {
            None | Some(Ok(Piece::Trailers(_))) => return Ok(Ok(())),
            Some(Err(error)) => return Ok(Err(error)),
            Some(Ok(Piece::Data(data))) => data,
        };
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
        plan.job.call.take_back_sent(data.len() - len);
        left -= len as u64;
        if len > 0 {
            write_all(stream, &plan.framed(&data[..len])).await?;
        }
        if left == 0 {
            return Ok(Ok(()));
        }
    }
}

async fn strike(stream: TcpStream, plan: Plan, drain: &CancellationToken) {
    let hang_max = plan.job.exchange.http.core.faults.limits().hang_max;
    let last_words = plan.last_words();
    let Plan { job, kind, .. } = plan;
    if !last_words.is_empty() {
        let written = tokio::select! {
            biased;
            written = write_all(&stream, &last_words) => written,
            () = close::left(&stream) => Err(io::ErrorKind::BrokenPipe.into()),
        };
        if let Err(error) = written {
            return job.call.failed(class_of_write(&error));
        }
    }
    match kind {
        FaultKind::Hang => {
            let since = Instant::now();
            tokio::select! {
                () = close::left(&stream) => {}
                () = tokio::time::sleep(hang_max) => {}
                () = drain.cancelled() => {}
            }
            let mut call = job.call;
            call.add_asked(since.elapsed());
            call.left_unanswered();
            // Whoever waited this long must not take the end for that of an answer.
            close::reset(stream).await;
        }
        FaultKind::Reset => {
            job.call.left_unanswered();
            close::reset(stream).await;
        }
        _ => {
            job.call.left_unanswered();
            close::orderly(stream).await;
        }
    }
}

/// Through a shared reference, so that the client's leaving can be watched meanwhile.
async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
