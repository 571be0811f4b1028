//! The real programs with the command lines, scenarios and calls that the chart gives them.
//!
//! On this machine, so hosts and ports are exchanged for those that the target took; all else is as rendered.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::helm::{Helm, Objects, items, strings};
use super::matrix::matrix;
use crate::pki::Pki;
use crate::process::{FREE_PORTS, Process, get, output, timed};

/// A target started as its container is, and where it listens, by protocol.
fn target(objects: &Objects, pki: &Pki) -> (Process, BTreeMap<String, SocketAddr>) {
    let pods = objects.pods();
    let (_, pod) = pods.iter().find(|(whose, _)| whose.ends_with("-target")).expect("a target");
    let mut arguments = strings(&pod["spec"]["containers"][0]["args"]);
    for argument in &mut arguments {
        *argument = argument
            .replace("/etc/continuous-load/tls/tls.crt", &pki.text("server.pem"))
            .replace("/etc/continuous-load/tls/tls.key", &pki.text("server.key"));
    }
    // The last of a flag wins.
    let arguments: Vec<_> = arguments.iter().map(String::as_str).chain(FREE_PORTS).collect();
    let mut process = Process::start("target-server", &arguments);
    let mut places = BTreeMap::new();
    while !places.contains_key("admin") {
        let line = process.line_with("listening protocol=");
        let part = |name: &str| {
            let rest = line.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("no {name} in {line}")).1;
            rest.split_whitespace().next().unwrap().to_owned()
        };
        places.insert(part("protocol"), part("address").parse().unwrap());
    }
    (process, places)
}

/// The place that a URL of a test means, among those of the target.
fn place(places: &BTreeMap<String, SocketAddr>, url: &str) -> SocketAddr {
    let (scheme, rest) = url.split_once("://").unwrap();
    let name = match scheme {
        _ if rest.contains("-headless") => "admin",
        "grpcs" => "https",
        "dns" => "dns_udp",
        scheme => scheme,
    };
    let found = places.get(name).or_else(|| places.get("dns")).unwrap_or_else(|| panic!("no {name} in {places:?}"));
    *found
}

/// The call of every test pod, with the real place: (name, arguments).
fn calls(objects: &Objects, places: &BTreeMap<String, SocketAddr>) -> Vec<(String, Vec<String>)> {
    let pods = objects.of("Pod").map(|pod| {
        let mut arguments = strings(&pod["spec"]["containers"][0]["args"]);
        assert_eq!(arguments[0], "probe");
        let (scheme, rest) = arguments[1].split_once("://").expect("a URL");
        let path = rest.split_once('/').map(|(_, path)| format!("/{path}")).unwrap_or_default();
        arguments[1] = format!("{scheme}://{}{path}", place(places, &arguments[1]));
        (pod["metadata"]["name"].as_str().unwrap().to_owned(), arguments)
    });
    pods.collect()
}

fn probe(arguments: &[String]) -> (bool, String) {
    let output = output("injector", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn the_tests_of_a_release_pass_while_its_target_lives() {
    let Some(helm) = Helm::find() else { return };
    let pki = Pki::new();
    let objects = helm.objects("target: { tls: { existingSecret: s }, logLevel: warn }");
    let (process, places) = target(&objects, &pki);
    let calls = calls(&objects, &places);
    let names: Vec<_> = calls.iter().map(|(name, _)| name.rsplit_once("-test-").unwrap().1).collect();
    let wanted = ["admin", "dns-tcp", "dns-udp", "fault", "grpc", "grpcs", "http", "http2", "https", "tcp", "udp"];
    assert_eq!(names, wanted);
    for (name, arguments) in &calls {
        let (passed, said) = probe(arguments);
        let protocol = match name.rsplit_once("-test-").unwrap().1 {
            "admin" | "fault" | "https" => "http",
            "grpcs" => "grpc",
            "dns-tcp" => "dns_tcp",
            "dns-udp" => "dns_udp",
            protocol => protocol,
        };
        assert!(passed && said.starts_with(&format!("ok {protocol} ")), "{name}: {said}");
    }
    drop(process);
    for (name, mut arguments) in calls {
        arguments.retain(|argument| !argument.starts_with("--retry") && !argument.starts_with("--timeout"));
        arguments.push("--timeout=200ms".to_owned());
        let (passed, said) = probe(&arguments);
        assert!(!passed, "{name}: {said}");
    }
}

/// The injector's arguments in a release, with its scenario as a file whose operations go to where the target is.
fn injector(objects: &Objects, places: &BTreeMap<String, SocketAddr>, folder: &Path) -> Vec<String> {
    let mut scenario: Value = serde_saphyr::from_str(&objects.scenario().unwrap()).unwrap();
    scenario["admin"] = places["admin"].to_string().into();
    for operation in scenario["mix"].as_array_mut().unwrap() {
        let kinds = ["http", "grpc", "tcp", "udp", "dns"];
        let kind = kinds.into_iter().find(|kind| operation.get(kind).is_some()).expect("a protocol");
        operation["target"] = place(places, &format!("{kind}://x")).to_string().into();
    }
    let file = folder.join("scenario.yaml");
    fs::write(&file, scenario.to_string()).unwrap();

    let pods = objects.pods();
    let (_, pod) = pods.iter().find(|(whose, _)| whose.contains("-injector")).expect("an injector");
    let arguments =
        strings(&pod["spec"]["containers"][0]["args"]).into_iter().map(|argument| match argument.as_str() {
            "/etc/continuous-load/scenario/scenario.yaml" => file.to_str().unwrap().to_owned(),
            "--admin-address=[::]:9798" => "--admin-address=127.0.0.1:0".to_owned(),
            _ => argument,
        });
    arguments.collect()
}

/// Runs of a load test, until this machine keeps its plan.
const RUNS_MAX: usize = 5;

/// A load test as its job runs it, but for its length.
#[test]
fn a_job_ends_well_and_both_sides_agree() {
    let Some(helm) = Helm::find() else { return };
    let pki = Pki::new();
    let values =
        "target: { logLevel: warn }\ninjector: { mode: job, totalRate: 100/s, job: { duration: 1s }, json: true }";
    let objects = helm.objects(values);
    let (_process, places) = target(&objects, &pki);
    let folder = tempfile::tempdir().unwrap();
    let arguments = injector(&objects, &places, folder.path());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = (0..RUNS_MAX).find_map(|_| {
        let output = output("injector", &arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
        // A machine that stands still is no plan kept, and the injector says so.
        let is_saturated = result["verdict"]["reasons"].to_string().contains("generator saturated");
        if is_saturated {
            println!("once more: {}", result["verdict"]);
            return None;
        }
        assert_eq!((output.status.code(), &result["verdict"]["result"]), (Some(0), &"passed".into()), "{errors}");
        Some(result)
    });
    let result = result.expect("a machine that can send 100 requests in a second");
    for operation in result["operations"].as_array().unwrap() {
        assert_eq!(operation["client"]["sent"], operation["server"]["received"], "{operation}");
    }
}

/// A deployment for as long as a test: probes are answered, what is scraped is no more than is allowed for, a signal ends it
/// well and in time.
#[test]
fn a_deployment_answers_its_probes_and_ends_when_told_to() {
    let Some(helm) = Helm::find() else { return };
    let pki = Pki::new();
    let objects = helm.objects("target: { logLevel: warn }\ninjector: { compat: k6, totalRate: 100/s }");
    let (process, places) = target(&objects, &pki);
    let folder = tempfile::tempdir().unwrap();
    let arguments = injector(&objects, &places, folder.path());
    let mut injecting = Process::start("injector", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let admin = injecting.address("admin");
    injecting.has_run_for(1.0);

    let mut asked = 0;
    for (whose, place) in [("target", places["admin"]), ("injector", admin)] {
        let pod = &objects.one(&format!("Deployment/r-continuous-load-{whose}"))["spec"]["template"]["spec"];
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            // It fails on anything but 200.
            get(place, pod["containers"][0][probe]["httpGet"]["path"].as_str().unwrap());
            asked += 1;
        }
    }
    assert_eq!(asked, 6);
    // What the chart reckons with when it judges monitoring.sampleLimit.
    let samples = get(admin, "/metrics").lines().filter(|line| !line.starts_with('#')).count();
    let operations = objects.scenario().unwrap().matches("- name: ").count();
    assert!(
        samples <= 700 * operations,
        "{samples} samples of {operations} operations: raise continuous-load.samplesMax"
    );

    for (process, whose) in [(injecting, "injector"), (process, "target")] {
        let pod = &objects.one(&format!("Deployment/r-continuous-load-{whose}"))["spec"]["template"]["spec"];
        let grace = Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().unwrap());
        process.signal("TERM");
        let ((code, said), took) = timed(|| process.end());
        assert_eq!(code, Some(0), "{whose}: {said}");
        assert!(took < grace, "{whose} took {took:?} of {grace:?}");
    }
}

/// No flag is invented: each stands in the program's help.
#[test]
fn the_programs_know_every_flag() {
    let Some(rendered) = matrix() else { return };
    let help = |program: &str, command: &[&str]| {
        let arguments: Vec<_> = command.iter().copied().chain(["--help"]).collect();
        String::from_utf8(output(program, &arguments).stdout).unwrap()
    };
    let known = BTreeMap::from([
        ("target-server", help("target-server", &[])),
        ("run", help("injector", &["run"])),
        ("probe", help("injector", &["probe"])),
    ]);
    let mut flags = std::collections::BTreeSet::new();
    for one in rendered {
        for (whose, pod) in one.objects.pods() {
            let containers = ["containers", "initContainers"].map(|key| items(&pod["spec"][key])).concat();
            for container in containers {
                let program = strings(&container["command"])[0].trim_start_matches('/').to_owned();
                let arguments = strings(&container["args"]);
                let help = &known[if program == "injector" { arguments[0].as_str() } else { program.as_str() }];
                for flag in arguments.iter().filter(|argument| argument.starts_with("--")) {
                    let flag = flag.split('=').next().unwrap();
                    let is_known = help.split([' ', '\n', '=', '[', ',']).any(|word| word == flag);
                    assert!(is_known, "{}: {whose}: no {flag} in the help of {program}", one.name);
                    flags.insert(flag.to_owned());
                }
                for variable in items(&container["env"]) {
                    let name = variable["name"].as_str().unwrap();
                    let helps = known.values().any(|help| help.contains(&format!("[env: {name}=")));
                    let is_known = helps || name.starts_with("CLOAD_ADMIN");
                    assert!(is_known, "{}: {whose}: nobody reads {name}", one.name);
                }
            }
        }
    }
    assert!(flags.len() > 20, "{flags:?}");
}
