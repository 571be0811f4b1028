//! The paths that answer with something of their own, as podinfo serves them; every other path is an echo.
//!
//! Pure: a path is a [`Route`] or none, and a route says which methods it takes and under which name it is counted. The
//! target serves by this table, and the injector learns from it what an answer can be held to.

use crate::carrier::path_seconds;
use crate::fault::Verdict;

/// A path with an answer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `/`: who answers, as JSON or as a page.
    Index,
    /// `/api/info`: the same as JSON.
    ApiInfo,
    /// `/version`.
    Version,
    /// `/echo` and below: the request's body, with 202.
    Echo,
    /// `/api/echo` and below: the same.
    ApiEcho,
    /// `/env`: the process's environment.
    Env,
    /// `/headers`: the request's fields.
    Headers,
    /// `/delay/{time}`.
    Delay,
    /// `/healthz`.
    Healthz,
    /// `/readyz`.
    Readyz,
    /// `/readyz/enable`.
    ReadyzEnable,
    /// `/readyz/disable`.
    ReadyzDisable,
    /// `/fault_injection/enable`.
    FaultEnable,
    /// `/fault_injection/disable`.
    FaultDisable,
    /// `/fault_injection/status`.
    FaultStatus,
    /// `/panic`: ends the process.
    Panic,
    /// `/status/{codes}`.
    Status,
    /// `/store`: keeps a body.
    Store,
    /// `/store/{hash}`: gives it back.
    StoreHash,
    /// `/cache/{key}`.
    Cache,
    /// `/configs`: the files of a folder.
    Configs,
    /// `/token`: signs one.
    Token,
    /// `/token/validate`: checks one.
    TokenValidate,
    /// `/ws/echo`: a WebSocket.
    WsEcho,
    /// `/chunked`: head now, body after a random time.
    Chunked,
    /// `/chunked/{seconds}`: head now, body later.
    ChunkedWait,
    /// `/swagger/` and below: the API's description for people.
    Swagger,
    /// `/swagger.json`: the same for programs.
    SwaggerJson,
    /// `/metrics`.
    Metrics,
    /// `/page/` and below: the page for browsers, also where `/` is faulted, and what it asks.
    Page,
}

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const GET_POST: &[&str] = &["GET", "POST"];
const POST_PUT: &[&str] = &["POST", "PUT"];
/// No list: any method is taken.
const ANY: &[&str] = &[];

/// Whole paths.
const EXACT: [(&str, Route); 22] = [
    ("/", Route::Index),
    ("/api/info", Route::ApiInfo),
    ("/version", Route::Version),
    ("/echo", Route::Echo),
    ("/api/echo", Route::ApiEcho),
    ("/env", Route::Env),
    ("/headers", Route::Headers),
    ("/healthz", Route::Healthz),
    ("/readyz", Route::Readyz),
    ("/readyz/enable", Route::ReadyzEnable),
    ("/readyz/disable", Route::ReadyzDisable),
    ("/fault_injection/enable", Route::FaultEnable),
    ("/fault_injection/disable", Route::FaultDisable),
    ("/fault_injection/status", Route::FaultStatus),
    ("/panic", Route::Panic),
    ("/store", Route::Store),
    ("/configs", Route::Configs),
    ("/token", Route::Token),
    ("/token/validate", Route::TokenValidate),
    ("/ws/echo", Route::WsEcho),
    ("/chunked", Route::Chunked),
    ("/metrics", Route::Metrics),
];

/// Paths that begin so and go on with at least this kind of rest.
const BELOW: [(&str, Rest, Route); 10] = [
    ("/echo/", Rest::Anything, Route::Echo),
    ("/api/echo/", Rest::Anything, Route::ApiEcho),
    ("/swagger/", Rest::Anything, Route::Swagger),
    ("/swagger.json", Rest::Nothing, Route::SwaggerJson),
    ("/page/", Rest::Anything, Route::Page),
    ("/delay/", Rest::Number, Route::Delay),
    ("/status/", Rest::Number, Route::Status),
    ("/store/", Rest::Segment, Route::StoreHash),
    ("/cache/", Rest::Segment, Route::Cache),
    ("/chunked/", Rest::Number, Route::ChunkedWait),
];

#[derive(Clone, Copy)]
enum Rest {
    Nothing,
    /// One segment, not empty.
    Segment,
    /// One segment that begins with a digit.
    Number,
    Anything,
}

impl Route {
    /// Every route: podinfo's in the order of its table, then our own.
    pub const ALL: [Route; 30] = [
        Route::Index,
        Route::ApiInfo,
        Route::Version,
        Route::Echo,
        Route::ApiEcho,
        Route::Env,
        Route::Headers,
        Route::Delay,
        Route::Healthz,
        Route::Readyz,
        Route::ReadyzEnable,
        Route::ReadyzDisable,
        Route::FaultEnable,
        Route::FaultDisable,
        Route::FaultStatus,
        Route::Panic,
        Route::Status,
        Route::Store,
        Route::StoreHash,
        Route::Cache,
        Route::Configs,
        Route::Token,
        Route::TokenValidate,
        Route::WsEcho,
        Route::Chunked,
        Route::ChunkedWait,
        Route::Swagger,
        Route::SwaggerJson,
        Route::Metrics,
        Route::Page,
    ];

    /// The route of a path, decoded and without a prefix; `None` if it has none.
    pub fn of(path: &str) -> Option<Route> {
        let exact = EXACT.iter().find(|(known, _)| *known == path).map(|(_, route)| *route);
        exact.or_else(|| {
            BELOW.iter().find_map(|(start, rest, route)| {
                let tail = path.strip_prefix(start)?;
                let fits = match rest {
                    Rest::Nothing => tail.is_empty(),
                    Rest::Segment => !tail.is_empty() && !tail.contains('/'),
                    Rest::Number => tail.starts_with(|first: char| first.is_ascii_digit()) && !tail.contains('/'),
                    Rest::Anything => true,
                };
                fits.then_some(*route)
            })
        })
    }

    /// The methods it takes; none means any. HEAD is taken wherever GET is.
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Route::Env | Route::Headers | Route::Page => GET_POST,
            Route::ReadyzEnable | Route::ReadyzDisable | Route::FaultEnable | Route::FaultDisable | Route::Token => {
                POST
            }
            Route::Status => &["GET", "POST", "PUT"],
            Route::Store => POST_PUT,
            Route::Cache => &["GET", "POST", "PUT", "DELETE"],
            Route::Echo
            | Route::ApiEcho
            | Route::WsEcho
            | Route::Chunked
            | Route::ChunkedWait
            | Route::Swagger
            | Route::SwaggerJson
            | Route::Metrics => ANY,
            Route::Index
            | Route::ApiInfo
            | Route::Version
            | Route::Delay
            | Route::Healthz
            | Route::Readyz
            | Route::FaultStatus
            | Route::Panic
            | Route::StoreHash
            | Route::Configs
            | Route::TokenValidate => GET,
        }
    }

    /// Whether a request with this method gets its answer and not 405.
    pub fn takes(self, method: &str) -> bool {
        let methods = self.methods();
        methods.is_empty() || methods.contains(&method) || method == "HEAD" && methods.contains(&"GET")
    }

    /// The name it is counted under: podinfo's label `path`, and our operation of whoever names none.
    pub fn label(self, method: &str) -> &'static str {
        match self {
            Route::Index => "root",
            Route::ApiInfo => "api_info",
            Route::Version => "version",
            Route::Echo => "echo",
            Route::ApiEcho => "api_echo",
            Route::Env => "env",
            Route::Headers => "headers",
            Route::Delay => "delay",
            Route::Healthz => "healthz",
            Route::Readyz => "readyz",
            Route::ReadyzEnable => "readyz_enable",
            Route::ReadyzDisable => "readyz_disable",
            Route::FaultEnable => "fault_injection_enable",
            Route::FaultDisable => "fault_injection_disable",
            Route::FaultStatus => "fault_injection_status",
            Route::Panic => "panic",
            Route::Status => "status",
            Route::Store | Route::StoreHash => "store",
            Route::Cache if method == "GET" || method == "HEAD" => "cache",
            Route::Cache => "cache_key",
            Route::Configs => "configs",
            Route::Token => "token",
            Route::TokenValidate => "token_validate",
            Route::WsEcho => "ws_echo",
            Route::Chunked => "chunked",
            Route::ChunkedWait => "chunked_wait_0_9",
            Route::Swagger => "swagger",
            Route::SwaggerJson => "swagger_json",
            Route::Metrics => "metrics",
            Route::Page => "page",
        }
    }

    /// Whether no fault ever applies: probes, metrics, what controls the target and what shows it to people must tell the truth
    /// while it misbehaves.
    pub fn is_spared(self) -> bool {
        matches!(
            self,
            Route::Healthz
                | Route::Readyz
                | Route::ReadyzEnable
                | Route::ReadyzDisable
                | Route::FaultEnable
                | Route::FaultDisable
                | Route::FaultStatus
                | Route::Metrics
                | Route::Page
        )
    }

    /// What the injector can hold an answer's body to.
    pub fn content(self) -> Content {
        match self {
            Route::Echo | Route::ApiEcho => Content::Echo,
            Route::Status | Route::Delay | Route::Chunked | Route::ChunkedWait => Content::Known,
            _ => Content::Own,
        }
    }

    /// The status of a plain answer. That of [`Content::Own`] is the usual one; it depends on the target's state.
    pub fn plain_status(self) -> u16 {
        match self {
            Route::Echo
            | Route::ApiEcho
            | Route::ReadyzEnable
            | Route::ReadyzDisable
            | Route::FaultEnable
            | Route::FaultDisable
            | Route::Store
            | Route::StoreHash => 202,
            _ => 200,
        }
    }
}

fn delay(seconds: &str) -> String {
    format!("{{\n  \"delay\": {seconds}\n}}")
}

/// What a route answers, as far as both sides know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The request's body.
    Echo,
    /// What [`body`] says.
    Known,
    /// Something only the target knows.
    Own,
}

/// The body of a [`Content::Known`] route: the status that is sent, or the time that the path asks for, in seconds.
///
/// podinfo's form: JSON indented by two spaces, no line feed at the end.
pub fn body(route: Route, path: &str, verdict: &Verdict) -> Option<String> {
    match route {
        Route::Status => {
            let status = verdict.status.and_then(|status| status.http()).unwrap_or(200);
            Some(format!("{{\n  \"status\": {status}\n}}"))
        }
        Route::Delay | Route::ChunkedWait => Some(delay(&path_seconds(path)?)),
        Route::Chunked => Some(delay(&verdict.body_delay.as_secs().to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
