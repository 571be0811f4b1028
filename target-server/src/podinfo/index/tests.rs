//! `/` and `/api/info`, and the rules that the page built in keeps.

use super::super::tests::{text, with};
use super::*;

const BROWSER: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux)");

#[tokio::test]
async fn the_info_has_podinfos_fields_in_its_order_and_all_are_texts() {
    let podinfo = with(|options| options.ui.message = "<b>&\"".to_owned());
    for path in ["/", "/api/info"] {
        let answer = podinfo.get(path).await;
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        let text = text(&answer);
        let names =
            text.lines().filter_map(|line| line.strip_prefix("  \"")?.split_once("\": \"")).map(|(name, _)| name);
        let expected = "hostname version revision color logo message goos goarch runtime num_goroutine num_cpu";
        assert_eq!(names.collect::<Vec<_>>().join(" "), expected, "{text}");
        assert!(text.contains("\n  \"message\": \"\\u003cb\\u003e\\u0026\\\"\",\n"), "{text}");
        assert!(text.contains("\n  \"color\": \"#34577c\",\n"), "{text}");
    }
}

#[tokio::test]
async fn browsers_and_who_asks_for_html_get_the_page_and_nobody_else() {
    let podinfo = with(|_| {});
    for (fields, is_page) in [
        (&[BROWSER][..], true),
        (&[("user-agent", "Mozilla")], true),
        (&[("user-agent", "curl/8"), ("accept", "text/html")], true),
        (&[("user-agent", "curl/8"), ("accept", "*/*")], false),
        (&[("user-agent", "not Mozilla")], false),
        (&[], false),
    ] {
        let answer = podinfo.ask("GET", "/", fields, "").await;
        let content_type = if is_page { "text/html; charset=utf-8" } else { "application/json; charset=utf-8" };
        assert_eq!(answer.headers["content-type"], content_type, "{fields:?}");
        assert_eq!(answer.headers["vary"], "accept, user-agent");
        let info = podinfo.ask("GET", "/api/info", fields, "").await;
        assert_eq!(info.headers["content-type"], "application/json; charset=utf-8", "{fields:?}");
    }
}

#[tokio::test]
async fn below_a_prefix_the_page_finds_its_parts() {
    let podinfo = with(|options| options.prefix = "/foo".to_owned());
    let page = podinfo.ask("GET", "/", &[BROWSER], "").await;
    assert!(text(&page).contains(" src=\"/foo/page/target.js\""), "{}", text(&page));
    let folder = tempfile::tempdir().unwrap();
    let podinfo = with(|options| options.ui_path = Some(folder.path().to_owned()));
    std::fs::write(folder.path().join("index.html"), "own").unwrap();
    assert_eq!(text(&podinfo.ask("GET", "/", &[BROWSER], "").await), "own");
    assert!(text(&podinfo.get("/page/").await).contains("Compose a fault"), "ours stays where it is");
}

#[tokio::test]
async fn an_operators_page_is_read_at_every_request() {
    let folder = tempfile::tempdir().unwrap();
    let podinfo = with(|options| options.ui_path = Some(folder.path().to_owned()));
    for (name, page) in [("vue.html", "<p>podinfo's"), ("vue.html", "<p>changed"), ("index.html", "<p>ours first")] {
        std::fs::write(folder.path().join(name), page).unwrap();
        let answer = podinfo.ask("GET", "/", &[BROWSER], "").await;
        assert_eq!((answer.status.as_u16(), text(&answer)), (200, page));
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn placeholders_of_podinfos_page_are_filled_in_and_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let page = "<title>{{.Title}}</title><img src=\"{{ .Logo }}\"><script>p = {{ .Prefix }};</script>{{.Other}}${ x }";
    std::fs::write(folder.path().join("vue.html"), page).unwrap();
    let host = html(&Info::new(&Ui::default()).hostname);
    for (prefix, expected) in [("/", "\"\""), ("/foo", "\"/foo\""), ("/</script>", "\"/\\u003c/script\\u003e\"")] {
        let podinfo = with(|options| {
            options.ui_path = Some(folder.path().to_owned());
            options.ui.logo = "x\"><&'".to_owned();
            options.prefix = prefix.to_owned();
        });
        let answer = podinfo.ask("GET", "/", &[BROWSER], "").await;
        let logo = "x&#34;&gt;&lt;&amp;&#39;";
        let filled =
            format!("<title>{host}</title><img src=\"{logo}\"><script>p = {expected};</script>{{{{.Other}}}}${{ x }}");
        assert_eq!(text(&answer), filled);
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_or_too_large_is_a_500_in_podinfos_words() {
    let folder = tempfile::tempdir().unwrap();
    let podinfo = with(|options| options.ui_path = Some(folder.path().to_owned()));
    let page = folder.path().join("index.html");
    let missing = podinfo.ask("GET", "/", &[BROWSER], "").await;
    assert_eq!((missing.status.as_u16(), missing.error), (500, Some(ServerError::Internal)));
    assert_eq!(missing.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(text(&missing), format!("{}No such file or directory (os error 2)", page.display()));
    assert_eq!(podinfo.get("/").await.status.as_u16(), 200, "the info needs no page");
    File::create(&page).unwrap().set_len(PAGE_MAX_BYTES + 1).unwrap();
    let large = podinfo.ask("GET", "/", &[BROWSER], "").await;
    assert_eq!((large.status.as_u16(), large.error), (500, Some(ServerError::Internal)));
    File::create(&page).unwrap().set_len(PAGE_MAX_BYTES).unwrap();
    assert_eq!(podinfo.ask("GET", "/", &[BROWSER], "").await.body.len() as u64, PAGE_MAX_BYTES);
}
