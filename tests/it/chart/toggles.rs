//! Each toggle adds what it says, changes what it has to, and leaves everything else byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::helm::{Helm, each, id};

/// A toggle and what it does to the objects of the base, `Kind/what` for `Kind/r-continuous-load-what`: those that come
/// with `+`, those that go with `-`, those that change with `~`.
const TOGGLES: &[(&str, &str)] = &[
    ("target: { enabled: false }\ninjector: { target: { host: echo.test } }", TARGET_OFF),
    ("injector: { enabled: false }", "-ConfigMap/scenario -Deployment/injector"),
    ("target: { kind: daemonset }", "-Deployment/target +DaemonSet/target -PodDisruptionBudget/target"),
    ("injector: { mode: daemonset }", "-Deployment/injector +DaemonSet/injector ~ConfigMap/scenario"),
    ("injector: { mode: cronjob }", "-Deployment/injector +CronJob/injector ~ConfigMap/scenario"),
    ("injector: { mode: job, job: { runId: x } }", "-Deployment/injector +Job/injector-x ~ConfigMap/scenario"),
    ("serviceAccount: { create: false }", ACCOUNT_OFF),
    ("tests: { enabled: false }", TESTS_OFF),
    ("target: { replicas: 1 }", "-PodDisruptionBudget/target ~Deployment/target"),
    ("target: { pdb: { enabled: false } }", "-PodDisruptionBudget/target"),
    ("target: { pdb: { maxUnavailable: null, minAvailable: 1 } }", "~PodDisruptionBudget/target"),
    ("target: { autoscaling: { enabled: true } }", "+HorizontalPodAutoscaler/target ~Deployment/target"),
    ("target: { ingress: { enabled: true, hosts: [{ host: a.test }] } }", "+Ingress/target"),
    ("target: { httpRoute: { enabled: true, parentRefs: [{ name: g }] } }", "+HTTPRoute/target"),
    ("target: { grpcRoute: { enabled: true, parentRefs: [{ name: g }] } }", "+GRPCRoute/target"),
    ("networkPolicy: { enabled: true }", "+NetworkPolicy/target +NetworkPolicy/injector"),
    ("monitoring: { provider: prometheusOperator }", "+PodMonitor/target +PodMonitor/injector +PrometheusRule/rules"),
    (
        "monitoring: { provider: prometheusOperator, prometheusOperator: { kind: ServiceMonitor } }\nrules: { enabled: false }",
        "+ServiceMonitor/target +ServiceMonitor/injector +Service/injector",
    ),
    ("monitoring: { provider: googleManagedPrometheus }", "+PodMonitoring/target +PodMonitoring/injector +Rules/rules"),
    ("dashboards: { enabled: true }", "+ConfigMap/dashboard-service-path +ConfigMap/dashboard-run"),
    (
        "dashboards: { enabled: true, kind: grafanaOperator, grafanaOperator: { instanceSelector: { matchLabels: { a: b } } } }",
        "+GrafanaDashboard/dashboard-service-path +GrafanaDashboard/dashboard-run",
    ),
    ("monitoring: { provider: annotations }", "~Deployment/target ~Deployment/injector"),
    ("target: { ports: { udp: 0 } }\ninjector: { scenario: { mix: [{ name: a, weight: 1, http: {} }] } }", UDP_OFF),
    (
        "target: { tls: { existingSecret: tls } }",
        "~Deployment/target ~Service/target ~Service/target-headless +Pod/test-https +Pod/test-grpcs",
    ),
    ("target: { adminToken: { existingSecret: t } }", "~Deployment/target ~Deployment/injector"),
    ("target: { faults: { allow: none } }", "~Deployment/target"),
    ("target: { service: { type: LoadBalancer } }", "~Service/target"),
    ("injector: { totalRate: 20/s }", "~ConfigMap/scenario ~Deployment/injector"),
    ("injector: { deployment: { replicas: 1 } }", "~ConfigMap/scenario ~Deployment/injector"),
    ("injector: { target: { via: headless } }", "~ConfigMap/scenario ~Deployment/injector"),
    ("injector: { compat: k6 }", "~Deployment/injector"),
    ("injector: { apiToken: { existingSecret: t } }", "~Deployment/injector"),
    ("injector: { service: { enabled: true } }", "+Service/injector"),
    ("injector: { extraArgs: [--workers=2] }", "~Deployment/injector"),
    ("extraObjects: [{ apiVersion: v1, kind: Secret, metadata: { name: r-continuous-load-extra } }]", "+Secret/extra"),
];

const TARGET_OFF: &str = "-Deployment/target -Service/target -Service/target-headless -PodDisruptionBudget/target \
    ~ConfigMap/scenario ~Deployment/injector -Pod/test-admin -Pod/test-dns-tcp -Pod/test-dns-udp -Pod/test-fault \
    -Pod/test-grpc -Pod/test-http -Pod/test-http2 -Pod/test-tcp -Pod/test-udp";
const TESTS_OFF: &str = "-Pod/test-admin -Pod/test-dns-tcp -Pod/test-dns-udp -Pod/test-fault -Pod/test-grpc \
    -Pod/test-http -Pod/test-http2 -Pod/test-tcp -Pod/test-udp";
const ACCOUNT_OFF: &str = "-ServiceAccount/ ~Deployment/target ~Deployment/injector ~Pod/test-admin ~Pod/test-dns-tcp \
    ~Pod/test-dns-udp ~Pod/test-fault ~Pod/test-grpc ~Pod/test-http ~Pod/test-http2 ~Pod/test-tcp ~Pod/test-udp";
const UDP_OFF: &str = "~Deployment/target ~Service/target ~Service/target-headless -Pod/test-udp ~ConfigMap/scenario \
    ~Deployment/injector";

fn by_id(helm: &Helm, values: &str) -> BTreeMap<String, Value> {
    let short = |object: &Value| {
        let id = id(object);
        let (kind, name) = id.split_once('/').unwrap();
        let name = name.strip_prefix("r-continuous-load").unwrap_or_else(|| panic!("{id}"));
        format!("{kind}/{}", name.trim_start_matches('-'))
    };
    helm.objects(values).0.into_iter().map(|object| (short(&object), object)).collect()
}

#[test]
fn a_toggle_adds_what_it_says_and_nothing_else() {
    let Some(helm) = Helm::find() else { return };
    let base = by_id(&helm, "");
    each(TOGGLES, |(values, wanted)| {
        let toggled = by_id(&helm, values);
        let mut found = BTreeSet::new();
        for id in base.keys().chain(toggled.keys()) {
            match (base.get(id), toggled.get(id)) {
                (None, _) => found.insert(format!("+{id}")),
                (_, None) => found.insert(format!("-{id}")),
                (before, after) if before != after => found.insert(format!("~{id}")),
                _ => true,
            };
        }
        let wanted: BTreeSet<_> = wanted.split_whitespace().map(str::to_owned).collect();
        assert_eq!(found, wanted, "{values}");
    });
}

/// What makes everything that values are about be there.
const ALL_ON: &str = "target: { tls: { existingSecret: s1 }, adminToken: { existingSecret: s2 }, \
    autoscaling: { enabled: true }, ingress: { enabled: true }, httpRoute: { enabled: true }, grpcRoute: { enabled: true }, \
    pdb: { maxUnavailable: null } }\ninjector: { compat: k6, apiToken: { existingSecret: s3 } }\nnetworkPolicy: { enabled: true }\n\
    monitoring: { provider: prometheusOperator }\ndashboards: { enabled: true }\n";

/// Values, and what is rendered of each and of nothing else.
const READ: &[(&str, &str)] = &[
    ("clusterDomain=v1.test", "svc.v1.test"),
    ("namespaceOverride=v0", "namespace: v0"),
    ("commonLabels.v2=x", "v2: x"),
    ("commonAnnotations.v3=x", "v3: x"),
    ("image.registry=v4", "\"v4/"),
    ("image.repository=v5", "/v5:"),
    ("image.tag=v6", ":v6\""),
    ("image.pullPolicy=Never", "imagePullPolicy: Never"),
    ("imagePullSecrets={v7}", "- name: v7"),
    ("serviceAccount.name=v8", "serviceAccountName: v8"),
    ("serviceAccount.annotations.v9=x", "v9: x"),
    ("podSecurityContext.runAsUser=1010", "runAsUser: 1010"),
    ("securityContext.v11=x", "v11: x"),
    ("nameOverride=v12", "app.kubernetes.io/name: v12"),
    ("target.service.annotations.v13=x", "v13: x"),
    ("target.service.labels.v14=x", "v14: x"),
    ("target.service.ports.tcp=1015", "port: 1015"),
    ("target.service.trafficDistribution=PreferClose", "trafficDistribution: PreferClose"),
    ("target.service.internalTrafficPolicy=Local", "internalTrafficPolicy: Local"),
    ("target.service.ipFamilyPolicy=SingleStack", "ipFamilyPolicy: SingleStack"),
    ("target.service.ipFamilies={IPv6}", "- IPv6"),
    ("target.service.loadBalancerClass=v16", "loadBalancerClass: v16"),
    ("target.service.loadBalancerSourceRanges={::17/128}", "- ::17/128"),
    ("target.tls.clientAuth=true", "--tls-client-ca="),
    ("target.adminToken.key=v18", "key: v18"),
    ("target.pdb.minAvailable=1", "minAvailable: 1"),
    ("target.faults.cidrs={::1/128,::2/128}", "--fault-cidrs=::1/128,::2/128"),
    ("target.faults.delayMax=19s", "--delay-max=19s"),
    ("target.faults.hangMax=20s", "--hang-max=20s"),
    ("target.faults.sizeMax=21KiB", "--size-max=21KiB"),
    ("target.faults.memTotalMax=22KiB", "--mem-total-max=22KiB"),
    ("target.faults.maxRuleTtl=23m", "--max-rule-ttl=23m"),
    ("target.zone=v24", "value: \"v24\""),
    ("target.logLevel=v25", "--log-level=v25"),
    ("target.logFormat=text", "--log-format=text"),
    ("target.dataSizeLimit=26Gi", "sizeLimit: 26Gi"),
    ("target.extraArgs={--v27}", "- --v27"),
    ("target.extraEnv[0].name=v28", "- name: v28"),
    ("target.extraVolumes[0].name=v29", "- name: v29"),
    ("target.extraVolumeMounts[0].name=v30", "- name: v30"),
    ("target.resources.requests.cpu=31", "cpu: 31"),
    ("target.probes.startup.failureThreshold=1032", "failureThreshold: 1032"),
    ("target.probes.readiness.periodSeconds=1033", "periodSeconds: 1033"),
    ("target.probes.liveness.timeoutSeconds=1034", "timeoutSeconds: 1034"),
    ("target.autoscaling.minReplicas=35", "minReplicas: 35"),
    ("target.autoscaling.maxReplicas=36", "maxReplicas: 36"),
    ("target.autoscaling.cpuUtilization=37", "averageUtilization: 37"),
    ("target.autoscaling.memoryUtilization=38", "averageUtilization: 38"),
    ("target.autoscaling.metrics[0].type=v39", "type: v39"),
    ("target.autoscaling.behavior.v40=x", "v40: x"),
    ("target.ingress.hosts[0].host=v41", "host: \"v41\""),
    ("target.ingress.hosts[0].paths[0].path=/v42", "path: /v42"),
    ("target.ingress.className=v43", "ingressClassName: v43"),
    ("target.ingress.annotations.v44=x", "v44: x"),
    ("target.ingress.tls[0].secretName=v45", "secretName: v45"),
    ("target.httpRoute.parentRefs[0].name=v46", "- name: v46"),
    ("target.httpRoute.annotations.v47=x", "v47: x"),
    ("target.httpRoute.hostnames={v48}", "- v48"),
    ("target.grpcRoute.parentRefs[0].name=v49", "- name: v49"),
    ("target.grpcRoute.annotations.v50=x", "v50: x"),
    ("target.grpcRoute.hostnames={v51}", "- v51"),
    ("injector.target.admin=v52:1", "admin: \"v52:1\""),
    ("injector.compatTags.v53=x", "--compat-tags=v53=x"),
    ("injector.logLevel=debug", "--log-level=debug"),
    ("injector.metricsPort=1054", "--admin-address=[::]:1054"),
    ("injector.apiToken.key=v55a", "key: v55a"),
    ("injector.dnsConfig.v55=x", "v55: x"),
    ("injector.extraEnv[0].name=v56", "- name: v56"),
    ("injector.extraVolumes[0].name=v57", "- name: v57"),
    ("injector.extraVolumeMounts[0].name=v58", "- name: v58"),
    ("injector.resources.requests.cpu=59", "cpu: 59"),
    ("injector.scenario.seed=60", "seed: 60"),
    ("monitoring.interval=61s", "interval: 61s"),
    ("monitoring.scrapeTimeout=60s", "scrapeTimeout: 60s"),
    ("monitoring.labels.v62=x", "v62: x"),
    ("monitoring.sampleLimit=101063", "sampleLimit: 101063"),
    (
        "rules.enabled=false,monitoring.prometheusOperator.convertHistograms=true",
        "convertClassicHistogramsToNHCB: true",
    ),
    ("dashboards.labels.v88=x", "v88: x"),
    ("dashboards.annotations.v89=x", "v89: x"),
    ("dashboards.folder=v90", "grafana_folder: v90"),
    ("networkPolicy.clients[0].podSelector.v64=x", "v64: x"),
    ("networkPolicy.monitoringPeers[0].podSelector.v65=x", "v65: x"),
    ("networkPolicy.dnsPeers[0].podSelector.v66=x", "v66: x"),
    ("networkPolicy.dnsPorts={1067}", "port: 1067"),
    ("networkPolicy.targetEgress[0].v68=x", "v68: x"),
    ("networkPolicy.injectorEgress[0].v69=x", "v69: x"),
    ("tests.timeout=70s", "--timeout=70s"),
    ("tests.retries=51", "--retry=51"),
    ("target.podLabels.v71=x", "v71: x"),
    ("target.podAnnotations.v72=x", "v72: x"),
    ("target.priorityClassName=v73", "priorityClassName: v73"),
    ("target.nodeSelector.v74=x", "v74: x"),
    ("target.tolerations[0].key=v75", "key: v75"),
    ("target.affinity.v76=x", "v76: x"),
    ("target.topologySpreadConstraints[0].v77=x", "v77: x"),
    ("injector.podLabels.v81=x", "v81: x"),
    ("injector.podAnnotations.v82=x", "v82: x"),
    ("injector.priorityClassName=v83", "priorityClassName: v83"),
    ("injector.nodeSelector.v84=x", "v84: x"),
    ("injector.tolerations[0].key=v85", "key: v85"),
    ("injector.affinity.v86=x", "v86: x"),
    ("injector.topologySpreadConstraints[0].v87=x", "v87: x"),
];

/// A value that changes nothing would be one that nobody reads.
#[test]
fn every_value_is_read_by_something() {
    let Some(helm) = Helm::find() else { return };
    let without = helm.text("", &[]).unwrap();
    let values: Vec<_> = READ.iter().flat_map(|(value, _)| ["--set", value]).collect();
    let text = helm.text(ALL_ON, &values).unwrap();
    for (value, rendered) in READ {
        assert!(text.contains(rendered), "{value}: no {rendered:?}");
        assert!(!without.contains(rendered), "{value}: {rendered:?} is there without");
    }
}
