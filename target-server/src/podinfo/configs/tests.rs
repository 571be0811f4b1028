//! A folder as the kubelet keeps it, exchanged under the endpoint's eyes.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::super::tests::{Tested, text, with};
use super::*;

/// A mounted ConfigMap.
struct Mount {
    folder: TempDir,
    generation: u32,
}

impl Mount {
    fn new(files: &[(&str, &str)]) -> Mount {
        let mut mount = Mount { folder: tempfile::tempdir().unwrap(), generation: 0 };
        mount.exchange(files);
        mount
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As the kubelet does: a new folder, `..data` onto it by renaming, then the links of the names.
    fn exchange(&mut self, files: &[(&str, &str)]) {
        self.generation += 1;
        let data = format!("..2026_{}", self.generation);
        fs::create_dir(self.path(&data)).unwrap();
        for (name, content) in files {
            fs::write(self.path(&data).join(name), content).unwrap();
        }
        symlink(&data, self.path("..data_tmp")).unwrap();
        let names: Vec<_> = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        for name in names.iter().filter(|name| !name.to_string_lossy().contains("..")) {
            fs::remove_file(self.folder.path().join(name)).unwrap();
        }
        for (name, _) in files {
            symlink(format!("..data/{name}"), self.path(name)).unwrap();
        }
        fs::rename(self.path("..data_tmp"), self.path(DATA_LINK)).unwrap();
    }

    fn podinfo(&self) -> Tested {
        with(|options| options.config_path = Some(self.folder.path().to_owned()))
    }
}

async fn shown(podinfo: &Tested) -> String {
    let answer = podinfo.get("/configs").await;
    assert_eq!((answer.status.as_u16(), answer.error), (200, None));
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    text(&answer).replace("\n  ", " ").replace("\n}", " }")
}

#[tokio::test]
async fn nothing_configured_and_nothing_there_is_an_empty_object() {
    assert_eq!(shown(&with(|_| {})).await, "{}");
    let nowhere = tempfile::tempdir().unwrap().path().join("nowhere");
    assert_eq!(shown(&with(|options| options.config_path = Some(nowhere))).await, "{}");
}

#[tokio::test]
async fn a_plain_folder_is_read_at_start_without_folders_and_names_with_two_dots() {
    let mount = tempfile::tempdir().unwrap();
    for name in ["b.txt", "a", "..hidden", "x..y", ".one"] {
        fs::write(mount.path().join(name), name).unwrap();
    }
    fs::create_dir(mount.path().join("folder")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(mount.path().join("socket")).unwrap();
    let podinfo = with(|options| options.config_path = Some(mount.path().to_owned()));
    let expected = "{ \".one\": \".one\", \"a\": \"a\", \"b.txt\": \"b.txt\" }";
    assert_eq!(shown(&podinfo).await, expected);
    fs::write(mount.path().join("a"), "edited").unwrap();
    fs::remove_file(mount.path().join("b.txt")).unwrap();
    assert_eq!(shown(&podinfo).await, expected, "only an exchange is noticed");
}

#[tokio::test]
async fn an_exchange_is_seen_at_the_next_request_and_deletions_with_it() {
    let mut mount = Mount::new(&[("color", "blue"), ("gone", "soon")]);
    let podinfo = mount.podinfo();
    assert_eq!(shown(&podinfo).await, "{ \"color\": \"blue\", \"gone\": \"soon\" }");
    fs::write(mount.path("color"), "edited in place").unwrap();
    assert_eq!(shown(&podinfo).await, "{ \"color\": \"blue\", \"gone\": \"soon\" }");
    mount.exchange(&[("color", "green"), ("new", "")]);
    assert_eq!(shown(&podinfo).await, "{ \"color\": \"green\", \"new\": \"\" }");
    mount.exchange(&[]);
    assert_eq!(shown(&podinfo).await, "{}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_keeps_its_old_content_until_the_next_exchange() {
    let mut mount = Mount::new(&[("a", "1")]);
    let podinfo = mount.podinfo();
    mount.exchange(&[("a", "2"), ("b", "2")]);
    fs::remove_file(mount.path("..data").join("b")).unwrap();
    assert_eq!(shown(&podinfo).await, "{ \"a\": \"1\" }", "a link to nowhere");
    mount.exchange(&[("a", "3")]);
    assert_eq!(shown(&podinfo).await, "{ \"a\": \"3\" }");
    fs::remove_file(mount.path(DATA_LINK)).unwrap();
    assert_eq!(shown(&podinfo).await, "{ \"a\": \"3\" }", "half of an exchange");
}

#[test]
fn number_and_size_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let large = File::create(folder.path().join("large")).unwrap();
    large.set_len(TOTAL_MAX_BYTES).unwrap();
    assert_eq!(read(folder.path()).unwrap()["large"].len() as u64, TOTAL_MAX_BYTES);
    fs::write(folder.path().join("one"), "more").unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().starts_with("more than 4194304 bytes"));
    large.set_len(0).unwrap();
    for n in 2..FILES_MAX {
        fs::write(folder.path().join(n.to_string()), "").unwrap();
    }
    assert_eq!(read(folder.path()).unwrap().len(), FILES_MAX);
    fs::write(folder.path().join("another"), "").unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().starts_with("more than 1024 files"));
}

#[test]
fn bytes_that_are_no_text_are_shown_as_such() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), b"x\xff").unwrap();
    assert_eq!(read(folder.path()).unwrap()["a"], "x\u{fffd}");
}
