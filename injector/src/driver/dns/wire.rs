//! Messages over a datagram socket or a connection. A request that is dropped in the middle loses nothing of the next.

use shared::fault::Transport;
use shared::outcome::{ConnectionEnd, ErrorClass};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;

use super::judge::Answered;
use crate::counter::Counter;
use crate::dial;
use crate::driver::{Ending, Marks, datagram, ending_of, mark, of_class};
use crate::names::Names;
use crate::plan::Endpoint;
use crate::resent::{Resent, Watched};
use crate::socket::Guard;

/// Where messages travel.
pub(super) enum Wire {
    /// Connected: the kernel passes on only what comes from the server's own address and port.
    Udp(UdpSocket),
    Tcp(Stream),
}

/// A connection, and what has been read and is no whole message yet: at most one message and one read.
pub(super) struct Stream {
    tcp: Watched,
    unread: Vec<u8>,
}

impl Wire {
    pub(super) async fn connect(
        transport: Transport,
        names: &Names,
        endpoint: &Endpoint,
        guard: &Guard,
        marks: &Marks,
        counter: &Counter,
    ) -> Result<Wire, ErrorClass> {
        Ok(match transport {
            Transport::Udp => Wire::Udp(dial::udp(names, endpoint, marks).await?),
            Transport::Tcp => Wire::Tcp(Stream::new(dial::tcp(names, endpoint, guard, marks, Some(counter)).await?)),
        })
    }

    /// What the kernel sends again on it: nothing where there are datagrams.
    pub(super) fn resent(&self) -> Resent {
        match self {
            Wire::Udp(_) => Resent::default(),
            Wire::Tcp(stream) => stream.tcp.resent(),
        }
    }

    /// Sends a query and shows `take` the messages that come until one of them ends the request.
    pub(super) async fn ask(
        &mut self,
        query: &[u8],
        marks: &Marks,
        take: impl FnMut(&[u8]) -> Option<Ending<Answered>>,
    ) -> Ending<Answered> {
        match self {
            Wire::Udp(socket) => match datagram::send(socket, query, marks).await {
                Ok(()) => {
                    marks.sent_bytes.set(query.len() as u64);
                    datagram::receive(socket, take).await
                }
                Err(class) => Ending::Failed(class),
            },
            Wire::Tcp(stream) => stream.ask(query, marks, take).await,
        }
    }
}

impl Stream {
    pub(super) fn new(tcp: Watched) -> Stream {
        Stream { tcp, unread: Vec::new() }
    }

    /// The same over a connection, two bytes of length before each message (RFC 1035, section 4.2.2).
    pub(super) async fn ask(
        &mut self,
        query: &[u8],
        marks: &Marks,
        mut take: impl FnMut(&[u8]) -> Option<Ending<Answered>>,
    ) -> Ending<Answered> {
        let length = u16::try_from(query.len()).expect("a name and an option have a few KiB");
        // In one write: a prefix that travels alone is a segment of its own.
        let framed = [&length.to_be_bytes(), query].concat();
        mark(&marks.sending);
        if let Err(error) = self.tcp.write_all(&framed).await {
            return of_class(ErrorClass::of_send(&error));
        }
        mark(&marks.sent);
        marks.sent_bytes.set(marks.sent_bytes.get() + query.len() as u64);
        loop {
            if let Some(ending) = self.whole(&mut take) {
                return ending;
            }
            match self.tcp.read_buf(&mut self.unread).await {
                Ok(0) => return Ending::Closed,
                Ok(_) => {}
                Err(error) => return ending_of(&error),
            }
        }
    }

    /// Shows `take` the whole messages that were read.
    fn whole(&mut self, take: &mut impl FnMut(&[u8]) -> Option<Ending<Answered>>) -> Option<Ending<Answered>> {
        while let [high, low, rest @ ..] = self.unread.as_slice() {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let ending = take(rest.get(..length)?);
            self.unread.drain(..2 + length);
            if ending.is_some() {
                return ending;
            }
        }
        None
    }

    /// Until the peer ends it. What still comes belongs to a query that is over.
    pub(super) async fn lost(&mut self) -> ConnectionEnd {
        loop {
            match self.tcp.read_buf(&mut self.unread).await {
                Ok(1..) => drop(self.whole(&mut |_| None)),
                ended => return ConnectionEnd::while_idle(&ended),
            }
        }
    }
}
