//! Files with and without a token.

use std::fs;

use super::*;

const FIRST: &str = "0123456789abcdef";
const SECOND: &str = "a-much-longer-token-than-the-first-one";

fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, content).unwrap();
    (folder, file)
}

#[test]
fn a_file_without_a_usable_token_is_refused_with_what_would_do() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "empty; expected 16 to 4096"),
        (b" \n", "empty"),
        (b"0123456789abcde\n", "15 bytes can be guessed"),
        (&[b'x'; 4097], "more than 4096 bytes"),
        (b"two words are no token", "characters that no header carries"),
        ("a token of ümläüts".as_bytes(), "characters that no header carries"),
    ];
    for (content, reason) in cases {
        let (_folder, path) = file(content);
        let error = Token::load("--admin-token-file", &path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("--admin-token-file {}: ", path.display())), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    let (folder, path) = file(b"");
    assert!(Token::load("--admin-token-file", folder.path()).unwrap_err().reason.starts_with("not a file"));
    fs::remove_file(&path).unwrap();
    assert!(Token::load("--admin-token-file", &path).unwrap_err().reason.starts_with("cannot read"));
}

#[test]
fn the_longest_and_the_shortest_token_do() {
    for content in [&[b'x'; 4096][..], &[b'x'; 16]] {
        let (_folder, path) = file(content);
        assert!(Token::load("--admin-token-file", &path).unwrap().is(content));
    }
}

#[test]
fn only_the_whole_token_is_the_token() {
    let (_folder, path) = file(format!(" {FIRST}\r\n").as_bytes());
    let token = Token::load("--admin-token-file", &path).unwrap();
    assert!(token.is(FIRST.as_bytes()));
    for wrong in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF", " 0123456789abcdef"] {
        assert!(!token.is(wrong.as_bytes()), "{wrong:?}");
    }
}

#[test]
fn a_new_token_replaces_the_old_one_at_once() {
    let (_folder, path) = file(FIRST.as_bytes());
    let token = Token::load("--admin-token-file", &path).unwrap();
    fs::write(&path, SECOND).unwrap();
    assert!(!token.is(FIRST.as_bytes()));
    assert!(token.is(SECOND.as_bytes()));
}

#[test]
fn a_link_that_is_swapped_is_followed() {
    // How Kubernetes rotates a secret.
    let (folder, path) = file(FIRST.as_bytes());
    let (link, next) = (folder.path().join("link"), folder.path().join("next"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let token = Token::load("--admin-token-file", &link).unwrap();
    let second = folder.path().join("second");
    fs::write(&second, SECOND).unwrap();
    std::os::unix::fs::symlink(&second, &next).unwrap();
    fs::rename(&next, &link).unwrap();
    assert!(token.is(SECOND.as_bytes()) && !token.is(FIRST.as_bytes()));
}

#[test]
fn a_file_that_went_bad_leaves_the_old_token_until_it_is_good_again() {
    let (_folder, path) = file(FIRST.as_bytes());
    let token = Token::load("--admin-token-file", &path).unwrap();
    let wrong = |token: &Token| token.held.lock().unwrap().wrong.clone();
    for (content, reason) in [(&b""[..], "empty"), (b"short", "5 bytes")] {
        fs::write(&path, content).unwrap();
        assert!(token.is(FIRST.as_bytes()) && !token.is(content));
        assert!(wrong(&token).unwrap().starts_with(reason));
    }
    fs::remove_file(&path).unwrap();
    assert!(token.is(FIRST.as_bytes()));
    assert!(wrong(&token).unwrap().starts_with("cannot read"));
    fs::write(&path, SECOND).unwrap();
    assert!(token.is(SECOND.as_bytes()) && !token.is(FIRST.as_bytes()));
    assert_eq!(wrong(&token), None);
}

#[test]
fn nothing_prints_the_token() {
    let (_folder, path) = file(FIRST.as_bytes());
    let token = Token::load("--admin-token-file", &path).unwrap();
    assert!(!format!("{token:?}").contains(FIRST));
    fs::write(&path, "not-16-bytes").unwrap();
    assert!(!Token::load("--admin-token-file", &path).unwrap_err().to_string().contains("not-16-bytes"));
}
