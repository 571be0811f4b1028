//! Paths as podinfo has them, and what they are held to.

use super::*;
use crate::carrier;

#[test]
fn all_are_there_once() {
    for (at, route) in Route::ALL.into_iter().enumerate() {
        assert_eq!(route as usize, at, "in the order of their declaration");
    }
    let mut reached = EXACT.iter().map(|(_, route)| route).chain(BELOW.iter().map(|(_, _, route)| route));
    assert!(reached.all(|route| Route::ALL.contains(route)));
}

#[test]
fn paths_are_routes_as_podinfo_has_them() {
    for (path, route) in [
        ("/", Some(Route::Index)),
        ("/version", Some(Route::Version)),
        ("/version/", None),
        ("/echo", Some(Route::Echo)),
        ("/echo/a/b", Some(Route::Echo)),
        ("/echoes", None),
        ("/api/echo/", Some(Route::ApiEcho)),
        ("/status/503", Some(Route::Status)),
        ("/status/200:3,500:1", Some(Route::Status)),
        ("/status/-1", None),
        ("/status/abc", None),
        ("/status/", None),
        ("/status/200/", None),
        ("/delay/1.5", Some(Route::Delay)),
        ("/delay/200ms", Some(Route::Delay)),
        ("/chunked", Some(Route::Chunked)),
        ("/chunked/2", Some(Route::ChunkedWait)),
        ("/store/abc", Some(Route::StoreHash)),
        ("/store/", None),
        ("/cache/a/b", None),
        ("/swagger.json", Some(Route::SwaggerJson)),
        ("/swagger/doc.json", Some(Route::Swagger)),
        ("/page/", Some(Route::Page)),
        ("/page/base.css", Some(Route::Page)),
        ("/page", None),
        ("", None),
    ] {
        assert_eq!(Route::of(path), route, "{path:?}");
    }
}

#[test]
fn methods_are_podinfos_and_head_goes_where_get_goes() {
    for (route, takes, refuses) in [
        (Route::Version, &["GET", "HEAD"][..], &["POST", "FOO"][..]),
        (Route::Status, &["GET", "HEAD", "POST", "PUT"], &["DELETE"]),
        (Route::Echo, &["GET", "FOO", "OPTIONS"], &[]),
        (Route::ReadyzDisable, &["POST"], &["GET", "HEAD"]),
        (Route::Store, &["POST", "PUT"], &["GET", "DELETE"]),
    ] {
        takes.iter().for_each(|method| assert!(route.takes(method), "{route:?} {method}"));
        refuses.iter().for_each(|method| assert!(!route.takes(method), "{route:?} {method}"));
    }
}

#[test]
fn known_bodies_say_what_was_asked() {
    for (path, expected) in [
        ("/status/503", "{\n  \"status\": 503\n}"),
        ("/delay/1", "{\n  \"delay\": 1\n}"),
        ("/delay/250ms", "{\n  \"delay\": 0.25\n}"),
        ("/chunked/1.5", "{\n  \"delay\": 1.5\n}"),
    ] {
        let route = Route::of(path).unwrap();
        assert_eq!(route.content(), Content::Known);
        let verdict = carrier::path(path).unwrap().unwrap().roll(0, "k", 0);
        assert_eq!(body(route, path, &verdict).as_deref(), Some(expected), "{path}");
    }
    let verdict = carrier::path("/chunked").unwrap().unwrap().roll(0, "k", 0);
    let seconds = verdict.body_delay.as_secs();
    assert!((10..30).contains(&seconds) && verdict.chunk_bytes.is_some());
    assert_eq!(body(Route::Chunked, "/chunked", &verdict), Some(format!("{{\n  \"delay\": {seconds}\n}}")));
    assert!(carrier::path("/status/600").unwrap().is_err(), "no class of HTTP");
}
