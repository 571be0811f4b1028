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

use super::close;
use super::shape::Piece;
use super::source::BodyError;
use super::strike::{Broken, Strike};
use crate::stream::{Seal, Stream};
pub(super) use plan::Plan;

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

/// A socket to write on while its other direction is watched.
struct Wire {
    stream: TcpStream,
    seal: Seal,
}

/// Writes the answer up to where its fault strikes, and strikes. A drain cuts a hang short.
pub(super) async fn run(stream: Stream, mut plan: Box<Plan>, drain: &CancellationToken) {
    let at = plan.broken.at;
    let (stream, seal) = stream.into_parts();
    let mut wire = Wire { stream, seal };
    let end = tokio::select! {
        // First, so that an answer without delays also reaches a client that has ended its side already.
        biased;
        end = write(&wire.stream, &mut wire.seal, &mut plan) => end,
        () = sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => End::Reached,
        () = close::left(&wire.stream) => End::Left,
    };
    match end {
        End::Reached => strike(wire, *plan, drain).await,
        End::Left => plan.broken.job.call.failed(ServerError::Aborted),
        End::Short(error) => plan.broken.job.call.failed(error.class()),
        End::Broken(error) => plan.broken.job.call.failed(class_of_write(&error)),
    }
}

fn class_of_write(error: &io::Error) -> ServerError {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset => ServerError::Aborted,
        _ => ServerError::Write,
    }
}

async fn write(stream: &TcpStream, seal: &mut Seal, plan: &mut Plan) -> End {
    match write_to_strike(stream, seal, plan).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return End::Short(error),
        Err(error) => return End::Broken(error),
    }
    if plan.broken.at.is_some() {
        // All is written and it is too early: the message stays open until its time has come.
        std::future::pending::<()>().await;
    }
    End::Reached
}

async fn write_to_strike(stream: &TcpStream, seal: &mut Seal, plan: &mut Plan) -> io::Result<Result<(), BodyError>> {
    let delay = plan.broken.delay;
    wait(&mut plan.broken.job.call, delay).await;
    if plan.broken.strike == Strike::Head {
        return Ok(Ok(()));
    }
    write_all(stream, &seal.wrap(&plan.head())).await?;
    let status = plan.broken.job.status();
    plan.broken.job.call.set_code(Code::Http(status.as_u16()));
    if plan.broken.job.is_bodiless() {
        return Ok(Ok(()));
    }
    let mut left = match plan.broken.strike {
        Strike::Byte(bytes) => bytes,
        Strike::Head | Strike::End => u64::MAX,
    };
    loop {
        let Broken { shaped, job, .. } = &mut plan.broken;
        let piece = poll_fn(|cx| shaped.poll_piece(cx, &mut job.call)).await;
        let data = match piece {
            None | Some(Ok(Piece::Trailers(_))) => return Ok(Ok(())),
            Some(Err(error)) => return Ok(Err(error)),
            Some(Ok(Piece::Data(data))) => data,
        };
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
        job.call.take_back_sent(data.len() - len);
        left -= len as u64;
        if len > 0 {
            write_all(stream, &seal.wrap(&plan.framed(&data[..len]))).await?;
        }
        if left == 0 {
            return Ok(Ok(()));
        }
    }
}

async fn strike(Wire { stream, mut seal }: Wire, plan: Plan, drain: &CancellationToken) {
    let hang_max = plan.broken.job.exchange.http.core.faults.limits().hang_max;
    let mut last_words = seal.wrap(&plan.last_words()).into_owned();
    let Broken { job, kind, .. } = plan.broken;
    let is_orderly = !matches!(kind, FaultKind::Hang | FaultKind::Reset);
    if is_orderly {
        last_words.extend(seal.end());
    }
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
    let mut call = job.call;
    if kind == FaultKind::Hang {
        let since = Instant::now();
        tokio::select! {
            () = close::left(&stream) => {}
            () = tokio::time::sleep(hang_max) => {}
            () = drain.cancelled() => {}
        }
        call.add_asked(since.elapsed());
    }
    call.left_unanswered();
    if is_orderly {
        close::orderly(Stream::Plain(stream)).await;
    } else {
        // Also whoever was left hanging must not take the end for that of an answer.
        close::reset(stream).await;
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
