//! The files that the rules look at, and what a few of them say about the rest.
//!
//! Read from the disk rather than from git: a file that is not added yet has to keep the rules too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing we wrote.
const NOT_OURS: &[&str] = &[".git", ".tools", "target", "node_modules", "corpus", "artifacts"];

/// Endings of the files that some rule reads, beside those named in [`WHOLE_NAMES`].
const ENDINGS: &[&str] = &[".rs", ".md", ".toml"];

/// Files without such an ending.
const WHOLE_NAMES: &[&str] = &["Makefile", ".ci/run", "scripts/tools"];

/// The tree, read once.
pub(super) struct Tree {
    /// Its root folder.
    pub(super) root: PathBuf,
    /// (path from the root with `/`, text), sorted.
    pub(super) files: Vec<(String, String)>,
    /// Every crate of the lock file, as a `use` line spells it.
    pub(super) crates: BTreeSet<String>,
    /// The modules of `shared` that its own head declares pure.
    pub(super) pure_modules: BTreeSet<String>,
    /// Every module of `shared`.
    pub(super) shared_modules: BTreeSet<String>,
    /// What `make` can be asked for.
    pub(super) make_targets: BTreeSet<String>,
    /// The tools that `scripts/tools` can install.
    pub(super) tools: BTreeSet<String>,
}

impl Tree {
    pub(super) fn read() -> Tree {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        walk(&root, "", &mut files);
        files.sort();
        let lock = fs::read_to_string(root.join("Cargo.lock")).expect("Cargo.lock is committed");
        let mut tree = Tree {
            root,
            files,
            crates: lock_file_crates(&lock),
            pure_modules: BTreeSet::new(),
            shared_modules: BTreeSet::new(),
            make_targets: BTreeSet::new(),
            tools: BTreeSet::new(),
        };
        tree.pure_modules = pure_row(tree.text("shared/src/lib.rs"));
        tree.shared_modules = declared_modules(tree.text("shared/src/lib.rs"));
        tree.make_targets = make_targets(tree.text("Makefile"));
        tree.tools = tool_names(tree.text("scripts/tools"));
        tree
    }

    /// The text of a file that the rules cannot do without.
    pub(super) fn text(&self, path: &str) -> &str {
        let found = self.files.iter().find(|(name, _)| name == path);
        found.map(|(_, text)| text.as_str()).unwrap_or_else(|| panic!("no file {path}"))
    }

    /// Whether a path from the root names a file or a folder.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }
}

fn walk(root: &Path, folder: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(root.join(folder)).expect("a folder just listed can be read") {
        let entry = entry.expect("a folder's entries can be read");
        let name = entry.file_name().into_string().expect("our names are UTF-8");
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if entry.file_type().expect("an entry has a type").is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                walk(root, &path, files);
            }
        } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) || WHOLE_NAMES.contains(&path.as_str()) {
            let text = fs::read_to_string(entry.path()).unwrap_or_else(|error| panic!("{path}: {error}"));
            files.push((path, text));
        }
    }
}

fn lock_file_crates(lock: &str) -> BTreeSet<String> {
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    names.map(|name| name.replace('-', "_")).collect()
}

/// The back-quoted names in the second cell of the head's row `| pure | ... |`.
fn pure_row(lib: &str) -> BTreeSet<String> {
    let row = lib.lines().find(|line| line.starts_with("//! | pure |")).expect("shared's head has a row `pure`");
    let cell = row.split('|').nth(2).expect("the row has a second cell");
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn declared_modules(lib: &str) -> BTreeSet<String> {
    let names = lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

fn make_targets(makefile: &str) -> BTreeSet<String> {
    let targets = makefile.lines().filter(|line| !line.starts_with(['\t', '#', '.', ' ']) && !line.contains('='));
    targets.filter_map(|line| line.split_once(':')).map(|(target, _)| target.to_owned()).collect()
}

/// The first column of the table in `scripts/tools`.
fn tool_names(script: &str) -> BTreeSet<String> {
    let table = script.lines().skip_while(|line| *line != "TABLE='").skip(1).take_while(|line| *line != "'");
    table.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn what_the_rules_rest_on_is_read() {
    let tree = Tree::read();
    assert!(tree.crates.contains("serde_json") && tree.crates.contains("target_server"), "{:?}", tree.crates);
    assert!(tree.pure_modules.contains("protocol"), "{:?}", tree.pure_modules);
    assert!(tree.shared_modules.contains("protocol"), "{:?}", tree.shared_modules);
    assert!(tree.make_targets.contains("test"), "{:?}", tree.make_targets);
    assert!(tree.tools.contains("dig"), "{:?}", tree.tools);
    assert!(tree.files.iter().any(|(path, _)| path == "tests/it/tidy/tree.rs"));
}

#[test]
fn the_table_in_shared_names_every_module_once() {
    let tree = Tree::read();
    let lib = tree.text("shared/src/lib.rs");
    for module in &tree.shared_modules {
        let rows = lib.lines().filter(|line| line.starts_with("//! |") && line.contains(&format!("`{module}`")));
        assert_eq!(rows.count(), 1, "shared/src/lib.rs: `{module}` belongs in exactly one row of the table");
    }
}
