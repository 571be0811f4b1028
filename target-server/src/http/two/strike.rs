//! Broken answers on HTTP/2: up to where the fault strikes they are like any other, and then a frame ends them.
//!
//! Invariant: what was sent before the strike is in the kernel's hands when it strikes: a `RST_STREAM` throws away what is
//! still queued.

use std::future::poll_fn;

use bytes::Bytes;
use h2::Reason;
use shared::fault::FaultKind;
use shared::outcome::{Code, ServerError};
use tokio::time::{sleep, timeout_at};

use super::out::Out;
use super::stream::send_body;
use crate::act::wait;
use crate::h2body::Gone;
use crate::h2conn::H2Conn;
use crate::http::shape::Piece;
use crate::http::source::BodyError;
use crate::http::strike::{Broken, Strike};

/// How the writing of an answer ended.
enum End {
    /// Where the fault strikes; with the rest of the piece that it cut.
    Reached(Bytes),
    /// The client left before.
    Left,
    Short(BodyError),
}

/// Whether HTTP/2 can say what is wrong with this answer.
pub(super) fn can_frame(broken: &Broken) -> bool {
    match broken.kind {
        FaultKind::Clen(difference) => broken.false_length(difference).is_some(),
        _ => true,
    }
}

/// Sends the answer up to where its fault strikes, and strikes.
pub(super) async fn run(mut broken: Broken, conn: &H2Conn, out: &mut Out<'_>) {
    let end = match broken.at {
        // Whatever is reached by then.
        Some(at) => timeout_at(at, write(&mut broken, out)).await.unwrap_or(End::Reached(Bytes::new())),
        None => write(&mut broken, out).await,
    };
    match end {
        End::Reached(rest) => strike(broken, rest, conn, out).await,
        // A length that is wrong makes a good client leave: that is what was asked for.
        End::Left if matches!(broken.kind, FaultKind::Clen(_)) && out.has_head() => broken.job.call.left_unanswered(),
        End::Left => broken.job.call.failed(ServerError::Aborted),
        End::Short(error) => {
            broken.job.call.failed(error.class());
            out.reset(Reason::INTERNAL_ERROR);
        }
    }
}

async fn write(broken: &mut Broken, out: &mut Out<'_>) -> End {
    let end = tokio::select! {
        biased;
        end = write_delay(broken) => end,
        Gone = out.left() => End::Left,
    };
    let end = match end {
        End::Reached(_) if broken.strike != Strike::Head => match head(broken, out) {
            Ok(()) => write_body(broken, out).await,
            Err(Gone) => End::Left,
        },
        end => end,
    };
    if let End::Reached(_) = end
        && broken.at.is_some()
    {
        // All is sent and it is too early: the stream stays open until its time has come.
        out.left().await;
        return End::Left;
    }
    end
}

async fn write_delay(broken: &mut Broken) -> End {
    let delay = broken.delay;
    wait(&mut broken.job.call, delay).await;
    End::Reached(Bytes::new())
}

fn head(broken: &mut Broken, out: &mut Out<'_>) -> Result<(), Gone> {
    let length = match broken.kind {
        FaultKind::Clen(difference) => broken.false_length(difference),
        _ if broken.job.is_bodiless() => None,
        _ => broken.shaped.length(),
    };
    let status = broken.job.status();
    out.head(status, broken.job.head_fields(), length, false)?;
    broken.job.call.set_code(Code::Http(status.as_u16()));
    Ok(())
}

async fn write_body(broken: &mut Broken, out: &mut Out<'_>) -> End {
    let mut left = match broken.strike {
        _ if broken.job.is_bodiless() => 0,
        Strike::Byte(bytes) => bytes,
        Strike::Head | Strike::End => u64::MAX,
    };
    while left > 0 {
        let Broken { shaped, job, .. } = &mut *broken;
        let piece = tokio::select! {
            biased;
            piece = poll_fn(|cx| shaped.poll_piece(cx, &mut job.call)) => piece,
            Gone = out.left() => return End::Left,
        };
        let mut data = match piece {
            None | Some(Ok(Piece::Trailers(_))) => break,
            Some(Err(error)) => return End::Short(error),
            Some(Ok(Piece::Data(data))) => data,
        };
        let rest = data.split_off(usize::try_from(left).unwrap_or(usize::MAX).min(data.len()));
        job.call.take_back_sent(rest.len());
        left -= data.len() as u64;
        if out.data(data, false).await.is_err() {
            return End::Left;
        }
        if left == 0 {
            return End::Reached(rest);
        }
    }
    End::Reached(Bytes::new())
}

async fn strike(mut broken: Broken, rest: Bytes, conn: &H2Conn, out: &mut Out<'_>) {
    match broken.kind {
        FaultKind::Goaway(code) if Reason::from(code.get()) == Reason::NO_ERROR => {
            conn.goaway(Reason::NO_ERROR);
            return finish(broken, rest, conn, out).await;
        }
        FaultKind::Goaway(code) => {
            broken.job.call.left_unanswered();
            conn.goaway(code.get().into());
            conn.over().await;
        }
        FaultKind::Reset => {
            broken.job.call.left_unanswered();
            conn.reset();
            conn.over().await;
        }
        FaultKind::Garbage => {
            broken.job.call.left_unanswered();
            conn.garbage();
            conn.over().await;
        }
        FaultKind::Hang => {
            let hang_max = broken.job.exchange.http.core.faults.limits().hang_max;
            broken.job.call.hangs();
            tokio::select! {
                Gone = out.left() => {}
                () = sleep(hang_max) => {}
                () = conn.draining() => {}
            }
            broken.job.call.left_unanswered();
            // Whoever waited this long must not take the end for that of an answer.
            out.reset(Reason::CANCEL);
        }
        FaultKind::Clen(_) => {
            // Here a client that counts has found out; one that does not sees an ordinary end.
            let _ = out.data(Bytes::new(), true).await;
            broken.job.call.left_unanswered();
        }
        FaultKind::H2Rst(code) => cut(broken, code.get().into(), conn, out).await,
        _ => cut(broken, Reason::INTERNAL_ERROR, conn, out).await,
    }
}

/// Ends the stream by a reset, behind what was sent.
async fn cut(broken: Broken, code: Reason, conn: &H2Conn, out: &mut Out<'_>) {
    if out.has_head() {
        tokio::select! {
            () = conn.flushed() => {}
            Gone = out.left() => return broken.job.call.failed(ServerError::Aborted),
        }
    }
    out.reset(code);
    broken.job.call.left_unanswered();
}

/// The answer as if nothing were wrong with it: what is wrong is its connection.
async fn finish(mut broken: Broken, rest: Bytes, conn: &H2Conn, out: &mut Out<'_>) {
    if !out.has_head() && head(&mut broken, out).is_err() {
        return;
    }
    broken.job.call.add_sent(rest.len());
    if !broken.job.is_bodiless() {
        return send_body(rest, broken.shaped, broken.job.call, conn, out).await;
    }
    if out.data(Bytes::new(), true).await.is_ok() {
        conn.settle(broken.job.call);
    }
}
