//! HTTP/2 and TLS of the target, against clients that are not ours.

use std::process::{Command, Stdio};

use crate::fixture::{eventually, run};
use crate::pki::Pki;
use crate::process::{FREE_PORTS, Process, get};
use crate::strangers::assert_examples;
use crate::tools::require;

/// A target with a certificate.
struct Secured {
    pki: Pki,
    http: String,
    https: String,
    admin: std::net::SocketAddr,
    _process: Process,
}

impl Secured {
    fn start(asks_for_certificates: bool) -> Secured {
        let pki = Pki::new();
        let (cert, key, ca) = (pki.text("server.pem"), pki.text("server.key"), pki.text("ca.pem"));
        let mut arguments = FREE_PORTS.to_vec();
        arguments.extend(["--tls-cert", &cert, "--tls-key", &key]);
        if asks_for_certificates {
            arguments.extend(["--tls-client-ca", &ca]);
        }
        let mut process = Process::start("target-server", &arguments);
        let http = process.address("http").to_string();
        let https = process.address("https").to_string();
        let admin = process.address("admin");
        Secured { pki, http, https, admin, _process: process }
    }

    /// What curl says with these arguments: its exit code and standard output.
    fn curl(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let ca = self.pki.text("ca.pem");
        let written = "%{http_version} %{http_code} %{size_download}\n";
        let mut command = Command::new("curl");
        command.args(["-s", "-m", "10", "--noproxy", "*", "--cacert", &ca, "-o", "/dev/null", "-w", written]);
        let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    /// The sum of the samples that have all these words in them.
    fn metric(&self, words: &[&str]) -> f64 {
        let text = get(self.admin, "/metrics");
        let samples = text.lines().filter(|line| words.iter().all(|word| line.contains(word)));
        samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }
}

#[test]
fn curl_speaks_either_version_with_tls_and_without() {
    if require("curl").is_none() {
        return;
    }
    let target = Secured::start(false);
    let (plain, secured) =
        (format!("http://{}/?size=65536", target.http), format!("https://{}/?size=65536", target.https));
    for (arguments, said) in [
        (&["--http1.1", &plain][..], "1.1 200 65536\n"),
        (&["--http2-prior-knowledge", &plain], "2 200 65536\n"),
        // Both requests on one connection: the second is a stream of its own.
        (&["--http2", &plain, "-o", "/dev/null", &plain], "2 200 65536\n2 200 65536\n"),
        // With a body, the upgrade is not taken up.
        (&["--http2", "-d", "hello", &plain], "1.1 200 65536\n"),
        (&["--http1.1", &secured], "1.1 200 65536\n"),
        (&["--http2", &secured], "2 200 65536\n"),
        (&["--http2", "-d", "hello", &secured], "2 200 65536\n"),
    ] {
        assert_eq!(target.curl(arguments), (Some(0), said.to_owned()), "{arguments:?}");
    }
    assert_eq!(target.metric(&["server_requests_total", "protocol=\"http2\"", "success"]), 5.0);
    assert_eq!(target.metric(&["server_requests_total", "protocol=\"http\"", "success"]), 3.0);
}

#[test]
fn curl_refuses_a_wrong_name_and_the_target_a_client_without_a_certificate() {
    if require("curl").is_none() {
        return;
    }
    const WRONG_CERTIFICATE: Option<i32> = Some(60);
    let target = Secured::start(true);
    let (cert, key) = (target.pki.text("client.pem"), target.pki.text("client.key"));
    let certified = ["--cert", &cert, "--key", &key];
    let good = format!("https://{}/?size=0", target.https);
    let elsewhere = format!("wrong.test:1:{}", target.https);
    let wrong = ["--connect-to", &elsewhere, "https://wrong.test:1/"];
    assert_eq!(target.curl(&[&certified[..], &wrong].concat()).0, WRONG_CERTIFICATE);
    assert_eq!(target.curl(&[&certified[..], &[&good]].concat()), (Some(0), "2 200 0\n".to_owned()));
    let (exit, said) = target.curl(&[&good]);
    assert!(exit != Some(0) && said.contains(" 000 "), "{exit:?} {said}");
}

#[test]
fn h2load_and_the_target_count_the_same() {
    let Some(h2load) = require("h2load") else { return };
    let target = Secured::start(false);
    for (arguments, url, protocol) in [
        (&["-m", "10"][..], format!("http://{}/", target.http), "http2"),
        (&["-m", "100"], format!("https://{}/", target.https), "http2"),
        (&["--h1", "-m", "1"], format!("http://{}/", target.http), "http"),
    ] {
        let words = ["server_requests_total", &format!("protocol=\"{protocol}\""), "code=\"200\"", "success"];
        let before = target.metric(&words);
        let mut command = Command::new(&h2load);
        command.args(["-n", "500", "-c", "4", "-t", "1", "-T", "10", "-N", "10"]).args(arguments).arg(&url);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("500 done, 500 succeeded, 0 failed, 0 errored, 0 timeout"), "{said}");
        // The last are recorded a moment after h2load has read them.
        run(eventually("the target counts 500", async || match target.metric(&words) - before {
            500.0 => Ok(()),
            counted => Err((url.clone(), counted)),
        }));
    }
}

#[test]
fn every_curl_example_of_the_manual_does_what_it_says() {
    if require("curl").is_none() {
        return;
    }
    let target = Secured::start(false);
    let ca = target.pki.text("ca.pem");
    assert_examples(include_str!("../../docs/http2.md"), 11, |command| {
        let command = command.replace("127.0.0.1:9898", &target.http);
        command.replace("127.0.0.1:9899", &target.https).replace("ca.pem", &ca)
    });
}

#[test]
fn files_that_cannot_be_served_end_the_start() {
    let pki = Pki::new();
    let (cert, key) = (pki.text("server.pem"), pki.text("client.key"));
    let output =
        crate::process::output("target-server", &[&FREE_PORTS[..], &["--tls-cert", &cert, "--tls-key", &key]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("--tls-key"), "{said}");
}
