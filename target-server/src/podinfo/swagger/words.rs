//! What is said of each route, where the table of routes only knows its name, its methods and its usual status.

use shared::route::Route;

/// How the description of an error ends that has no JSON in it.
pub(super) const NO_BODY: &str = "; not JSON";

/// A route in words.
pub(super) struct Said {
    /// Its paths, with names in braces for what varies.
    pub(super) paths: &'static [&'static str],
    pub(super) group: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: &'static [(Where, &'static str, &'static str)],
    pub(super) produces: &'static [&'static str],
    /// 0: the route's usual status.
    pub(super) success: (u16, &'static str),
    /// The methods that can give it (none: all), the status, the reason.
    pub(super) errors: &'static [(&'static [&'static str], u16, &'static str)],
}

/// Where a parameter stands.
#[derive(Clone, Copy)]
pub(super) enum Where {
    Path,
    Header,
    /// Of the methods that usually have one.
    Body,
}

const JSON: &[&str] = &["application/json"];
const RAW: &[&str] = &["application/octet-stream"];
const TEXT: &[&str] = &["text/plain"];
const NOTHING: &[&str] = &[];
const ALL: &[&str] = &[];
const READ: &[&str] = &["GET", "HEAD"];
const WRITE: &[&str] = &["POST", "PUT"];

const TOO_LARGE: (&[&str], u16, &str) = (ALL, 413, "The body is larger than 10 MiB.");
const BODY: (Where, &str, &str) = (Where::Body, "body", "Any bytes, 10 MiB at most.");

/// Whatever a group's members share.
const fn plain(group: &'static str, paths: &'static [&'static str], summary: &'static str) -> Said {
    Said { paths, group, summary, parameters: &[], produces: JSON, success: (0, summary), errors: &[] }
}

/// Every route has its words.
pub(super) fn of(route: Route) -> Said {
    const INFO: &str = "Information";
    const FAULTS: &str = "Faults";
    const PROBES: &str = "Probes";
    const STATE: &str = "State";
    match route {
        Route::Index => Said {
            produces: &["application/json", "text/html"],
            ..plain(INFO, &["/"], "Who answers: a page for browsers, JSON for everybody else.")
        },
        Route::ApiInfo => plain(INFO, &["/api/info"], "Who answers, as JSON."),
        Route::Version => plain(INFO, &["/version"], "The version and the commit."),
        Route::Echo => echo(&["/echo", "/echo/{path}"]),
        Route::ApiEcho => echo(&["/api/echo", "/api/echo/{path}"]),
        Route::Env => Said {
            errors: &[(ALL, 403, "The environment is not shown: it may hold secrets.")],
            ..plain(INFO, &["/env"], "The environment of the process.")
        },
        Route::Headers => plain(INFO, &["/headers"], "The fields of the request."),
        Route::Delay => Said {
            parameters: &[(Where::Path, "time", "Seconds, or a duration such as `250ms`.")],
            errors: &[(ALL, 400, "The time cannot be read, or is longer than is allowed.")],
            ..plain(FAULTS, &["/delay/{time}"], "Answers after this time.")
        },
        Route::Healthz => Said {
            errors: &[(ALL, 503, "Not healthy; not JSON")],
            ..plain(PROBES, &["/healthz"], "Whether the process is healthy.")
        },
        Route::Readyz => Said {
            errors: &[(ALL, 503, "Not ready; not JSON")],
            ..plain(PROBES, &["/readyz"], "Whether the process wants traffic.")
        },
        Route::ReadyzEnable => {
            Said { produces: NOTHING, ..plain(PROBES, &["/readyz/enable"], "Makes the process ready.") }
        }
        Route::ReadyzDisable => {
            Said { produces: NOTHING, ..plain(PROBES, &["/readyz/disable"], "Makes the process not ready.") }
        }
        Route::FaultEnable => switch(&["/fault_injection/enable"], "Makes every request fail that may."),
        Route::FaultDisable => switch(&["/fault_injection/disable"], "Ends that."),
        Route::FaultStatus => plain(FAULTS, &["/fault_injection/status"], "Whether requests are made to fail."),
        Route::Panic => Said {
            produces: NOTHING,
            errors: &[(ALL, 403, "Not allowed by the target's flags.")],
            ..plain(FAULTS, &["/panic"], "Ends the process: there is no answer.")
        },
        Route::Status => Said {
            parameters: &[(Where::Path, "codes", "A status from 200 to 599, or several with their weights.")],
            errors: &[(ALL, 400, "No such status.")],
            ..plain(FAULTS, &["/status/{codes}"], "Answers with this status.")
        },
        Route::Store => Said {
            parameters: &[BODY],
            errors: &[
                TOO_LARGE,
                (ALL, 500, "The file could not be written."),
                (ALL, 507, "The store is full: it deletes nothing."),
            ],
            ..plain(STATE, &["/store"], "Keeps the body, and answers the hash under which it can be read.")
        },
        Route::StoreHash => Said {
            parameters: &[(Where::Path, "hash", "SHA-1 of the body, 40 lower-case hexadecimal digits.")],
            produces: RAW,
            errors: &[
                (ALL, 400, "Not a hash."),
                (ALL, 404, "There is no such file."),
                (ALL, 500, "The file could not be read."),
            ],
            ..plain(STATE, &["/store/{hash}"], "The body that was kept.")
        },
        Route::Cache => Said {
            parameters: &[(Where::Path, "key", "One segment of a path."), BODY],
            produces: RAW,
            success: (0, "The value, or it is written or deleted."),
            errors: &[
                (ALL, 400, "This target has no cache server."),
                (READ, 404, "There is no such key; not JSON"),
                (WRITE, 413, "The body is larger than 10 MiB."),
                (ALL, 500, "The cache server refuses."),
                (ALL, 503, "The cache server is down."),
            ],
            ..plain(STATE, &["/cache/{key}"], "A value in the cache server.")
        },
        Route::Configs => plain(INFO, &["/configs"], "The files of the configured folder, by their names."),
        Route::Token => Said {
            parameters: &[(Where::Body, "name", "Who is named in the token, 1 KiB at most; nobody is `anonymous`.")],
            errors: &[(ALL, 413, "The name is longer than 1 KiB.")],
            ..plain(STATE, &["/token"], "Signs a token that is good for a minute.")
        },
        Route::TokenValidate => Said {
            parameters: &[(Where::Header, "Authorization", "`Bearer`, a space, and a token.")],
            errors: &[(ALL, 401, "No token, or not a good one; the message says why.")],
            ..plain(STATE, &["/token/validate"], "Who is named in a token.")
        },
        Route::WsEcho => Said {
            produces: TEXT,
            success: (101, "A WebSocket: every message comes back with the time."),
            errors: &[
                (ALL, 400, "Not a request for a WebSocket of version 13; not JSON"),
                (&["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"], 405, "Only GET opens a WebSocket; not JSON"),
                (&["GET"], 403, "The page that asks is of another host; not JSON"),
            ],
            ..plain(INFO, &["/ws/echo"], "Echoes over a WebSocket.")
        },
        Route::Chunked => plain(FAULTS, &["/chunked"], "The head at once, the body after a random time."),
        Route::ChunkedWait => Said {
            parameters: &[(Where::Path, "time", "Seconds, or a duration such as `250ms`.")],
            errors: &[(ALL, 400, "The time cannot be read, or is longer than is allowed.")],
            ..plain(FAULTS, &["/chunked/{time}"], "The head at once, the body after this time.")
        },
        Route::Swagger => Said {
            parameters: &[(Where::Path, "file", "`index.html`, or `doc.json` for programs.")],
            produces: &["text/html", "application/json"],
            errors: &[(ALL, 404, "There is no other file; not JSON")],
            ..plain(INFO, &["/swagger/{file}"], "This description, for people.")
        },
        Route::SwaggerJson => plain(INFO, &["/swagger.json"], "This description, for programs."),
        Route::Page => Said {
            parameters: &[(
                Where::Path,
                "file",
                "Nothing for the page; `state`, or a POST to `compose`, for what it asks.",
            )],
            produces: &["text/html", "text/css", "text/javascript", "application/json"],
            errors: &[
                (ALL, 400, "What is to be composed cannot be read."),
                (ALL, 404, "There is no other file; not JSON"),
                (ALL, 405, "A file is read, and `compose` is told."),
            ],
            ..plain(INFO, &["/page/{file}"], "The page for browsers, and what it asks. Never faulted.")
        },
        Route::Metrics => {
            Said { produces: TEXT, ..plain(PROBES, &["/metrics"], "The metrics, in Prometheus' text format.") }
        }
    }
}

fn echo(paths: &'static [&'static str]) -> Said {
    Said {
        parameters: &[(Where::Path, "path", "Anything."), BODY],
        produces: RAW,
        success: (0, "The body; 200 and the backends' answers where there are backends."),
        errors: &[TOO_LARGE],
        ..plain("Information", paths, "Answers with the request's body.")
    }
}

fn switch(paths: &'static [&'static str], summary: &'static str) -> Said {
    Said { errors: &[(ALL, 409, "Something else decides about that now.")], ..plain("Faults", paths, summary) }
}
