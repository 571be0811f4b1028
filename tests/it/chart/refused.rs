//! What cannot work is refused while it is rendered, with words that name the key and say what would be accepted.

use super::helm::{Helm, each};

/// Values, and words that the refusal has to have.
const REFUSED: &[(&str, &[&str])] = &[
    // Keys that do not exist, on every level.
    ("tagret: {}", &["'tagret' not allowed"]),
    ("target: { replica: 2 }", &["/target", "'replica'"]),
    ("target: { service: { ports: { htpp: 1 } } }", &["/target/service/ports", "'htpp'"]),
    ("injector: { daemonset: { replicas: 2 } }", &["/injector/daemonset", "'replicas'"]),
    ("injector: { scenario: { target: x } }", &["/injector/scenario", "'target'"]),
    ("injector: { scenario: { rate: 1/s } }", &["/injector/scenario", "'rate'"]),
    ("injector: { scenario: { mix: [{ name: a, wieght: 1, http: {} }] } }", &["/mix/0", "'wieght'"]),
    ("injector: { scenario: { mix: [{ name: a, weight: 1, http: { verson: 2 } }] } }", &["/mix/0/http", "'verson'"]),
    ("image: { digst: x }", &["/image", "'digst'"]),
    // Keys that are gone: of a null nobody would know whether it is a default or nothing.
    ("target: null", &["missing property 'target'"]),
    ("monitoring: { interval: null }", &["/monitoring", "missing property 'interval'"]),
    ("injector: { podLabels: null }", &["/injector", "missing property 'podLabels'"]),
    // Values of another kind.
    ("injector: { mode: pod }", &["/injector/mode", "'deployment', 'daemonset', 'job', 'cronjob'"]),
    ("target: { kind: statefulset }", &["/target/kind", "'deployment', 'daemonset'"]),
    ("monitoring: { provider: coreos }", &["/monitoring/provider", "'prometheusOperator'"]),
    ("target: { faults: { allow: on } }", &["/target/faults/allow", "'all'"]),
    ("target: { replicas: 0 }", &["/target/replicas"]),
    ("target: { replicas: two }", &["/target/replicas", "integer"]),
    ("target: { ports: { http: 0 } }", &["/target/ports/http"]),
    ("target: { ports: { grpc: 65536 } }", &["/target/ports/grpc"]),
    ("target: { zone: 1 }", &["/target/zone", "string"]),
    ("image: { digest: \"sha256:12\" }", &["/image/digest", "sha256:[0-9a-f]{64}"]),
    ("commonLabels: { a: 1 }", &["/commonLabels/a", "string"]),
    ("injector: { job: { runId: Night } }", &["/injector/job/runId"]),
    ("injector: { compatTags: { a-b: c } }", &["/injector/compatTags", "'a-b'"]),
    (
        "injector: { scenario: { mix: [{ name: a, weight: 1, connection: pooled(0), http: {} }] } }",
        &["/mix/0/connection"],
    ),
    ("injector: { scenario: { timeout: 5 } }", &["/injector/scenario/timeout"]),
    // Times and rates.
    ("target: { drainDelay: 5 }", &["target.drainDelay \"5\"", "15s, 10m or 1h30m"]),
    ("target: { shutdownTimeout: 1.5s }", &["target.shutdownTimeout \"1.5s\""]),
    ("injector: { totalRate: 10 }", &["injector.totalRate \"10\"", "10/s"]),
    ("injector: { totalRate: 0/s }", &["injector.totalRate \"0/s\""]),
    ("injector: { totalRate: 1.2345/s }", &["injector.totalRate", "three decimals"]),
    ("injector: { totalRate: 10000001/s }", &["injector.totalRate 10000001/s", "10000000/s"]),
    ("target: { faults: { maxRuleTtl: 2h } }", &["target.faults.maxRuleTtl 2h", "1s to 1h"]),
    ("target: { faults: { cidrs: [all] } }", &["/target/faults/cidrs/0"]),
    ("target: { faults: { cidrs: [127.0.0.0/33] } }", &["/target/faults/cidrs/0"]),
    ("target: { faults: { sizeMax: much } }", &["/target/faults/sizeMax"]),
    ("injector: { totalRate: 10/d }", &["injector.totalRate \"10/d\""]),
    ("injector: { mode: daemonset, daemonset: { ratePerNode: x } }", &["injector.daemonset.ratePerNode \"x\""]),
    ("injector: { mode: job, job: { duration: 90 } }", &["injector.job.duration \"90\""]),
    ("injector: { mode: job, job: { duration: 0s } }", &["injector.job.duration is 0"]),
    ("tests: { timeout: 0s }", &["tests.timeout 0s", "250ms or 5s"]),
    ("injector: { scenario: { timeout: 0ms } }", &["injector.scenario.timeout 0ms", "250ms or 5s"]),
    ("monitoring: { interval: 500ms }", &["monitoring.interval \"500ms\""]),
    ("monitoring: { interval: 5s, scrapeTimeout: 10s }", &["monitoring.scrapeTimeout 10s", "monitoring.interval 5s"]),
    (
        "monitoring: { provider: prometheusOperator, sampleLimit: 5599 }",
        &["monitoring.sampleLimit 5599", "8 operations", "make it 5600"],
    ),
    // The mix.
    ("injector: { scenario: { mix: [] } }", &["/injector/scenario/mix", "minItems"]),
    ("injector: { scenario: { mix: [{ weight: 1, http: {} }] } }", &["/mix/0", "name"]),
    ("injector: { scenario: { mix: [{ name: A b, weight: 1, http: {} }] } }", &["/mix/0/name"]),
    ("injector: { scenario: { mix: [{ name: a, weight: 0, http: {} }] } }", &["/mix/0/weight"]),
    ("injector: { scenario: { mix: [{ name: a, weight: -1, http: {} }] } }", &["/mix/0/weight"]),
    ("injector: { scenario: { mix: [{ name: a, weight: much, http: {} }] } }", &["/mix/0/weight", "number"]),
    ("injector: { scenario: { mix: [{ name: a, http: {} }] } }", &["mix[0] (a) needs one of weight", "and rate"]),
    (
        "injector: { scenario: { mix: [{ name: a, weight: 1, rate: 1/s, http: {} }] } }",
        &["mix[0] (a) needs one of weight"],
    ),
    (
        "injector: { scenario: { mix: [{ name: a, rate: 5, http: {} }] } }",
        &["/injector/scenario/mix/0/rate", "want string"],
    ),
    ("injector: { scenario: { mix: [{ name: a, weight: 1 }] } }", &["mix[0] (a) needs one of http", "has none"]),
    (
        "injector: { scenario: { mix: [{ name: a, weight: 1, http: {}, tcp: {} }] } }",
        &["mix[0] (a) needs one of", "has http and tcp"],
    ),
    (
        "injector: { scenario: { mix: [{ name: a, weight: 1, http: {} }, { name: a, weight: 1, tcp: {} }] } }",
        &["mix[1] (a): the name is taken by mix[0]"],
    ),
    ("target: { ports: { dns: 0 } }", &["mix[6] (dns-udp) speaks dns", "target.ports.dns is 0"]),
    (
        "injector: { scenario: { tls: true, mix: [{ name: a, weight: 1, http: {} }] } }",
        &["mix[0] (a) speaks TLS", "target.tls.existingSecret"],
    ),
    ("target: { enabled: false }", &["mix[0] (http-new) has nowhere to go", "injector.target.host"]),
    ("injector: { target: { host: \"a:80\" } }", &["/injector/target/host"]),
    ("injector: { target: { host: a, via: headless } }", &["injector.target.via headless", "injector.target.host"]),
    ("injector: { target: { ports: { http: 80 } } }", &["injector.target.ports", "target.service.ports"]),
    // Schedules.
    (
        "injector: { mode: cronjob, cronjob: { schedule: \"@hourly\" } }",
        &["injector.cronjob.schedule \"@hourly\"", "five"],
    ),
    ("injector: { mode: cronjob, cronjob: { schedule: \"* * * *\" } }", &["injector.cronjob.schedule", "five fields"]),
    ("injector: { mode: cronjob, cronjob: { schedule: \"61 * * * *\" } }", &["injector.cronjob.schedule", "0 to 59"]),
    ("injector: { mode: cronjob, cronjob: { schedule: \"5-1 * * * *\" } }", &["injector.cronjob.schedule"]),
    ("injector: { mode: cronjob, cronjob: { schedule: \"*/0 * * * *\" } }", &["injector.cronjob.schedule"]),
    (
        "injector: { mode: cronjob, cronjob: { schedule: \"0 0 32 * *\" } }",
        &["injector.cronjob.schedule", "has 32 for days, which are 1 to 31"],
    ),
    ("injector: { mode: cronjob, cronjob: { schedule: \"0 0 0 * *\" } }", &["has 0 for days, which are 1 to 31"]),
    (
        "injector: { mode: cronjob, cronjob: { schedule: \"0 0 * 1-13 *\" } }",
        &["has 1-13 for months, which are 1 to 12"],
    ),
    (
        "injector: { mode: cronjob, cronjob: { schedule: \"0 0 * * 9\" } }",
        &["has 9 for days of the week, which are 0 to 7"],
    ),
    (
        "injector: { mode: cronjob, cronjob: { schedule: \"*/6 * * * *\", duration: 12m } }",
        &["injector.cronjob.duration 12m", "\"*/6 * * * *\", which are 6m apart", "injector.mode to deployment"],
    ),
    // Ports.
    ("target: { ports: { grpc: 9898 } }", &["target.ports.grpc 9898 is taken by target.ports.http over TCP"]),
    ("target: { ports: { udp: 1053 } }", &["target.ports.dns 1053 is taken by target.ports.udp over UDP"]),
    ("target: { ports: { admin: 9007 } }", &["target.ports.admin 9007 is taken by target.ports.tcp"]),
    (
        "target: { service: { ports: { tcp: 53 } } }",
        &["target.service.ports.dns 53 is taken by target.service.ports.tcp"],
    ),
    ("target: { service: { nodePorts: { http: 30000 } } }", &["target.service.nodePorts", "target.service.type"]),
    (
        "target: { service: { type: NodePort, nodePorts: { http: 30000, grpc: 30000 } } }",
        &["target.service.nodePorts.grpc 30000 is taken by target.service.nodePorts.http over TCP"],
    ),
    ("target: { service: { externalTrafficPolicy: Local } }", &["target.service.externalTrafficPolicy"]),
    ("fullnameOverride: 2nd", &["fullnameOverride", "begin with a digit (2nd)"]),
    // Rules and dashboards.
    ("rules: { overrides: { ContinuousLoadPathLoss: { if: 1m } } }", &["/rules/overrides", "'if'"]),
    (
        "rules: { overrides: { ContinuousLoadPathLoss: { for: soon } } }",
        &["/rules/overrides/ContinuousLoadPathLoss/for"],
    ),
    (
        "monitoring: { provider: prometheusOperator }\nrules: { overrides: { PathLoss: { for: 1m } } }",
        &["rules.overrides names PathLoss", "ContinuousLoadPathLoss"],
    ),
    (
        "monitoring: { provider: prometheusOperator }\ninjector: { totalRate: 10 }",
        &["injector.totalRate \"10\"", "10/s"],
    ),
    ("dashboards: { kind: file }", &["/dashboards/kind", "'configMap', 'grafanaOperator'"]),
    (
        "dashboards: { enabled: true, kind: grafanaOperator }",
        &["dashboards.grafanaOperator.instanceSelector is empty", "{matchLabels: {dashboards: grafana}}"],
    ),
    // What contradicts itself.
    ("target: { enabled: false }\ninjector: { enabled: false }", &["target.enabled and injector.enabled"]),
    ("target: { tls: { clientAuth: true } }", &["target.tls.clientAuth", "target.tls.existingSecret"]),
    (
        "target: { tls: { existingSecret: s }, ports: { https: 0 } }",
        &["target.tls.existingSecret", "target.ports.https is 0"],
    ),
    ("target: { autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 2 } }", &["minReplicas 5", "maxReplicas 2"]),
    ("target: { autoscaling: { enabled: true, cpuUtilization: null } }", &["nothing to scale by", "cpuUtilization"]),
    ("target: { kind: daemonset, autoscaling: { enabled: true } }", &["target.autoscaling.enabled", "target.kind"]),
    ("target: { pdb: { minAvailable: 1 } }", &["target.pdb needs one of"]),
    ("target: { pdb: { maxUnavailable: null } }", &["target.pdb needs one of"]),
    ("target: { pdb: { maxUnavailable: 0 } }", &["target.pdb.maxUnavailable 0", "drained"]),
    ("target: { pdb: { maxUnavailable: null, minAvailable: 2 } }", &["target.pdb.minAvailable 2 of 2", "drained"]),
    ("target: { pdb: { maxUnavailable: null, minAvailable: 100% } }", &["target.pdb.minAvailable 100%"]),
    (
        "target: { resources: { limits: { memory: 256Mi } } }",
        &["target.faults.memTotalMax 256MiB", "limits.memory 256Mi"],
    ),
    ("target: { ingress: { enabled: true } }", &["target.ingress.hosts is empty"]),
    ("target: { httpRoute: { enabled: true } }", &["target.httpRoute.parentRefs is empty"]),
    ("commonLabels: { app.kubernetes.io/name: x }", &["commonLabels must not have app.kubernetes.io/name"]),
    ("injector: { podLabels: { app.kubernetes.io/component: x } }", &["injector.podLabels must not have"]),
    ("injector: { compatTags: { team: a } }", &["injector.compatTags", "injector.compat is none"]),
    ("injector: { json: true }", &["injector.json", "mode deployment"]),
    ("injector: { extraArgs: [--rate=5/s] }", &["injector.extraArgs[0] (--rate=5/s)", "injector.totalRate"]),
    ("injector: { extraArgs: [workers=5] }", &["/injector/extraArgs/0"]),
    (
        "networkPolicy: { enabled: true }\ninjector: { target: { host: a.test } }",
        &["networkPolicy.enabled", "networkPolicy.injectorEgress"],
    ),
];

#[test]
fn what_cannot_work_is_refused_with_the_key_and_the_remedy() {
    let Some(helm) = Helm::find() else { return };
    each(REFUSED, |(values, words)| match helm.text(values, &[]) {
        Ok(_) => panic!("accepted: {values}"),
        Err(error) => {
            for word in *words {
                assert!(error.contains(word), "{values}\nno {word:?} in\n{error}");
            }
        }
    });
}

/// These have nothing as one of their values.
#[test]
fn what_may_be_nothing_may_be_null() {
    let Some(helm) = Helm::find() else { return };
    let values = "podSecurityContext: null\nsecurityContext: { capabilities: null }\n\
        target: { resources: null, pdb: { maxUnavailable: null, minAvailable: 1 }, \
        autoscaling: { enabled: true, cpuUtilization: null, memoryUtilization: 50 } }\n\
        injector: { resources: { limits: null }, dnsConfig: null, job: { ttlSecondsAfterFinished: null } }\n";
    let text = helm.text(values, &[]).unwrap();
    assert!(!text.contains("null") && !text.contains("<no value>"), "{text}");
    assert!(!text.contains("runAsUser") && !text.contains("capabilities") && !text.contains("dnsConfig"), "{text}");
}

#[test]
fn what_a_cluster_is_too_old_for_is_refused() {
    let Some(helm) = Helm::find() else { return };
    for (value, last_without, first_with) in [
        ("PreferClose", "1.30.9", "1.31.0"),
        ("PreferSameZone", "1.33.1", "v1.34.0-gke.100"),
        ("PreferSameNode", "v1.33.1-eks-1", "1.34.2"),
    ] {
        let values = format!("target: {{ service: {{ trafficDistribution: {value} }} }}");
        let error = helm.text(&values, &["--kube-version", last_without]).unwrap_err();
        assert!(error.contains(&format!("target.service.trafficDistribution {value}")), "{error}");
        let text = helm.text(&values, &["--kube-version", first_with]).unwrap();
        assert!(text.contains(&format!("trafficDistribution: {value}")), "{text}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let Some(helm) = Helm::find() else { return };
    let values =
        "target: { ports: { grpc: 9898 }, drainDelay: 5 }\ninjector: { totalRate: 10 }\nmonitoring: { interval: 1 }";
    let error = helm.text(values, &[]).unwrap_err();
    for key in ["target.ports.grpc", "target.drainDelay", "injector.totalRate", "monitoring.interval"] {
        assert!(error.contains(key), "no {key} in {error}");
    }
}

/// Schedules, and how many minutes their runs are apart at least: a run of that, less half a minute, fits; a second more does
/// not.
const SCHEDULES: [(&str, u64); 13] = [
    ("* * * * *", 1),
    ("*/15 * * * *", 15),
    // The last of an hour is 56, the first of the next 0.
    ("*/7 * * * *", 4),
    ("5,50 * * * *", 15),
    ("0 * * * *", 60),
    ("10-20/5 * * * *", 5),
    ("3/20 * * * *", 20),
    ("30 8,17 * * 1-5", 9 * 60),
    ("0 22-23,5 * * *", 60),
    // Over midnight.
    ("0 1,23 * * *", 2 * 60),
    ("59 23 * * *", 24 * 60),
    ("09 08 1 JAN *", 24 * 60),
    ("0 0 */10,31 1-12/2 0,7", 24 * 60),
];

#[test]
fn a_run_has_to_fit_between_two() {
    let Some(helm) = Helm::find() else { return };
    let mut cases = Vec::new();
    for (schedule, minutes) in SCHEDULES {
        cases.push((schedule, minutes * 60 - 30, true));
        cases.push((schedule, minutes * 60 - 29, false));
    }
    each(&cases, |(schedule, seconds, fits)| {
        let values =
            format!("injector: {{ mode: cronjob, cronjob: {{ schedule: \"{schedule}\", duration: {seconds}s }} }}");
        let rendered = helm.text(&values, &[]);
        assert_eq!(rendered.is_ok(), *fits, "{schedule} with {seconds}s: {:?}", rendered.err());
    });
}
