//! The image as it is described, and as the real buildah puts it together out of small files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::{read, root, said, version};
use crate::fixture::program;
use crate::tools::{need, require};

/// What the description, the chart and the toolchain file have to say alike.
#[test]
fn the_description_fits_the_rest_of_the_tree() {
    let dockerfile = read("Dockerfile");
    let channel = read("rust-toolchain.toml");
    let channel = channel.split("channel = \"").nth(1).unwrap().split('"').next().unwrap();
    let version = version();
    let chart = read("charts/continuous-load/Chart.yaml");
    assert!(chart.contains(&format!("\nappVersion: {version}\n")), "{chart}");
    for words in [
        format!("FROM --platform=$BUILDPLATFORM rust:{channel}-bookworm AS build\n"),
        format!("RUSTUP_TOOLCHAIN={channel} "),
        format!("org.opencontainers.image.version=\"{version}\""),
        format!("docker build -t continuous-load:{version} ."),
        "\nFROM scratch\n".to_owned(),
        "\nUSER 65532:65532\n".to_owned(),
    ] {
        assert!(dockerfile.contains(&words), "no {words:?} in Dockerfile");
    }
    let values = read("charts/continuous-load/values.yaml");
    assert!(values.contains("\n  repository: continuous-load\n") && values.contains("\n  runAsUser: 65532\n"));
    let pods = read("charts/continuous-load/templates/_pods.tpl");
    assert!(pods.contains("\ncommand: [/{{ .program }}]\n"), "the programs lie elsewhere for the chart");
}

/// Every folder of the workspace gets through .dockerignore, and nothing that is large does.
#[test]
fn the_build_sees_the_sources_and_nothing_else() {
    let ignored = read(".dockerignore");
    let manifest = read("Cargo.toml");
    let members = manifest.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    for member in members.split(',') {
        let line = format!("\n!{}\n", member.trim().trim_matches('"'));
        assert!(ignored.contains(&line), "{line:?} is not let in");
    }
    assert!(ignored.contains("\n*\n") && !ignored.contains("!.git") && !ignored.contains("!target\n"), "{ignored}");
}

/// A folder as scripts/image-files leaves it, with programs of a few bytes.
fn small_files() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("etc/ssl/certs")).unwrap();
    fs::write(folder.path().join("etc/ssl/certs/ca-certificates.crt"), "roots").unwrap();
    let path = folder.path().join("continuous-load");
    fs::write(&path, "both").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    for program in ["target-server", "injector"] {
        symlink("continuous-load", folder.path().join(program)).unwrap();
    }
    folder
}

/// Runs scripts/image with buildah on such a folder.
fn image(files: &Path, archive: &Path, more: &[&str]) -> Output {
    let target = archive.parent().unwrap();
    let mut command = Command::new(root().join("scripts/image"));
    command.args(["--with", "buildah", "--files", files.to_str().unwrap(), "--archive", archive.to_str().unwrap()]);
    command.args(more).env("CARGO_TARGET_DIR", target).env("SOURCE_DATE_EPOCH", "1700000000").output().unwrap()
}

/// `None` where there is no buildah, or no right to build.
fn builder(folder: &TempDir) -> Option<()> {
    let buildah = require("buildah")?;
    let store = ["root", "runroot"].map(|name| format!("--{name}={}", folder.path().join(name).display()));
    let output = Command::new(buildah).args(store).args(["--storage-driver=vfs", "from", "scratch"]).output().unwrap();
    if !output.status.success() {
        need("to be let to build images", &said(&output));
        return None;
    }
    Some(())
}

/// A file of a tar file that lies in a tar file or not.
fn member(archive: &Path, name: &str) -> Vec<u8> {
    let output = Command::new("tar").arg("-xOf").arg(archive).arg(name).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    output.stdout
}

#[test]
fn an_image_is_put_together_twice_with_one_digest() {
    let folder = TempDir::new().unwrap();
    let Some(()) = builder(&folder) else { return };
    let digest_of = |name: &str| {
        let files = small_files();
        let archive = folder.path().join(name);
        let output = image(files.path(), &archive, &["--tag", "some/name:7", "--platform", "linux/arm64"]);
        assert!(output.status.success(), "{}", said(&output));
        let line = String::from_utf8(output.stdout).unwrap();
        let digest =
            line.trim().strip_prefix("some/name:7 linux/arm64 ").unwrap_or_else(|| panic!("{line}")).to_owned();
        assert!(digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64), "{line}");
        (digest, archive)
    };
    let (first, archive) = digest_of("one.tar");
    assert_eq!(first, digest_of("two.tar").0, "the same files, at another time");

    let manifest: Value = serde_json::from_slice(&member(&archive, "manifest.json")).unwrap();
    let tags = manifest[0]["RepoTags"].as_array().unwrap();
    assert!(tags.len() == 1 && tags[0].as_str().unwrap().ends_with("some/name:7"), "{tags:?}");
    let config: Value = serde_json::from_slice(&member(&archive, manifest[0]["Config"].as_str().unwrap())).unwrap();
    assert_eq!(config["architecture"], "arm64");
    assert_eq!(config["created"], "2023-11-14T22:13:20Z");
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/target-server"]));
    for label in ["title", "description", "licenses", "version", "created", "revision"] {
        let label = format!("org.opencontainers.image.{label}");
        assert!(config["config"]["Labels"][&label].as_str().is_some_and(|text| !text.is_empty()), "{label}: {config}");
    }

    let layers = manifest[0]["Layers"].as_array().unwrap();
    assert_eq!(layers.len(), 1, "{layers:?}");
    let layer = folder.path().join("layer.tar");
    fs::write(&layer, member(&archive, layers[0].as_str().unwrap())).unwrap();
    let listed = Command::new("tar").arg("-tvf").arg(&layer).arg("--numeric-owner").output().unwrap();
    let listed = said(&listed);
    for link in ["injector", "target-server"] {
        assert!(listed.lines().any(|line| line.ends_with(&format!(" {link} -> continuous-load"))), "{listed}");
    }
    for file in ["continuous-load", "etc/ssl/certs/ca-certificates.crt"] {
        let line =
            listed.lines().find(|line| line.ends_with(&format!(" {file}"))).unwrap_or_else(|| panic!("{listed}"));
        // Of root, for everybody to read: the programs cannot change what they are made of.
        assert!(line.contains(" 0/0 "), "{line}");
        assert!(line.starts_with(if file.contains('/') { "-rw-r--r--" } else { "-rwxr-xr-x" }), "{line}");
    }
}

#[test]
fn an_image_that_is_too_large_or_not_whole_is_refused() {
    let folder = TempDir::new().unwrap();
    let Some(()) = builder(&folder) else { return };
    let archive = folder.path().join("image.tar");

    let files = small_files();
    fs::File::create(files.path().join("continuous-load")).unwrap().set_len(25_000_001).unwrap();
    let output = image(files.path(), &archive, &[]);
    assert!(!output.status.success() && said(&output).contains("more than 25000000"), "{}", said(&output));

    let files = small_files();
    fs::remove_file(files.path().join("injector")).unwrap();
    let output = image(files.path(), &archive, &[]);
    assert!(!output.status.success() && said(&output).contains("no injector that can be run"), "{}", said(&output));
    assert!(!archive.exists(), "what is refused leaves no archive");
}

#[test]
fn one_file_is_the_program_by_whose_name_it_is_called() {
    let folder = TempDir::new().unwrap();
    for name in ["target-server", "injector"] {
        let link = folder.path().join(name);
        symlink(program("continuous-load"), &link).unwrap();
        for argument in ["--version", "--help"] {
            let [by_link, itself] =
                [&link, &program(name)].map(|path| Command::new(path).arg(argument).output().unwrap());
            assert!(by_link.status.success() && by_link == itself, "{by_link:?}, and not {itself:?}");
        }
    }
}
