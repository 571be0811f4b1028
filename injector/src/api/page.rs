//! `/`: the page for people, and its files. All of them are in the program, and none names another host.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use shared::admin::problem::Problem;
use shared::page::{Asset, BASE_CSS};

/// The page itself.
const INDEX: Asset = Asset::html("index.html", include_str!("../../pages/index.html"));

/// What it loads. `uplot.js` and `uplot.css` are others' work, under the MIT licence that stands beside them.
const FILES: [Asset; 13] = [
    BASE_CSS,
    Asset::css("uplot.css", include_str!("../../pages/vendor/uplot.css")),
    Asset::css("charts.css", include_str!("../../pages/charts.css")),
    Asset::css("live.css", include_str!("../../pages/live.css")),
    Asset::js("uplot.js", include_str!("../../pages/vendor/uplot.js")),
    Asset::js("format.js", include_str!("../../pages/format.js")),
    Asset::js("element.js", include_str!("../../pages/element.js")),
    Asset::js("columns.js", include_str!("../../pages/columns.js")),
    Asset::js("heat.js", include_str!("../../pages/heat.js")),
    Asset::js("plot.js", include_str!("../../pages/plot.js")),
    Asset::js("charts.js", include_str!("../../pages/charts.js")),
    Asset::js("rows.js", include_str!("../../pages/rows.js")),
    Asset::js("live.js", include_str!("../../pages/live.js")),
];

pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(async |headers: HeaderMap| INDEX.answer(&headers).map(Body::from)))
        .route("/pages/{file}", get(file))
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response<Body>, Problem> {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => Ok(file.answer(&headers).map(Body::from).into_response()),
        None => {
            let names: Vec<&str> = FILES.iter().map(|file| file.name).collect();
            Err(Problem::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "path",
                "the page has no such file",
                &names.join(", "),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What all of it adds to the program.
    const BYTES_MAX: usize = 160 << 10;

    #[test]
    fn the_page_is_whole_and_alone() {
        let bytes: usize = FILES.iter().chain([&INDEX]).map(|file| file.text.len()).sum();
        assert!(bytes < BYTES_MAX, "{bytes} bytes");
        for file in FILES.iter().chain([&INDEX]).filter(|file| file.name != "uplot.js") {
            // The name of a namespace is no address.
            let text = file.text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{} names another host", file.name);
            for mark in ["./", "pages/"] {
                for name in text.split(mark).skip(1).map(|rest| rest.split(['\'', '"']).next().unwrap()) {
                    assert!(FILES.iter().any(|file| file.name == name), "{}: there is no {name}", file.name);
                }
            }
        }
        // The policy of all pages forbids what stands within the text.
        for forbidden in ["<style", "style=", "onclick=", "<script>", "javascript:"] {
            assert!(!INDEX.text.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn modules_make_one_script() {
        // As the report has them: without the lines of imports and the word before what is exported.
        let mut names = Vec::new();
        for file in FILES.iter().filter(|file| file.name.ends_with(".js") && file.name != "uplot.js") {
            let lines: Vec<&str> = file.text.lines().collect();
            let last_import = lines.iter().rposition(|line| line.starts_with("import ")).map_or(0, |at| at + 1);
            for line in &lines[..last_import] {
                let is_import = line.starts_with("import {") && line.contains("} from './") && line.ends_with("';");
                assert!(is_import || line.starts_with("//") || line.is_empty(), "{}: {line}", file.name);
            }
            for line in &lines {
                let line = line.strip_prefix("export ").unwrap_or(line);
                let is_fit = line.starts_with("function ") || line.starts_with("const ") || !line.starts_with("export");
                assert!(is_fit, "{}: {line}", file.name);
                let name = ["function ", "const ", "let ", "async function "].iter().find_map(|word| {
                    let name = line.strip_prefix(word)?.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
                    (!name.is_empty()).then_some(name)
                });
                names.extend(name);
            }
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "two modules have one name at their top");
    }
}
