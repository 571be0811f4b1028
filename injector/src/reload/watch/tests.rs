//! Files that change in the ways in which files change.

use std::os::unix::fs::symlink;

use super::*;
use crate::scenario::FILE_MAX_BYTES;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn watch(&self, names: &[&str]) -> Watch {
        Watch::of(names.iter().map(|name| (self.path(name), now(&self.path(name)))).collect())
    }
}

/// Two looks, as many as it takes.
fn seen(watch: &mut Watch) -> bool {
    watch.has_changed() | watch.has_changed()
}

#[test]
fn what_is_written_is_seen_once_it_is_quiet() {
    let folder = Folder::new();
    folder.write("a", "one");
    let mut watch = folder.watch(&["a"]);
    assert!(!seen(&mut watch), "nothing has happened since it was read");
    folder.write("a", "two!");
    assert!(!watch.has_changed(), "it may not be finished");
    folder.write("a", "two, and more");
    assert!(!watch.has_changed(), "nor now");
    assert!(watch.has_changed());
    watch.follow(folder.watch(&["a"]).files, true);
    assert!(!seen(&mut watch));
    // The same again under another name: nothing is another.
    folder.write("b", "two, and more");
    fs::rename(folder.path("b"), folder.path("a")).unwrap();
    assert!(!seen(&mut watch));
}

#[test]
fn a_change_between_the_reading_and_the_first_look_is_seen() {
    let folder = Folder::new();
    folder.write("a", "one");
    let mut watch = folder.watch(&["a"]);
    folder.write("a", "six");
    assert!(seen(&mut watch));
}

#[test]
fn a_config_map_is_exchanged_by_a_link_further_up() {
    let folder = Folder::new();
    for (version, text) in [("..1", "one"), ("..2", "two")] {
        fs::create_dir(folder.path(version)).unwrap();
        folder.write(&format!("{version}/scenario.yaml"), text);
    }
    symlink("..1", folder.path("..data")).unwrap();
    symlink("..data/scenario.yaml", folder.path("scenario.yaml")).unwrap();
    let mut watch = folder.watch(&["scenario.yaml"]);
    assert!(!seen(&mut watch));
    symlink("..2", folder.path("..tmp")).unwrap();
    fs::rename(folder.path("..tmp"), folder.path("..data")).unwrap();
    assert!(seen(&mut watch));
}

#[test]
fn files_that_come_and_go_are_changes_and_those_of_a_broken_scenario_are_still_watched() {
    let folder = Folder::new();
    folder.write("a", "one");
    folder.write("ca", "pem");
    let mut watch = folder.watch(&["a", "ca"]);
    fs::remove_file(folder.path("ca")).unwrap();
    assert!(seen(&mut watch));
    watch.follow(folder.watch(&["a"]).files, false);
    assert!(!seen(&mut watch), "it is gone, and that is known");
    folder.write("ca", "pem");
    assert!(seen(&mut watch));
}

#[test]
fn what_is_no_text_is_read_once_and_not_again_and_again() {
    let folder = Folder::new();
    for bytes in [&b"rate: \xe9/s\n"[..], &[b'a'; FILE_MAX_BYTES + 2][..]] {
        fs::write(folder.path("a"), bytes).unwrap();
        let files = crate::scenario::Files::beside(&folder.path("a"));
        crate::scenario::Scenario::read_with(&folder.path("a"), &|_| None, files.clone()).unwrap_err();
        let mut watch = Watch::of(files.seen());
        assert!(!seen(&mut watch));
        fs::write(folder.path("a"), "rate: 1/s\n").unwrap();
        assert!(seen(&mut watch));
    }
}
