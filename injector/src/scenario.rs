//! The scenario file as written.
//!
//! Every value is kept as text with its place in the file. What it means is decided in one place, `plan`, which can then
//! name the line and column of anything it refuses, and refuse everything at once instead of one thing per run. Only the
//! shape is checked here: a key that is not listed is an error, never ignored, and so are a key without a value, a second
//! document and an unknown tag.
//!
//! YAML 1.2, of which JSON is a subset.

mod environment;
mod files;
mod hint;
mod include;
mod json;
mod keys;
mod problem;
mod shape;
mod shown;
mod sources;
mod written;

use std::fs;
use std::path::Path;

use serde_saphyr::{Error, MessageFormatter, Spanned, UserMessageFormatter};

pub use environment::Environment;
pub use files::Files;
pub(crate) use files::{Digest, bytes, digest};
pub use json::{Json, JsonValue, Unfit};
pub use keys::{Key, Keyed, Shape};
pub(crate) use keys::{Scalar, ScalarMut, Scalars};
pub(crate) use problem::position;
pub use problem::{Problem, Problems};
pub use shape::{OneOrMany, WrittenHeaders};
pub(crate) use shown::shown;
pub use sources::Sources;
pub use written::{
    TlsKeys, Written, WrittenDns, WrittenDnsExpect, WrittenEcho, WrittenExpect, WrittenGrpc, WrittenGrpcExpect,
    WrittenHttp, WrittenOperation, WrittenPhase, WrittenTls,
};

/// Longest scenario file, in bytes. 64 operations with 2 KiB of fault each are a quarter of it.
pub const FILE_MAX_BYTES: usize = 1 << 20;

/// A scalar and where it stands.
pub type Text = Spanned<String>;

/// A scenario: its files, for messages, and what they say together.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file and those it includes.
    pub sources: Sources,
    /// What they say.
    pub written: Written,
    /// The other files that it names.
    pub files: Files,
}

impl Scenario {
    /// Reads and parses a file and what it includes, with the variables of `environment`.
    ///
    /// # Errors
    /// What is wrong with its form, with its place.
    pub fn read(path: &Path, environment: Environment<'_>) -> Result<Scenario, Problems> {
        Scenario::read_with(path, environment, Files::beside(path))
    }

    /// The same; `files` has every file that was read, also if something is wrong with it.
    ///
    /// # Errors
    /// Likewise.
    pub(crate) fn read_with(path: &Path, environment: Environment<'_>, files: Files) -> Result<Scenario, Problems> {
        let name = path.display().to_string();
        let text = include::read(path, &files).map_err(|error| {
            let message = if error.starts_with("longer") { error } else { format!("cannot read the file: {error}") };
            Problems::new(&name, "", vec![Problem::general(message)])
        })?;
        let open = fs::canonicalize(path).into_iter().collect();
        Scenario::gather(&name, &text, files, environment, open)
    }

    /// Parses a file's text without any environment; `name` is what messages call it. Files it names are looked for in the
    /// current folder.
    ///
    /// # Errors
    /// What is wrong with its form, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Scenario, Problems> {
        Scenario::parse_in(name, text, &|_| None)
    }

    /// The same with an environment.
    ///
    /// # Errors
    /// What is wrong with its form, with its place.
    pub fn parse_in(name: &str, text: &str, environment: Environment<'_>) -> Result<Scenario, Problems> {
        if text.len() > FILE_MAX_BYTES {
            let problem = Problem::general(format!("longer than {FILE_MAX_BYTES} bytes"));
            return Err(Problems::new(name, "", vec![problem]));
        }
        Scenario::gather(name, text, Files::default(), environment, Vec::new())
    }

    fn gather(
        name: &str,
        text: &str,
        files: Files,
        environment: Environment<'_>,
        open: Vec<std::path::PathBuf>,
    ) -> Result<Scenario, Problems> {
        let mut reader = include::Reader { sources: Sources::none(), environment, files: files.clone(), open };
        if text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
            return Err(Problems::new(name, "", vec![Problem::general(EMPTY.to_owned())]));
        }
        let written = reader.file(name, text, &files.folder)?;
        if written.mix.is_none() {
            let message = "key \"mix\" is missing: the list of operations".to_owned();
            let problem = Problem { location: Some((1, 1)), subject: String::new(), message };
            return Err(Problems::of(&reader.sources, vec![problem]));
        }
        Ok(Scenario { sources: reader.sources, written, files })
    }
}

/// Reads a file's text; what does not fit is named with its place. `name` is what messages call the file.
pub(crate) fn strictly<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, Problems> {
    parsed(text).map_err(|error| Problems::new(name, text, vec![shape_problem(&error, text, false)]))
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// The parser's error in our words: what a user of the file can act on, without the library's hints to programmers.
fn shape_problem(error: &Error, text: &str, is_scenario: bool) -> Problem {
    let location = error.location().and_then(position);
    let example = || location.filter(|_| is_scenario).and_then(|place| hint::example(text, place));
    let message = match error {
        Error::SerdeUnknownField { field, .. } if field.contains(['=', '(', ')', '.', ':', '/']) => format!(
            "{field:?} is no key, but the rest of a value with a comma in it, which needs quotes inside {{ }}: \
             connection: \"rotating(max_requests=100, max_age=5m)\""
        ),
        Error::SerdeUnknownField { field, expected, .. } => {
            let hint = hint::of(field, expected, is_scenario);
            match hint::foreign(field, expected).filter(|_| is_scenario) {
                Some(remedy) => format!("unknown key {field:?}: {remedy}"),
                None => format!("unknown key {field:?}{hint}; keys here: {}", expected.join(", ")),
            }
        }
        Error::SerdeMissingField { field, .. } => format!("key {field:?} is missing"),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("key {key:?} appears twice"),
        Error::DuplicateMappingKey { key: None, .. } => "a key appears twice".to_owned(),
        Error::NullIntoString { .. } => "a key without a value; leave the key out for the default".to_owned(),
        Error::Unexpected { expected: "string scalar", .. } => {
            let otherwise = "a text that begins with [ or { needs quotes".to_owned();
            let remedy = example().map_or(otherwise, |example| format!("write {example}"));
            format!("expected one value, not a list or a mapping; {remedy}")
        }
        Error::Unexpected { expected: "sequence start", .. } => {
            format!("expected a list{}", example().map_or_else(String::new, |example| format!("; write {example}")))
        }
        Error::Unexpected { expected: "mapping start", .. } => {
            let example = example().map_or("such as { key: value }".to_owned(), |example| format!("; write {example}"));
            format!("expected a mapping {example}").replace(" ;", ";")
        }
        Error::MultipleDocuments { .. } => "a second document; a file has one".to_owned(),
        Error::Eof { .. } => EMPTY.to_owned(),
        error => syntax(&UserMessageFormatter.format_message(error)),
    };
    Problem { location, subject: String::new(), message }
}

const EMPTY: &str = "the file is empty; a scenario has at least target, rate and mix";

/// What the scanner says, with what is mostly behind it.
fn syntax(message: &str) -> String {
    let remedy = if message.starts_with("tabs disallowed") {
        "; YAML is indented with spaces"
    } else if message.contains("only valid inside a block") {
        "; is a { or a [ of a line before not closed?"
    } else {
        ""
    };
    format!("{message}{remedy}")
}

#[cfg(test)]
mod tests;
