//! Where the slots of one stream go: to one set of lanes, or to one for each address of a name.
//!
//! Each address is a sub-stream with connections of its own, so that one bad replica behind a name is seen as one bad
//! address and not as a few per cent of all. The rate stays that of the operation: its slots go to the addresses in turn.
//! An address that the name has no more keeps what it was given, and is closed when that is done.

use std::net::IpAddr;
use std::rc::Rc;

use tokio::sync::watch;

use crate::driver::Driver;
use crate::lanes::Lanes;
use crate::names::book::Known;
use crate::names::rotation;

/// The sub-streams of one operation on one worker, at least one. At most as many as a name has addresses that are heeded
/// (256), and those that are still draining.
pub(crate) struct Fan<D: Driver> {
    /// Makes the lanes to one address, or to whichever.
    make: Make<D>,
    /// What the name has; nothing: the lanes look for themselves.
    following: Option<watch::Receiver<Known>>,
    workers: u64,
    current: Vec<(Option<IpAddr>, Rc<Lanes<D>>)>,
    leaving: Vec<Rc<Lanes<D>>>,
}

type Make<D> = Box<dyn Fn(Option<IpAddr>) -> Rc<Lanes<D>>>;

impl<D: Driver> Fan<D> {
    /// For a stream that is spread over so many workers.
    pub(crate) fn new(make: Make<D>, following: Option<watch::Receiver<Known>>, workers: u32) -> Fan<D> {
        let mut fan = Fan { make, following, workers: u64::from(workers), current: Vec::new(), leaving: Vec::new() };
        fan.renew();
        fan
    }

    /// The lanes whose turn it is with this slot.
    pub(crate) fn of(&mut self, seq: u64) -> &Rc<Lanes<D>> {
        self.follow();
        let place = rotation(seq, self.workers) % self.current.len() as u64;
        &self.current[place as usize].1
    }

    /// All that may have slots without a result.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Rc<Lanes<D>>> {
        self.current.iter().map(|(_, lanes)| lanes).chain(&self.leaving)
    }

    /// No more slots will come, whatever becomes of the name.
    pub(crate) fn retire(&mut self) {
        self.following = None;
        self.each().for_each(|lanes| lanes.retire());
    }

    /// Takes up what the name has now, if that has changed; whether there is a name to follow.
    pub(crate) fn follow(&mut self) -> bool {
        // An error says that nothing will change any more.
        if self.following.as_ref().is_some_and(|known| known.has_changed().unwrap_or(false)) {
            self.renew();
        }
        self.following.is_some()
    }

    /// A sub-stream for every address that the name has now. While nothing is known of it, or it has none, there is one
    /// without an address: its requests look for themselves, and fail with what they find.
    fn renew(&mut self) {
        let known = self.following.as_mut().and_then(|known| known.borrow_and_update().addresses.clone());
        let mut wanted: Vec<Option<IpAddr>> = known.unwrap_or_default().iter().copied().map(Some).collect();
        if wanted.is_empty() {
            wanted.push(None);
        }
        let mut before = std::mem::take(&mut self.current);
        for address in wanted {
            let kept = before.iter().position(|(held, _)| *held == address).map(|place| before.swap_remove(place));
            self.current.push(kept.unwrap_or_else(|| (address, (self.make)(address))));
        }
        self.leaving.retain(|lanes| lanes.context.in_flight.get() > 0);
        for (_, lanes) in before {
            lanes.retire();
            self.leaving.push(lanes);
        }
    }
}
