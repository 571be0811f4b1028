//! `GET /api/v1/live`: the run as it goes on, for the page, as server-sent events. `docs/live.md` says what they hold.
//!
//! Invariants:
//! - The first event is everything so far; then one for each second. Whoever missed one gets everything anew.
//! - What a second has to say is put into words once, however many listen, and not at all if nobody does.
//! - Each listener has room for [`WAITING_MAX`] events. One that takes none for [`STALLED`] is let go, and may come again.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::stream::unfold;
use serde::Serialize;
use shared::admin::problem::Problem;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{sleep, timeout};

use super::board::Board;
use super::status::{Status, state, status};
use crate::course::Motion;
use crate::history::REACH;
use crate::live::headline::{self, Crossed, Headline, Part, Sight};
use crate::live::{Columns, GOODBYE, LISTENERS_MAX, News, RECENT};
use crate::threshold::{Standing, Threshold};
use crate::timeline::Figures;

/// Events that wait for one listener.
const WAITING_MAX: usize = 4;
/// How long one may take none of them.
const STALLED: Duration = Duration::from_secs(30);
/// Without news for so long a listener is told how the run stands all the same: it takes silence for trouble.
const SILENCE: Duration = Duration::from_secs(2);
/// What a headline is about: so long ago, or longer if there was too little for anything to be said.
const WINDOWS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(60)];
const REQUESTS_MIN: u64 = 10;

pub(super) fn routes(board: &Arc<Board>) -> Router {
    let page = Page { board: Arc::clone(board), worded: Arc::default() };
    Router::new().route("/api/v1/live", get(listen)).with_state(page)
}

/// The run, and what was last put into words.
#[derive(Clone)]
struct Page {
    board: Arc<Board>,
    worded: Arc<Mutex<Option<Worded>>>,
}

/// A second in words, with its number.
type Worded = (u64, Arc<str>);

async fn listen(State(page): State<Page>) -> Result<impl IntoResponse, Problem> {
    let Some((place, news)) = page.board.listeners.admit() else {
        let reason = "as many listen as may";
        let expected = "/api/v1/status, which anybody may ask for, or this again when one of the listeners has gone";
        let full = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_listeners", "", reason, expected);
        return Err(full.limited(format!("{LISTENERS_MAX} listeners")));
    };
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    tokio::spawn(feed(page, place, news, sender));
    let events = unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    // A proxy that gathers the answer before it passes it on would show nothing for as long as the run lasts.
    let headers = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, Sse::new(events)))
}

type Queue = mpsc::Sender<Result<Event, Infallible>>;

/// Tells one listener of the run until that or the listener has gone.
async fn feed(page: Page, _place: OwnedSemaphorePermit, mut news: watch::Receiver<News>, queue: Queue) {
    let mut told: Option<u64> = None;
    loop {
        let News { number, is_over } = *news.borrow_and_update();
        let event = match told {
            // Nothing new: how it stands.
            Some(last) if last == number => page.still(number),
            Some(last) if last + 1 == number && !is_over => page.second(number),
            _ => page.snapshot(number),
        };
        told = Some(number);
        let is_taken = async |event| matches!(timeout(STALLED, queue.send(Ok(event))).await, Ok(Ok(())));
        if !is_taken(event).await {
            return;
        }
        if is_over {
            if is_taken(page.end(number)).await {
                // Its place is free again once it has taken everything, which the end of the program waits for.
                let _ = timeout(GOODBYE, queue.reserve_many(WAITING_MAX)).await;
            }
            return;
        }
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = sleep(SILENCE) => {}
            () = queue.closed() => return,
        }
    }
}

/// What every event holds.
#[derive(Serialize)]
struct Now {
    number: u64,
    headline: Headline,
    status: Windows,
}

/// How the run stands, by [`Status`] of two windows.
#[derive(Serialize)]
struct Windows {
    /// The last five minutes.
    recent: Status,
    /// As far back as figures are kept: since the start, or for the last hour.
    run: Status,
}

#[derive(Serialize)]
struct Snapshot {
    #[serde(flatten)]
    now: Now,
    about: About,
    timeline: Figures,
    recent: Vec<Figures>,
    target: Columns,
}

#[derive(Serialize)]
struct Second {
    #[serde(flatten)]
    now: Now,
    timeline: Figures,
    recent: Figures,
    target: Columns,
}

/// What does not change in a run.
#[derive(Serialize)]
struct About {
    /// Where requests go, each once.
    targets: Vec<String>,
    /// How long requests are planned for, without pauses; null: until told to stop.
    length_seconds: Option<f64>,
}

/// The last word.
#[derive(Serialize)]
struct End {
    number: u64,
    exit: &'static str,
    exit_code: u8,
    headline: Headline,
}

impl Page {
    fn snapshot(&self, number: u64) -> Event {
        let (timeline, recent, target) = {
            let drawn = self.board.drawn();
            (drawn.timeline.figures(), drawn.recent.figures().into(), drawn.samples.columns())
        };
        let plan = self.board.plan();
        let mut targets: Vec<String> =
            plan.operations.iter().map(|operation| operation.endpoint.host.to_string()).collect();
        targets.sort();
        targets.dedup();
        let about = About { targets, length_seconds: self.board.length.map(|length| length.as_secs_f64()) };
        written("snapshot", number, &json(&Snapshot { now: self.now(number), about, timeline, recent, target }))
    }

    fn second(&self, number: u64) -> Event {
        let mut worded = self.worded.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match &*worded {
            Some((of, text)) if *of == number => Arc::clone(text),
            _ => {
                let (timeline, recent, target) = {
                    let drawn = self.board.drawn();
                    (drawn.timeline.latest(), drawn.recent.latest(), drawn.samples.columns())
                };
                let text: Arc<str> = json(&Second { now: self.now(number), timeline, recent, target }).into();
                *worded = Some((number, Arc::clone(&text)));
                text
            }
        };
        drop(worded);
        written("second", number, &text)
    }

    fn still(&self, number: u64) -> Event {
        written("still", number, &json(&self.now(number)))
    }

    fn end(&self, number: u64) -> Event {
        let ended = self.board.known().ended.clone();
        let (exit, _) = ended.expect("who says that the run is over has said with what");
        let end = End { number, exit: exit.as_str(), exit_code: exit.code(), headline: headline(&self.board) };
        written("end", number, &json(&end))
    }

    fn now(&self, number: u64) -> Now {
        let status = Windows { recent: status(&self.board, RECENT), run: status(&self.board, REACH) };
        Now { number, headline: headline(&self.board), status }
    }
}

/// The run in one sentence.
fn headline(board: &Board) -> Headline {
    let course = board.control.status().borrow().clone();
    let known = board.known().clone();
    let planned: u64 = known.totals.iter().map(|totals| totals.planned).sum();
    let doing = match (&known.ended, course.motion, state(&course, planned, known.is_finished)) {
        (Some((exit, reasons)), ..) => headline::State::Over(*exit, reasons),
        (None, Motion::Over, _) | (None, _, "over") => headline::State::Draining,
        (None, _, "waiting") => headline::State::Waiting,
        (None, Motion::Runs, _) => headline::State::Running,
        (None, Motion::Paused | Motion::Starts(_), _) => headline::State::Paused,
    };
    let [short, long] = WINDOWS;
    let mut seen = board.look(short);
    if seen.accounts.iter().map(|account| account.planned).sum::<u64>() < REQUESTS_MIN {
        seen = board.look(long);
    }
    let drawn = board.drawn();
    let parts = seen.accounts.iter().enumerate().map(|(at, account)| Part {
        account,
        unexplained: known.compared.get(at).copied().flatten().map_or(0, |compared| compared.unexplained),
        undeclared: drawn.samples.undeclared(at),
    });
    Headline::of(&Sight {
        state: doing,
        planned,
        window: seen.length,
        parts: parts.collect(),
        crossed: known.thresholds.iter().filter(|one| one.holds == Some(false)).map(crossed).collect(),
    })
}

fn crossed(standing: &Standing) -> Crossed<'_> {
    // It was printed from one, and reads back as the same.
    let is_of_run = standing.text.parse().is_ok_and(|threshold: Threshold| threshold.condition.over.is_none());
    Crossed { text: &standing.text, is_of_run }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers, texts and lists can all be written")
}

/// JSON of one line.
fn written(name: &str, number: u64, json: &str) -> Event {
    Event::default().event(name).id(number.to_string()).data(json)
}
