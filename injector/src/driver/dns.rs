//! DNS queries on bare sockets, over UDP and TCP, with hickory's codec.
//!
//! Sockets of our own and not a resolver: those ask a second time by themselves, and hide what they passed over. One request
//! is one query; only where the file says `fallback: true`, a truncated answer is asked for again over TCP, with the same
//! bytes, as a part of the same request. An answer must have the query's id, its question, and QR; whatever has not is passed
//! over, as a resolver does, and kept as evidence.

mod check;
mod judge;
mod query;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use shared::fault::Transport;
use shared::identity::RequestId;
use shared::outcome::{ConnectionEnd, ErrorClass, Outcome};
use tokio::time::Instant;

use self::judge::{Answered, Wanted};
use self::query::{Query, Read};
use self::wire::{Stream, Wire};
use super::{Driver, Ending, IdentityTemplate, Marks, mark, of_class};
use crate::counter::{Counter, Open};
use crate::dial;
use crate::names::Names;
use crate::plan::{Call, DnsCall, Endpoint, Operation};
use crate::resent::Watched;
use crate::socket::Guard;

/// One source port, or one connection.
pub struct Dns {
    wire: Wire,
    open: Open,
    reusable: bool,
}

/// An operation's query.
pub struct Prepared {
    call: Arc<DnsCall>,
    endpoint: Endpoint,
    guard: Guard,
    /// The plan's draws for ids and letters, which are not the target's business.
    seed: u64,
    operation: shared::identity::Name,
    identity: IdentityTemplate,
}

impl Driver for Dns {
    type Call = DnsCall;
    type Prepared = Prepared;
    type Wanted = Wanted;
    type Answered = Answered;

    fn own(call: &Call) -> Option<&Self::Call> {
        call.dns()
    }

    fn prepare(operation: &Operation, call: &DnsCall, identity: IdentityTemplate) -> Prepared {
        Prepared {
            call: Arc::new(call.clone()),
            endpoint: operation.endpoint.clone(),
            guard: Guard::of(operation),
            seed: operation.seed,
            operation: operation.name,
            identity,
        }
    }

    fn want(prepared: &Prepared, id: RequestId) -> Wanted {
        Wanted::new(&prepared.call, id)
    }

    async fn connect(prepared: &Prepared, names: &Names, marks: &Marks, counter: &Counter) -> Result<Dns, ErrorClass> {
        let wire =
            Wire::connect(prepared.call.transport, names, &prepared.endpoint, &prepared.guard, marks, counter).await?;
        let open = counter.opened_over(wire.resent());
        Ok(Dns { wire, open, reusable: true })
    }

    async fn call(
        &mut self,
        prepared: &Prepared,
        id: RequestId,
        wanted: &mut Wanted,
        marks: &Marks,
    ) -> Ending<Answered> {
        let is_datagram = prepared.call.transport == Transport::Udp;
        // An answer that comes late is known by its id, so a datagram's port stays good; on a stream it would hold up the next.
        self.reusable = is_datagram;
        let Some(query) = Query::new(prepared, id) else { return Ending::Failed(ErrorClass::Internal) };
        wanted.question_bytes = query.question_bytes;
        let ending = self.wire.ask(&query.bytes, marks, |message| take(message, &query, wanted, marks)).await;
        if let (Wire::Udp(socket), Ending::Answered(Answered { is_truncated: true, .. })) = (&self.wire, ending)
            && let (Ok(server), true) = (socket.peer_addr(), wanted.falls_back())
        {
            // From where the first one came: another source address would be another client.
            let source = socket.local_addr().ok().map(|own| SocketAddr::new(own.ip(), 0));
            return self.ask_again(prepared.guard, (source, server), &query, wanted, marks).await;
        }
        self.reusable = match ending {
            Ending::Answered(_) => true,
            // Whoever is gone from an address is perhaps at another one: the next query looks the name up anew.
            Ending::Failed(_) => false,
            _ => self.reusable,
        };
        ending
    }

    fn open(&self) -> &Open {
        &self.open
    }

    fn is_reusable(&self) -> bool {
        self.reusable
    }

    async fn lost(&mut self) -> ConnectionEnd {
        match &mut self.wire {
            // A port is not lost, and what comes late is passed over by the next request.
            Wire::Udp(_) => std::future::pending().await,
            Wire::Tcp(stream) => stream.lost().await,
        }
    }

    fn judge(wanted: &Wanted, ending: &Ending<Answered>) -> Outcome<ErrorClass> {
        wanted.judge(*ending)
    }

    fn explain(wanted: &Wanted, ending: &Ending<Answered>) -> String {
        wanted.explain(*ending)
    }
}

impl Dns {
    /// The same query over a connection of its own, because its answer has no room in a datagram (RFC 7766, section 5).
    async fn ask_again(
        &self,
        guard: Guard,
        (source, server): (Option<SocketAddr>, SocketAddr),
        query: &Query,
        wanted: &mut Wanted,
        marks: &Marks,
    ) -> Ending<Answered> {
        let began = Instant::now();
        let mut opening = Opening { counter: &self.open, failure: Some(ErrorClass::ConnectTimeout) };
        let tcp = match dial::connect(source, server).await {
            Ok(tcp) => tcp,
            Err(error) => {
                let class = ErrorClass::of_connect(&error);
                opening.failure = Some(class);
                return of_class(class);
            }
        };
        opening.failure = None;
        if guard.set(&tcp).is_err() {
            return of_class(ErrorClass::Internal);
        }
        let tcp = Watched::new(tcp, began, Some(&*self.open));
        let open = self.open.opened_beside();
        marks.is_sent_again.set(true);
        // The answer that was too short is one to its server, and the one to come may be another's.
        let before = marks.backend.take();
        self.open.account(|account| {
            account.fallbacks += 1;
            account.by_backend.again(before.as_ref());
        });
        let ending = Stream::new(tcp).ask(&query.bytes, marks, |message| take(message, query, wanted, marks)).await;
        if matches!(ending, Ending::Answered(_)) {
            open.ends(ConnectionEnd::Request);
        }
        ending
    }
}

/// A connection beside the port, counted if it is not to be had: also when the request's timeout cuts it off.
struct Opening<'a> {
    counter: &'a Counter,
    failure: Option<ErrorClass>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.failure.iter().for_each(|class| self.counter.not_opened(*class));
    }
}

/// How a message ends the request; nothing if it is passed over.
fn take(message: &[u8], query: &Query, wanted: &mut Wanted, marks: &Marks) -> Option<Ending<Answered>> {
    let ending = match query.read(message) {
        // A stream has framed it for us, however short it is.
        Read::Stray(query::Stray::Short) if wanted.call.transport == Transport::Tcp => Ending::Malformed,
        Read::Stray(stray) => {
            wanted.strays[stray as usize] += 1;
            return None;
        }
        Read::Malformed => Ending::Malformed,
        Read::Answer(answer) => {
            marks.received_bytes.set(marks.received_bytes.get() + message.len() as u64);
            Ending::Answered(check::answered(wanted, &answer, message.len(), marks))
        }
    };
    mark(&marks.first_byte);
    Some(ending)
}

#[cfg(test)]
mod tests;
