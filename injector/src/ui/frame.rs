//! One second of a run as the view gets it: small, and complete without the seconds before. Made by the leader once a
//! second, while workers send; only quantiles of the window that is looked at are reckoned.

use std::time::Duration;

use shared::code::Code;
use shared::outcome::Fate;

use crate::account::OperationAccount;
use crate::engine::Tick;
use crate::history::History;
use crate::ui::changes::Judged;
use crate::ui::figures::{Counts, Figures, Trouble};
use crate::ui::lines::example;

/// Over what figures are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Window {
    #[default]
    Seconds10,
    Minute,
    Minutes5,
    All,
}

impl Window {
    pub(crate) const ALL: [Window; 4] = [Window::Seconds10, Window::Minute, Window::Minutes5, Window::All];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Window::Seconds10 => "10s",
            Window::Minute => "1m",
            Window::Minutes5 => "5m",
            Window::All => "all",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    pub(crate) fn next(self) -> Window {
        Window::ALL[(self.index() + 1) % Window::ALL.len()]
    }

    /// Nothing: since the start.
    fn length(self) -> Option<Duration> {
        match self {
            Window::Seconds10 => Some(Duration::from_secs(10)),
            Window::Minute => Some(Duration::from_secs(60)),
            Window::Minutes5 => Some(Duration::from_secs(300)),
            Window::All => None,
        }
    }
}

/// One operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// In the window.
    pub(crate) window: Figures,
    /// In the second: how it went, and how long the slowest of a hundred took.
    pub(crate) second: (Counts, Option<Duration>),
    /// Since the start.
    pub(crate) all: Counts,
    pub(crate) in_flight: i64,
    /// The first failure of each class since the start, in words.
    pub(crate) examples: Vec<(Trouble, String)>,
    /// Complete answers since the start.
    pub(crate) codes: Vec<(Code, u64)>,
    /// What became of requests without an answer, as far as it is known.
    pub(crate) fates: Vec<(Fate, u64)>,
    /// Connections opened since the start, and those that are open.
    pub(crate) connections: (u64, i128),
    pub(crate) sent_bytes: u64,
    pub(crate) received_bytes: u64,
}

/// All operations.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) elapsed: Duration,
    /// Which window was asked for, and how much of it there is by now.
    pub(crate) window: (Window, Duration),
    pub(crate) parts: Vec<Part>,
    pub(crate) total: Figures,
    /// In the plan's order.
    pub(crate) thresholds: Vec<Judged>,
}

impl Frame {
    /// `history` has been told of the tick.
    pub(crate) fn new(tick: &Tick<'_>, history: &History, window: Window, thresholds: &[Judged]) -> Frame {
        let recent;
        let (accounts, length): (&[OperationAccount], Duration) = match window.length() {
            Some(length) => {
                let mut accounts = Vec::new();
                let found = history.window_into(length, &mut accounts);
                recent = accounts;
                (&recent, found)
            }
            None => (tick.total, tick.elapsed),
        };
        let parts = tick.total.iter().zip(tick.by_operation).zip(accounts);
        let parts = parts.map(|((all, second), window)| Part::new(all, second, window, length));
        Frame {
            elapsed: tick.elapsed,
            window: (window, length),
            parts: parts.collect(),
            total: Figures::of_all(accounts, length),
            thresholds: thresholds.to_vec(),
        }
    }
}

impl Frame {
    /// Whether the run is as old as the window is long.
    pub(crate) fn is_window_full(&self) -> bool {
        self.window.0.length().is_none_or(|length| self.window.1 + Duration::from_millis(500) >= length)
    }
}

impl Part {
    fn new(all: &OperationAccount, second: &OperationAccount, window: &OperationAccount, length: Duration) -> Part {
        let examples = Trouble::all().filter_map(|trouble| Some((trouble, example(all, trouble)?.to_owned())));
        let fates = Fate::ALL.map(|fate| (fate, window.fates.of(fate)));
        Part {
            window: Figures::of(window, length),
            second: (Counts::of(second), second.response.quantile(0.99)),
            all: Counts::of(all),
            in_flight: all.in_flight,
            examples: examples.collect(),
            codes: all.codes.iter().map(|(code, count)| (*code, *count)).collect(),
            fates: fates.into_iter().filter(|(_, count)| *count > 0).collect(),
            connections: (all.connections, all.connections_open()),
            sent_bytes: all.sent_bytes,
            received_bytes: all.received_bytes,
        }
    }
}
