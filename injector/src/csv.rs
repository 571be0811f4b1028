//! A run's time series: a row per interval and operation, as CSV (RFC 4180).
//!
//! Invariants:
//! - The rows of an operation add up to its account at the end, unless the file says on standard error that it could not
//!   keep up.
//! - Rows leave this process interval by interval: a run that is killed leaves all but the last.
//! - A disk that hangs stops neither the run nor its memory: rows wait in a bounded queue on a thread of their own.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use shared::outcome::{DropReason, ErrorClass};

use crate::account::{Durations, OperationAccount};
use crate::engine::Tick;
use crate::output::{is_stdout, refused};

/// The flag that asks for it.
pub(crate) const FLAG: &str = "--csv";
/// Columns before those of the errors, one for each class. Units are at the end of the names.
const COLUMNS: [&str; 32] = [
    "unix_s",
    "elapsed_s",
    "interval_s",
    "operation",
    "protocol",
    "planned",
    "sent",
    "answered",
    "success",
    "failure",
    "dropped_late",
    "dropped_limit",
    "interrupted",
    "in_flight",
    "response_p50_us",
    "response_p90_us",
    "response_p99_us",
    "response_max_us",
    "service_p50_us",
    "service_p99_us",
    "server_p50_us",
    "server_p99_us",
    "network_p50_us",
    "network_p99_us",
    "lag_p99_us",
    "wait_p99_us",
    "sent_bytes",
    "received_bytes",
    "connections",
    "connections_open",
    "retransmits",
    "by_rule",
];
/// Intervals that may wait for a slow disk: a minute of a run.
const INTERVALS_WAITING_MAX: usize = 64;

/// The file before its run has begun: tried, and as it was.
pub(crate) struct Unwritten {
    path: PathBuf,
    /// Nothing: standard output.
    file: Option<File>,
    /// It was not there before, and goes if there is no run.
    is_new: bool,
}

/// The file while the run is under way.
pub(crate) struct Csv {
    rows: SyncSender<String>,
    thread: JoinHandle<io::Result<()>>,
    missed: u64,
}

impl Unwritten {
    /// Tries whether this path can be written; `-` is standard output.
    ///
    /// # Errors
    /// The flag, the path, why not, and what would do.
    pub(crate) fn open(path: &Path) -> Result<Unwritten, String> {
        let is_new = !is_stdout(path) && !path.exists();
        let open = || OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = if is_stdout(path) { None } else { Some(open().map_err(|error| refused(FLAG, path, &error))?) };
        Ok(Unwritten { path: path.to_owned(), file, is_new })
    }

    /// Forgets what the file held, and writes the names of the columns.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub(crate) fn start(mut self) -> io::Result<Csv> {
        let (rows, waiting) = sync_channel::<String>(INTERVALS_WAITING_MAX);
        let thread = thread::Builder::new().name("csv".to_owned()).spawn(move || {
            self.is_new = false;
            let file = self.file.take();
            let write = || match file {
                // A pipe or a device has no length.
                Some(mut file) => {
                    if file.metadata()?.is_file() {
                        file.set_len(0)?;
                    }
                    write_all(&mut file, waiting)
                }
                None => write_all(&mut io::stdout().lock(), waiting),
            };
            write().map_err(|error| io::Error::new(error.kind(), format!("{FLAG} {}: {error}", self.path.display())))
        })?;
        Ok(Csv { rows, thread, missed: 0 })
    }
}

/// What was only tried does not stay.
impl Drop for Unwritten {
    fn drop(&mut self) {
        if self.is_new {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn write_all(file: &mut impl Write, waiting: impl IntoIterator<Item = String>) -> io::Result<()> {
    file.write_all(heads().as_bytes())?;
    for rows in waiting {
        // One write for an interval: whoever reads along sees whole rows.
        file.write_all(rows.as_bytes())?;
        file.flush()?;
    }
    Ok(())
}

impl Csv {
    /// Adds an interval that ended at `unix_s`, of operations with these names and protocols.
    pub(crate) fn add(&mut self, tick: &Tick<'_>, unix_s: f64) {
        match self.rows.try_send(rows(tick, unix_s)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.missed += 1,
            // It has failed, and says so when it is finished.
            Err(TrySendError::Disconnected(_)) => {}
        }
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// If it could not be, or not all of it.
    pub(crate) fn finish(self) -> io::Result<()> {
        drop(self.rows);
        self.thread.join().map_err(|_| io::Error::other(format!("{FLAG}: its thread panicked")))??;
        match self.missed {
            0 => Ok(()),
            missed => {
                Err(io::Error::other(format!("{FLAG}: the disk could not keep up: {missed} intervals are missing")))
            }
        }
    }
}

fn heads() -> String {
    let errors = ErrorClass::ALL.map(|class| format!("error_{}", class.as_str()));
    let names: Vec<&str> = COLUMNS.into_iter().chain(errors.iter().map(String::as_str)).collect();
    format!("{}\r\n", names.join(","))
}

/// No value needs quotes: names of operations are of `a-z0-9_-`, all else are numbers. What is not known is empty.
fn rows(tick: &Tick<'_>, unix_s: f64) -> String {
    let mut text = String::new();
    let (elapsed_s, interval_s) = (tick.elapsed.as_secs_f64(), tick.length.as_secs_f64());
    for ((operation, interval), total) in tick.plan.operations.iter().zip(tick.by_operation).zip(tick.total) {
        let (name, protocol) = (operation.name.as_str(), operation.protocol().as_str());
        // Writing to a String cannot fail.
        let _ = write!(text, "{unix_s:.3},{elapsed_s:.3},{interval_s:.3},{name},{protocol}");
        for figure in figures(interval, total) {
            text.push(',');
            if let Some(figure) = figure {
                let _ = write!(text, "{figure}");
            }
        }
        for count in interval.failures {
            let _ = write!(text, ",{count}");
        }
        text.push_str("\r\n");
    }
    text
}

/// From `planned` on.
fn figures(of: &OperationAccount, total: &OperationAccount) -> [Option<i128>; COLUMNS.len() - 5] {
    let count = |count: u64| Some(i128::from(count));
    let quantile = |of: &Durations, q: f64| of.quantile(q).and_then(|d| i128::try_from(d.as_micros()).ok());
    let p50 = |of: &Durations| quantile(of, 0.5);
    let p99 = |of: &Durations| quantile(of, 0.99);
    [
        count(of.planned),
        count(of.sent),
        count(of.answered()),
        count(of.success),
        count(of.failed()),
        count(of.dropped[DropReason::Late.index()]),
        count(of.dropped[DropReason::Limit.index()]),
        count(of.interrupted),
        Some(i128::from(total.in_flight)),
        p50(&of.response),
        quantile(&of.response, 0.9),
        p99(&of.response),
        of.response.max().and_then(|d| i128::try_from(d.as_micros()).ok()),
        p50(&of.service),
        p99(&of.service),
        p50(&of.server),
        p99(&of.server),
        p50(&of.network),
        p99(&of.network),
        p99(&of.lag),
        p99(&of.wait),
        count(of.sent_bytes),
        count(of.received_bytes),
        count(of.connections),
        Some(total.connections_open()),
        count(of.retransmits),
        count(of.by_rule),
    ]
}

#[cfg(test)]
mod tests;
