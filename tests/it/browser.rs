//! The pages in a real browser: Debian's Chromium, driven by `tests/browser/drive.mjs`, asked from here.
//!
//! One Chromium serves all tests of this binary, and a [`Page`] has a profile of its own in it. The browser knows no name of
//! a network but this machine's. A page remembers whatever a good page does not do; [`Page::is_clean`] says there was
//! nothing. Pictures of what was tested lie in `target/tmp/pages`: people look at them before they call a page done.

mod bench;
mod charts;
mod live_page;
mod pair;
mod report_page;
mod target_page;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

use crate::tools;

/// What a phone, a tablet and a desk have, in CSS pixels.
const WIDTHS: [u16; 3] = [360, 768, 1280];

/// Longer than anything the driver waits for itself, so that its own words about it arrive.
const ANSWER_MAX: Duration = Duration::from_secs(200);

/// The program that has the browser. Its standard input stays open as long as this process lives: the end of that ends both.
struct Driver {
    address: String,
    _node: Mutex<Child>,
}

impl Driver {
    /// The one of this process, or `None` after saying what it needs.
    fn shared() -> Option<&'static Driver> {
        static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
        DRIVER.get_or_init(Driver::start).as_ref()
    }

    fn start() -> Option<Driver> {
        let (chromium, node) = (tools::require("chromium")?, tools::require("node-pages")?);
        let mut command = Command::new(node);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/drive.mjs")).arg(chromium);
        // A session bus and a screen are not for tests, whoever runs them.
        command.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("DISPLAY");
        let mut node = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(node.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (_, address) = line.trim().rsplit_once("address=").unwrap_or_else(|| panic!("no browser: {line:?}"));
        Some(Driver { address: address.to_owned(), _node: Mutex::new(node) })
    }
}

/// How a page is opened.
#[derive(Clone, Copy)]
struct View {
    width: u16,
    is_dark: bool,
}

impl View {
    const DESK: View = View { width: 1280, is_dark: false };
}

/// A page in the browser; it closes with this.
struct Page {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Page {
    /// Opens it and waits until it is loaded; `None`, after saying so, where there is no browser.
    fn open(url: &str, view: View) -> Option<Page> {
        let stream = TcpStream::connect(&Driver::shared()?.address).unwrap();
        stream.set_read_timeout(Some(ANSWER_MAX)).unwrap();
        let mut page = Page { answers: BufReader::new(stream.try_clone().unwrap()), stream };
        page.go(url, view);
        Some(page)
    }

    /// The same page anew, with nothing remembered.
    fn go(&mut self, url: &str, view: View) {
        let scheme = if view.is_dark { "dark" } else { "light" };
        self.ask(json!({"do": "open", "url": url, "width": view.width, "scheme": scheme}));
    }

    /// One command of `drive.mjs` and its answer.
    ///
    /// # Panics
    /// If it could not be done, with the driver's words.
    #[track_caller]
    fn ask(&mut self, command: Value) -> Value {
        self.stream.write_all(format!("{command}\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let mut answer: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{command}: {error}: {line:?}"));
        assert!(answer.get("error").is_none(), "{command}: {}", answer["error"].as_str().unwrap());
        answer["ok"].take()
    }

    /// The value of an expression in the page.
    #[track_caller]
    fn value(&mut self, expression: &str) -> Value {
        self.ask(json!({"do": "value", "expression": expression}))
    }

    /// Waits until an expression is true, and returns its value then.
    #[track_caller]
    fn until(&mut self, expression: &str) -> Value {
        self.ask(json!({"do": "until", "expression": expression}))
    }

    /// Waits until this text is on the page, for a person who looks at it.
    #[track_caller]
    fn shows(&mut self, text: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(text)));
    }

    /// The text of the first element that the selector finds.
    #[track_caller]
    fn text(&mut self, selector: &str) -> String {
        let text = self.until(&format!("document.querySelector({})?.innerText.trim()", json!(selector)));
        text.as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn click(&mut self, selector: &str) {
        self.ask(json!({"do": "click", "selector": selector}));
    }

    /// Text into a field, or the choice of that value, in place of what was there.
    #[track_caller]
    fn fill(&mut self, selector: &str, text: &str) {
        self.ask(json!({"do": "fill", "selector": selector, "text": text}));
    }

    /// Keys by name (`Tab`, `Enter`, `Shift+Tab`), or a text to type (`text:abc`).
    #[track_caller]
    fn press(&mut self, keys: &[&str]) {
        self.ask(json!({"do": "press", "keys": keys}));
    }

    /// Everything the page did so far that a good one does not.
    fn seen(&mut self) -> Value {
        self.ask(json!({"do": "seen"}))
    }

    /// No error, no warning, no failed request, no request for anything but the page's own server, no breach of its policy.
    #[track_caller]
    fn is_clean(&mut self) {
        self.is_clean_but_for(&[]);
    }

    /// The same, but requests may have failed in these ways, and the console may say that they did.
    #[track_caller]
    fn is_clean_but_for(&mut self, failures: &[&str]) {
        let seen = self.seen();
        for kind in ["outside", "errors", "violations"] {
            assert_eq!(seen[kind], json!([]), "{kind}: {seen}");
        }
        for kind in ["console", "failed"] {
            let lines = seen[kind].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
            let other: Vec<&str> =
                lines.filter(|line| !failures.iter().any(|failure| line.contains(failure))).collect();
            assert!(other.is_empty(), "{kind}: {other:?}");
        }
    }

    /// Nothing that axe calls serious or critical, and nothing beside the window.
    #[track_caller]
    fn is_accessible(&mut self) {
        assert_eq!(self.ask(json!({"do": "axe"})), json!([]));
        assert_eq!(self.ask(json!({"do": "overflow"})), json!(0), "wider than the window, in pixels");
    }

    /// A script and a handler that somebody put into the page are not run, and the browser says that its policy forbids them.
    #[track_caller]
    fn keeps_intruders_out(&mut self) {
        assert_eq!(self.ask(json!({"do": "inject"})), Value::Null, "an intruder was run");
        let seen = self.seen();
        let violations = seen["violations"].as_array().unwrap();
        assert!(violations.iter().any(|line| line.as_str().unwrap().starts_with("script-src-elem inline")), "{seen}");
    }

    /// Every element that the Tab key reaches can be seen, shows that it has the focus, and has a name; those names.
    #[track_caller]
    fn tab_stops(&mut self) -> Vec<String> {
        let stops = self.ask(json!({"do": "tab_stops"}));
        let stops = stops.as_array().unwrap();
        assert!(!stops.is_empty(), "the Tab key reaches nothing");
        for stop in stops {
            assert!(stop["is_ringed"] == true && stop["is_seen"] == true, "{stop}");
        }
        stops.iter().map(|stop| stop["name"].as_str().unwrap().to_owned()).collect()
    }

    /// A picture of the whole page: `target/tmp/pages/NAME.png`.
    #[track_caller]
    fn picture(&mut self, name: &str) -> PathBuf {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages").join(name).with_extension("png");
        self.ask(json!({"do": "screenshot", "path": path}));
        path
    }

    /// Pictures at all widths in light and dark, each accessible and no wider than its window.
    #[track_caller]
    fn looks_well(&mut self, name: &str) {
        for scheme in ["light", "dark"] {
            for width in WIDTHS {
                self.ask(json!({"do": "emulate", "width": width, "scheme": scheme}));
                self.is_accessible();
                self.picture(&format!("{name}-{width}-{scheme}"));
            }
        }
    }
}
