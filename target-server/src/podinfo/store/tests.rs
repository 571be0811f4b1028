//! Bodies come back, nothing leaves the folder, and the folder has an end.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Hashes as `sha1sum` prints them.
const OF_NOTHING: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
const OF_ABC: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().to_owned());
    (folder, store)
}

fn bounded(bytes: u64, files: usize) -> (TempDir, Store) {
    let (folder, store) = store();
    (folder, Store { bounds: Kept { bytes, files }, ..store })
}

fn text(plain: &Plain) -> &str {
    std::str::from_utf8(&plain.body).unwrap()
}

fn assert_failed(plain: &Plain, status: u16, message: &str, error: Option<ServerError>) {
    assert_eq!((plain.status.as_u16(), plain.error), (status, error), "{}", text(plain));
    assert_eq!(plain.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(text(plain), format!("{{\n  \"code\": {status},\n  \"message\": \"{message}\"\n}}"));
}

#[tokio::test]
async fn a_body_is_kept_under_its_hash_and_comes_back() {
    let (folder, store) = store();
    for (body, hash) in [(&b"abc"[..], OF_ABC), (b"", OF_NOTHING), (b"abc", OF_ABC)] {
        let written = store.write(Bytes::from_static(body)).await;
        assert_eq!((written.status, written.error), (StatusCode::ACCEPTED, None));
        assert_eq!(text(&written), format!("{{\n  \"hash\": \"{hash}\"\n}}"));
        assert_eq!(written.headers["content-type"], "application/json; charset=utf-8");
        let read = store.read(hash).await;
        assert_eq!((read.status, read.error), (StatusCode::ACCEPTED, None));
        assert_eq!(&read.body[..], body);
        for (name, value) in [
            ("content-type", "application/octet-stream"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'"),
        ] {
            assert_eq!(read.headers[name], value);
        }
    }
    let mut names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [OF_ABC, OF_NOTHING], "nothing unfinished is left");
    let mode = folder.path().join(OF_ABC).metadata().unwrap().permissions().mode();
    // A umask may take more away.
    assert_eq!(mode & 0o777 & !MODE, 0);
    assert_eq!(*store.kept.lock().await, Some(Kept { bytes: 3, files: 2 }));
}

#[tokio::test]
async fn the_largest_body_comes_back() {
    let (_folder, store) = store();
    let body = Bytes::from(vec![7; BODY_MAX_BYTES]);
    let hash = hash(&body);
    assert_eq!(store.write(body.clone()).await.status, StatusCode::ACCEPTED);
    assert_eq!(store.read(&hash).await.body, body);
}

#[tokio::test]
async fn what_is_no_hash_is_refused() {
    let (folder, store) = store();
    std::fs::write(folder.path().join("secret"), "x").unwrap();
    for hash in [
        "",
        "secret",
        ".",
        "..",
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "/etc/passwd",
        "A9993E364706816ABA3E25717850C26C9CD0D89D",
        "a9993e364706816aba3e25717850c26c9cd0d89",
        "a9993e364706816aba3e25717850c26c9cd0d89d0",
        "g9993e364706816aba3e25717850c26c9cd0d89d",
        "../9e364706816aba3e25717850c26c9cd0d89d0",
        "a9993e364706816aba3e25717850c26c9cd0d8\0d",
    ] {
        assert_failed(&store.read(hash).await, 400, "invalid hash", Some(ServerError::BadRequest));
    }
}

#[tokio::test]
async fn what_is_missing_is_a_404() {
    let (_folder, store) = store();
    assert_failed(&store.read(OF_ABC).await, 404, "reading file failed", None);
    let nowhere = Store::new("/nowhere/at/all".into());
    assert_failed(&nowhere.read(OF_ABC).await, 404, "reading file failed", None);
}

#[tokio::test]
async fn what_cannot_be_written_or_read_is_a_500() {
    let nowhere = Store::new("/nowhere/at/all".into());
    assert_failed(&nowhere.write(Bytes::new()).await, 500, "writing file failed", Some(ServerError::Internal));
    let (folder, store) = store();
    std::fs::create_dir(folder.path().join(OF_ABC)).unwrap();
    assert_failed(&store.read(OF_ABC).await, 500, "reading file failed", Some(ServerError::Internal));
    assert_failed(&store.write(Bytes::from("abc")).await, 500, "writing file failed", Some(ServerError::Internal));
    // A link is not followed, and a file is not read beyond what can have been stored.
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join(OF_NOTHING)).unwrap();
    assert_failed(&store.read(OF_NOTHING).await, 500, "reading file failed", Some(ServerError::Internal));
    let large = "0".repeat(HASH_DIGITS);
    File::create(folder.path().join(&large)).unwrap().set_len(BODY_MAX_BYTES as u64 + 1).unwrap();
    assert_failed(&store.read(&large).await, 500, "reading file failed", Some(ServerError::Internal));
}

#[tokio::test]
async fn a_full_store_refuses_and_keeps_what_it_has() {
    let (_folder, by_bytes) = bounded(5, 100);
    assert_eq!(by_bytes.write(Bytes::from("abc")).await.status, StatusCode::ACCEPTED);
    let full = by_bytes.write(Bytes::from("xyz")).await;
    let message = "store is full: it keeps at most 5 bytes in 100 files";
    assert_failed(&full, 507, message, Some(ServerError::Overload));
    assert_eq!(by_bytes.write(Bytes::from("xy")).await.status, StatusCode::ACCEPTED, "what fits still does");
    assert_eq!(by_bytes.write(Bytes::from("abc")).await.status, StatusCode::ACCEPTED, "what is here already does");
    assert_eq!(&by_bytes.read(OF_ABC).await.body[..], b"abc");

    let (_folder, by_files) = bounded(100, 1);
    assert_eq!(by_files.write(Bytes::new()).await.status, StatusCode::ACCEPTED);
    assert_eq!(by_files.write(Bytes::from("abc")).await.status, StatusCode::INSUFFICIENT_STORAGE);
}

#[tokio::test]
async fn what_an_earlier_process_left_counts() {
    let (folder, store) = bounded(10, 4);
    std::fs::write(folder.path().join(OF_ABC), "abc").unwrap();
    std::fs::write(folder.path().join(format!("{UNFINISHED}x")), "ab").unwrap();
    std::fs::write(folder.path().join("not of ours"), "abcdefgh").unwrap();
    assert_eq!(store.write(Bytes::from("123456")).await.status, StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(store.write(Bytes::from("12345")).await.status, StatusCode::ACCEPTED);
    assert_eq!(*store.kept.lock().await, Some(Kept { bytes: 10, files: 3 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_never_sees_half() {
    let (_folder, store) = store();
    let body = Bytes::from(vec![42; 1 << 20]);
    let hash = hash(&body);
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (store, body) = (store.clone(), body.clone());
            tokio::spawn(async move { store.write(body).await.status })
        })
        .collect();
    loop {
        let read = store.read(&hash).await;
        if read.status == StatusCode::ACCEPTED {
            assert_eq!(read.body, body);
            break;
        }
        assert_eq!(read.status, StatusCode::NOT_FOUND);
    }
    for writer in writers {
        assert_eq!(writer.await.unwrap(), StatusCode::ACCEPTED);
    }
    assert_eq!(*store.kept.lock().await, Some(Kept { bytes: 1 << 20, files: 1 }), "counted once");
}

proptest! {
    #[test]
    fn only_names_of_our_own_are_hashes(text in "[0-9a-f]{38,41}|.{0,41}") {
        let expected = text.len() == 40 && !text.contains(|c: char| !"0123456789abcdef".contains(c));
        prop_assert_eq!(is_hash(&text), expected);
    }
}
