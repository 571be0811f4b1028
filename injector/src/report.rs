//! `injector report`: saved results read again. One is told as it was at the end of its run, two are compared, shards of one
//! run are added up. What is told can be kept as a page as well.

pub mod caveats;
pub mod compare;
mod html;
pub mod merge;
mod read;
pub mod stats;
mod words;

use crate::cli::ReportArgs;
use crate::output::{Output, is_stdout, print};
use crate::summary::{JSON_SCHEMA, Summary};
use crate::table::Detail;
use crate::verdict::Exit;

pub(crate) use self::html::one as html;
pub use self::read::read;
pub use self::words::Format;

/// The flag for a result as a page.
pub(crate) const HTML_FLAG: &str = "--html";

/// Runs the command: the report goes to standard output.
///
/// # Errors
/// The text to print and the exit code.
pub fn run(args: &ReportArgs) -> Result<Exit, (Exit, String)> {
    let usage = |message: String| (Exit::Usage, message);
    if args.schema {
        return print(JSON_SCHEMA);
    }
    let results: Vec<(String, Summary)> =
        args.files.iter().map(|file| read(file)).collect::<Result<_, _>>().map_err(usage)?;
    let detail = args.summary;
    if let Some(path) = &args.merge {
        let output = Output::open("--merge", path).map_err(usage)?;
        let merged = merge::merge(results).map_err(usage)?;
        let written = output.write(&merged.to_json());
        return written.map(|()| Exit::Passed).map_err(|error| usage(error.to_string()));
    }
    let page = args.html.as_deref().map(|path| Output::open(HTML_FLAG, path)).transpose().map_err(usage)?;
    // Standard output then carries nothing else.
    let is_told = !args.html.as_deref().is_some_and(is_stdout);
    let tell = |text: String| if is_told { print(&text) } else { Ok(Exit::Passed) };
    let keep = |text: String| {
        page.map_or(Ok(()), |page| page.write(text.as_bytes())).map_err(|error| usage(error.to_string()))
    };
    match &results[..] {
        [(name, one)] => {
            tell(words::one(name, one, args.format, detail))?;
            keep(html::one(one)).map(|()| Exit::Passed)
        }
        [(name_a, a), (name_b, b)] => {
            let comparison = compare::compare((name_a, a), (name_b, b), &args.bounds());
            tell(words::two(&comparison, args.format, detail == Detail::Full))?;
            keep(html::two(&comparison, a, b)).map(|()| comparison.exit())
        }
        more => Err(usage(format!(
            "{} files; one is told, two are compared, and more can only be merged (--merge)",
            more.len()
        ))),
    }
}

#[cfg(test)]
mod tests;
