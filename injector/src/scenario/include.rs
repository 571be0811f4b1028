//! `include`: files whose keys are defaults and whose operations come first.
//!
//! What stands in the including file wins, then what stands in the file that is named later. Operations are never replaced, only
//! added: two of one name are refused like two in one file. Names of files in an included file are relative to that file.

use std::fs;
use std::path::{Path, PathBuf};

use serde_saphyr::Location;

use super::environment::{Environment, substituted};
use super::keys::{Keyed as _, Scalars as _};
use super::problem::{Problem, Problems, position};
use super::{FILE_MAX_BYTES, Files, Json, JsonValue, Sources, Written, WrittenTls, parsed, shape_problem};

/// Files that are included by files that are included, and so on: deeper is a mistake.
const DEPTH_MAX: usize = 8;
/// Most files of one scenario.
const FILES_MAX: usize = 32;

/// Reads a scenario and everything it includes.
pub(super) struct Reader<'e> {
    pub(super) sources: Sources,
    pub(super) environment: Environment<'e>,
    /// Where it is noted which files there are.
    pub(super) files: Files,
    /// The files that are being read: the scenario, what it includes, what that includes.
    pub(super) open: Vec<PathBuf>,
}

impl Reader<'_> {
    /// A file's keys, with those of the files that it includes. `folder` is where the names in it are looked for.
    pub(super) fn file(&mut self, name: &str, text: &str, folder: &Path) -> Result<Written, Problems> {
        let padded = self.sources.add(name, text);
        let mut written: Written = match parsed(&padded) {
            Ok(written) => written,
            Err(error) => return Err(self.problems(vec![shape_problem(&error, &padded, true)])),
        };
        self.substitute(&mut written)?;
        let Some(include) = written.include.take() else { return Ok(written) };
        let at = include.referenced;
        let mut included = Vec::new();
        for name in &include.value.0 {
            included.push(self.included(name, at, folder)?);
        }
        let mut mix = Vec::new();
        for file in included.iter_mut().chain([&mut written]) {
            mix.extend(file.mix.as_mut().map(|mix| std::mem::take(&mut mix.value)).unwrap_or_default());
        }
        // Those named later win over those before.
        for file in included.into_iter().rev() {
            let (mut own, other) = (written.data.take(), file.data.clone());
            join(&mut own, other);
            written.inherit(file);
            written.data = own;
        }
        if let Some(all) = &mut written.mix {
            all.value = mix;
        }
        Ok(written)
    }

    fn included(&mut self, name: &str, at: Location, folder: &Path) -> Result<Written, Problems> {
        let path = folder.join(name);
        let shown = path.display().to_string();
        if self.open.len() >= DEPTH_MAX {
            return Err(
                self.refused(at, format!("{shown} is included by a file in a file, more than {DEPTH_MAX} deep"))
            );
        }
        if self.sources.len() >= FILES_MAX {
            return Err(self.refused(at, format!("{shown} is one file too many; a scenario has at most {FILES_MAX}")));
        }
        let real = match fs::canonicalize(&path) {
            Ok(real) => real,
            Err(error) => {
                self.files.note(&path, None);
                let message = format!("cannot read {shown}: {error}; names are relative to the file that includes");
                return Err(self.refused(at, message));
            }
        };
        if self.open.contains(&real) {
            return Err(self.refused(at, format!("{shown} includes itself, directly or by way of what it includes")));
        }
        let text =
            read(&path, &self.files).map_err(|error| self.refused(at, format!("cannot read {shown}: {error}")))?;
        self.open.push(real);
        let mut written = self.file(&shown, &text, path.parent().unwrap_or(Path::new("")))?;
        self.open.pop();
        rebase(&mut written, Path::new(name).parent().unwrap_or(Path::new("")));
        Ok(written)
    }

    /// Replaces the variables in all values; all that are missing are told at once.
    fn substitute(&self, written: &mut Written) -> Result<(), Problems> {
        let mut problems = Vec::new();
        written.scalars(&mut |mut scalar| {
            let text = scalar.value.text();
            match substituted(text, self.environment) {
                Ok(Some(new)) => *text = new,
                Ok(None) => {}
                Err(message) => {
                    problems.push(Problem { location: position(scalar.at), subject: String::new(), message });
                }
            }
        });
        if problems.is_empty() { Ok(()) } else { Err(self.problems(problems)) }
    }

    fn refused(&self, at: Location, message: String) -> Problems {
        self.problems(vec![Problem { location: position(at), subject: "include".to_owned(), message }])
    }

    fn problems(&self, problems: Vec<Problem>) -> Problems {
        Problems::of(&self.sources, problems)
    }
}

/// A file's text, within the limit; that it was read is noted in `files`.
///
/// # Errors
/// A lowercase fragment.
pub(super) fn read(path: &Path, files: &Files) -> Result<String, String> {
    let bytes = files.look(path).map_err(|error| error.to_string())?;
    if bytes.len() > FILE_MAX_BYTES {
        return Err(format!("longer than {FILE_MAX_BYTES} bytes"));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("not a text in UTF-8: byte {}", error.utf8_error().valid_up_to() + 1))
}

/// Adds the sets of `other` that `own` has not.
fn join(own: &mut Option<Json>, other: Option<Json>) {
    match (own.as_mut().map(|own| &mut own.value), other) {
        (Some(JsonValue::Map(own)), Some(Json { value: JsonValue::Map(other), .. })) => {
            for (name, set) in other {
                if own.iter().all(|(held, _)| held.value != name.value) {
                    own.push((name, set));
                }
            }
        }
        // What is no mapping is refused later, with its place.
        (Some(_), _) => {}
        (None, other) => *own = other,
    }
}

/// Makes the names of files, which are relative to the included file, relative to the one that includes it.
fn rebase(written: &mut Written, folder: &Path) {
    if folder.as_os_str().is_empty() {
        return;
    }
    let moved = |name: &mut String| *name = folder.join(&*name).display().to_string();
    let of_tls = |tls: &mut WrittenTls| {
        [&mut tls.ca, &mut tls.cert, &mut tls.key].into_iter().flatten().for_each(|text| moved(&mut text.value));
    };
    written.tls.iter_mut().for_each(|tls| of_tls(&mut tls.value));
    for operation in written.mix.iter_mut().flat_map(|mix| &mut mix.value) {
        operation.value.tls.iter_mut().for_each(|tls| of_tls(&mut tls.value));
    }
    if let Some(Json { value: JsonValue::Map(sets), .. }) = &mut written.data {
        for (_, set) in sets {
            if let JsonValue::Text(name) = &mut set.value {
                moved(name);
            }
        }
    }
}

#[cfg(test)]
mod tests;
