//! The description as a page: one table, readable without a network.

use std::fmt::Write as _;

use shared::route::Route;

use super::{methods, words};

/// The page of the endpoints below a prefix.
pub(super) fn page(prefix: &str) -> String {
    let mut rows = String::new();
    for route in Route::ALL {
        let said = words::of(route);
        let methods =
            if route.methods().is_empty() { "any".to_owned() } else { methods(route).collect::<Vec<_>>().join(" ") };
        for path in said.paths {
            let path = escaped(&format!("{prefix}{path}"));
            let summary = escaped(said.summary);
            let _ = writeln!(rows, "<tr><td>{methods}</td><td><code>{path}</code></td><td>{summary}</td></tr>");
        }
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>target-server</title>\n\
         <style>\nbody {{ font: 1rem/1.5 sans-serif; margin: 2rem }}\ntd {{ padding: .2rem 1rem .2rem 0; vertical-align: top }}\n\
         </style>\n</head>\n<body>\n<h1>target-server</h1>\n\
         <p>For programs: <a href=\"doc.json\">doc.json</a>, Swagger 2.0.</p>\n<table>\n{rows}</table>\n</body>\n</html>\n"
    )
}

/// The text where HTML would see marks.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
