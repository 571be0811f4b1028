//! The style and the script of a report, as one text each, and the policy that allows them and nothing else.

use data_encoding::BASE64;
use ring::digest::{SHA256, digest};

/// What the pages have in common, then the charts', then the report's own.
const STYLES: [&str; 4] = [
    shared::page::BASE_CSS.text,
    include_str!("../../../pages/vendor/uplot.css"),
    include_str!("../../../pages/charts.css"),
    include_str!("../../../pages/report.css"),
];
/// With its licence, which it is passed on with.
const LIBRARY: [&str; 2] =
    [include_str!("../../../pages/vendor/uplot.LICENSE"), include_str!("../../../pages/vendor/uplot.js")];
/// In the order in which they need each other; `format.js` says how modules become one script.
const MODULES: [&str; 7] = [
    include_str!("../../../pages/format.js"),
    include_str!("../../../pages/element.js"),
    include_str!("../../../pages/columns.js"),
    include_str!("../../../pages/heat.js"),
    include_str!("../../../pages/plot.js"),
    include_str!("../../../pages/charts.js"),
    include_str!("../../../pages/report.js"),
];

/// The texts as they stand in the file.
pub(super) struct Assets {
    pub(super) style: String,
    pub(super) script: String,
}

impl Assets {
    pub(super) fn new() -> Assets {
        let [licence, library] = LIBRARY;
        let mut script = format!("/*\n{licence}*/\n{library}\n(() => {{\n'use strict';\n");
        for line in MODULES.into_iter().flat_map(str::lines).filter(|line| !is_left_out(line)) {
            script.push_str(line.strip_prefix("export ").unwrap_or(line));
            script.push('\n');
        }
        script.push_str("})();\n");
        Assets { style: STYLES.concat(), script }
    }

    /// As a `<meta>` can say it, which knows no `frame-ancestors`.
    pub(super) fn policy(&self) -> String {
        let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(digest(&SHA256, text.as_bytes()).as_ref()));
        format!(
            "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            hash(&self.style),
            hash(&self.script),
        )
    }
}

/// Imports name what stands in the same script; comments and blank lines are for those who read the modules.
fn is_left_out(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with("import ") || line.starts_with("// ") || line == "//"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nothing_ends_its_element_and_nothing_of_a_module_is_left() {
        let assets = Assets::new();
        for (text, end) in [(&assets.style, "</style"), (&assets.script, "</script"), (&assets.script, "<!--")] {
            assert!(!text.to_ascii_lowercase().contains(end), "{end}");
        }
        assert!(!assets.script.lines().any(|line| line.starts_with("import") || line.starts_with("export")));
        // A parser makes line ends of these, and the hash would be of another text.
        assert!(!(assets.style + &assets.script).contains('\r'));
    }

    #[test]
    fn no_two_modules_have_one_name() {
        let mut names = BTreeSet::new();
        let own = |line: &&str| !line.starts_with([' ', '}', '/', ')', ']']);
        for line in MODULES.into_iter().flat_map(str::lines).filter(own) {
            let line = line.strip_prefix("export ").unwrap_or(line);
            let named = ["function ", "const ", "let ", "class "].into_iter().find_map(|word| line.strip_prefix(word));
            let Some(named) = named else { continue };
            let name: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(names.insert(name.clone()) || name.is_empty(), "{name} is there twice");
        }
        assert!(names.contains("chartsIn"), "{names:?}");
    }
}
