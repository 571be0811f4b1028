//! What a threshold may be about: our figures, and k6's metrics in terms of them. `docs/thresholds.md` says what each is.

use super::{Filter, Refused, parse};

/// A figure of a run. The first are ours, those from [`Metric::HttpReqDuration`] on are named as in k6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names, and what each is, are the table below and docs/thresholds.md")]
pub enum Metric {
    Response,
    Service,
    Server,
    Network,
    Lag,
    Wait,
    Message,
    Availability,
    Failed,
    Dropped,
    PathLoss,
    Duplicates,
    Unexplained,
    Rate,
    HttpReqDuration,
    HttpReqBlocked,
    HttpReqConnecting,
    HttpReqTlsHandshaking,
    HttpReqSending,
    HttpReqWaiting,
    HttpReqReceiving,
    GrpcReqDuration,
    IterationDuration,
    GroupDuration,
    HttpReqFailed,
    Checks,
    ScriptErrors,
    HttpReqs,
    Iterations,
    DroppedIterations,
    DataSent,
    DataReceived,
    Vus,
}

/// What can be said of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ours: durations, with a unit.
    Times,
    /// Ours: a share of the requests, in percent.
    Share,
    /// Ours: how many, or which share of the requests.
    Tally,
    /// Ours: how many.
    Count,
    /// Ours: how many a second, or which share of the planned ones.
    Speed,
    /// k6's durations, in milliseconds.
    Trend,
    /// k6's shares, from 0 to 1.
    Rate,
    /// k6's sums.
    Counter,
    /// k6's levels.
    Gauge,
}

const NAMES: [(&str, Metric, Kind); 33] = [
    ("response", Metric::Response, Kind::Times),
    ("service", Metric::Service, Kind::Times),
    ("server", Metric::Server, Kind::Times),
    ("network", Metric::Network, Kind::Times),
    ("lag", Metric::Lag, Kind::Times),
    ("wait", Metric::Wait, Kind::Times),
    ("message", Metric::Message, Kind::Times),
    ("availability", Metric::Availability, Kind::Share),
    ("failed", Metric::Failed, Kind::Tally),
    ("dropped", Metric::Dropped, Kind::Tally),
    ("path_loss", Metric::PathLoss, Kind::Tally),
    ("duplicates", Metric::Duplicates, Kind::Count),
    ("unexplained", Metric::Unexplained, Kind::Count),
    ("rate", Metric::Rate, Kind::Speed),
    ("http_req_duration", Metric::HttpReqDuration, Kind::Trend),
    ("http_req_blocked", Metric::HttpReqBlocked, Kind::Trend),
    ("http_req_connecting", Metric::HttpReqConnecting, Kind::Trend),
    ("http_req_tls_handshaking", Metric::HttpReqTlsHandshaking, Kind::Trend),
    ("http_req_sending", Metric::HttpReqSending, Kind::Trend),
    ("http_req_waiting", Metric::HttpReqWaiting, Kind::Trend),
    ("http_req_receiving", Metric::HttpReqReceiving, Kind::Trend),
    ("grpc_req_duration", Metric::GrpcReqDuration, Kind::Trend),
    ("iteration_duration", Metric::IterationDuration, Kind::Trend),
    ("group_duration", Metric::GroupDuration, Kind::Trend),
    ("http_req_failed", Metric::HttpReqFailed, Kind::Rate),
    ("checks", Metric::Checks, Kind::Rate),
    ("script_errors", Metric::ScriptErrors, Kind::Rate),
    ("http_reqs", Metric::HttpReqs, Kind::Counter),
    ("iterations", Metric::Iterations, Kind::Counter),
    ("dropped_iterations", Metric::DroppedIterations, Kind::Counter),
    ("data_sent", Metric::DataSent, Kind::Counter),
    ("data_received", Metric::DataReceived, Kind::Counter),
    ("vus", Metric::Vus, Kind::Gauge),
];

impl Metric {
    /// Every one of them.
    pub fn all() -> impl Iterator<Item = Metric> {
        NAMES.iter().map(|(_, metric, _)| *metric)
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Metric> {
        NAMES.iter().find(|(held, ..)| *held == name).map(|(_, metric, _)| *metric)
    }

    /// A metric with tags as k6 writes them, `http_req_duration{operation:web}`.
    ///
    /// # Errors
    /// If there is no such metric, or no such tag of it.
    pub fn tagged(text: &str) -> Result<(Metric, Vec<Filter>), Refused> {
        parse::metric(text)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES[self as usize].0
    }

    /// What can be said of it.
    pub fn kind(self) -> Kind {
        NAMES[self as usize].2
    }

    /// Named as in k6, so that its durations are milliseconds, and its tags stand in braces.
    pub fn is_of_k6(self) -> bool {
        matches!(self.kind(), Kind::Trend | Kind::Rate | Kind::Counter | Kind::Gauge)
    }

    /// Only of the whole run: both sides are set against each other from its beginning.
    pub fn is_of_run(self) -> bool {
        matches!(self, Metric::Unexplained | Metric::Duplicates | Metric::Vus)
    }

    /// Of HTTP requests only.
    pub fn is_of_http(self) -> bool {
        self.name().starts_with("http_")
    }

    /// Which part of a request's time it is, as k6 tells them apart; nothing if it is none.
    pub(crate) fn part(self) -> Option<usize> {
        let first = Metric::HttpReqDuration as usize;
        match self {
            Metric::GrpcReqDuration => Some(0),
            _ if self.is_of_http() && self.kind() == Kind::Trend => Some(self as usize - first),
            _ => None,
        }
    }
}

impl Kind {
    /// What may stand behind a figure of this kind, for messages.
    pub(crate) fn example(self, name: &str) -> String {
        match self {
            Kind::Times => format!("{name} p(99) < 25ms (also avg, med, min, max)"),
            Kind::Share => format!("{name} >= 99.9%"),
            Kind::Tally => format!("{name} < 0.1% or {name} == 0"),
            Kind::Count => format!("{name} == 0"),
            Kind::Speed => format!("{name} >= 95/s or {name} >= 99%"),
            Kind::Trend => format!("{name}: p(95)<200 in milliseconds (also avg, med, min, max)"),
            // Of checks k6 counts those that held, of everything else what went wrong.
            Kind::Rate if name == Metric::Checks.name() => format!("{name}: rate>0.99, a share from 0 to 1"),
            Kind::Rate => format!("{name}: rate<0.01, a share from 0 to 1"),
            Kind::Counter => format!("{name}: count<10 or {name}: rate>5, a second"),
            Kind::Gauge => format!("{name}: value<10"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_metrics() {
        for (place, (name, metric, _)) in NAMES.into_iter().enumerate() {
            assert_eq!((metric as usize, metric.name(), Metric::named(name)), (place, name, Some(metric)));
        }
        assert_eq!(Metric::HttpReqDuration.part(), Some(0));
        assert_eq!(Metric::HttpReqReceiving.part(), Some(6));
        assert_eq!(Metric::HttpReqFailed.part(), None);
    }
}
