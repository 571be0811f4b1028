//! Queries over a connection: two bytes of length before each (RFC 1035, section 4.2.2), any number of them, answered in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use shared::fault::Transport;
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Dns;
use super::job::{Taken, Wire, take};
use super::query::failure;
use super::spoil::Then;
use super::udp::LATE_PAUSE;
use crate::close;
use crate::core::{Core, Kept};
use crate::panics::shielded;
use crate::stream::Stream;

/// What a query comes to.
enum Answer {
    Whole(Wire),
    /// Recorded already.
    Bare(Vec<u8>),
    /// None, and no further ones.
    End,
    /// Nobody is there to be answered.
    Left,
}

/// Serves a connection to its end.
pub(super) async fn serve(dns: Arc<Dns>, mut stream: TcpStream, client: SocketAddr, drain: CancellationToken) {
    let _open = dns.core.opened(Protocol::DnsTcp);
    let mut kept = Kept::default();
    let mut packet = Vec::new();
    loop {
        let read = tokio::select! {
            biased;
            read = next(&mut stream, &mut packet, &dns.core) => read,
            () = drain.cancelled() => break,
        };
        match read {
            Ok(()) => {}
            Err(Over::Between) => break,
            Err(Over::Within(error)) => {
                dns.core.count_nameless(Protocol::DnsTcp, "malformed", Code::NONE, error);
                break;
            }
        }
        let answer = shielded("a query", answer(&dns, &packet, client, &mut kept, &stream)).await;
        let then = match answer.unwrap_or_else(|| failure(&packet).map_or(Answer::End, Answer::Bare)) {
            Answer::Whole(wire) => send(&mut stream, wire).await,
            Answer::Bare(answer) => write(&mut stream, &answer, 0).await.map(|()| Then::Keep),
            Answer::End => Ok(Then::Close),
            Answer::Left => return,
        };
        match then {
            Ok(Then::Keep) if !drain.is_cancelled() => {}
            Ok(Then::Keep | Then::Close) => break,
            Ok(Then::Reset) => return Box::pin(close::reset(stream)).await,
            Err(_) => return,
        }
    }
    Box::pin(close::orderly(Stream::Plain(stream))).await;
}

/// Takes a query and waits as long as it asks for.
async fn answer(dns: &Arc<Dns>, packet: &[u8], client: SocketAddr, kept: &mut Kept, stream: &TcpStream) -> Answer {
    let mut job = match take(dns, packet, client, Transport::Tcp, kept) {
        Taken::Silence => return Answer::End,
        Taken::Refused(answer) => return Answer::Bare(answer),
        Taken::Job(job) => job,
    };
    if !job.delay().is_zero() {
        tokio::select! {
            () = job.wait() => {}
            // Its record says so when it is dropped.
            () = left(stream) => return Answer::Left,
        }
    }
    Answer::Whole(job.finish(dns).await)
}

/// Where a connection without a next message is over.
enum Over {
    /// Where it may be.
    Between,
    /// In a message that had begun.
    Within(ServerError),
}

/// The next message, for whose first byte a connection may wait as long as it may idle.
async fn next(stream: &mut TcpStream, packet: &mut Vec<u8>, core: &Core) -> Result<(), Over> {
    let first = timeout(core.idle_timeout, stream.read_u8()).await;
    let Ok(Ok(high)) = first else { return Err(Over::Between) };
    let rest = async {
        let low = stream.read_u8().await?;
        packet.resize(usize::from(u16::from_be_bytes([high, low])), 0);
        stream.read_exact(packet).await
    };
    match timeout(core.head_timeout, rest).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(Over::Within(ServerError::Aborted)),
        Err(_) => Err(Over::Within(ServerError::BadRequest)),
    }
}

/// Until the client has closed its side. One that asks further has not. Unlike [`close::left`], which forgets that there is
/// input, it leaves the next query readable.
async fn left(stream: &TcpStream) {
    if let Ok(1..) = stream.peek(&mut [0]).await {
        std::future::pending().await
    }
}

async fn send(stream: &mut TcpStream, mut wire: Wire) -> io::Result<Then> {
    let spoilt = std::mem::take(&mut wire.spoilt);
    for (i, message) in spoilt.messages.iter().enumerate() {
        if i > 0 && spoilt.is_late {
            sleep(LATE_PAUSE).await;
        }
        let written = if spoilt.is_aborted {
            let mut half = prefix(message.len(), 0).to_vec();
            half.extend_from_slice(&message[..message.len() / 2]);
            stream.write_all(&half).await
        } else {
            write(stream, message, spoilt.length_error).await
        };
        match written {
            Ok(()) => wire.add_sent(message.len()),
            Err(error) => {
                // Dropped, it is the client who left; any other reason is ours.
                if !matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) {
                    wire.failed();
                }
                return Err(error);
            }
        }
    }
    wire.done();
    Ok(spoilt.then)
}

/// In one write: a prefix that travels alone is read alone by clients that do not expect that.
async fn write(stream: &mut TcpStream, message: &[u8], length_error: i64) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(2 + message.len());
    bytes.extend_from_slice(&prefix(message.len(), length_error));
    bytes.extend_from_slice(message);
    stream.write_all(&bytes).await
}

fn prefix(length: usize, error: i64) -> [u8; 2] {
    let announced = i64::try_from(length).unwrap_or(i64::MAX).saturating_add(error).clamp(0, i64::from(u16::MAX));
    u16::try_from(announced).unwrap_or(u16::MAX).to_be_bytes()
}
