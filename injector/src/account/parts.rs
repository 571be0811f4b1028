//! The parts of requests' time as k6 tells them apart, of those that were as expected and of those that were not. Fourteen
//! more histograms to an operation, so they exist only where a threshold asks for one of them.

use shared::red::client::k6::Trail;

use super::Durations;

type Histograms = [[Durations; Trail::PARTS]; 2];

/// By part, in the order of [`Trail::parts`].
#[derive(Clone, Debug, Default)]
pub struct Parts(Option<Box<Histograms>>);

impl Parts {
    /// A request has its result. One that was never sent has no time of sending, waiting and receiving: as zeros, which is
    /// how k6 counts them, they would make the figures of an outage better than those of a good day.
    pub(crate) fn record(&mut self, is_success: bool, was_sent: bool, trail: &Trail) {
        let histograms = &mut self.histograms()[usize::from(is_success)];
        for (part, (histogram, duration)) in histograms.iter_mut().zip(trail.parts()).enumerate() {
            if was_sent || Trail::BEFORE_SENDING.contains(&part) {
                histogram.record(duration);
            }
        }
    }

    /// One part of the requests that were as expected, or were not; nothing if there were none.
    pub(crate) fn of(&self, is_success: bool, part: usize) -> Option<&Durations> {
        self.0.as_ref().map(|histograms| &histograms[usize::from(is_success)][part])
    }

    /// All histograms, if there are any.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Durations> {
        self.0.iter().flat_map(|histograms| histograms.iter().flatten())
    }

    /// All histograms, made if there were none, in the same order.
    pub(crate) fn each_mut(&mut self) -> impl Iterator<Item = &mut Durations> {
        self.histograms().iter_mut().flatten()
    }

    /// Adds another's counts.
    pub(super) fn merge(&mut self, other: &Parts) {
        if other.0.is_some() {
            self.each_mut().zip(other.each()).for_each(|(mine, theirs)| mine.merge(theirs));
        }
    }

    /// Forgets all, and keeps the memory.
    pub(super) fn clear(&mut self) {
        if let Some(histograms) = &mut self.0 {
            histograms.iter_mut().flatten().for_each(Durations::clear);
        }
    }

    fn histograms(&mut self) -> &mut Histograms {
        self.0.get_or_insert_default()
    }
}
