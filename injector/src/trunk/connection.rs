//! One HTTP/2 connection: its task, what is known of its end, and the streams on it.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use h2::client::{Builder, ResponseFuture, SendRequest};
use shared::outcome::{ConnectionEnd, ErrorClass};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ping::{Ear, Heard, Pinger};
use crate::counter::{Counter, Open};
use crate::dial::Stream;
use crate::driver::{Ending, H2End, Marks};
use crate::socket::Guard;

/// Bytes of one answer the peer may send before we have read them. Ours are read as they come; this only has to cover the
/// path's bandwidth × delay.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// The same for all answers of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// Largest list of answer fields accepted: as over HTTP/1.1.
const HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;
/// How long a connection that nobody uses any more may take to say goodbye.
pub(super) const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Stream identifiers end at 2³¹ − 1 (RFC 9113, 5.1.1), after 2³⁰ requests. A connection this near to that takes no more:
/// the room is for the lanes that begin one at the same time.
const STREAM_ID_LAST: u32 = 0x7FF0_0000;

/// A connection that stood when it was made, with its task.
pub(super) struct Connection {
    requests: SendRequest<Bytes>,
    health: Rc<Health>,
    /// Tells the task that nobody is left.
    _left: DropGuard,
}

/// What the task knows and the lanes ask.
struct Health {
    /// Open until the task is over, which closes the socket.
    open: Open,
    /// No more requests: the connection is over, or the peer has said that it will be.
    over: CancellationToken,
    /// The code of the peer's GOAWAY.
    goaway: Cell<Option<u32>>,
    /// How the connection failed. Of a write that fails, the library tells the task and not the streams: those only see that
    /// the connection is gone, as if it had ended in order.
    failed: Cell<Option<ErrorKind>>,
    /// The peer did not answer a PING.
    is_dead: Cell<bool>,
    /// Requests under way.
    busy: Cell<u32>,
    /// What came from the peer.
    ear: Ear,
}

/// A request that has begun.
pub(crate) struct Sent {
    /// The head of the answer.
    pub(crate) response: ResponseFuture,
    /// Where the request's body goes.
    pub(crate) body: SendStream<Bytes>,
    /// To be held until the request is over.
    pub(crate) busy: Busy,
}

/// A request under way: while there is one, the end of the connection is the failure of that.
pub(crate) struct Busy {
    health: Rc<Health>,
    /// What had come when it was sent; nothing: it was not.
    reads: Option<u64>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.health.busy.set(self.health.busy.get() - 1);
        // Given up, without a byte since it was sent, and nobody may ask whether the peer is still there. It takes no more
        // requests; those that are on it come to their own end.
        if self.reads == Some(self.health.ear.reads()) && self.health.ear.is_spent() {
            self.health.is_over(ConnectionEnd::Failed);
        }
    }
}

impl Connection {
    /// Sends the preface; does not wait for the peer's, which comes with the first answer.
    pub(super) async fn start(stream: Stream, guard: Guard, counter: &Counter) -> Result<Connection, ErrorClass> {
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(HEADER_LIST_BYTES_MAX);
        let resent = stream.resent();
        let ear = Ear::default();
        let handshake = builder.handshake::<_, Bytes>(Heard { stream, ear: ear.clone() }).await;
        let (requests, mut connection) =
            handshake.map_err(|error| error.get_io().map_or(ErrorClass::Protocol, ErrorClass::of_send))?;
        let health = Rc::new(Health::new(counter.opened_over(resent), ear.clone()));
        let pinger = Pinger::new(connection.ping_pong(), ear, guard);
        let left = CancellationToken::new();
        tokio::task::spawn_local(run(connection, pinger, requests.clone(), Rc::clone(&health), left.clone()));
        Ok(Connection { requests, health, _left: left.drop_guard() })
    }

    pub(super) fn requests(&self) -> SendRequest<Bytes> {
        self.requests.clone()
    }

    pub(super) fn open(&self) -> &Open {
        &self.health.open
    }

    pub(super) fn ear(&self) -> Ear {
        self.health.ear.clone()
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.health.over.is_cancelled()
    }

    pub(super) async fn lost(&self) -> ConnectionEnd {
        self.health.over.cancelled().await;
        self.health.open.end()
    }

    pub(super) async fn send(
        &self,
        requests: &mut SendRequest<Bytes>,
        request: http::Request<()>,
        end_of_stream: bool,
    ) -> Result<Sent, h2::Error> {
        self.health.busy.set(self.health.busy.get() + 1);
        let mut busy = Busy { health: Rc::clone(&self.health), reads: None };
        poll_fn(|cx| requests.poll_ready(cx)).await?;
        let (response, body) = requests.send_request(request, end_of_stream)?;
        busy.reads = Some(self.health.ear.reads());
        if body.stream_id().as_u32() >= STREAM_ID_LAST {
            self.health.is_over(ConnectionEnd::MaxRequests);
        }
        // Those that wait on it learn of it now, and not at their next turn.
        if let Some(end) = self.health.open.retired() {
            self.health.is_over(end);
        }
        Ok(Sent { response, body, busy })
    }

    pub(super) fn ending<A>(&self, error: &h2::Error, marks: &Marks) -> Ending<A> {
        ending(error, &self.health, marks)
    }
}

/// What an error of a stream means, after what is known of its connection.
fn ending<A>(error: &h2::Error, health: &Health, marks: &Marks) -> Ending<A> {
    let code = error.reason().map(u32::from);
    if let Some(io) = error.get_io() {
        let failed = health.failed.get().filter(|_| is_librarys(io)).map(io::Error::from);
        let io = failed.as_ref().unwrap_or(io);
        // Announced: the end of the connection is what the announcement said, and no surprise of its own.
        return match (health.goaway.get(), ErrorClass::of_receive(io)) {
            (Some(code), ErrorClass::Closed | ErrorClass::Reset) => Ending::H2(H2End::GoAway(code)),
            (_, class) => {
                if health.is_dead.get() {
                    marks.explain("no answer to a PING");
                }
                marks.explain(io.to_string());
                of_io(io, class)
            }
        };
    }
    match code {
        Some(code) if error.is_remote() && error.is_reset() => Ending::H2(H2End::RstStream(code)),
        Some(code) if error.is_remote() => Ending::H2(H2End::GoAway(code)),
        // Our own library refuses what came.
        Some(_) => {
            marks.explain(error.to_string());
            Ending::Malformed
        }
        None => {
            marks.explain(error.to_string());
            Ending::Failed(ErrorClass::Internal)
        }
    }
}

/// An error with words in it is the library's own: BrokenPipe for an orderly end in the middle of a stream, Other for one in
/// the middle of a frame. The kernel's BrokenPipe has none, and is what follows a reset.
fn is_librarys(io: &io::Error) -> bool {
    io.get_ref().is_some() && matches!(io.kind(), ErrorKind::BrokenPipe | ErrorKind::Other)
}

fn of_io<A>(io: &io::Error, class: ErrorClass) -> Ending<A> {
    match class {
        _ if is_librarys(io) => Ending::Closed,
        ErrorClass::Reset => Ending::Reset,
        ErrorClass::Closed => Ending::Closed,
        ErrorClass::Timeout => Ending::TimedOut,
        class => Ending::Failed(class),
    }
}

type Driven = h2::client::Connection<Heard, Bytes>;

/// Why the connection's task has nothing more to do.
enum Over {
    Ended(Result<(), h2::Error>),
    /// The peer did not answer a PING.
    Dead,
    /// Nobody is on it any more.
    Left,
}

/// The life of a connection: everything that is written and read on it, until it is over or nobody needs it any more.
async fn run(
    mut connection: Driven,
    mut pinger: Option<Pinger>,
    requests: SendRequest<Bytes>,
    health: Rc<Health>,
    left: CancellationToken,
) {
    let mut left = pin!(left.cancelled_owned());
    // Held to be asked after each turn whether the peer has sent GOAWAY, of which nothing else tells at once; and given up
    // when nobody is left, because the connection stays for as long as somebody could send.
    let mut requests = Some(requests);
    let over = poll_fn(|cx| {
        let ended = Pin::new(&mut connection).poll(cx);
        if let Some(Poll::Ready(Err(error))) = requests.as_mut().map(|requests| requests.poll_ready(cx))
            && error.is_go_away()
            && error.is_remote()
        {
            health.goaway.set(error.reason().map(u32::from));
            health.is_over(ConnectionEnd::Said);
        }
        if let Poll::Ready(ended) = ended {
            return Poll::Ready(Over::Ended(ended));
        }
        if pinger.as_mut().is_some_and(|pinger| pinger.poll(cx).is_ready()) {
            return Poll::Ready(Over::Dead);
        }
        left.as_mut().poll(cx).map(|()| Over::Left)
    });
    match over.await {
        Over::Ended(ended) => {
            if let Err(error) = &ended {
                if error.is_go_away() && error.is_remote() {
                    health.goaway.set(error.reason().map(u32::from));
                }
                health.failed.set(error.get_io().filter(|io| !is_librarys(io)).map(io::Error::kind));
            }
            health.is_over(health.end(&ended));
        }
        // The streams end as the socket closes: what failed stands for them all.
        Over::Dead => {
            health.is_dead.set(true);
            health.failed.set(Some(ErrorKind::TimedOut));
            health.is_over(ConnectionEnd::Ping);
        }
        Over::Left => {
            drop(requests.take());
            // Whatever comes of it, nobody waits for it.
            let _ = timeout(CLOSE_MAX, connection).await;
        }
    }
}

impl Health {
    fn new(open: Open, ear: Ear) -> Health {
        Health {
            open,
            ear,
            over: CancellationToken::new(),
            goaway: Cell::default(),
            failed: Cell::default(),
            is_dead: Cell::default(),
            busy: Cell::default(),
        }
    }

    /// From now on no more requests.
    fn is_over(&self, end: ConnectionEnd) {
        if !self.over.is_cancelled() {
            self.open.ends(end);
            self.over.cancel();
        }
    }

    /// What the end of the connection was, by what its task came to.
    fn end(&self, ended: &Result<(), h2::Error>) -> ConnectionEnd {
        let Err(error) = ended else {
            return if self.busy.get() > 0 { ConnectionEnd::Failed } else { ConnectionEnd::PeerClosed };
        };
        match error.get_io() {
            _ if error.is_go_away() && error.is_remote() => ConnectionEnd::Said,
            Some(io) if self.busy.get() == 0 && is_librarys(io) => ConnectionEnd::PeerClosed,
            Some(io) if self.busy.get() == 0 => ConnectionEnd::while_idle(&Err(io.kind().into())),
            _ => ConnectionEnd::Failed,
        }
    }
}
