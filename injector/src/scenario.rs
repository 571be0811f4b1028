//! The scenario file as written.
//!
//! Every value is kept as text with its place in the file. What it means is decided in one place, `plan`, which can then
//! name the line and column of anything it refuses, and refuse everything at once instead of one thing per run. Only the
//! shape is checked here: a key that is not listed is an error, never ignored, and so are a key without a value, a second
//! document and an unknown tag.
//!
//! YAML 1.2, of which JSON is a subset.

mod dns;
mod files;
mod json;
mod phases;
mod problem;
mod shape;

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_saphyr::{Error, MessageFormatter, Spanned, UserMessageFormatter};

pub use dns::{WrittenDns, WrittenDnsExpect};
pub use files::Files;
pub(crate) use files::{Digest, digest};
pub use json::{Json, JsonValue, Unfit};
pub use phases::WrittenPhase;
pub(crate) use problem::position;
pub use problem::{Problem, Problems};
pub use shape::{OneOrMany, WrittenHeaders};
use shape::{addresses, present};

/// Longest scenario file, in bytes. 64 operations with 2 KiB of fault each are a quarter of it.
pub const FILE_MAX_BYTES: usize = 1 << 20;

/// A scalar and where it stands.
pub type Text = Spanned<String>;

/// A scenario file: its name and text, for messages, and what it says.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name for messages: the path as given.
    pub name: String,
    /// The file's text, for the lines that messages quote.
    pub text: String,
    /// What the file says.
    pub written: Written,
    /// The files it names.
    pub files: Files,
}

impl Scenario {
    /// Reads and parses a file.
    pub fn read(path: &Path) -> Result<Scenario, Problems> {
        Scenario::read_with(path, Files::beside(path))
    }

    /// The same; `files` has every file that was read, also if something is wrong with it.
    pub(crate) fn read_with(path: &Path, files: Files) -> Result<Scenario, Problems> {
        let name = path.display().to_string();
        let mut text = String::new();
        // One byte over the limit tells a file that is too long from one that just fits, whatever its metadata say.
        let read = fs::File::open(path).and_then(|file| file.take(FILE_MAX_BYTES as u64 + 1).read_to_string(&mut text));
        files.note(path, read.is_ok().then_some(text.as_bytes()));
        match read {
            Ok(_) => Scenario::parse(&name, &text).map(|scenario| Scenario { files, ..scenario }),
            Err(error) => {
                Err(Problems::new(&name, "", vec![Problem::general(format!("cannot read the file: {error}"))]))
            }
        }
    }

    /// Parses a file's text; `name` is what messages call it. Files it names are looked for in the current folder.
    pub fn parse(name: &str, text: &str) -> Result<Scenario, Problems> {
        if text.len() > FILE_MAX_BYTES {
            let problem = Problem::general(format!("longer than {FILE_MAX_BYTES} bytes"));
            return Err(Problems::new(name, "", vec![problem]));
        }
        let written = strictly(name, text)?;
        Ok(Scenario { name: name.to_owned(), text: text.to_owned(), written, files: Files::default() })
    }
}

/// Reads a file's text; what does not fit is named with its place. `name` is what messages call the file.
pub(crate) fn strictly<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, Problems> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| Problems::new(name, text, vec![shape_problem(&error)]))
}

/// The keys of a scenario. The meaning, unit and default of each is documented where it is decided: `plan`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in plan and in docs/scenario.md")]
pub struct Written {
    #[serde(default, deserialize_with = "present")]
    pub target: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub admin: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub tls: Option<Spanned<WrittenTls>>,
    #[serde(default, deserialize_with = "present")]
    pub source: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub nameserver: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub resolve: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub select: Option<Text>,
    #[serde(default, deserialize_with = "addresses")]
    pub source_addresses: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub seed: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub rate: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub arrival: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub timeout: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub keepalive: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub max_lag: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub max_in_flight: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub phases: Option<Spanned<Vec<Spanned<WrittenPhase>>>>,
    pub mix: Spanned<Vec<Spanned<WrittenOperation>>>,
}

/// One entry of `mix`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in plan and in docs/scenario.md")]
pub struct WrittenOperation {
    pub name: Text,
    #[serde(default, deserialize_with = "present")]
    pub weight: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub rate: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub arrival: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub timeout: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub target: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub connection: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub keepalive: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub streams: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub resolve: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub select: Option<Text>,
    #[serde(default, deserialize_with = "addresses")]
    pub source_addresses: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub tls: Option<Spanned<WrittenTls>>,
    #[serde(default, deserialize_with = "present")]
    pub http: Option<Spanned<WrittenHttp>>,
    #[serde(default, deserialize_with = "present")]
    pub grpc: Option<Spanned<WrittenGrpc>>,
    #[serde(default, deserialize_with = "present")]
    pub tcp: Option<Spanned<WrittenEcho>>,
    #[serde(default, deserialize_with = "present")]
    pub udp: Option<Spanned<WrittenEcho>>,
    #[serde(default, deserialize_with = "present")]
    pub dns: Option<Spanned<WrittenDns>>,
}

/// What a `tcp` or `udp` operation sends and expects.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in plan and in docs/scenario.md")]
pub struct WrittenEcho {
    #[serde(default, deserialize_with = "present")]
    pub size: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub body: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub plain: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub fault: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub expect: Option<Spanned<WrittenExpect>>,
}

/// Whether and how connections are secured: `true`, `false`, or a mapping of keys.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in plan and in docs/scenario.md")]
pub struct WrittenTls {
    /// Only `false` is not.
    pub is_on: bool,
    pub ca: Option<Text>,
    pub verify: Option<Text>,
    pub server_name: Option<Text>,
    pub cert: Option<Text>,
    pub key: Option<Text>,
}

/// The keys of a `tls` that is a mapping.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsKeys {
    #[serde(default, deserialize_with = "present")]
    ca: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    verify: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    server_name: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    cert: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    key: Option<Text>,
}

/// What an `http` operation sends and expects.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in plan and in docs/scenario.md")]
pub struct WrittenHttp {
    #[serde(default, deserialize_with = "present")]
    pub version: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub plain: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub path: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub method: Option<Text>,
    #[serde(default)]
    pub headers: WrittenHeaders,
    #[serde(default, deserialize_with = "present")]
    pub body: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub body_size: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub fault: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub carrier: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub expect: Option<Spanned<WrittenExpect>>,
}

/// What makes an answer right.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in plan and in docs/scenario.md")]
pub struct WrittenExpect {
    #[serde(default, deserialize_with = "present")]
    pub status: Option<Spanned<OneOrMany>>,
    #[serde(default, deserialize_with = "present")]
    pub size: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub content: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub id: Option<Text>,
}

/// What a `grpc` operation sends and expects.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in plan and in docs/scenario.md")]
pub struct WrittenGrpc {
    #[serde(default, deserialize_with = "present")]
    pub method: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub message: Option<Json>,
    #[serde(default, deserialize_with = "present")]
    pub messages: Option<Spanned<Vec<Json>>>,
    #[serde(default, deserialize_with = "present")]
    pub size: Option<Text>,
    #[serde(default)]
    pub metadata: WrittenHeaders,
    #[serde(default, deserialize_with = "present")]
    pub fault: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub deadline: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub reflection: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub expect: Option<Spanned<WrittenGrpcExpect>>,
}

/// What makes a gRPC answer right.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in plan and in docs/scenario.md")]
pub struct WrittenGrpcExpect {
    #[serde(default, deserialize_with = "present")]
    pub status: Option<Spanned<OneOrMany>>,
    #[serde(default, deserialize_with = "present")]
    pub messages: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub message: Option<Json>,
    #[serde(default, deserialize_with = "present")]
    pub content: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub id: Option<Text>,
}

/// Keys of the format that this version does not have yet, so that a reader of a newer manual learns why.
const NOT_YET: [&str; 1] = ["thresholds"];

/// The parser's error in our words: what a user of the file can act on, without the library's hints to programmers.
fn shape_problem(error: &Error) -> Problem {
    let message = match error {
        Error::SerdeUnknownField { field, expected, .. } if NOT_YET.contains(&field.as_str()) => {
            format!("{field:?} is not supported by this version; keys here: {}", expected.join(", "))
        }
        Error::SerdeUnknownField { field, .. } if field.contains(['=', '(', ')', '.', ':', '/']) => format!(
            "{field:?} is no key, but the rest of a value with a comma in it, which needs quotes inside {{ }}: \
             connection: \"rotating(max_requests=100, max_age=5m)\""
        ),
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("unknown key {field:?}; keys here: {}", expected.join(", "))
        }
        Error::SerdeMissingField { field, .. } => format!("key {field:?} is missing"),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("key {key:?} appears twice"),
        Error::DuplicateMappingKey { key: None, .. } => "a key appears twice".to_owned(),
        Error::NullIntoString { .. } => "a key without a value; leave the key out for the default".to_owned(),
        Error::Unexpected { expected: "string scalar", .. } => {
            "expected one value, not a list or a mapping; a text that begins with [ or { needs quotes".to_owned()
        }
        Error::Unexpected { expected: "sequence start", .. } => "expected a list".to_owned(),
        Error::Unexpected { expected: "mapping start", .. } => "expected a mapping such as { key: value }".to_owned(),
        Error::MultipleDocuments { .. } => "a second document; a file has one".to_owned(),
        Error::Eof { .. } => "the file is empty; a scenario has at least target, rate and mix".to_owned(),
        error => UserMessageFormatter.format_message(error).into_owned(),
    };
    Problem { location: error.location().and_then(position), subject: String::new(), message }
}

#[cfg(test)]
mod tests;
