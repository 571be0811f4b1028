//! scripts/install: what it asks of helm and of the cluster, in which order, and what it leaves.
//!
//! Rendering is the real helm's. Only what an API server would answer comes from stand-ins (`standin/`), which keep what they are told
//! to make. That a real one takes it is for scripts/cluster-test to show.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{root, said};
use crate::tools::require;

struct Cluster {
    state: TempDir,
    helm: std::path::PathBuf,
}

impl Cluster {
    /// `None` where there is no helm.
    fn new() -> Option<Cluster> {
        Some(Cluster { helm: require("helm")?, state: TempDir::new().unwrap() })
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.state.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(&root().join("tests/it/packaging/standin"), arguments)
    }

    fn run_with(&self, programs: &Path, arguments: &[&str]) -> Output {
        Command::new("/bin/bash")
            .arg(root().join("scripts/install"))
            .args(arguments)
            .current_dir(self.state.path())
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .env("STATE", self.state.path())
            .env("HELM", &self.helm)
            .env("HOME", self.state.path())
            .env_remove("KUBECONFIG")
            .output()
            .unwrap()
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        said(&output)
    }

    /// What was asked since the last time, a line each.
    fn asked(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let _ = fs::remove_file(self.path("log"));
        log.lines().map(str::to_owned).collect()
    }

    /// What the cluster holds, sorted.
    fn holds(&self) -> Vec<String> {
        let names =
            fs::read_dir(self.state.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let kinds = ["namespace-", "secret-", "release-"];
        let mut names: Vec<_> = names.filter(|name| kinds.iter().any(|kind| name.starts_with(kind))).collect();
        names.sort();
        names
    }
}

#[test]
fn what_was_installed_is_made_once_and_goes_whole() {
    let Some(cluster) = Cluster::new() else { return };
    let everything = ["namespace-continuous-load", "release-continuous-load", "secret-continuous-load-admin-token"];
    cluster.done(&["--faults", "--wait", "--timeout", "90s"]);
    assert_eq!(cluster.holds(), everything);
    let asked = cluster.asked();
    let helm = asked.last().unwrap();
    assert!(
        helm.starts_with("helm upgrade --install continuous-load ") && helm.contains(" --wait --timeout 90s "),
        "{helm}"
    );
    let secret = fs::read_to_string(cluster.path("secret-continuous-load-admin-token")).unwrap();
    let token = secret.split("token: ").nth(1).unwrap().trim();
    assert!(token.len() == 48 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
    assert!(!asked.iter().any(|line| line.contains(token)), "the token is on a command line");
    let namespace = fs::read_to_string(cluster.path("namespace-continuous-load")).unwrap();
    assert!(namespace.contains("pod-security.kubernetes.io/enforce: restricted"), "{namespace}");
    let manifest = fs::read_to_string(cluster.path("manifest-continuous-load.yaml")).unwrap();
    assert!(manifest.contains("secretName: continuous-load-admin-token"), "the chart does not use the token");

    cluster.done(&["--faults"]);
    assert_eq!(cluster.holds(), everything);
    assert!(!cluster.asked().iter().any(|line| line.contains(" create ")), "what is there is not made again");
    assert_eq!(fs::read_to_string(cluster.path("secret-continuous-load-admin-token")).unwrap(), secret);
    assert_eq!(fs::read_to_string(cluster.path("manifest-continuous-load.yaml")).unwrap(), manifest);

    cluster.done(&["--uninstall"]);
    assert_eq!(cluster.holds(), Vec::<String>::new());
    let asked = cluster.asked();
    let tests = "delete pods --selector app.kubernetes.io/instance=continuous-load,app.kubernetes.io/component=test";
    assert!(asked.iter().any(|line| line.contains(tests)), "helm leaves the pods of its tests: {asked:?}");
    cluster.done(&["--uninstall"]);
}

#[test]
fn a_namespace_is_deleted_only_if_it_was_made_here_and_is_empty() {
    let Some(cluster) = Cluster::new() else { return };
    fs::write(cluster.path("namespace-team"), "kind: Namespace").unwrap();
    cluster.done(&["--namespace", "team", "--release", "path"]);
    cluster.done(&["--namespace", "team", "--release", "path", "--uninstall"]);
    assert_eq!(cluster.holds(), ["namespace-team"], "somebody else's");

    cluster.done(&["--namespace", "own"]);
    fs::write(cluster.path("left-in-own"), "service/of-somebody").unwrap();
    let words = cluster.done(&["--namespace", "own", "--uninstall"]);
    assert!(words.contains("own stays") && words.contains("service/of-somebody"), "{words}");
    assert_eq!(cluster.holds(), ["namespace-own", "namespace-team"]);
}

#[test]
fn an_image_is_taken_apart_as_the_chart_wants_it() {
    let Some(cluster) = Cluster::new() else { return };
    let digest = format!("sha256:{}", "a1".repeat(32));
    for (image, rendered) in [
        ("name", "name:0.1.0".to_owned()),
        ("team/name:7", "team/name:7".to_owned()),
        ("registry.example/team/name:7", "registry.example/team/name:7".to_owned()),
        ("registry.example:5000/name", "registry.example:5000/name:0.1.0".to_owned()),
        (&format!("registry.example:5000/name@{digest}"), format!("registry.example:5000/name@{digest}")),
        (&format!("localhost/name:7@{digest}"), format!("localhost/name@{digest}")),
    ] {
        let words = cluster.done(&["--dry-run", "--image", image]);
        let images: Vec<_> = words.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
        assert!(images.len() > 2 && images.iter().all(|it| *it == format!("\"{rendered}\"")), "{image}: {images:?}");
    }
    assert!(cluster.asked().is_empty() && cluster.holds().is_empty(), "a dry run asks nobody and makes nothing");
}

#[test]
fn values_and_the_choice_of_a_cluster_are_passed_on() {
    let Some(cluster) = Cluster::new() else { return };
    fs::write(cluster.path("one.yaml"), "injector: { totalRate: 30/s }\n").unwrap();
    fs::write(cluster.path("config"), "").unwrap();
    // Files are those of the folder in which the script was called.
    let common = ["--context", "far", "--kubeconfig", "config"];
    let values = ["--values", "one.yaml", "--set", "target.replicas=5"];
    cluster.done(&[&common[..], &values].concat());
    let manifest = fs::read_to_string(cluster.path("manifest-continuous-load.yaml")).unwrap();
    assert!(manifest.contains("replicas: 5\n") && manifest.contains("rate: 30/2s\n"), "{manifest}");
    let config = cluster.path("config");
    let asked = cluster.asked();
    let helm = asked.iter().find(|line| line.starts_with("helm ")).unwrap();
    assert!(helm.starts_with(&format!("helm --kube-context far --kubeconfig {} upgrade", config.display())), "{helm}");
}

#[test]
fn what_is_missing_is_told_with_its_remedy() {
    let Some(cluster) = Cluster::new() else { return };
    let refused = |programs: &Path, arguments: &[&str]| {
        let output = cluster.run_with(programs, arguments);
        assert!(!output.status.success(), "{arguments:?}: {}", said(&output));
        assert!(cluster.holds().is_empty(), "{:?}", cluster.holds());
        said(&output)
    };
    let standin = root().join("tests/it/packaging/standin");

    fs::write(cluster.path("down"), "").unwrap();
    let words = refused(&standin, &[]);
    assert!(
        words.contains("no cluster answers") && words.contains("refused") && words.contains("--context"),
        "{words}"
    );
    fs::remove_file(cluster.path("down")).unwrap();

    // Real programs may lie beside the tools that the script itself needs: a folder has exactly these.
    let few = TempDir::new().unwrap();
    for tool in ["dirname", "sed"] {
        std::os::unix::fs::symlink(require_path(tool), few.path().join(tool)).unwrap();
    }
    let alone = |arguments: &[&str]| {
        let mut command = Command::new("/bin/bash");
        let output =
            command.arg(root().join("scripts/install")).args(arguments).env("PATH", few.path()).output().unwrap();
        assert!(!output.status.success(), "{}", said(&output));
        said(&output)
    };
    let words = alone(&[]);
    assert!(words.contains("needs helm") && words.contains("manifests/continuous-load.yaml"), "{words}");
    std::os::unix::fs::symlink(standin.join("helm"), few.path().join("helm")).unwrap();
    let words = alone(&[]);
    assert!(words.contains("needs kubectl"), "{words}");

    fs::write(cluster.path("no-release"), "").unwrap();
    let output = cluster.run(&["--wait"]);
    let words = said(&output);
    assert!(!output.status.success() && words.contains("kubectl -n continuous-load get pods,events"), "{words}");
}

/// Where a tool of the system lies.
fn require_path(tool: &str) -> std::path::PathBuf {
    let folders = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
    folders.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("no {tool}"))
}
