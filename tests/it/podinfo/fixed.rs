//! Where the target is meant to answer otherwise than podinfo, and how.
//!
//! Every entry has to change the answers it is for: one that podinfo no longer needs, or that no row has, fails.

use crate::podinfo::change::Change;
use crate::podinfo::change::Change::{
    Allow, Bare, Code, Header, Instead, Json, LikeGet, NotFound, Page, Refused, Slow, SomeBody, Status,
};
use crate::podinfo::recorded::{Answer, Row};

/// A deliberate difference.
struct Fixed {
    why: &'static str,
    rows: fn(&Row) -> bool,
    /// One after the other.
    changes: &'static [Change],
}

const JSON: &str = "application/json; charset=utf-8";

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

/// All of them.
const FIXED: &[Fixed] = &[
    Fixed {
        why: "HEAD asks for the head of what GET answers",
        rows: |row| row.method == "HEAD" && row.answer.status == 405 && row.path != "/panic",
        changes: &[LikeGet],
    },
    Fixed {
        why: "405 says what is allowed",
        rows: |row| row.method != "HEAD" && row.answer.status == 405 && row.answer.is_bare(),
        changes: &[Allow],
    },
    Fixed {
        why: "the end of the process is behind a flag, also for who asks for its head",
        rows: |row| row.path == "/panic" && row.method == "HEAD",
        changes: &[Json(403, "")],
    },
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
            Json(401, "{\n  \"code\": 401,\n  \"message\": \"token has no expiry\"\n}"),
            Header("www-authenticate", "Bearer"),
        ],
    },
    Fixed {
        why: "the decoder's words are ours",
        rows: |row| row.name == "no base64",
        changes: &[Instead(
            "illegal base64 data at input byte 0",
            "token is malformed: its head is no JSON object in base64url",
        )],
    },
    Fixed {
        why: "a status that no answer can have, and a time that is none, are refused in our language",
        rows: |row| is_no_status(row) || is_no_time(row),
        changes: &[Refused],
    },
    Fixed {
        why: "205 has no content (RFC 9110, section 15.3.6)",
        rows: |row| row.path == "/status/205",
        changes: &[Change::Body("")],
    },
    Fixed {
        why: "a time has fractions and units",
        rows: |row| row.path == "/delay/1.5",
        changes: &[Json(200, "{\n  \"delay\": 1.5\n}"), Slow("head")],
    },
    Fixed {
        why: "a time has fractions and units",
        rows: |row| row.path == "/delay/200ms",
        changes: &[Json(200, "{\n  \"delay\": 0.2\n}")],
    },
    Fixed {
        why: "a delay is bounded by its own limit and not by the server's patience",
        rows: |row| row.path == "/delay/2" && row.answer.status == 0,
        changes: &[Json(200, "{\n  \"delay\": 2\n}"), Slow("head")],
    },
    Fixed {
        why: "a delay is bounded by its own limit and not by the server's patience",
        rows: |row| row.path == "/chunked/2",
        changes: &[Change::Body("{\n  \"delay\": 2\n}"), Slow("body")],
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
        changes: &[Header("content-type", "application/json"), Header("x-content-type-options", "nosniff")],
    },
    Fixed { why: "who asks for HTML gets it", rows: |row| row.name == "GET / for html", changes: &[Page] },
    Fixed {
        why: "the page is part of the program and asks nobody else for scripts",
        rows: |row| row.name == "GET / by a browser",
        changes: &[Page],
    },
    Fixed {
        why: "why a page cannot be read is said in the words of our system",
        rows: |row| row.run == "no ui",
        changes: &[SomeBody, Header("x-content-type-options", "nosniff")],
    },
    Fixed {
        why: "caches are told what the index depends on",
        rows: |row| {
            matches!(&*row.path, "/" | "/?x=1" | "/foo" | "/foo/")
                && row.run != "faults"
                && matches!(row.answer.status, 200 | 500)
        },
        changes: &[Header("vary", "*")],
    },
    Fixed {
        why: "no browser is to guess a type",
        rows: |row| row.path.ends_with("/metrics") && row.answer.status == 200,
        changes: &[Header("x-content-type-options", "nosniff")],
    },
    Fixed {
        why: "what was never kept is not there, which is no failure of ours",
        rows: |row| row.name == "GET unknown",
        changes: &[Status(404), Instead("500", "404")],
    },
    Fixed {
        why: "a cache that is down is neither an empty one nor the caller's mistake",
        rows: |row| row.run == "cache down" && row.method == "GET",
        changes: &[Json(503, "{\n  \"code\": 503,\n  \"message\": \"cache get failed\"\n}")],
    },
    Fixed {
        why: "a cache that is down is neither an empty one nor the caller's mistake",
        rows: |row| row.run == "cache down" && row.method == "DELETE",
        changes: &[Json(503, "{\n  \"code\": 503,\n  \"message\": \"cache delete failed\"\n}")],
    },
    Fixed {
        why: "a cache that is down may be up again later",
        rows: |row| row.run == "cache down" && matches!(&*row.method, "POST" | "PUT"),
        changes: &[Status(503), Instead("500", "503")],
    },
    Fixed {
        why: "a trace goes on by today's names, too",
        rows: |row| row.run == "backend",
        changes: &[Instead("POST x-api", "POST traceparent x-api")],
    },
    Fixed {
        why: "a request that is none is refused by the server's HTTP, before any route",
        rows: |row| row.raw.is_some() && row.name != "no host",
        changes: &[Bare(400), Header("connection", "close")],
    },
    Fixed {
        why: "a path that cannot be decoded is one that is not there",
        rows: |row| row.path == "/%zz",
        changes: &[NotFound],
    },
    Fixed {
        why: "what is behind # is no part of a path (RFC 3986, section 3.5)",
        rows: |row| row.path == "/version#x",
        changes: &[Json(200, "{\n  \"commit\": \"*\",\n  \"version\": \"VERSION\"\n}")],
    },
    Fixed {
        why: "the greeting is by the program that greets",
        rows: |row| row.run == "defaults" && row.path == "/",
        changes: &[Instead("greetings from podinfo", "greetings from continuous-load")],
    },
];

fn is_faulted(row: &Row) -> bool {
    row.run == "faults" && row.answer.status == 500
}

fn is_number_too_large(row: &Row) -> bool {
    row.path.ends_with("99999999999999999999")
}

/// Of what begins with a digit, as podinfo's do; the rest is no path of its or ours.
fn is_no_status(row: &Row) -> bool {
    let status = row.path.strip_prefix("/status/").filter(|status| !status.contains(['/', '?']));
    let status = status.filter(|status| status.starts_with(|first: char| first.is_ascii_digit()));
    status.is_some_and(|status| !status.parse::<u16>().is_ok_and(|code| (200..600).contains(&code)))
}

fn is_no_time(row: &Row) -> bool {
    ["/delay/9999999999", "/delay/99999999999999999999"].contains(&&*row.path)
}
