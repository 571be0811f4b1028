//! Files that are wrong, each with what is said of it, word for word: where, what, and what would be right. The texts are there
//! to be read; whoever changes a message reads them again.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::fixture::program;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/broken"))
}

#[test]
fn each_broken_file_is_told_what_is_wrong_with_it() {
    let mut n_files = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "yaml") {
            continue;
        }
        n_files += 1;
        let name = path.file_name().unwrap().to_str().unwrap();
        // From its folder, so that messages name it as short as a person would.
        let output = Command::new(program("injector")).args(["check", name]).current_dir(folder()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let golden = path.with_extension("txt");
        if output.status.code() != Some(104) {
            wrong.push(format!("{name}: exit code {:?}\n{said}", output.status.code()));
        } else if fs::read_to_string(&golden).unwrap_or_default() != said {
            wrong.push(format!("{} should be:\n{said}", golden.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_files >= 30, "{n_files}");
}
