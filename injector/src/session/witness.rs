//! Whoever is told of every second of a run, in the order in which one needs the other: what was counted goes to the inquest
//! and to the files, with what the inquest has found to the board, and what the board holds is judged and shown.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::unix_s;
use crate::api::Board;
use crate::csv::Csv;
use crate::difference::Figures;
use crate::engine::Tick;
use crate::fate::inquest::Inquest;
use crate::threshold::{Bound, Span, Standing, Threshold, Watch, value_in_words};
use crate::ui::{Judged, Turn, Ui};

/// What the seconds of a run come to.
pub(super) struct Witness<'a> {
    pub(super) inquest: &'a Inquest,
    pub(super) figures: watch::Sender<Vec<Figures>>,
    pub(super) board: &'a Board,
    pub(super) ui: &'a Ui,
    pub(super) watch: Watch,
    pub(super) csv: Option<Csv>,
    /// A threshold that ends the run is no signal.
    pub(super) halt: CancellationToken,
    /// When the first slot was, as soon as there is a second to tell it from.
    pub(super) began: Option<SystemTime>,
}

impl Witness<'_> {
    /// Another second. The last one may have no length: what came to its end while the run drained.
    pub(super) fn second(&mut self, tick: &Tick<'_>) {
        self.inquest.heard().note(tick.total);
        self.figures.send_replace(tick.total.iter().map(Figures::from).collect());
        let now = SystemTime::now();
        self.began = self.began.or_else(|| now.checked_sub(tick.elapsed));
        if let Some(csv) = &mut self.csv {
            csv.add(tick, unix_s(now));
        }
        let (fates, compared, agreed) = self.inquest.so_far();
        if !Arc::ptr_eq(tick.plan, &self.board.plan()) {
            self.watch.follow(tick.plan);
        }
        self.board.note(tick, &fates, &compared);
        self.board.agreed(tick, agreed);
        if tick.length.is_zero() {
            return self.board.tell();
        }
        let run = Span { accounts: tick.total, fates: Some(&fates), compared: &compared, length: tick.active };
        let crossed = self.watch.look(tick.elapsed, &run, &self.board.history());
        let standing = self.watch.standing();
        let judged: Vec<Judged> = tick.plan.thresholds.iter().zip(&standing).map(judged).collect();
        self.board.judged(tick.elapsed, standing);
        self.board.tell();
        self.ui.tick(tick, &self.board.history(), &judged);
        if let Some(crossed) = crossed.filter(|_| !self.halt.is_cancelled()) {
            self.ui.changed(Turn::Begins, format!("threshold crossed, which ends the run: {crossed}"));
            self.halt.cancel();
        }
    }
}

/// A threshold of the plan beside how it stands: both are in the plan's order.
fn judged(((_, bound), standing): (&(Threshold, Bound), &Standing)) -> Judged {
    let value = standing.value.map(|value| value_in_words(&bound.condition, value));
    Judged { text: standing.text.clone(), holds: standing.holds, value }
}
