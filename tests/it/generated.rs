//! The committed gRPC code is what its generator makes of `shared/proto`, byte for byte; `make proto` writes it anew.
//!
//! The generator is a test rather than a build script: its crates are compiled for tests alone, and a change of the
//! code is seen in review. Price: it needs a `shared` that compiles, so code that does not is first put back by git.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use prost::Message;

/// Set by `make proto`: write what differs instead of refusing it.
const WRITE: &str = "WRITE_PROTO";

/// (path below `shared/src/proto`, content) of every generated file.
type Files = BTreeMap<String, Vec<u8>>;

#[test]
fn generated_code_is_what_the_protos_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = root.join("shared/src/proto");
    let (made, committed) = (generate(root), committed(&place));
    let names: BTreeSet<_> = made.keys().chain(committed.keys()).collect();
    let differing: Vec<_> = names.into_iter().filter(|name| made.get(*name) != committed.get(*name)).collect();
    if std::env::var_os(WRITE).is_some() {
        for name in differing {
            write(&place.join(name), made.get(name));
        }
        return;
    }
    let shown: Vec<_> = differing.iter().map(|name| difference(name, made.get(*name), committed.get(*name))).collect();
    assert!(shown.is_empty(), "shared/src/proto is not made from shared/proto; run `make proto`\n{}", shown.join("\n"));
}

/// All files, made in memory but for one folder that is gone when this returns.
fn generate(root: &Path) -> Files {
    let protos = root.join("shared/proto");
    let mut sources = Vec::new();
    walk(&protos, &mut sources);
    sources.retain(|path| path.extension().is_some_and(|ending| ending == "proto"));
    // Files of one package are written in the order they come in.
    sources.sort();
    assert!(!sources.is_empty(), "no .proto file in {}", protos.display());
    let mut compiler = protox::Compiler::new([&protos]).unwrap();
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&sources).unwrap_or_else(|error| panic!("{error:?}"));
    let mut descriptors = compiler.file_descriptor_set();

    let scratch = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        // A payload is shared by every message that carries it, not copied; a map has one order on the wire.
        .bytes(".")
        .btree_map(".")
        .emit_rerun_if_changed(false)
        .out_dir(scratch.path())
        .compile_fds(descriptors.clone())
        .unwrap();

    let mut files = Files::new();
    for (module, text) in modules(scratch.path()) {
        files.insert(format!("{module}.rs"), format(root, &text));
    }
    // Comments made the documentation above; no reader of the descriptors asks for them.
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    files.insert("generated/descriptors.bin".to_owned(), descriptors.encode_to_vec());
    files
}

/// (module path with `/`, its text): one module for each package, and one for each name on the way to it.
fn modules(scratch: &Path) -> BTreeMap<String, String> {
    let mut bodies = BTreeMap::new();
    let mut children: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut written = Vec::new();
    walk(scratch, &mut written);
    for path in written {
        let package = path.file_stem().and_then(|stem| stem.to_str()).unwrap().to_owned();
        let mut module = "generated".to_owned();
        for name in package.split('.') {
            children.entry(module.clone()).or_default().insert(name.to_owned());
            module = format!("{module}/{name}");
        }
        children.entry(module.clone()).or_default();
        bodies.insert(module, (package, fs::read_to_string(&path).unwrap()));
    }
    let text = |(module, children): (String, BTreeSet<String>)| {
        let (head, body) = match bodies.remove(&module) {
            Some((package, body)) => (format!("Package `{package}`"), body),
            None => ("The packages below this name".to_owned(), String::new()),
        };
        let children: String = children.iter().map(|child| format!("pub mod {child};\n")).collect();
        let text = format!("//! {head}, written from shared/proto by `make proto`: change that, not this.\n\n");
        (module, text + &children + &body)
    };
    children.into_iter().map(text).collect()
}

/// The text as `cargo fmt` leaves it, since the folder is formatted with the rest of the crate.
fn format(root: &Path, text: &str) -> Vec<u8> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root.join("rustfmt.toml"))
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rust-toolchain.toml asks for rustfmt");
    // Its answer begins when its input has ended, so one after the other cannot block.
    rustfmt.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = rustfmt.wait_with_output().unwrap();
    assert!(done.status.success(), "rustfmt refuses what the generator wrote");
    done.stdout
}

fn committed(place: &Path) -> Files {
    let mut paths = Vec::new();
    walk(&place.join("generated"), &mut paths);
    paths.extend(Some(place.join("generated.rs")).filter(|path| path.exists()));
    let name = |path: &Path| path.strip_prefix(place).unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Every file below a folder; none, if there is no such folder.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

fn write(path: &Path, content: Option<&Vec<u8>>) {
    match content {
        Some(content) => {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        None => fs::remove_file(path).unwrap(),
    }
}

/// Where two versions of a file part.
fn difference(name: &str, made: Option<&Vec<u8>>, committed: Option<&Vec<u8>>) -> String {
    let (Some(made), Some(committed)) = (made, committed) else {
        return format!("{name}: {}", if made.is_some() { "not committed" } else { "no longer generated" });
    };
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>();
    let (made, committed) = (lines(made), lines(committed));
    let same = made.iter().zip(&committed).take_while(|(a, b)| a == b).count();
    format!("{name}:{}: committed {:?}, generated {:?}", same + 1, committed.get(same), made.get(same))
}
