//! A real Prometheus that scrapes what a test runs, and answers queries about it.
//!
//! It listens on a port that is held for it, keeps its data in a folder that goes with it, and is killed at the end. From
//! its start to its first scrape take five seconds, which are its own: what a test measures is started after
//! [`Prometheus::scraped`].

mod predecessor;
mod truth;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::{ReservedPort, run, within};
use crate::process::Process;
use crate::tools::require;

/// Starting, a first scrape, an answer: nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it is told, in its folder.
const CONFIG: &str = "prometheus.json";

/// Rules that a test adds, in the folder of the configuration.
const RULES: &str = "rules.json";

/// Whom to scrape: the label `job`, where, and the labels that its series get beside `job` and `instance`.
pub(crate) struct Job<'a> {
    pub(crate) name: &'a str,
    pub(crate) address: SocketAddr,
    pub(crate) labels: &'a [(&'a str, &'a str)],
}

/// One series of an answer and its samples, each with its instant in seconds: one, unless a range was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) samples: Vec<(f64, f64)>,
}

impl Series {
    /// Of a label, empty if it is not there, which is the same to Prometheus.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// The last value.
    pub(crate) fn value(&self) -> f64 {
        self.samples.last().unwrap().1
    }
}

/// A running Prometheus.
pub(crate) struct Prometheus {
    address: SocketAddr,
    jobs: Vec<Value>,
    interval_ms: u32,
    child: Child,
    folder: TempDir,
    _port: ReservedPort,
}

impl Prometheus {
    /// One that scrapes these every so often, or `None` after saying that the test is skipped.
    pub(crate) fn start(interval_ms: u32, jobs: &[Job<'_>]) -> Option<Prometheus> {
        let jobs: Vec<Value> = jobs.iter().map(job).collect();
        Prometheus::launch(&config(interval_ms, &jobs).to_string(), interval_ms, jobs)
    }

    /// One that is told who to scrape by this configuration, or `None` after saying that the test is skipped. It is not to be
    /// changed later.
    pub(crate) fn configured(config: &str) -> Option<Prometheus> {
        Prometheus::launch(config, 0, Vec::new())
    }

    fn launch(config: &str, interval_ms: u32, jobs: Vec<Value>) -> Option<Prometheus> {
        let program = require("prometheus")?;
        let port = ReservedPort::new();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(CONFIG), config).unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", folder.path().join(CONFIG).display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={}", port.address))
            .args(["--web.enable-lifecycle", "--log.level=warn"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut prometheus = Prometheus { address: port.address, jobs, interval_ms, child, folder, _port: port };
        run(within(PATIENCE, "Prometheus is ready", async || {
            let ended = prometheus.child.try_wait().unwrap();
            assert!(ended.is_none(), "Prometheus ended: {ended:?}: {}", prometheus.log());
            match http(prometheus.address, "GET", "/-/ready", "") {
                Ok((200, _)) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        }));
        Some(prometheus)
    }

    /// Scrapes this one as well, in five seconds from now.
    pub(crate) fn add(&mut self, more: &Job<'_>) {
        self.jobs.push(job(more));
        let config = config(self.interval_ms, &self.jobs).to_string();
        std::fs::write(self.folder.path().join(CONFIG), config).unwrap();
        let answer = http(self.address, "POST", "/-/reload", "");
        assert!(matches!(answer, Ok((200, _))), "{answer:?}: {}", self.log());
    }

    /// Evaluates these groups of rules as well, as often as it scrapes.
    pub(crate) fn rules(&self, groups: &Value) {
        let rules = serde_json::json!({ "groups": groups });
        std::fs::write(self.folder.path().join(RULES), rules.to_string()).unwrap();
        let answer = http(self.address, "POST", "/-/reload", "");
        assert!(matches!(answer, Ok((200, _))), "{answer:?}: {}", self.log());
    }

    /// What is wrong with its rules: of each that could not be evaluated the last time, its name and what was said.
    pub(crate) fn broken_rules(&self) -> Vec<String> {
        let answer = http(self.address, "GET", "/api/v1/rules", "");
        let Ok((200, text)) = &answer else { panic!("{answer:?}: {}", self.log()) };
        let groups = serde_json::from_str::<Value>(text).unwrap()["data"]["groups"].take();
        let rules = groups.as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
        let broken = rules.filter(|rule| rule["health"] != "ok");
        broken.map(|rule| format!("{}: {}: {}", rule["name"], rule["health"], rule["lastError"])).collect()
    }

    /// Waits until each of these jobs has been scraped from now on, begun and stored: all that was counted before is in
    /// what queries find.
    pub(crate) fn scraped(&self, jobs: &[&str]) {
        // Instants of scrapes are moved by up to two milliseconds, so that they compress better.
        let now_s = self.now_s() + 0.01;
        let wanted: Vec<String> = jobs.iter().map(|job| format!("{{job=\"{job}\"}}")).collect();
        run(within(PATIENCE, "a scrape", async || {
            let last = |labels: &String| {
                self.query(&format!("timestamp(up{labels}) > {now_s} and (up{labels} == 1)")).first().map(Series::value)
            };
            let seen: Vec<Option<f64>> = wanted.iter().map(last).collect();
            if seen.iter().all(Option::is_some) { Ok(()) } else { Err(format!("{jobs:?} at {seen:?}: {}", self.log())) }
        }));
    }

    /// Its clock.
    pub(crate) fn now_s(&self) -> f64 {
        self.ask("query", &[("query", "time()")])["result"][0].as_f64().unwrap()
    }

    /// What an expression gives now: series with one sample each, a scalar being one without labels.
    ///
    /// # Panics
    /// If it is no expression.
    pub(crate) fn query(&self, expression: &str) -> Vec<Series> {
        series(&self.ask("query", &[("query", expression)]))
    }

    /// What it gave at an instant, in seconds.
    pub(crate) fn query_at(&self, expression: &str, at_s: f64) -> Vec<Series> {
        series(&self.ask("query", &[("query", expression), ("time", &at_s.to_string())]))
    }

    /// The one value that it gave at an instant; none is an error, and so are several.
    pub(crate) fn value_at(&self, expression: &str, at_s: f64) -> f64 {
        match &self.query_at(expression, at_s)[..] {
            [one] => one.value(),
            other => panic!("{expression} at {at_s} is not one value: {other:?}"),
        }
    }

    /// What it gave from one instant to another, as a panel shows it.
    pub(crate) fn query_range(&self, expression: &str, from_s: f64, to_s: f64, step_s: f64) -> Vec<Series> {
        let [start, end, step] = [from_s, to_s, step_s].map(|number| number.to_string());
        series(&self.ask("query_range", &[("query", expression), ("start", &start), ("end", &end), ("step", &step)]))
    }

    fn ask(&self, endpoint: &str, fields: &[(&str, &str)]) -> Value {
        let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let answer = http(self.address, "POST", &format!("/api/v1/{endpoint}"), &form.join("&"));
        let Ok((200, text)) = &answer else { panic!("{fields:?}: {answer:?}: {}", self.log()) };
        serde_json::from_str::<Value>(text).unwrap()["data"].take()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// YAML is a superset of JSON, which needs no quoting by hand.
fn config(interval_ms: u32, jobs: &[Value]) -> Value {
    let interval = format!("{interval_ms}ms");
    let global = serde_json::json!({
        "scrape_interval": interval,
        "scrape_timeout": interval,
        "evaluation_interval": interval,
    });
    // A pattern, since most have no such file.
    let rules = [RULES.replace('.', "*.")];
    serde_json::json!({ "global": global, "rule_files": rules, "scrape_configs": jobs })
}

fn job(job: &Job<'_>) -> Value {
    let labels: BTreeMap<&str, &str> = job.labels.iter().copied().collect();
    let targets = [serde_json::json!({ "targets": [job.address.to_string()], "labels": labels })];
    serde_json::json!({ "job_name": job.name, "static_configs": targets })
}

fn series(data: &Value) -> Vec<Series> {
    let sample = |pair: &Value| (pair[0].as_f64().unwrap(), pair[1].as_str().unwrap().parse().unwrap());
    let result = &data["result"];
    if data["resultType"] == "scalar" {
        return vec![Series { labels: BTreeMap::new(), samples: vec![sample(result)] }];
    }
    let one = |series: &Value| Series {
        labels: serde_json::from_value(series["metric"].clone()).unwrap(),
        samples: match series["values"].as_array() {
            Some(values) => values.iter().map(sample).collect(),
            None => vec![sample(&series["value"])],
        },
    };
    result.as_array().unwrap().iter().map(one).collect()
}

fn encoded(text: &str) -> String {
    let byte =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

/// One request in HTTP/1.0, which is answered without chunks: the status and the body.
fn http(address: SocketAddr, method: &str, path: &str, form: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let kind = "content-type: application/x-www-form-urlencoded";
    write!(stream, "{method} {path} HTTP/1.0\r\nhost: p\r\n{kind}\r\ncontent-length: {}\r\n\r\n{form}", form.len())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((status, body.to_owned()))
}

#[test]
fn a_real_prometheus_finds_what_it_is_told_of() {
    let (_target, _, admin) = Process::target();
    let labels = [("namespace", "load")];
    let first = Job { name: "first", address: admin, labels: &labels };
    let Some(mut prometheus) = Prometheus::start(250, &[first]) else { return };
    prometheus.scraped(&["first"]);
    let (_other, _, admin) = Process::target();
    prometheus.add(&Job { name: "second", address: admin, labels: &[] });
    prometheus.scraped(&["first", "second"]);
    let found = prometheus.query("continuous_load_build_info");
    assert_eq!(found.len(), 2, "{found:?}");
    let of = |job: &str| found.iter().find(|series| series.label("job") == job).unwrap();
    assert_eq!((of("first").label("namespace"), of("second").label("namespace")), ("load", ""));
    assert_eq!((of("first").value(), of("second").label("role")), (1.0, "target-server"));
    let now_s = prometheus.now_s();
    let range = prometheus.query_range("sum(up)", now_s - 2.0, now_s, 0.5);
    assert_eq!((range.len(), range[0].samples.last()), (1, Some(&(now_s, 2.0))), "{range:?}");
    assert_eq!(prometheus.value_at("sum(up) by (job) and on() vector(1) or vector(7)", 1.0), 7.0, "long ago");
}
