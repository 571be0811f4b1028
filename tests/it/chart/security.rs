//! Every pod against the Pod Security Standard *restricted* and what this project asks beyond it.

use serde_json::{Value, json};

use super::helm::{CHARTS, Helm, items, strings};
use super::matrix::both;

/// Kinds of volumes that *restricted* allows.
const VOLUMES: [&str; 8] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

/// What is wrong with a pod's spec.
fn faults(spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut demand = |holds: bool, what: &str| {
        if !holds {
            found.push(what.to_owned());
        }
    };
    let pod = &spec["securityContext"];
    demand(spec["automountServiceAccountToken"] == false, "automountServiceAccountToken is not false");
    demand(spec["enableServiceLinks"] == false, "enableServiceLinks is not false");
    demand(spec["serviceAccountName"].is_string(), "no service account of its own");
    for key in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
        demand(spec.get(key).is_none(), key);
    }
    demand(pod["runAsNonRoot"] == true, "pod: runAsNonRoot is not true");
    demand(pod["runAsUser"].as_u64().is_some_and(|user| user > 0), "pod: runAsUser is no number above 0");
    demand(pod["runAsGroup"].as_u64().is_some_and(|group| group > 0), "pod: runAsGroup is no number above 0");
    demand(pod["seccompProfile"]["type"] == "RuntimeDefault", "pod: seccompProfile is not RuntimeDefault");
    demand(pod.get("sysctls").is_none(), "pod: sysctls");
    for volume in items(&spec["volumes"]) {
        let mut kinds = volume.as_object().expect("a volume").keys().filter(|key| *key != "name");
        demand(kinds.all(|kind| VOLUMES.contains(&kind.as_str())), "a volume of another kind");
    }
    let containers = ["containers", "initContainers", "ephemeralContainers"].map(|key| items(&spec[key]));
    demand(!containers[0].is_empty(), "no container");
    for container in containers.concat() {
        let own = &container["securityContext"];
        demand(own["allowPrivilegeEscalation"] == false, "allowPrivilegeEscalation is not false");
        demand(own["readOnlyRootFilesystem"] == true, "readOnlyRootFilesystem is not true");
        demand(own["runAsNonRoot"] == true, "runAsNonRoot is not true");
        demand(own.get("privileged").is_none(), "privileged");
        demand(own.get("procMount").is_none(), "procMount");
        demand(own.get("runAsUser").is_none_or(|user| user.as_u64().is_some_and(|user| user > 0)), "runAsUser is root");
        demand(own["capabilities"]["drop"] == json!(["ALL"]), "not all capabilities are dropped");
        demand(own["capabilities"].get("add").is_none(), "a capability is added");
        demand(items(&container["ports"]).iter().all(|port| port.get("hostPort").is_none()), "a hostPort");
        let resources = &container["resources"];
        demand(resources["requests"]["cpu"].is_string(), "no request of CPU");
        demand(resources["limits"]["memory"].is_string(), "no limit of memory");
        // Throttling would look like latency of the network.
        let is_injector = container["command"] == json!(["/injector"]);
        demand(!is_injector || resources["limits"].get("cpu").is_none(), "a limit of CPU");
    }
    found
}

#[test]
fn every_pod_is_restricted() {
    let Some(rendered) = both() else { return };
    let (mut pods, mut roles) = (0, 0);
    for one in rendered {
        for (whose, pod) in one.objects.pods() {
            let mut found = faults(&pod["spec"]);
            // It asks the API server who is there.
            if whose.starts_with("Deployment/") && whose.ends_with("-prometheus") {
                found.retain(|fault| fault != "automountServiceAccountToken is not false");
            }
            assert!(found.is_empty(), "{}: {whose}: {found:?}", one.name);
            pods += 1;
        }
        for account in one.objects.of("ServiceAccount") {
            assert_eq!(account["automountServiceAccountToken"], false, "{}", one.name);
        }
        for role in one.objects.0.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("Role")) {
            assert_eq!(one.chart, CHARTS[1], "{}: nobody else speaks to the API server", one.name);
            let all = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"] }]);
            assert_eq!(role["rules"], all, "{}", one.name);
            roles += 1;
        }
    }
    assert!(pods > 200 && roles > 0, "{pods} {roles}");
}

/// Each of these done to a good pod must be seen.
#[test]
fn a_pod_that_is_not_restricted_is_seen() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.objects("");
    let spec = &objects.one("Deployment/r-continuous-load-injector")["spec"]["template"]["spec"];
    assert_eq!(faults(spec), Vec::<String>::new());
    for (place, value) in [
        ("/automountServiceAccountToken", json!(true)),
        ("/enableServiceLinks", json!(null)),
        ("/serviceAccountName", json!(null)),
        ("/hostNetwork", json!(true)),
        ("/securityContext/runAsNonRoot", json!(false)),
        ("/securityContext/runAsUser", json!(0)),
        ("/securityContext/runAsUser", json!("app")),
        ("/securityContext/seccompProfile/type", json!("Unconfined")),
        ("/securityContext/sysctls", json!([])),
        ("/volumes/0/hostPath", json!({ "path": "/" })),
        ("/containers/0/securityContext/allowPrivilegeEscalation", json!(true)),
        ("/containers/0/securityContext/readOnlyRootFilesystem", json!(false)),
        ("/containers/0/securityContext/privileged", json!(true)),
        ("/containers/0/securityContext/capabilities/drop", json!(["NET_RAW"])),
        ("/containers/0/securityContext/capabilities/add", json!(["NET_BIND_SERVICE"])),
        ("/containers/0/ports/0/hostPort", json!(80)),
        ("/containers/0/resources/limits/cpu", json!("1")),
        ("/containers/0/resources/limits/memory", json!(null)),
        ("/initContainers/0/securityContext/allowPrivilegeEscalation", json!(null)),
        ("/containers", json!([])),
    ] {
        let mut spec = spec.clone();
        let (parent, key) = place.rsplit_once('/').unwrap();
        spec.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"))[key] = value.clone();
        assert_eq!(faults(&spec).len(), 1, "{place} = {value}: {:?}", faults(&spec));
    }
}

#[test]
fn a_digest_wins_over_a_tag_in_every_pod() {
    let Some(helm) = Helm::find() else { return };
    let digest = format!("sha256:{}", "ab".repeat(32));
    for (values, wanted) in [
        (String::new(), format!("continuous-load:{}", env!("CARGO_PKG_VERSION"))),
        ("image: { registry: r.test, tag: v9 }".to_owned(), "r.test/continuous-load:v9".to_owned()),
        (
            format!("image: {{ repository: a/b, tag: v9, digest: \"{digest}\" }}\nglobal: {{ imageRegistry: g.test }}"),
            format!("g.test/a/b@{digest}"),
        ),
    ] {
        let objects = helm.objects(&values);
        for (whose, pod) in objects.pods() {
            for container in ["containers", "initContainers"].map(|key| items(&pod["spec"][key])).concat() {
                assert_eq!(container["image"], *wanted, "{whose}");
            }
        }
    }
}

/// The pod's own word decides when it is sent traffic and when it is restarted, never the path's.
#[test]
fn probes_ask_the_admin_ports_and_a_drain_has_its_time() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.objects("target: { drainDelay: 1m, shutdownTimeout: 1m30s, ports: { admin: 7777 } }");
    for (whose, port) in [("target", "admin"), ("injector", "metrics")] {
        let spec = &objects.one(&format!("Deployment/r-continuous-load-{whose}"))["spec"]["template"]["spec"];
        let container = &spec["containers"][0];
        for (probe, path) in [("readiness", "/readyz"), ("liveness", "/livez"), ("startup", "/livez")] {
            let asked = &container[format!("{probe}Probe")]["httpGet"];
            assert_eq!(*asked, json!({ "path": path, "port": port }), "{whose}");
        }
        assert!(items(&container["ports"]).iter().any(|one| one["name"] == port), "{whose}");
    }
    let target = &objects.one("Deployment/r-continuous-load-target")["spec"]["template"]["spec"];
    assert_eq!(target["terminationGracePeriodSeconds"], 60 + 90 + 5);
    let flags = strings(&target["containers"][0]["args"]);
    for flag in ["--drain-delay=1m", "--shutdown-timeout=1m30s", "--admin-address=:7777"] {
        assert!(flags.contains(&flag.to_owned()), "no {flag} in {flags:?}");
    }
}

/// One run at a time, each pod once: a second one would be twice the rate, or hide that the first has failed.
#[test]
fn runs_that_end_run_once_and_alone() {
    let Some(helm) = Helm::find() else { return };
    let cronjob =
        helm.objects("injector: { mode: cronjob, cronjob: { duration: 5m, replicas: 3, timeZone: Etc/UTC } }");
    let cronjob = &cronjob.one("CronJob/r-continuous-load-injector")["spec"];
    assert_eq!(cronjob["concurrencyPolicy"], "Forbid");
    assert_eq!(cronjob["timeZone"], "Etc/UTC");
    let job = helm
        .objects("injector: { mode: job, job: { duration: 5m, replicas: 3, runId: x, ttlSecondsAfterFinished: 0 } }");
    let job = &job.one("Job/r-continuous-load-injector-x")["spec"];
    assert_eq!(job["ttlSecondsAfterFinished"], 0);
    for spec in [&cronjob["jobTemplate"]["spec"], job] {
        assert_eq!((&spec["completions"], &spec["parallelism"]), (&json!(3), &json!(3)));
        assert_eq!(spec["completionMode"], "Indexed");
        assert_eq!(spec["backoffLimit"], 0);
        assert_eq!(spec["activeDeadlineSeconds"], 5 * 60 + 300);
        assert_eq!(spec["template"]["spec"]["restartPolicy"], "Never");
        let flags = strings(&spec["template"]["spec"]["containers"][0]["args"]);
        assert!(flags.contains(&"--for=5m".to_owned()), "{flags:?}");
    }
}
