//! What packagers ask a program for: the completions of a shell, and manual pages.
//!
//! Both are made from the definition of the command line when they are asked for, so that neither can say something else
//! than `--help`, and none is kept in the repository.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Command, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;

/// Commands that every program of ours has beside what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Manual {
    /// Print what makes a shell complete this command line
    ///
    /// For bash, for example: `PROGRAM completions bash >/etc/bash_completion.d/PROGRAM`.
    Completions {
        /// Whose completions.
        shell: Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Write a page for each command into this folder, which is made if need be
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
}

impl Manual {
    /// Writes to standard output, or into the folder, what is asked for of this command line.
    ///
    /// # Errors
    /// If that cannot be written; the message names the folder.
    pub fn write(&self, command: Command) -> io::Result<()> {
        let text = match self {
            Manual::Completions { shell } => completions(*shell, command),
            Manual::Man { out: None } => page(&described(command))?.text,
            Manual::Man { out: Some(folder) } => {
                let written = fs::create_dir_all(folder).and_then(|()| pages(&described(command), folder));
                return written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())));
            }
        };
        match io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever looks at the beginning only has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// A command line that has these commands too.
    pub fn beside(command: Command) -> Command {
        // Not on the command itself: that would take its description from here.
        let manual = Manual::augment_subcommands(Command::new("manual"));
        command.subcommands(manual.get_subcommands().cloned())
    }
}

fn completions(shell: Shell, mut command: Command) -> String {
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// With the full names of its commands, and without `help`, which is no page.
fn described(command: Command) -> Command {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    command
}

fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    let page = page(command)?;
    fs::write(folder.join(page.name), page.text)?;
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| pages(below, folder))
}

struct Page {
    name: String,
    text: String,
}

fn page(command: &Command) -> io::Result<Page> {
    let man = Man::new(command.clone()).source(SOURCE).manual("User Commands");
    let mut text = Vec::new();
    man.render(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    // A page has no date, and says so: left out, what comes next would be taken for it.
    Ok(Page {
        name: man.get_filename(),
        text: text.replacen(&format!(" 1  \"{SOURCE}"), &format!(" 1 \"\" \"{SOURCE}"), 1),
    })
}

/// What the pages are part of.
const SOURCE: &str = concat!("continuous-load ", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::ValueEnum;

    use super::*;

    #[derive(clap::Parser)]
    #[command(name = "some-program", version)]
    struct Some {
        /// How fast
        #[arg(long, env = "SOME_SPEED")]
        speed: Option<u8>,
        #[command(subcommand)]
        manual: Option<Manual>,
    }

    #[test]
    fn every_shell_has_completions_that_know_the_flags() {
        for shell in Shell::value_variants() {
            let text = completions(*shell, Some::command());
            assert!(text.contains("speed") && text.contains("completions"), "{shell}: {text}");
        }
    }

    #[test]
    fn a_command_keeps_its_own_description() {
        let command = Manual::beside(Command::new("x").about("does x"));
        assert_eq!(command.get_about().unwrap().to_string(), "does x");
        assert_eq!(command.get_subcommands().map(Command::get_name).collect::<Vec<_>>(), ["completions", "man"]);
    }

    #[test]
    fn each_command_has_a_page() {
        let folder = std::env::temp_dir().join(format!("manual-{}", std::process::id()));
        let man = Manual::Man { out: Some(folder.join("deep")) };
        man.write(Some::command()).unwrap();
        for (page, words) in
            [("some-program.1", "SOME_SPEED"), ("some-program-completions.1", "bash"), ("some-program-man.1", "FOLDER")]
        {
            let text = fs::read_to_string(folder.join("deep").join(page)).unwrap();
            assert!(text.contains(words), "{page}: {text}");
            let title = format!(".TH {} 1 \"\" \"continuous-load ", page.strip_suffix(".1").unwrap());
            assert!(text.contains(&title), "{page}: {text}");
        }
        fs::remove_dir_all(&folder).unwrap();
        let file = folder.with_extension("file");
        fs::write(&file, "").unwrap();
        let error = Manual::Man { out: Some(file.clone()) }.write(Some::command()).unwrap_err().to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
        fs::remove_file(file).unwrap();
    }
}
