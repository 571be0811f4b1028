//! HTTP/2 connections that the lanes of one operation share on one worker: `pooled(4)` with `streams: 10` is four trunks
//! with ten lanes on each.
//!
//! A lane joins the trunk with the fewest lanes on it, so that all are used evenly and none ever has more than its share; lanes
//! take turns, and with them the trunks, however low the rate is.
//! The first lane opens the trunk's connection, the others wait for it under their own timeouts; if the opener's timeout is
//! over first, another takes its place. Who waited learns of a failure too, but only the opener counts: one connection that could
//! not be opened is one. Who waited in vain is told how far the opening had come, and fails as the opener would have: a
//! handshake that hangs is no connection that could not be established. Nothing here sends a request a second time.
//!
//! A connection that has carried its share takes no more requests: whoever comes opens the trunk's next one, and the old one
//! closes behind its last stream.
//!
//! The connection's task runs on the worker's `LocalSet`. It ends with the last lane, or when the peer ends the connection,
//! at the latest [`CLOSE_MAX`] after the last lane has left.

mod connection;
mod ping;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::pin;
use std::rc::{Rc, Weak};

use bytes::Bytes;
use h2::client::SendRequest;
use shared::outcome::{ConnectionEnd, ErrorClass};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::connection::Connection;
use crate::counter::{Counter, Open};
use crate::dial;
use crate::driver::{Ending, Marks, Stages};
use crate::names::Names;
use crate::plan::{Endpoint, Operation, Tls};
use crate::socket::Guard;

pub(crate) use self::connection::Sent;
pub(crate) use self::ping::Ear;

/// The trunks of one operation on one worker. Part of what its driver prepares.
pub(crate) struct Trunks {
    endpoint: Endpoint,
    tls: Option<Tls>,
    guard: Guard,
    /// Empty if every request has a connection of its own.
    shared: Vec<Rc<Trunk>>,
}

/// A lane's place on a trunk whose connection stood when it was given.
pub(crate) struct Berth {
    connection: Rc<Connection>,
    requests: SendRequest<Bytes>,
    /// Nothing if the connection is the lane's alone.
    _place: Option<Place>,
}

impl Trunks {
    /// For an operation as a worker sees it: its connections are the worker's own part.
    pub(crate) fn new(operation: &Operation) -> Trunks {
        let connections = operation.connection.kept().map_or(0, NonZeroU32::get);
        Trunks {
            endpoint: operation.endpoint.clone(),
            tls: operation.tls.clone(),
            guard: Guard::of(operation),
            shared: (0..connections).map(|_| Rc::default()).collect(),
        }
    }

    /// A place on a connection that stands, or on a new one.
    ///
    /// # Errors
    /// Why there is none. Who only waited has [`Marks::awaited`].
    pub(crate) async fn join(&self, names: &Names, marks: &Marks, counter: &Counter) -> Result<Berth, ErrorClass> {
        let Some(trunk) = self.shared.iter().min_by_key(|trunk| trunk.lanes.get()) else {
            let connection = Rc::new(self.open(names, marks, counter).await?);
            return Ok(Berth::new(connection, None));
        };
        let place = Place::on(trunk);
        let connection = self.connection(trunk, names, marks, counter).await?;
        // What it waited for was not in vain.
        marks.awaited.set(None);
        Ok(Berth::new(connection, Some(place)))
    }

    async fn connection(
        &self,
        trunk: &Trunk,
        names: &Names,
        marks: &Marks,
        counter: &Counter,
    ) -> Result<Rc<Connection>, ErrorClass> {
        if trunk.is_opening.get() {
            trunk.opened(marks).await?;
        }
        let standing = trunk.connection.borrow().upgrade();
        if let Some(connection) =
            standing.filter(|connection| connection.is_usable() && connection.open().take().is_ok())
        {
            return Ok(connection);
        }
        // Dropped in the middle, it lets the next one try.
        let opening = Opening::on(trunk);
        let mut opened = pin!(self.open(names, marks, counter));
        let opened = poll_fn(|cx| {
            let polled = opened.as_mut().poll(cx);
            trunk.stages.set(marks.own_stages());
            polled
        });
        match opened.await {
            Ok(connection) => {
                let connection = Rc::new(connection);
                *trunk.connection.borrow_mut() = Rc::downgrade(&connection);
                Ok(connection)
            }
            Err(class) => {
                opening.failed(class, marks);
                Err(class)
            }
        }
    }

    async fn open(&self, names: &Names, marks: &Marks, counter: &Counter) -> Result<Connection, ErrorClass> {
        let stream = dial::stream(names, &self.endpoint, self.tls.as_ref(), &self.guard, marks, Some(counter)).await?;
        Connection::start(stream, self.guard, counter).await
    }
}

impl Berth {
    fn new(connection: Rc<Connection>, place: Option<Place>) -> Berth {
        let requests = connection.requests();
        Berth { connection, requests, _place: place }
    }

    /// Begins a request. With `end_of_stream` it has no body; else the body goes through [`Sent::body`].
    ///
    /// A peer that allows fewer streams than the trunk has lanes makes the rest wait, each under its own timeout.
    ///
    /// # Errors
    /// If the connection can take none any more; [`Berth::ending`] says what that means.
    pub(crate) async fn send(&mut self, request: http::Request<()>, end_of_stream: bool) -> Result<Sent, h2::Error> {
        self.connection.send(&mut self.requests, request, end_of_stream).await
    }

    /// Who is to be told of heads and bodies of answers as they come.
    pub(crate) fn ear(&self) -> Ear {
        self.connection.ear()
    }

    /// How a request ended whose stream gave this error: also if the stream only broke off, and the peer had said before
    /// that it would end the connection.
    pub(crate) fn ending<A>(&self, error: &h2::Error, marks: &Marks) -> Ending<A> {
        self.connection.ending(error, marks)
    }

    /// The connection in the accounts.
    pub(crate) fn open(&self) -> &Open {
        self.connection.open()
    }

    /// Whether another request may follow. One that was dropped in the middle costs its stream and nothing else.
    pub(crate) fn is_usable(&self) -> bool {
        self.connection.is_usable()
    }

    /// Waits until the connection takes no more requests: closed, reset, broken, dead, at the end of its share, or told to end
    /// by GOAWAY; says which.
    pub(crate) async fn lost(&self) -> ConnectionEnd {
        self.connection.lost().await
    }
}

/// One connection at a time.
#[derive(Default)]
struct Trunk {
    /// Lanes on it or about to be.
    lanes: Cell<u32>,
    /// Weak: the connection ends with the last lane.
    connection: RefCell<Weak<Connection>>,
    is_opening: Cell<bool>,
    /// How far the last opening has come.
    stages: Cell<Stages>,
    /// How many openings were begun.
    attempt: Cell<u64>,
    /// The last opening that failed.
    failure: RefCell<Option<Failure>>,
    /// An opening is over.
    changed: Notify,
}

impl Trunk {
    /// Waits until nobody is opening it any more.
    ///
    /// # Errors
    /// If that failed.
    async fn opened(&self, marks: &Marks) -> Result<(), ErrorClass> {
        let waiting = Waiting { trunk: self, marks, since: Instant::now() };
        while self.is_opening.get() {
            let awaited = self.attempt.get();
            self.changed.notified().await;
            if let Some(failure) = self.failure.borrow().as_ref().filter(|failure| failure.attempt == awaited) {
                failure.why.iter().for_each(|why| marks.explain(why.clone()));
                marks.address.set(failure.address);
                return Err(failure.class);
            }
        }
        drop(waiting);
        Ok(())
    }
}

/// A request that waits for another's opening. However that ends, it leaves in the request's marks what it waited for.
struct Waiting<'a> {
    trunk: &'a Trunk,
    marks: &'a Marks,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.marks.awaited.set(Some(self.trunk.stages.get().since(self.since)));
    }
}

struct Failure {
    attempt: u64,
    class: ErrorClass,
    why: Option<String>,
    /// Where it was to lead, if that was known.
    address: Option<SocketAddr>,
}

/// A lane on a trunk, counted for as long as it is there.
struct Place(Rc<Trunk>);

impl Place {
    fn on(trunk: &Rc<Trunk>) -> Place {
        trunk.lanes.set(trunk.lanes.get() + 1);
        Place(Rc::clone(trunk))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.lanes.set(self.0.lanes.get() - 1);
    }
}

/// The right to open a trunk's connection, passed on however it ends.
struct Opening<'a>(&'a Trunk);

impl Opening<'_> {
    fn on(trunk: &Trunk) -> Opening<'_> {
        trunk.is_opening.set(true);
        trunk.attempt.set(trunk.attempt.get() + 1);
        Opening(trunk)
    }

    fn failed(&self, class: ErrorClass, marks: &Marks) {
        let (attempt, why, address) = (self.0.attempt.get(), marks.why(), marks.address.get());
        *self.0.failure.borrow_mut() = Some(Failure { attempt, class, why, address });
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.is_opening.set(false);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
