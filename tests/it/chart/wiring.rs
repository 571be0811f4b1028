//! What names something names it rightly: services their pods and ports, monitors and policies theirs, pods what they mount.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::helm::{Helm, Objects, id, items, strings};
use super::matrix::{Rendered, both, matrix};

/// Whether labels satisfy a selector.
fn selects(selector: &Value, labels: &Value) -> bool {
    let all = selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value);
    let any = items(&selector["matchExpressions"]).iter().all(|wanted| {
        assert_eq!(wanted["operator"], "In", "{wanted}");
        items(&wanted["values"]).contains(&labels[wanted["key"].as_str().unwrap()])
    });
    all && any
}

/// The pods that a selector selects.
fn selected<'a>(objects: &'a Objects, selector: &Value) -> Vec<(String, &'a Value)> {
    let pods = objects.pods().into_iter();
    pods.filter(|(_, pod)| selects(selector, &pod["metadata"]["labels"])).collect()
}

/// Whether a pod has a port of that name, or number, and transport.
fn has_port(pod: &Value, port: &Value, transport: &Value) -> bool {
    let mut ports = items(&pod["spec"]["containers"]).iter().flat_map(|container| items(&container["ports"]));
    ports.any(|it| (it["name"] == *port || it["containerPort"] == *port) && it["protocol"] == *transport)
}

#[test]
fn services_lead_to_ports_of_one_workload() {
    let Some(rendered) = both() else { return };
    for Rendered { name, objects, .. } in rendered {
        for service in objects.of("Service") {
            let pods = selected(objects, &json!({ "matchLabels": service["spec"]["selector"] }));
            assert_eq!(pods.len(), 1, "{name}: {} selects {pods:?}", id(service));
            for port in items(&service["spec"]["ports"]) {
                assert!(has_port(pods[0].1, &port["targetPort"], &port["protocol"]), "{name}: {port}");
            }
        }
    }
}

#[test]
fn the_headless_service_alone_has_the_admin_port() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.objects("");
    let ports = |service: &str| -> Vec<Value> {
        items(&objects.one(service)["spec"]["ports"]).iter().map(|port| port["name"].clone()).collect()
    };
    let open = ports("Service/r-continuous-load-target");
    assert_eq!(open, ["http", "grpc", "tcp", "udp", "dns-udp", "dns-tcp"]);
    let headless = objects.one("Service/r-continuous-load-target-headless");
    assert_eq!(headless["spec"]["clusterIP"], "None");
    assert_eq!(ports("Service/r-continuous-load-target-headless")[..6], open);
    assert_eq!(ports("Service/r-continuous-load-target-headless")[6..], ["admin"]);
}

#[test]
fn every_workload_is_scraped_once_or_not_at_all() {
    let Some(rendered) = matrix() else { return };
    for Rendered { name, objects, .. } in rendered {
        let is_monitored = name.contains("operator") || name.contains("google") || name.starts_with("everything");
        for (whose, pod) in objects.pods().into_iter().filter(|(whose, _)| !whose.starts_with("Pod/")) {
            let mut scraped = 0;
            for (kind, key) in [("PodMonitor", "podMetricsEndpoints"), ("PodMonitoring", "endpoints")] {
                for monitor in
                    objects.of(kind).filter(|it| selects(&it["spec"]["selector"], &pod["metadata"]["labels"]))
                {
                    scraped += 1;
                    let port = &monitor["spec"][key][0]["port"];
                    assert!(has_port(pod, port, &json!("TCP")), "{name}: {}: no port {port}", id(monitor));
                }
            }
            for monitor in objects.of("ServiceMonitor") {
                for service in objects.of("Service") {
                    let found = selects(&monitor["spec"]["selector"], &service["metadata"]["labels"])
                        && selects(&json!({ "matchLabels": service["spec"]["selector"] }), &pod["metadata"]["labels"]);
                    if found {
                        scraped += 1;
                        let port = &monitor["spec"]["endpoints"][0]["port"];
                        let ports = items(&service["spec"]["ports"]);
                        assert!(ports.iter().any(|one| one["name"] == *port), "{name}: {}: no {port}", id(service));
                    }
                }
            }
            assert_eq!(scraped, usize::from(is_monitored), "{name}: {whose}");
            let annotated = &pod["metadata"]["annotations"]["prometheus.io/scrape"];
            assert_eq!(annotated == "true", name.contains("annotations"), "{name}: {whose}");
        }
    }
}

#[test]
fn annotations_name_the_port_of_the_metrics() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.objects(
        "monitoring: { provider: annotations }\ntarget: { ports: { admin: 7001 } }\ninjector: { metricsPort: 7002 }\n",
    );
    for (whose, port) in [("target", "7001"), ("injector", "7002")] {
        let pod = &objects.one(&format!("Deployment/r-continuous-load-{whose}"))["spec"]["template"];
        let annotations = &pod["metadata"]["annotations"];
        assert_eq!(annotations["prometheus.io/port"], port);
        assert_eq!(annotations["prometheus.io/path"], "/metrics");
    }
}

/// A test that cannot reach the target tells nothing; nor does an injector that is shut in.
#[test]
fn policies_let_in_who_is_let_out() {
    let Some(rendered) = matrix() else { return };
    let everything: Vec<_> = rendered.iter().filter(|one| one.name.starts_with("everything")).collect();
    assert!(!everything.is_empty());
    for Rendered { name, objects, .. } in everything {
        let policies: Vec<_> = objects.of("NetworkPolicy").collect();
        for (whose, pod) in objects.pods() {
            let labels = &pod["metadata"]["labels"];
            let own: Vec<_> = policies.iter().filter(|it| selects(&it["spec"]["podSelector"], labels)).collect();
            assert_eq!(own.len(), 1, "{name}: {whose}");
            assert_eq!(own[0]["spec"]["policyTypes"], json!(["Ingress", "Egress"]), "{name}");
        }
        let target = objects.one("NetworkPolicy/path-target");
        let injector = objects.one("NetworkPolicy/path-injector");
        let (_, pod) = selected(objects, &target["spec"]["podSelector"])[0];
        let inward = &items(&target["spec"]["ingress"])[0];
        let outward = &items(&injector["spec"]["egress"])[1];
        assert_eq!(inward["ports"], outward["ports"], "{name}");
        for port in items(&inward["ports"]) {
            assert!(has_port(pod, &port["port"], &port["protocol"]), "{name}: {port}");
        }
        let declared: usize = items(&pod["spec"]["containers"]).iter().map(|it| items(&it["ports"]).len()).sum();
        assert_eq!(items(&inward["ports"]).len(), declared, "{name}: every port of the target is let in");
        for (peer, wanted) in [(&inward["from"][0], &injector["spec"]), (&outward["to"][0], &target["spec"])] {
            let let_in: BTreeSet<_> =
                selected(objects, &peer["podSelector"]).into_iter().map(|(whose, _)| whose).collect();
            let held: BTreeSet<_> =
                selected(objects, &wanted["podSelector"]).into_iter().map(|(whose, _)| whose).collect();
            assert_eq!(let_in, held, "{name}");
        }
        // Strangers come to the protocols, scrapers to the metrics.
        let strangers = &items(&target["spec"]["ingress"])[1];
        assert!(items(&strangers["ports"]).iter().all(|port| port["port"] != 9797), "{name}");
        assert_eq!(items(&target["spec"]["ingress"])[2]["ports"], json!([{ "port": 9797, "protocol": "TCP" }]));
    }
}

#[test]
fn what_a_pod_mounts_and_who_it_is_are_there() {
    let Some(rendered) = both() else { return };
    for Rendered { name, objects, .. } in rendered {
        let ids = objects.ids();
        for (whose, pod) in objects.pods() {
            let account = pod["spec"]["serviceAccountName"].as_str().unwrap();
            assert!(ids.contains(&format!("ServiceAccount/{account}")), "{name}: {whose}: {account}");
            let mut volumes = BTreeSet::new();
            for volume in items(&pod["spec"]["volumes"]) {
                if let Some(map) = volume["configMap"]["name"].as_str() {
                    assert!(ids.contains(&format!("ConfigMap/{map}")), "{name}: {whose}: {map}");
                }
                for source in items(&volume["projected"]["sources"]) {
                    let map = source["configMap"]["name"].as_str().unwrap();
                    assert!(ids.contains(&format!("ConfigMap/{map}")), "{name}: {whose}: {map}");
                }
                volumes.insert(volume["name"].clone().to_string());
            }
            let mut mounted = BTreeSet::new();
            for container in items(&pod["spec"]["containers"]) {
                mounted.extend(items(&container["volumeMounts"]).iter().map(|it| it["name"].clone().to_string()));
            }
            assert_eq!(volumes, mounted, "{name}: {whose}");
        }
        for scaler in objects.of("HorizontalPodAutoscaler") {
            let target = &scaler["spec"]["scaleTargetRef"];
            assert!(ids.contains(&format!("Deployment/{}", target["name"].as_str().unwrap())), "{name}");
        }
        for budget in objects.of("PodDisruptionBudget") {
            assert_eq!(selected(objects, &budget["spec"]["selector"]).len(), 1, "{name}");
        }
    }
}

/// The token's file is where the flag says, and the scenario's where the program is sent.
#[test]
fn files_that_flags_name_are_mounted() {
    let Some(rendered) = matrix() else { return };
    let mut files = 0;
    for Rendered { name, objects, .. } in rendered {
        for (whose, pod) in objects.pods() {
            for container in items(&pod["spec"]["containers"]) {
                let mounts: Vec<_> = items(&container["volumeMounts"]).iter().collect();
                let variables =
                    items(&container["env"]).iter().filter_map(|it| it["value"].as_str().map(str::to_owned));
                let named = strings(&container["args"]).into_iter().chain(variables);
                let paths = named.filter_map(|it| it.split('=').next_back().map(str::to_owned));
                for path in paths.filter(|path| path.starts_with("/etc/continuous-load/")) {
                    let folder = path.rsplit_once('/').unwrap().0;
                    assert!(mounts.iter().any(|it| it["mountPath"] == folder), "{name}: {whose}: {path}");
                    files += 1;
                }
            }
        }
    }
    assert!(files > 20, "{files}");
}
