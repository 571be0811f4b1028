//! A file that a run leaves at its end: whole or not at all.
//!
//! Tried before the run, so that an hour of load is not lost to a mistyped directory; written beside the old file and
//! exchanged for it, so that a run that is cut off leaves that as it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::verdict::Exit;

/// Where it goes.
#[derive(Debug)]
pub(crate) struct Output {
    /// The flag that names it, for errors.
    flag: &'static str,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Stdout,
    File(PathBuf),
    /// A pipe or a device: nothing that could be exchanged.
    Other(PathBuf),
}

impl Output {
    /// Tries whether this path, which a flag names, can be written; `-` is standard output.
    ///
    /// # Errors
    /// The flag, the path, why not, and what would do.
    pub(crate) fn open(flag: &'static str, path: &Path) -> Result<Output, String> {
        if is_stdout(path) {
            return Ok(Output { flag, place: Place::Stdout });
        }
        let tried = match fs::metadata(path) {
            Ok(held) if !held.is_file() => {
                OpenOptions::new().write(true).open(path).map(|_| Place::Other(path.to_owned()))
            }
            _ => File::create(beside(path)).map(|_| Place::File(path.to_owned())),
        };
        let place = tried.map_err(|error| refused(flag, path, &error))?;
        Ok(Output { flag, place })
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// If it cannot be written any more; what was there before is as it was.
    pub(crate) fn write(&self, text: &[u8]) -> io::Result<()> {
        let (path, written) = match &self.place {
            Place::Stdout => (Path::new("-"), io::stdout().lock().write_all(text)),
            Place::Other(path) => (path.as_path(), fs::write(path, text)),
            Place::File(path) => {
                (path.as_path(), fs::write(beside(path), text).and_then(|()| fs::rename(beside(path), path)))
            }
        };
        written.map_err(|error| io::Error::new(error.kind(), format!("{} {}: {error}", self.flag, path.display())))
    }
}

/// What was only tried, or written by half, does not stay.
impl Drop for Output {
    fn drop(&mut self) {
        if let Place::File(path) = &self.place {
            // Gone already if it became the result.
            let _ = fs::remove_file(beside(path));
        }
    }
}

/// Writes to standard output. That nobody reads any more, such as `head`, is the reader's choice.
///
/// # Errors
/// Why it cannot be written otherwise, and the exit code.
pub(crate) fn print(text: &str) -> Result<Exit, (Exit, String)> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err((Exit::Usage, format!("standard output: {error}")))
        }
        _ => Ok(Exit::Passed),
    }
}

/// Whether a flag's path means standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Why a path cannot be written, in words that name the flag and what would do.
pub(crate) fn refused(flag: &str, path: &Path, error: &io::Error) -> String {
    format!("{flag} {}: {error}; a path that can be written works, or - for standard output", path.display())
}

/// The name under which a file is written until it is complete.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_there_stays_until_the_new_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        fs::write(&path, "old").unwrap();
        drop(Output::open("--json", &path).unwrap());
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), files(folder.path())), ("old", vec!["result".into()]));
        Output::open("--json", &path).unwrap().write(b"new").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), files(folder.path())), ("new", vec!["result".into()]));
    }

    #[test]
    fn a_path_that_cannot_be_written_is_refused_by_the_name_of_its_flag() {
        let folder = tempfile::tempdir().unwrap();
        let error = Output::open("--junit", &folder.path().join("no/such/file")).unwrap_err();
        assert!(error.starts_with("--junit /") && error.contains("a path that can be written works"), "{error}");
    }
}
