//! What a real podinfo answered, as recorded.json has it.
//!
//! `record.py` wrote that file and says how; `rows.py` says what is asked. Words in braces stand for what differs from place to
//! place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// One program with its flags and all that it is asked, in this order.
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) flags: Vec<String>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) rows: Vec<Row>,
}

/// A request and podinfo's answer to it.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) run: String,
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// `1.1` or `1.0`.
    pub(crate) version: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// How often the body is sent, one after the other.
    pub(crate) times: usize,
    /// Bytes after the head that have no `content-length`.
    pub(crate) raw_body: String,
    /// Bytes to send instead of all that.
    pub(crate) raw: Option<String>,
    /// A WebSocket message to send after the handshake.
    pub(crate) frame: Option<String>,
    /// (word, key): what to remember of a JSON answer.
    pub(crate) take: Option<(String, String)>,
    /// Ask again until the answer has this status.
    pub(crate) until: Option<u16>,
    pub(crate) answer: Answer,
    /// The value of `path` under which it was counted, if it was.
    pub(crate) label: Option<String>,
}

/// What came back.
#[derive(Clone, PartialEq)]
pub(crate) struct Answer {
    /// 0 if the connection was closed without an answer.
    pub(crate) status: u16,
    pub(crate) interim: Vec<u16>,
    /// By lower-case name; those that say nothing about the answer itself are left out.
    pub(crate) headers: BTreeMap<String, String>,
    /// `head` or `body` if that took most of a second or more.
    pub(crate) slow: Option<String>,
    /// Whether the body ended before its end.
    pub(crate) is_cut: bool,
    pub(crate) frame: Option<String>,
    pub(crate) body: Body,
}

/// The body of an answer, veiled.
#[derive(Clone, PartialEq)]
pub(crate) enum Body {
    Text(String),
    /// One byte, this many times.
    Many(usize),
    /// Not kept: only that there was one is known.
    Opaque,
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Text(text) => write!(formatter, "{:?}", text.chars().take(400).collect::<String>()),
            Body::Many(times) => write!(formatter, "{times} bytes"),
            Body::Opaque => formatter.write_str("anything"),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Answer { status, interim, headers, slow, is_cut, frame, body } = self;
        write!(formatter, "{status} {headers:?} {body:?}")?;
        let more = [
            (!interim.is_empty()).then(|| format!(" after {interim:?}")),
            slow.as_ref().map(|part| format!(" slow {part}")),
            is_cut.then(|| " cut".to_owned()),
            frame.as_ref().map(|frame| format!(" frame {frame:?}")),
        ];
        more.iter().flatten().try_for_each(|more| formatter.write_str(more))
    }
}

impl Answer {
    /// A bare status, such as 405.
    pub(crate) fn is_bare(&self) -> bool {
        self.body == Body::Text(String::new()) && !self.headers.contains_key("content-type")
    }

    /// The status that a JSON error speaks of, which podinfo sends with 200.
    pub(crate) fn code(&self) -> Option<u16> {
        let Body::Text(text) = &self.body else { return None };
        let rest = text.strip_prefix("{\n  \"code\": ")?;
        rest.split(',').next()?.parse().ok()
    }
}

/// All runs.
pub(crate) fn runs() -> Vec<Run> {
    let recorded: Value = serde_json::from_str(include_str!("recorded.json")).unwrap();
    let rows: Vec<Row> = recorded["rows"].as_array().unwrap().iter().map(row).collect();
    let names: BTreeSet<_> = rows.iter().map(|row| (&row.run, &row.name)).collect();
    assert_eq!(names.len(), rows.len(), "every row has a name of its own in its run");
    let runs = recorded["runs"].as_array().unwrap().iter().map(|run| Run {
        name: text(&run["run"]),
        flags: run["flags"].as_array().unwrap().iter().map(text).collect(),
        variables: run["variables"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        rows: rows.iter().filter(|row| row.run == text(&run["run"])).cloned().collect(),
    });
    runs.collect()
}

fn row(row: &Value) -> Row {
    let number = |key: &str| row[key].as_u64();
    let take = row["take"].as_object().and_then(|take| take.iter().next());
    Row {
        run: text(&row["run"]),
        name: text(&row["name"]),
        method: text(&row["method"]),
        path: text(&row["path"]),
        version: row["version"].as_str().unwrap_or("1.1").to_owned(),
        headers: pairs(&row["headers"]),
        body: row["body"].as_str().unwrap_or_default().to_owned(),
        times: number("times").map_or(1, |times| times.try_into().unwrap()),
        raw_body: row["raw_body"].as_str().unwrap_or_default().to_owned(),
        raw: row["raw"].as_str().map(str::to_owned),
        frame: row["frame"].as_str().map(str::to_owned),
        take: take.map(|(word, key)| (word.clone(), text(key))),
        until: number("until").map(|status| status.try_into().unwrap()),
        answer: answer(&row["answer"]),
        label: row["answer"]["label"].as_str().map(str::to_owned),
    }
}

fn answer(answer: &Value) -> Answer {
    let number = |value: &Value| u16::try_from(value.as_u64().unwrap()).unwrap();
    let body = match (answer["opaque"].as_bool(), answer["times"].as_u64()) {
        (Some(true), _) => Body::Opaque,
        (_, Some(times)) => Body::Many(times.try_into().unwrap()),
        _ => Body::Text(answer["body"].as_str().unwrap_or_default().to_owned()),
    };
    Answer {
        status: answer["status"].as_u64().map_or(0, |status| status.try_into().unwrap()),
        interim: answer["interim"].as_array().map(|all| all.iter().map(number).collect()).unwrap_or_default(),
        headers: telling(&pairs(&answer["headers"])),
        slow: answer["slow"].as_str().map(str::to_owned),
        is_cut: answer["cut"].as_bool().unwrap_or_default(),
        frame: answer["frame"].as_str().map(str::to_owned),
        body,
    }
}

/// The headers that say something of the answer. Not those of the connection, but that it ends; nor ours, which podinfo
/// has none of and nobody misses; nor the length, which the body has and a veiled one would have wrong.
pub(crate) fn telling(headers: &[(String, String)]) -> BTreeMap<String, String> {
    let lower = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let telling = lower
        .filter(|(name, value)| match name.as_str() {
            "date" | "content-length" | "server-timing" | "transfer-encoding" | "upgrade" => false,
            "connection" => value.eq_ignore_ascii_case("close"),
            name => !name.starts_with("x-cload-"),
        })
        .map(|(name, value)| if name == "allow" { (name, sorted(&value)) } else { (name, value) });
    let mut all = BTreeMap::new();
    for (name, value) in telling {
        // A field that comes twice is another answer.
        let held: &mut String = all.entry(name).or_default();
        *held = if held.is_empty() { value } else { format!("{held}, then {value}") };
    }
    all
}

/// A list whose order means nothing.
fn sorted(list: &str) -> String {
    let mut items: Vec<&str> = list.split(',').map(str::trim).collect();
    items.sort_unstable();
    items.join(", ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let pairs = value.as_array().map(Vec::as_slice).unwrap_or_default();
    pairs.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}
