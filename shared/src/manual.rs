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
        let mut text = Vec::new();
        match self {
            Manual::Completions { shell } => completions(*shell, command, &mut text),
            Manual::Man { out: None } => Man::new(command).render(&mut text)?,
            Manual::Man { out: Some(folder) } => {
                let written = pages(command, folder);
                return written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())));
            }
        }
        match io::stdout().lock().write_all(&text) {
            // Whoever looks at the beginning only has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }
}

fn completions(shell: Shell, mut command: Command, text: &mut Vec<u8>) {
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, text);
}

fn pages(command: Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)
}

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
            let mut text = Vec::new();
            completions(*shell, Some::command(), &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("speed") && text.contains("completions"), "{shell}: {text}");
        }
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
        }
        fs::remove_dir_all(&folder).unwrap();
        let file = folder.with_extension("file");
        fs::write(&file, "").unwrap();
        let error = Manual::Man { out: Some(file.clone()) }.write(Some::command()).unwrap_err().to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
        fs::remove_file(file).unwrap();
    }
}
