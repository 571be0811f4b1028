//! The files a scenario is made of, as one text: the lines of an included file are numbered on from those before it, so that one
//! number says both the file and the line.

use serde_saphyr::Location;

/// The files, in the order they were read; at least one, the scenario itself.
#[derive(Clone, Debug)]
pub struct Sources {
    files: Vec<SourceFile>,
}

#[derive(Clone, Debug)]
struct SourceFile {
    /// Name for messages: the path as given.
    name: String,
    text: String,
    /// Lines of the files before it.
    lines_before: u64,
}

impl Sources {
    /// One file.
    pub fn one(name: &str, text: &str) -> Sources {
        Sources { files: vec![SourceFile { name: name.to_owned(), text: text.to_owned(), lines_before: 0 }] }
    }

    /// No file yet; to be filled before it is handed on.
    pub(super) fn none() -> Sources {
        Sources { files: Vec::new() }
    }

    /// One file more; the lines before it, as empty ones, with its text behind: what a parser has to be given.
    pub(super) fn add(&mut self, name: &str, text: &str) -> String {
        let lines_before = self.files.last().map_or(0, |last| last.lines_before + last.text.lines().count() as u64 + 1);
        // A byte order mark belongs to the beginning of a file.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        self.files.push(SourceFile { name: name.to_owned(), text: text.to_owned(), lines_before });
        // Bounded by the total length of the files.
        let mut padded = "\n".repeat(usize::try_from(lines_before).expect("lines of files in memory"));
        padded.push_str(text);
        padded
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// The scenario's own name.
    pub fn name(&self) -> &str {
        self.files.first().map_or("", |file| &file.name)
    }

    /// The scenario's own text.
    pub fn text(&self) -> &str {
        self.files.first().map_or("", |file| &file.text)
    }

    /// A line's file, its number there, and the line itself.
    pub(crate) fn line(&self, number: u64) -> (&str, u64, Option<&str>) {
        let of = self.files.partition_point(|file| file.lines_before < number).saturating_sub(1);
        let Some(file) = self.files.get(of) else { return ("", number, None) };
        let number = number - file.lines_before;
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        (&file.name, number, index.and_then(|index| file.text.lines().nth(index)))
    }

    /// `line 7`; `base.yaml:7` if there are several files.
    pub(crate) fn words(&self, location: Location) -> String {
        let (name, line, _) = self.line(location.line());
        if self.files.len() > 1 { format!("{name}:{line}") } else { format!("line {line}") }
    }

    /// `file:line:column`, or the scenario's name for a place that is not known.
    pub fn place(&self, location: Location) -> String {
        match super::position(location) {
            Some((line, column)) => {
                let (name, line, _) = self.line(line);
                format!("{name}:{line}:{column}")
            }
            None => self.name().to_owned(),
        }
    }
}
