//! `docs/reference` is what the code says: every flag and variable, endpoint, metric and exit code of both programs.
//!
//! The pages are made from clap's definitions and from the code's own lists. `make reference` writes them anew; without that
//! these tests compare, so that whatever is added, changed or removed is in the manual too, and nothing else is. The words
//! about an endpoint are written by hand, in the page, and kept.

mod endpoints;
mod exits;
mod flags;
mod metrics;
mod source;

use std::fs;
use std::path::PathBuf;

/// Set by `make reference`: write what differs instead of refusing it.
const WRITE: &str = "WRITE_DOCS";

/// Where a page is.
fn place(page: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference")).join(page)
}

/// What a page says now; nothing if there is none.
fn committed(page: &str) -> String {
    fs::read_to_string(place(page)).unwrap_or_default()
}

/// Compares a page with what it should be, or writes it.
fn hold(page: &str, made: &str) {
    let committed = committed(page);
    if committed == made {
        return;
    }
    if std::env::var_os(WRITE).is_some() {
        fs::write(place(page), made).unwrap();
        return;
    }
    let same = made.lines().zip(committed.lines()).take_while(|(a, b)| a == b).count();
    panic!(
        "docs/reference/{page}:{} is not what the code says; run `make reference` and commit the result\n  page: {:?}\n  code: {:?}",
        same + 1,
        committed.lines().nth(same),
        made.lines().nth(same),
    );
}

/// The first lines of a page: what it is, and who writes it.
fn head(title: &str, about: &str) -> String {
    format!("# {title}\n\n<!-- Written by `make reference` from the code: change that, not this. -->\n\n{about}\n")
}

/// A cell of a table: one line, its bars told apart from the table's own, and no tags outside of code.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let parts = line.split('`').enumerate();
    let parts: Vec<_> =
        parts.map(|(n, part)| if n % 2 == 0 { part.replace('<', "&lt;") } else { part.to_owned() }).collect();
    parts.join("`")
}

#[test]
fn a_cell_is_one_line_and_keeps_its_bars() {
    assert_eq!(cell("a\n   b | c"), "a b \\| c");
    assert_eq!(cell("<x> `<y>`"), "&lt;x> `<y>`");
}
