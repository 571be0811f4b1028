//! Manual pages and completions of both programs: that they are what their readers take, and name what the programs have.

use std::process::Command;

use crate::process::output;
use crate::tools;

const PROGRAMS: [(&str, &[&str]); 2] = [
    ("injector", &["injector.1", "injector-run.1", "injector-fault-apply.1", "injector-man.1"]),
    ("target-server", &["target-server.1", "target-server-completions.1"]),
];

#[test]
fn manual_pages_are_valid_and_complete() {
    let mandoc = tools::require("mandoc");
    for (program, pages) in PROGRAMS {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("man1");
        let written = output(program, &["man", "--out", out.to_str().unwrap()]);
        assert!(written.status.success() && written.stdout.is_empty(), "{written:?}");
        for page in pages {
            assert!(
                out.join(page).is_file(),
                "{page} is not in {:?}",
                std::fs::read_dir(&out).unwrap().collect::<Vec<_>>()
            );
        }
        let one = output(program, &["man"]);
        assert!(one.stdout == std::fs::read(out.join(pages[0])).unwrap(), "{program}: {one:?}");
        assert!(String::from_utf8_lossy(&one.stdout).contains("CLOAD_"), "{program}: no variable in {one:?}");
        let Some(mandoc) = &mandoc else { continue };
        for entry in std::fs::read_dir(&out).unwrap() {
            let page = entry.unwrap().path();
            let lint = Command::new(mandoc).args(["-T", "lint", "-W", "error"]).arg(&page).output().unwrap();
            assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
            let shown = Command::new(mandoc).args(["-T", "ascii"]).arg(&page).output().unwrap();
            let text = plain(&String::from_utf8_lossy(&shown.stdout));
            for section in ["SYNOPSIS", "OPTIONS"] {
                assert!(text.contains(section), "{}: no {section}: {text}", page.display());
            }
        }
    }
}

/// Without what prints a letter twice on one place, to make it bold.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        if c == '\u{8}' {
            plain.pop();
        } else {
            plain.push(c);
        }
    }
    plain
}

#[test]
fn completions_are_scripts_that_their_shell_reads() {
    for (program, _) in PROGRAMS {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let made = output(program, &["completions", shell]);
            assert!(made.status.success(), "{made:?}");
            let text = String::from_utf8(made.stdout).unwrap();
            assert!(text.contains(program) && text.contains("admin-address"), "{program} {shell}: {text}");
            if shell != "bash" {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let script = folder.path().join(program);
            std::fs::write(&script, &text).unwrap();
            let read = Command::new("bash").arg("-n").arg(&script).output().unwrap();
            assert!(read.status.success() && read.stderr.is_empty(), "{read:?}");
            // What is asked for with the key: `--admin-a`.
            let words = if program == "injector" { "injector run --admin-a" } else { "target-server --admin-a" };
            let ask = format!(
                "source '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
                 complete=$(complete -p {program}); complete=${{complete#*-F }}; \
                 ${{complete%% *}} {program} --admin-a ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                script.display()
            );
            let told = Command::new("bash").args(["-c", &ask]).output().unwrap();
            let told = String::from_utf8_lossy(&told.stdout).into_owned();
            assert!(told.lines().any(|line| line == "--admin-address"), "{told}");
        }
        let wrong = output(program, &["completions", "tcsh"]);
        assert_eq!(wrong.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&wrong.stderr).contains("bash"), "{wrong:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    for (program, _) in PROGRAMS {
        let wrong = output(program, &["man", "--out", "/dev/null/man1"]);
        assert!(!wrong.status.success());
        assert!(String::from_utf8_lossy(&wrong.stderr).contains("/dev/null/man1"), "{wrong:?}");
    }
}
