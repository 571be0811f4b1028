//! What a proxy does to each request, whatever the protocol: a script says which deed each number gets, and the ledger
//! what was done. The proxies of each protocol only read requests, ask the target and render what comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

/// The timeout of every scenario here, far above what a busy machine takes for a request.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);
/// How long [`Deed::Late`] holds an answer: far below the timeout.
pub(crate) const DELAY: Duration = Duration::from_millis(100);
/// How long [`Deed::TooLate`] holds one: until nobody waits any more.
const TOO_LATE: Duration = Duration::from_millis(3500);

/// What a proxy can do to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// There and back.
    Pass,
    /// Swallows the request.
    Swallow,
    /// Passes the request on and swallows the answer.
    Mute,
    /// Holds the answer, below the timeout.
    Late,
    /// Holds the answer beyond the timeout.
    TooLate,
    /// Holds the request until somebody lets go, and swallows the answer.
    Hold,
    /// Resets the connection or stream, instead of passing the request on and after having its answer.
    ResetBefore,
    ResetAfter,
    /// Closes it likewise.
    CloseBefore,
    CloseAfter,
    /// Passes half the answer on.
    Half,
    /// Asks the target twice and gives the second answer: a retry after an error that the client never sees.
    Retry,
    /// The same, and the second time it asks another replica.
    RetryElsewhere,
    /// Passes two copies on, and both answers back.
    Double,
    /// Passes the request on after the next one had its answer.
    Overtaken,
    /// Gives the answer after the next request had its own.
    AnswerOvertaken,
    /// Answers by itself, without having asked the target and after it.
    OwnBefore,
    OwnAfter,
}

impl Deed {
    /// How often the request arrives at the target.
    pub(crate) fn arrivals(self) -> u64 {
        match self {
            Deed::Swallow | Deed::ResetBefore | Deed::CloseBefore | Deed::OwnBefore => 0,
            Deed::Retry | Deed::RetryElsewhere | Deed::Double => 2,
            _ => 1,
        }
    }
}

/// Who sent a request: its operation, and its number within it.
pub(crate) type Who = (String, u64);

/// What becomes of a request on the client's side.
pub(crate) enum Reply<A> {
    Silence,
    Reset,
    Close,
    Answers(Vec<A>),
    Half(A),
    /// The proxy's own.
    Own,
}

type Script = dyn Fn(&str, u64) -> Deed + Send + Sync;

/// A path to one target, or to two of its replicas, on which things happen.
#[derive(Clone)]
pub(crate) struct Path {
    targets: Vec<SocketAddr>,
    script: Arc<Script>,
    ledger: Arc<Mutex<BTreeMap<Who, Deed>>>,
    /// Those whose answers have gone back.
    passed: Arc<watch::Sender<BTreeSet<Who>>>,
    /// Whether held requests may go on.
    pub(crate) let_go: Arc<watch::Sender<bool>>,
}

impl Path {
    pub(crate) fn new(targets: &[SocketAddr], script: impl Fn(&str, u64) -> Deed + Send + Sync + 'static) -> Path {
        Path {
            targets: targets.to_vec(),
            script: Arc::new(script),
            ledger: Arc::default(),
            passed: Arc::new(watch::Sender::default()),
            let_go: Arc::new(watch::Sender::default()),
        }
    }

    /// Does to one request what the script says, and notes it. `ask` asks a target. `None`: the injector sent it before,
    /// which it never does by itself.
    pub(crate) async fn walk<A, F: Future<Output = A>>(&self, who: &Who, ask: impl Fn(SocketAddr) -> F) -> Reply<A> {
        let deed = (self.script)(&who.0, who.1);
        let before = self.ledger.lock().unwrap().insert(who.clone(), deed);
        assert_eq!(before, None, "the injector itself sends nothing twice: {who:?}");
        let there = || ask(self.targets[0]);
        let next = (who.0.clone(), who.1 + 1);
        match deed {
            Deed::Pass => Reply::Answers(vec![there().await]),
            Deed::Swallow => Reply::Silence,
            Deed::ResetBefore => Reply::Reset,
            Deed::CloseBefore => Reply::Close,
            Deed::OwnBefore => Reply::Own,
            Deed::Overtaken => {
                self.passed.subscribe().wait_for(|passed| passed.contains(&next)).await.unwrap();
                Reply::Answers(vec![there().await])
            }
            Deed::Hold => {
                self.let_go.subscribe().wait_for(|may_go| *may_go).await.unwrap();
                there().await;
                Reply::Silence
            }
            Deed::Retry => {
                there().await;
                Reply::Answers(vec![there().await])
            }
            Deed::RetryElsewhere => {
                there().await;
                Reply::Answers(vec![ask(self.targets[1]).await])
            }
            Deed::Double => Reply::Answers(vec![there().await, there().await]),
            after => {
                let answer = there().await;
                match after {
                    Deed::Mute => Reply::Silence,
                    Deed::ResetAfter => Reply::Reset,
                    Deed::CloseAfter => Reply::Close,
                    Deed::OwnAfter => Reply::Own,
                    Deed::Half => Reply::Half(answer),
                    Deed::Late => {
                        tokio::time::sleep(DELAY).await;
                        Reply::Answers(vec![answer])
                    }
                    Deed::TooLate => {
                        tokio::time::sleep(TOO_LATE).await;
                        Reply::Answers(vec![answer])
                    }
                    _ => {
                        self.passed.subscribe().wait_for(|passed| passed.contains(&next)).await.unwrap();
                        Reply::Answers(vec![answer])
                    }
                }
            }
        }
    }

    /// What comes of it has gone back to the client.
    pub(crate) fn passed(&self, who: Who) {
        self.passed.send_modify(|passed| {
            passed.insert(who);
        });
    }

    /// What was done to the requests of one operation, by number.
    pub(crate) fn done(&self, operation: &str) -> BTreeMap<u64, Deed> {
        let ledger = self.ledger.lock().unwrap();
        ledger.iter().filter(|((name, _), _)| name == operation).map(|((_, seq), deed)| (*seq, *deed)).collect()
    }
}

/// Who sent these bytes: all protocols say `op=<operation>` and `id=<session>.<number>` in letters.
pub(crate) fn who(bytes: &[u8]) -> Who {
    let text = String::from_utf8_lossy(bytes);
    let behind = |key: &str| text.split_once(key).unwrap_or_else(|| panic!("no {key} in {text:?}")).1;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let operation = behind("op=").split(|c| !is_name(c)).next().unwrap();
    let number = behind("id=").split_once('.').unwrap().1;
    let number = number.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    (operation.to_owned(), number.parse().unwrap())
}
