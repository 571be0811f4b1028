//! The Prometheus of the demo, with the configuration and the rules that its pod has: whether it takes them, and whether it finds
//! the pods of a release, by what the API server says of them, and knows them by the labels that rules and dashboards ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::helm::{CHARTS, Helm, Objects, folder, items};
use crate::fixture::{ReservedPort, ScriptedServer, Step, eventually, run};
use crate::process::Process;
use crate::prometheus::Prometheus;
use crate::promtool;
use crate::tools::require;

const ON: &str = "demo: { prometheus: { enabled: true, interval: 1s } }";

/// A file of the demo's Prometheus.
fn file(objects: &Objects, name: &str) -> String {
    let map = objects.one("ConfigMap/r-continuous-load-monitoring-prometheus");
    map["data"][name].as_str().unwrap_or_else(|| panic!("no {name} in {map}")).to_owned()
}

/// What Prometheus makes of the pods of the rendered workloads: for each port of a container the labels that it documents, and
/// where it would scrape. Ports of metrics are exchanged for those that the programs took.
fn discovered(objects: &Objects, ports: &[(&str, SocketAddr)]) -> Vec<Value> {
    let mut found = Vec::new();
    for (whose, pod) in objects.pods() {
        let (kind, name) = whose.split_once('/').unwrap();
        let is_over = kind == "Job";
        for container in items(&pod["spec"]["containers"]) {
            for port in items(&container["ports"]) {
                let address = ports.iter().find(|(known, _)| port["name"] == *known).map(|(_, address)| *address);
                let address = address.map_or(format!("127.0.0.1:{}", port["containerPort"]), |it| it.to_string());
                let mut labels: BTreeMap<String, Value> = BTreeMap::new();
                for (key, value) in [
                    ("namespace", "ns".into()),
                    ("pod_name", format!("{name}-0").into()),
                    ("pod_node_name", "node-1".into()),
                    ("pod_phase", if is_over { "Succeeded" } else { "Running" }.into()),
                    ("pod_container_name", container["name"].clone()),
                    ("pod_container_port_name", port["name"].clone()),
                ] {
                    labels.insert(format!("__meta_kubernetes_{key}"), value);
                }
                for (key, value) in pod["metadata"]["labels"].as_object().unwrap() {
                    let key: String = key.chars().map(|char| if char.is_alphanumeric() { char } else { '_' }).collect();
                    labels.insert(format!("__meta_kubernetes_pod_label_{key}"), value.clone());
                }
                found.push(json!({ "targets": [address], "labels": labels }));
            }
        }
    }
    found
}

/// The configuration with these targets in the place of those that the API server would know: Debian's Prometheus is built
/// without Kubernetes. `rules` is where the rules are.
fn config(objects: &Objects, targets: &[Value], rules: &Path) -> Value {
    let mut config: Value = serde_saphyr::from_str(&file(objects, "prometheus.yaml")).unwrap();
    let job = config["scrape_configs"][0].as_object_mut().unwrap();
    assert!(job.remove("kubernetes_sd_configs").is_some());
    job.insert("static_configs".to_owned(), targets.into());
    if let Some(files) = config.get_mut("rule_files") {
        assert_eq!(*files, json!(["/etc/prometheus/rules.yaml"]));
        *files = json!([rules]);
    }
    config
}

/// The API server is asked for the pods that the releases label, where they may be.
#[test]
fn the_demo_asks_for_the_pods_of_releases() {
    let Some(helm) = Helm::find() else { return };
    let asked = |more: &str| -> Value {
        let on = format!("demo: {{ prometheus: {{ enabled: true{more} }} }}");
        let config = file(&helm.objects_of(CHARTS[1], &on), "prometheus.yaml");
        let config: Value = serde_saphyr::from_str(&config).unwrap();
        config["scrape_configs"][0]["kubernetes_sd_configs"].clone()
    };
    let label = "app.kubernetes.io/part-of=continuous-load";
    let selectors = json!([{ "role": "pod", "label": label }]);
    assert_eq!(asked(""), json!([{ "role": "pod", "selectors": selectors }]));
    let wanted = json!([{ "role": "pod", "namespaces": { "names": ["a", "b"] }, "selectors": selectors }]);
    assert_eq!(asked(", namespaces: [a, b]"), wanted);
    let (key, value) = label.split_once('=').unwrap();
    for (whose, pod) in helm.objects("nameOverride: other").pods() {
        assert_eq!(pod["metadata"]["labels"][key], value, "{whose}");
    }
}

#[test]
fn the_demo_finds_both_sides_of_a_release_and_records_what_rules_are_made_of() {
    let Some(helm) = Helm::find() else { return };
    let (_target, http, admin) = Process::target();
    let own = ReservedPort::new();
    let ports = [("admin", admin), ("metrics", own.address)];
    let mut targets = discovered(&helm.objects(""), &ports);
    // One whose run is over, and who would not answer.
    let ended = discovered(&helm.objects("injector: { mode: job }\ntarget: { replicas: 1 }"), &[]);
    targets.extend(ended.into_iter().filter(|target| target["labels"]["__meta_kubernetes_pod_phase"] == "Succeeded"));
    assert_eq!(targets.len(), 7 + 1 + 1, "ports of a target, of an injector and of a job: {targets:?}");

    let mut scenario = tempfile::NamedTempFile::new().unwrap();
    let mix = "[{ name: a, weight: 1, http: {} }]";
    write!(scenario, "target: \"{http}\"\nsource: ns/r\nrate: 50/s\ntimeout: 5s\nmix: {mix}\n").unwrap();
    let [admin, own_address] = [admin, own.address].map(|address| address.to_string());
    let path = scenario.path().to_str().unwrap();
    let mut injector =
        Process::start("injector", &["run", path, "--target-admin", &admin, "--admin-address", &own_address]);
    injector.line_with("running");

    let objects = helm.objects_of(CHARTS[1], ON);
    let rules = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(rules.path(), file(&objects, "rules.yaml").replace("interval: 30s", "interval: 1s")).unwrap();
    let told = config(&objects, &targets, rules.path()).to_string();
    let Some(prometheus) = Prometheus::configured(&told) else { return };

    prometheus.scraped(&["ns/r/target", "ns/r/injector"]);
    let seen: BTreeSet<Vec<String>> = prometheus
        .query("up")
        .iter()
        .map(|series| {
            ["namespace", "release", "container", "node", "pod", "run"]
                .map(|name| series.label(name).to_owned())
                .to_vec()
        })
        .collect();
    let wanted = ["target", "injector"].map(|component| {
        let container = if component == "target" { "target-server" } else { "injector" };
        ["ns", "r", container, "node-1", &format!("r-continuous-load-{component}-0"), ""].map(str::to_owned).to_vec()
    });
    assert_eq!(seen, BTreeSet::from(wanted));
    run(eventually("the rate is recorded", async || {
        let found = prometheus.query(
            "continuous_load:client_requests:rate5m{namespace=\"ns\",release=\"r\",source=\"ns/r\",operation=\"a\"} > 0",
        );
        if found.len() == 1 { Ok(()) } else { Err(found) }
    }));
}

#[test]
fn promtool_takes_what_the_demo_is_told() {
    let (Some(helm), Some(promtool)) = (Helm::find(), require("promtool")) else { return };
    for (values, groups) in [
        (ON.to_owned(), true),
        (format!("{ON}\nrules: {{ enabled: false }}"), false),
        (
            "demo: { prometheus: { enabled: true, namespaces: [a, b], alertmanagers: [\"am.test:9093\", \"other.test:9093\"] } }\n\
             rules: { objectives: { availability: 0.99, latency: 0.9, latencyBound: 1 }, \
             overrides: { ContinuousLoadPathLoss: { for: 1h30m } } }"
                .to_owned(),
            true,
        ),
    ] {
        let objects = helm.objects_of(CHARTS[1], &values);
        let folder = tempfile::tempdir().unwrap();
        let [place, rules] = ["prometheus.yaml", "rules.yaml"].map(|name| folder.path().join(name));
        let config = config(&objects, &[], &rules);
        assert_eq!(config.get("rule_files").is_some(), groups);
        if groups {
            std::fs::write(&rules, file(&objects, "rules.yaml")).unwrap();
        }
        std::fs::write(&place, config.to_string()).unwrap();
        let output = promtool::config(&promtool, &place);
        let said = promtool::words(&output);
        assert!(output.status.success() && said.contains("SUCCESS"), "{values}: {said}");
        assert_eq!(said.contains("rules found"), groups, "{values}: {said}");
    }
}

/// No password that is the same everywhere, and none where a secret is given.
#[test]
fn a_password_is_made_by_chance_unless_there_is_one() {
    let Some(helm) = Helm::find() else { return };
    let on = "demo: { prometheus: { enabled: true }, grafana: { enabled: true } }";
    let password = || {
        let objects = helm.objects_of(CHARTS[1], on);
        let secret = objects.one(&format!("Secret/{SECRET}"));
        secret["data"]["admin-password"].as_str().unwrap().to_owned()
    };
    let (one, other) = (password(), password());
    assert_ne!(one, other);
    assert!(one.len() >= 40, "32 characters, encoded: {one}");
    let objects = helm.objects_of(CHARTS[1], &on.replace("grafana: { ", "grafana: { existingSecret: mine, "));
    assert_eq!(objects.of("Secret").count(), 0);
    let grafana = objects.one("Deployment/r-continuous-load-monitoring-grafana");
    let variables = items(&grafana["spec"]["template"]["spec"]["containers"][0]["env"]);
    let of_secret = variables.iter().filter(|one| one["valueFrom"]["secretKeyRef"]["name"] == "mine");
    assert_eq!(of_secret.count(), 2, "{variables:?}");
}

/// As much of an API server as helm asks for an upgrade of the demo: which kinds there are, and a secret of the release.
fn api_server(password: &str) -> ScriptedServer {
    let resources = |names: &[(&str, &str)]| -> Value {
        let resource =
            |(name, kind): &(&str, &str)| json!({ "name": name, "namespaced": true, "kind": kind, "verbs": ["get"] });
        names.iter().map(resource).collect()
    };
    let core = [("secrets", "Secret"), ("configmaps", "ConfigMap"), ("services", "Service"), ("pods", "Pod")];
    let core = resources(&[&core[..], &[("serviceaccounts", "ServiceAccount")]].concat());
    let version = json!({ "groupVersion": "apps/v1", "version": "v1" });
    let own = json!({
        "name": SECRET,
        "namespace": "ns",
        "labels": { "app.kubernetes.io/managed-by": "Helm" },
        "annotations": { "meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "ns" },
    });
    let held = json!({ "admin-user": "cm9vdA==", "admin-password": password });
    let answers = [
        ("/version".to_owned(), json!({ "major": "1", "minor": "33", "gitVersion": "v1.33.0" })),
        ("/api".to_owned(), json!({ "kind": "APIVersions", "versions": ["v1"] })),
        ("/apis".to_owned(), json!({ "kind": "APIGroupList", "groups": [{ "name": "apps", "versions": [version] }] })),
        ("/api/v1".to_owned(), json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": core })),
        (
            "/apis/apps/v1".to_owned(),
            json!({
                "kind": "APIResourceList",
                "groupVersion": "apps/v1",
                "resources": resources(&[("deployments", "Deployment")]),
            }),
        ),
        (
            format!("/api/v1/namespaces/ns/secrets/{SECRET}"),
            json!({ "kind": "Secret", "apiVersion": "v1", "metadata": own, "data": held }),
        ),
    ];
    ScriptedServer::start(move |_, head| {
        let path = head.split([' ', '?']).nth(1).unwrap_or_default();
        let missing = json!({ "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404 });
        let found = answers.iter().find(|(known, _)| known == path);
        let (status, body) = found.map_or(("404 Not Found", &missing), |(_, body)| ("200 OK", body));
        let (body, kind) = (body.to_string(), "content-type: application/json");
        Step::Answer(
            format!("HTTP/1.1 {status}\r\n{kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes(),
        )
    })
}

/// The secret that is made.
const SECRET: &str = "r-continuous-load-monitoring-grafana";

/// What there is stays, so that an upgrade shuts nobody out.
#[test]
fn an_upgrade_keeps_the_password() {
    let Some(helm) = Helm::find() else { return };
    let password = "aGVsZA==";
    let api = format!("http://{}", api_server(password).address);
    let chart = folder(CHARTS[1]);
    let arguments = ["template", "r", chart.to_str().unwrap(), "--namespace", "ns", "--dry-run=server"];
    let server = ["--kube-apiserver", &api, "--disable-openapi-validation"];
    let values = "demo: { grafana: { enabled: true, prometheusUrl: \"http://p.test\" } }";
    let output = helm.run(&[&arguments[..], &server].concat(), values);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = Objects::read(&String::from_utf8(output.stdout).unwrap());
    let data = &objects.one(&format!("Secret/{SECRET}"))["data"];
    assert_eq!(*data, json!({ "admin-user": "cm9vdA==", "admin-password": password }));
}

/// Neither program reads its files again: another configuration is another pod, and the same is the same.
#[test]
fn a_pod_of_the_demo_is_replaced_when_its_files_are() {
    let Some(helm) = Helm::find() else { return };
    let template = |component: &str, more: &str| {
        let on = format!(
            "demo: {{ prometheus: {{ enabled: true{more} }}, grafana: {{ enabled: true, existingSecret: s }} }}"
        );
        let objects = helm.objects_of(CHARTS[1], &on);
        objects.one(&format!("Deployment/r-continuous-load-monitoring-{component}"))["spec"]["template"].clone()
    };
    for component in ["prometheus", "grafana"] {
        assert_eq!(template(component, ""), template(component, ""), "{component}");
        assert_ne!(template(component, ""), template(component, ", interval: 7s"), "{component}");
    }
}
