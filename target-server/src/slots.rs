//! The right to have an active fault: bounded in all, and per client address.
//!
//! Invariant: a [`Slot`] is freed when it is dropped, wherever that happens.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many faults are active, in all and by client address.
#[derive(Debug)]
pub(crate) struct Slots {
    max: u32,
    max_per_client: u32,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: u32,
    /// No more entries than faults are active.
    by_client: HashMap<IpAddr, u32>,
}

impl Slots {
    pub(crate) fn new(max: u32, max_per_client: u32) -> Arc<Slots> {
        Arc::new(Slots { max, max_per_client, taken: Mutex::default() })
    }

    /// One slot for this client, or nothing if it or all clients together have as many as they may.
    pub(crate) fn take(self: &Arc<Self>, client: IpAddr) -> Option<Slot> {
        let mut taken = self.taken();
        if taken.all >= self.max {
            return None;
        }
        let of_client = taken.by_client.entry(client).or_default();
        if *of_client >= self.max_per_client {
            return None;
        }
        *of_client += 1;
        taken.all += 1;
        drop(taken);
        Some(Slot { slots: Arc::clone(self), client })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to have one active fault.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    client: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        taken.all -= 1;
        if let Some(of_client) = taken.by_client.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_bounded_in_all_and_per_client_and_come_back() {
        let slots = Slots::new(3, 2);
        let [a, b] = [[127, 0, 0, 1], [127, 0, 0, 2]].map(IpAddr::from);
        let first = slots.take(a).unwrap();
        let second = slots.take(a).unwrap();
        assert!(slots.take(a).is_none(), "two per client");
        let third = slots.take(b).unwrap();
        assert!(slots.take(b).is_none(), "three in all");
        drop(first);
        assert!(slots.take(b).is_some());
        drop((second, third));
        let taken = slots.taken();
        assert_eq!((taken.all, taken.by_client.len()), (0, 0), "nothing is kept of clients without faults");
    }
}
