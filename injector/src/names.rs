//! Names to addresses, as each operation is told to: [`Names`] is what its drivers ask where to connect, and from where.
//!
//! An operation that looks up for every connection is never given a stale answer: its look-up fails, or counts. The other
//! policies share what the [`book`] keeps, and who is given an answer past its time is counted.

pub(crate) mod asker;
pub(crate) mod book;
mod count;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use shared::draw::Draw;
use shared::outcome::{Code, ErrorClass};
use tokio::sync::watch;
use tokio::time::Instant;

pub use self::asker::Unfound;
use self::asker::{Asker, Looked};
use self::book::{Entry, Known};
use crate::counter::Counter;
use crate::plan::{Endpoint, Host, NameServer, Operation, Resolve, Select, Sources};

/// Where to connect, for one operation on one worker, or for a few questions outside of any run.
pub struct Names {
    asker: Arc<Asker>,
    /// What the run knows of the operation's name; nothing for an address, and outside of a run.
    held: Option<Held>,
    /// The one address to go to, whatever else the name has.
    pinned: Option<IpAddr>,
    /// Whether requests are counted by the address where they are seen to go.
    counts_seen: bool,
    /// Nothing: the addresses are used in turn.
    drawn_by: Option<Draw>,
    sources: Sources,
    /// Counts connections, in steps of the number of workers: no two draw alike.
    turn: Cell<u64>,
    /// Counts those that are bound to a source address, likewise.
    source_turn: Cell<u64>,
    step: u64,
}

/// What was known of the name is that it has no address.
const NO_ADDRESS: Unfound = Unfound { class: ErrorClass::DnsNxdomain, code: Code::NONE };
/// Nobody asks any more.
const GONE: Unfound = Unfound { class: ErrorClass::DnsOther, code: Code::NONE };

/// What is known of a name, as this worker sees it.
struct Held {
    entry: Arc<Entry>,
    known: RefCell<watch::Receiver<Known>>,
    /// The latest answer, kept beside it: to be compared with at every request.
    latest: RefCell<Option<Arc<[IpAddr]>>>,
    counter: Counter,
}

impl Names {
    /// From the system's configuration, or asking this name server instead; `timeout` bounds one question. Looks up every
    /// time, and uses the addresses in turn.
    ///
    /// # Errors
    /// If `/etc/resolv.conf` or `/etc/hosts` cannot be read, in words.
    pub fn asking(nameserver: Option<NameServer>, timeout: Duration) -> io::Result<Names> {
        let asker = Arc::new(Asker::asking(nameserver, timeout)?);
        Ok(Names {
            asker,
            held: None,
            pinned: None,
            counts_seen: false,
            drawn_by: None,
            sources: Sources::default(),
            turn: Cell::new(0),
            source_turn: Cell::new(0),
            step: 1,
        })
    }

    /// Of an operation, on this one of so many workers; its look-ups are counted there. Pinned to one address it never goes
    /// anywhere else, though it looks up as the others do.
    pub(crate) fn of(
        operation: &Operation,
        (asker, entry): (&Arc<Asker>, Option<&Arc<Entry>>),
        pinned: Option<IpAddr>,
        counter: &Counter,
        (worker, workers): (u32, u32),
    ) -> Names {
        Names {
            asker: Arc::clone(asker),
            held: entry.map(|entry| Held::new(entry, counter)),
            pinned,
            counts_seen: entry.is_some() && operation.route.select != Select::All,
            drawn_by: (operation.route.select == Select::Random).then(|| Draw::new(operation.seed, "")),
            sources: operation.route.sources.clone(),
            turn: Cell::new(u64::from(worker)),
            source_turn: Cell::new(u64::from(worker)),
            step: u64::from(workers),
        }
    }

    /// The address that a request is counted by, of which it is known that its connection leads to `seen`: only if it goes to
    /// a name. With `select: all` it is the address that it was meant for, known or not.
    pub(crate) fn counted_at(&self, seen: Option<IpAddr>) -> Option<IpAddr> {
        self.pinned.or(seen.filter(|_| self.counts_seen))
    }

    /// Why a name was not found, with who was asked.
    pub(crate) fn words(&self, unfound: Unfound) -> String {
        self.asker.words(unfound)
    }

    /// Where to connect now.
    ///
    /// # Errors
    /// Why the name has no address; [`Names::words`] says more.
    pub async fn resolve(&self, endpoint: &Endpoint) -> Result<SocketAddr, Unfound> {
        let ip = match &endpoint.host {
            Host::Ip(ip) => *ip,
            Host::Name(name) => {
                let addresses = self.addresses(name).await?;
                // Pinned, and the name has left the address meanwhile: what was given to it goes there, and is counted.
                self.pinned.or_else(|| self.one_of(&addresses)).ok_or(NO_ADDRESS)?
            }
        };
        Ok(SocketAddr::new(ip, endpoint.port))
    }

    fn one_of(&self, addresses: &[IpAddr]) -> Option<IpAddr> {
        let turn = next(&self.turn, self.step);
        let place = match self.drawn_by {
            Some(draw) => (draw.u("address", turn) * addresses.len() as f64) as usize,
            None => rotation(turn, self.step) as usize % addresses.len().max(1),
        };
        addresses.get(place).copied()
    }

    async fn addresses(&self, name: &str) -> Result<Arc<[IpAddr]>, Unfound> {
        let looked = match &self.held {
            Some(held) if held.entry.resolve() != Resolve::PerConnection => return held.kept().await,
            Some(held) => held.ask(&self.asker, name).await,
            None => self.asker.look_up(name).await,
        };
        looked.answer().map(|answer| Arc::clone(&answer.addresses))
    }

    /// Whether the latest answer to the operation's name has this address no more.
    pub(crate) fn has_left(&self, ip: IpAddr) -> bool {
        self.held.as_ref().is_some_and(|held| held.has_left(ip))
    }

    /// The address that the next connection to `to` comes from, with any port; nothing: the kernel's choice.
    ///
    /// # Errors
    /// If there are source addresses, and none of the family.
    pub(crate) fn source(&self, to: &SocketAddr) -> Result<Option<SocketAddr>, ErrorClass> {
        if self.sources.is_empty() {
            return Ok(None);
        }
        let turn = rotation(next(&self.source_turn, self.step), self.step);
        let source = self.sources.nth(turn, to.is_ipv6()).ok_or(ErrorClass::ConnectUnreachable)?;
        Ok(Some(SocketAddr::new(source, 0)))
    }

    /// Every address behind the endpoint, in order, each once. Of one family, like [`Names::resolve`]: a machine that has
    /// both would be there twice.
    ///
    /// # Errors
    /// One of the `dns_*` classes.
    pub(crate) async fn all(&self, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, ErrorClass> {
        let addresses: Arc<[IpAddr]> = match &endpoint.host {
            Host::Ip(ip) => Arc::new([*ip]),
            Host::Name(name) => self.asker.look_up(name).await.found?.addresses,
        };
        Ok(addresses.iter().map(|ip| SocketAddr::new(*ip, endpoint.port)).collect())
    }
}

/// Whose turn it is when the n-th of all comes, and every worker has one in `workers` of them. By the number alone a worker
/// would never come to some places: of two workers and two places, each to one. This way each worker takes every place in
/// turn, and so do all together, but for at most one turn per worker.
pub(crate) fn rotation(n: u64, workers: u64) -> u64 {
    (n / workers).wrapping_add(n % workers)
}

fn next(turn: &Cell<u64>, step: u64) -> u64 {
    turn.replace(turn.get().wrapping_add(step))
}

impl Held {
    fn new(entry: &Arc<Entry>, counter: &Counter) -> Held {
        let mut known = entry.subscribe();
        let latest = known.borrow_and_update().addresses.clone();
        Held {
            entry: Arc::clone(entry),
            known: RefCell::new(known),
            latest: RefCell::new(latest),
            counter: counter.clone(),
        }
    }

    /// Asks for one connection, and lets the others know.
    async fn ask(&self, asker: &Asker, name: &str) -> Looked {
        let mut question = Question::new(&self.counter);
        let looked = asker.look_up(name).await;
        question.code = looked.code;
        drop(question);
        self.entry.learn(&looked, Instant::now());
        looked
    }

    /// What is kept of the name, and counts if that is past its time. Waits only while nothing at all is known yet.
    async fn kept(&self) -> Result<Arc<[IpAddr]>, Unfound> {
        let mut known = self.known.borrow().clone();
        loop {
            let now = known.borrow_and_update().clone();
            match (now.addresses, now.failure) {
                (Some(addresses), failure) if addresses.is_empty() => {
                    let failure = failure.filter(|failure| failure.class == ErrorClass::DnsNxdomain);
                    return Err(failure.unwrap_or(NO_ADDRESS));
                }
                (Some(addresses), _) => {
                    if now.stale_from.is_some_and(|from| from <= Instant::now()) {
                        self.counter.stale_answer();
                    }
                    return Ok(addresses);
                }
                (None, Some(failure)) => return Err(failure),
                // The book is gone with the run.
                (None, None) => known.changed().await.map_err(|_| GONE)?,
            }
        }
    }

    fn has_left(&self, ip: IpAddr) -> bool {
        let mut known = self.known.borrow_mut();
        // An error says that nothing will change any more.
        if known.has_changed().unwrap_or(false) {
            self.latest.replace(known.borrow_and_update().addresses.clone());
        }
        self.latest.borrow().as_ref().is_some_and(|latest| latest.binary_search(&ip).is_err())
    }
}

/// A look-up under way, counted when it is over: also one that a request's timeout, or the end of the run, cuts off.
struct Question<'a> {
    counter: &'a Counter,
    begun: Instant,
    code: Code,
}

impl Question<'_> {
    fn new(counter: &Counter) -> Question<'_> {
        Question { counter, begun: Instant::now(), code: Code::NONE }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.counter.looked_up(self.code, self.begun.elapsed());
    }
}

#[cfg(test)]
mod tests;
