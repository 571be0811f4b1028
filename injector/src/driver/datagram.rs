//! What drivers over UDP share: sending, receiving, and what ICMP says of a connected socket.
//!
//! An ICMP error does not make a socket readable, so it is waited for by itself.

use std::future::poll_fn;
use std::io;
use std::task::{Poll, ready};

use shared::outcome::ErrorClass;
use tokio::io::{Interest, ReadBuf};
use tokio::net::UdpSocket;

use super::buffer::READ_BUFFER;
use super::{Ending, Marks, ending_of, mark};

/// Sends one datagram, its instants marked.
///
/// # Errors
/// Why it could not be sent.
pub(super) async fn send(socket: &UdpSocket, datagram: &[u8], marks: &Marks) -> Result<(), ErrorClass> {
    forget_error(socket);
    mark(&marks.sending);
    socket.send(datagram).await.map_err(|error| class(&error, ErrorClass::of_send))?;
    mark(&marks.sent);
    Ok(())
}

/// Shows `take` every datagram that comes until one of them ends the request, or an error does.
pub(super) async fn receive<A>(socket: &UdpSocket, mut take: impl FnMut(&[u8]) -> Option<Ending<A>>) -> Ending<A> {
    let received = poll_fn(|cx| {
        READ_BUFFER.with_borrow_mut(|buffer| {
            loop {
                let mut into = ReadBuf::new(buffer);
                if let Err(error) = ready!(socket.poll_recv(cx, &mut into)) {
                    return Poll::Ready(ended(&error));
                }
                if let Some(ending) = take(into.filled()) {
                    return Poll::Ready(ending);
                }
            }
        })
    });
    tokio::select! {
        biased;
        ending = received => ending,
        error = next_error(socket) => ended(&error),
    }
}

async fn next_error(socket: &UdpSocket) -> io::Error {
    loop {
        if let Err(error) = socket.ready(Interest::ERROR).await {
            return error;
        }
        match socket.take_error() {
            Ok(None) => forget_error(socket),
            Ok(Some(error)) | Err(error) => return error,
        }
    }
}

/// What an earlier request left behind is no error of the next.
fn forget_error(socket: &UdpSocket) {
    let _ = socket.take_error();
    let would_block = || Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock));
    let _ = socket.try_io(Interest::ERROR, would_block);
}

fn ended<A>(error: &io::Error) -> Ending<A> {
    match class(error, ErrorClass::of_receive) {
        ErrorClass::ConnectRefused => Ending::Failed(ErrorClass::ConnectRefused),
        _ => ending_of(error),
    }
}

/// The class of an error that an ICMP message about a datagram may have brought.
fn class(error: &io::Error, otherwise: fn(&io::Error) -> ErrorClass) -> ErrorClass {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            ErrorClass::of_connect(error)
        }
        _ => otherwise(error),
    }
}
