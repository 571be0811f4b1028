//! What a deliberate difference does to the answer that podinfo gave.

use crate::podinfo::fixed::expected;
use crate::podinfo::recorded::{Answer, Body, Row};

/// What is different. Changes apply one after the other.
pub(crate) enum Change {
    /// HEAD is answered as GET is, without the body.
    LikeGet,
    /// 405 names the methods that podinfo takes there, and HEAD with GET.
    Allow,
    /// The status of the wire is the one that the JSON error speaks of.
    Code,
    Status(u16),
    /// A header, with any value if that is `*`.
    Header(&'static str, &'static str),
    Body(&'static str),
    /// Anything that is not nothing.
    SomeBody,
    /// Late with its head or its body.
    Slow(&'static str),
    /// Nothing but a status.
    Bare(u16),
    /// podinfo's own 404.
    NotFound,
    /// A JSON answer with this status.
    Json(u16, &'static str),
    /// A part of the body reads otherwise.
    Instead(&'static str, &'static str),
    /// 400 in our language, for what the path or the query asks for.
    Refused,
    /// The page for people.
    Page,
}

const JSON: &str = "application/json; charset=utf-8";

impl Change {
    pub(crate) fn apply(&self, answer: &mut Answer, row: &Row, rows: &[&Row]) {
        let mut set = |name: &str, value: &str| answer.headers.insert(name.to_owned(), value.to_owned());
        match self {
            Change::LikeGet => {
                let get = like_get(row, rows).unwrap_or_else(|| panic!("{}: no GET for {}", row.run, row.path));
                *answer = Answer { body: text(""), ..expected(get, rows).0 };
            }
            Change::Allow => drop(set("allow", &allowed(row, rows))),
            Change::Code => answer.status = answer.code().expect("an error"),
            Change::Status(status) => answer.status = *status,
            Change::Header(name, value) => drop(set(name, value)),
            Change::Body(body) => (answer.body, answer.is_cut) = (text(body), false),
            Change::Instead(theirs, ours) => {
                if let Body::Text(old) = &answer.body {
                    answer.body = text(&old.replace(theirs, ours));
                }
            }
            Change::SomeBody => answer.body = Body::Opaque,
            Change::Slow(slow) => answer.slow = Some((*slow).to_owned()),
            Change::Bare(status) => *answer = whole(*status, &[], text("")),
            Change::NotFound => {
                let headers = [("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff")];
                let body = if row.method == "HEAD" { "" } else { "404 page not found\n" };
                *answer = whole(404, &headers, text(body));
            }
            Change::Json(status, body) => {
                let headers = [("content-type", JSON), ("x-content-type-options", "nosniff")];
                *answer = whole(*status, &headers, text(body));
            }
            Change::Refused => *answer = whole(400, &[("content-type", "application/json")], Body::Opaque),
            Change::Page => {
                let headers = [("content-type", "text/html; charset=utf-8"), ("x-content-type-options", "nosniff")];
                *answer = whole(200, &headers, Body::Opaque);
                // It runs a script of its own and nothing else, tells nobody where it is, and is asked about before each use.
                for name in ["content-security-policy", "referrer-policy", "cache-control", "etag"] {
                    answer.headers.insert(name.to_owned(), "*".to_owned());
                }
            }
        }
    }
}

/// The row that HEAD is like: the last GET of the same path before it, in the same state.
pub(crate) fn like_get<'a>(row: &Row, rows: &[&'a Row]) -> Option<&'a Row> {
    let before = rows.iter().take_while(|other| (&other.run, &other.name) != (&row.run, &row.name));
    let gets = before.filter(|other| other.run == row.run && other.method == "GET" && other.path == row.path);
    gets.last().copied()
}

/// The methods that podinfo takes on a path of the plain run, in order, and HEAD with GET.
fn allowed(row: &Row, rows: &[&Row]) -> String {
    let taken =
        rows.iter().filter(|other| other.run == "plain" && other.path == row.path && other.answer.status != 405);
    let mut methods: Vec<&str> = taken.map(|other| other.method.as_str()).collect();
    // The one that was not asked among others, since it ends the program.
    methods.extend((row.path == "/panic").then_some("GET"));
    methods.extend(methods.contains(&"GET").then_some("HEAD"));
    methods.sort_unstable();
    methods.dedup();
    methods.join(", ")
}

fn whole(status: u16, headers: &[(&str, &str)], body: Body) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, interim: Vec::new(), headers, slow: None, is_cut: false, frame: None, body }
}

fn text(text: &str) -> Body {
    Body::Text(text.to_owned())
}
