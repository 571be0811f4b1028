//! Where the target is meant to answer otherwise than podinfo, and how.
//!
//! Every entry has to change the answers it is for: one that podinfo no longer needs, or that no row has, fails.

use crate::podinfo::recorded::{Answer, Body, Row};

/// A deliberate difference.
pub(crate) struct Fixed {
    pub(crate) why: &'static str,
    rows: fn(&Row) -> bool,
    changes: &'static [Change],
}

/// What is different. Changes apply one after the other.
enum Change {
    /// HEAD is answered as GET is, without the body.
    LikeGet,
    /// 405 names the methods that podinfo takes there, and HEAD with GET.
    Allow,
    /// The status of the wire is the one that the JSON error speaks of.
    Code,
    Status(u16),
    Header(&'static str, &'static str),
    Body(&'static str),
    /// Anything that is not nothing.
    SomeBody,
    /// Late by a second and more, which podinfo was too, or not at all.
    Slow(Option<&'static str>),
    /// Nothing but a status.
    Bare(u16),
    /// podinfo's own 404.
    NotFound,
    /// A JSON answer with 200.
    Json(&'static str),
    /// 400 in our language, for what the path or the query asks for.
    Refused,
    /// The page for people.
    Page,
}

use Change::{Allow, Bare, Code, Header, Json, LikeGet, NotFound, Page, Refused, Slow, SomeBody, Status};

const JSON: &str = "application/json; charset=utf-8";

/// All of them.
pub(crate) const FIXED: &[Fixed] = &[
    Fixed {
        why: "HEAD asks for the head of what GET answers",
        rows: |row| row.method == "HEAD" && row.answer.status == 405 && !is_panic(row),
        changes: &[LikeGet],
    },
    Fixed {
        why: "405 says what is allowed",
        rows: |row| row.method != "HEAD" && row.answer.status == 405 && row.answer.is_bare() && !is_panic(row),
        changes: &[Allow],
    },
    Fixed { why: "the end of the process is behind a flag", rows: is_panic, changes: &[NotFound] },
    Fixed {
        why: "an error is not sent with 200",
        rows: |row| row.answer.status == 200 && row.answer.code().is_some() && !is_number_too_large(row),
        changes: &[Code],
    },
    Fixed {
        why: "who sends more than is taken is not read to the end",
        rows: |row| row.answer.code() == Some(413),
        changes: &[Header("connection", "close")],
    },
    Fixed {
        why: "a refused token says what kind is wanted",
        rows: |row| row.path == "/token/validate" && row.answer.code() == Some(401),
        changes: &[Header("www-authenticate", "Bearer")],
    },
    Fixed {
        why: "a token without an end is refused, not a panic",
        rows: |row| row.name == "without exp",
        changes: &[
            Json("{\n  \"code\": 401,\n  \"message\": \"token has no expiry\"\n}"),
            Status(401),
            Header("www-authenticate", "Bearer"),
        ],
    },
    Fixed {
        why: "the decoder's words are ours",
        rows: |row| row.name == "no base64",
        changes: &[Change::Body(
            "{\n  \"code\": 401,\n  \"message\": \"token is malformed: its head is no JSON object in base64url\"\n}",
        )],
    },
    Fixed {
        why: "a status that no answer can have, and a time that is none, are refused in our language",
        rows: |row| is_no_status(row) || is_no_time(row),
        changes: &[Refused],
    },
    Fixed {
        why: "a time has fractions and units",
        rows: |row| row.path == "/delay/1.5",
        changes: &[Json("{\n  \"delay\": 1.5\n}"), Slow(Some("head"))],
    },
    Fixed {
        why: "a time has fractions and units",
        rows: |row| row.path == "/delay/200ms",
        changes: &[Json("{\n  \"delay\": 0.2\n}")],
    },
    Fixed {
        why: "a query speaks our language",
        rows: |row| row.path.ends_with("?x=1") && row.answer.status == 200,
        changes: &[Refused],
    },
    Fixed {
        why: "a delay is bounded by its own limit and not by the server's patience",
        rows: |row| row.path == "/delay/2" && row.answer.status == 0,
        changes: &[Json("{\n  \"delay\": 2\n}"), Slow(Some("head"))],
    },
    Fixed {
        why: "a delay is bounded by its own limit and not by the server's patience",
        rows: |row| row.path == "/chunked/2",
        changes: &[Change::Body("{\n  \"delay\": 2\n}"), Change::Slow(Some("body"))],
    },
    Fixed {
        why: "JSON says that it is JSON",
        rows: |row| is_faulted(row) && !row.path.starts_with("/readyz/"),
        changes: &[Header("content-type", JSON)],
    },
    Fixed {
        why: "what controls the target is spared",
        rows: |row| is_faulted(row) && row.path.starts_with("/readyz/"),
        changes: &[Bare(202)],
    },
    Fixed {
        why: "there is no profiler",
        rows: |row| row.path.starts_with("/debug/pprof/") && row.answer.status == 200,
        changes: &[NotFound],
    },
    Fixed {
        why: "JSON says that it is JSON",
        rows: |row| row.path == "/swagger.json" && row.answer.status == 200,
        changes: &[Header("content-type", JSON), Header("x-content-type-options", "nosniff")],
    },
    Fixed { why: "who asks for HTML gets it", rows: |row| row.name == "GET / for html", changes: &[Page] },
    Fixed { why: "the page is part of the program", rows: |row| row.run == "no ui", changes: &[Page] },
    Fixed {
        why: "a request that is none is refused by the server's HTTP, before any route",
        rows: |row| row.raw.is_some() || row.path == "/%zz",
        changes: &[Bare(400), Header("connection", "close"), SomeBody],
    },
    Fixed {
        why: "the greeting is by the program that greets",
        rows: |row| row.run == "defaults" && row.path == "/",
        changes: &[Change::Body("greetings from target-server vVERSION")],
    },
];

/// What the target has to answer, and whether it is podinfo's answer.
pub(crate) fn expected(row: &Row, rows: &[&Row]) -> (Answer, bool) {
    let mut answer = row.answer.clone();
    let mut is_fixed = false;
    for fixed in FIXED.iter().filter(|fixed| (fixed.rows)(row)) {
        is_fixed = true;
        let before = answer.clone();
        for change in fixed.changes {
            change.apply(&mut answer, row, rows);
        }
        assert_ne!(answer, before, "{}: {}: podinfo answers so, too: {}", row.run, row.name, fixed.why);
    }
    (answer, is_fixed)
}

/// The entries that no row needs.
pub(crate) fn unused(rows: &[&Row]) -> Vec<&'static str> {
    FIXED.iter().filter(|fixed| !rows.iter().any(|row| (fixed.rows)(row))).map(|fixed| fixed.why).collect()
}

impl Change {
    fn apply(&self, answer: &mut Answer, row: &Row, rows: &[&Row]) {
        let mut set = |name: &str, value: &str| answer.headers.insert(name.to_owned(), value.to_owned());
        match self {
            LikeGet => {
                let get = like_get(row, rows).unwrap_or_else(|| panic!("{}: no GET for {}", row.run, row.path));
                *answer = Answer { body: text(""), ..expected(get, rows).0 };
            }
            Allow => drop(set("allow", &allowed(row, rows))),
            Code => answer.status = answer.code().expect("an error"),
            Status(status) => answer.status = *status,
            Header(name, value) => drop(set(name, value)),
            Change::Body(body) => match &answer.body {
                // Of a long one only what differs stands in the table.
                Body::Text(old) if body.starts_with("greetings") => {
                    answer.body = text(&old.replace("greetings from podinfo vVERSION", body));
                }
                _ => (answer.body, answer.is_cut) = (text(body), false),
            },
            SomeBody => answer.body = Body::Opaque,
            Slow(slow) => answer.slow = slow.map(str::to_owned),
            Bare(status) => *answer = whole(*status, &[], text("")),
            NotFound => {
                let headers = [("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff")];
                let body = if row.method == "HEAD" { "" } else { "404 page not found\n" };
                *answer = whole(404, &headers, text(body));
            }
            Json(body) => {
                let headers = [("content-type", JSON), ("x-content-type-options", "nosniff")];
                *answer = whole(200, &headers, text(body));
            }
            Refused => *answer = whole(400, &[("content-type", "application/json")], Body::Opaque),
            Page => *answer = whole(200, &[("content-type", "text/html; charset=utf-8")], Body::Opaque),
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

fn is_panic(row: &Row) -> bool {
    row.path == "/panic" && row.answer.status == 405
}

fn is_faulted(row: &Row) -> bool {
    row.run == "faults" && row.answer.status == 500
}

fn is_number_too_large(row: &Row) -> bool {
    row.path.ends_with("99999999999999999999")
}

fn is_no_status(row: &Row) -> bool {
    let status = row.path.strip_prefix("/status/").filter(|status| !status.contains(['/', '?']) && !status.is_empty());
    status.is_some_and(|status| !status.parse::<u16>().is_ok_and(|code| (200..600).contains(&code)) || status == "+200")
}

fn is_no_time(row: &Row) -> bool {
    ["/delay/-1", "/delay/abc", "/delay/9999999999", "/delay/99999999999999999999", "/chunked/x"].contains(&&*row.path)
}
