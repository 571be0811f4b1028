//! What the rules ask for is what the two programs export: every name, and every label that is asked for with a value.

use std::collections::BTreeSet;
use std::io::Write as _;

use regex::Regex;

use super::rules;
use crate::fixture::{eventually, run};
use crate::process::{Process, get};

/// What Prometheus makes itself of each scrape.
const MADE_BY_PROMETHEUS: [&str; 1] = ["scrape_samples_post_metric_relabeling"];

#[test]
fn the_programs_export_what_the_rules_ask_for() {
    let (_target, http, target_admin) = Process::target();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    // By a name, since what is counted of names is not there otherwise.
    let mix = "- { name: a, weight: 1, http: {} }\n- { name: b, weight: 1, http: { fault: status=503 } }";
    write!(
        file,
        "target: localhost:{}\nsource: n/cl\nrate: 50/s\ntimeout: 5s\nthresholds: ['failed <= 100%']\nmix:\n{mix}\n",
        http.port()
    )
    .unwrap();
    let (path, told) = (file.path().to_str().unwrap().to_owned(), target_admin.to_string());
    let arguments = ["run", &path, "--target-admin", &told, "--admin-address", "127.0.0.1:0"];
    let mut injector = Process::start("injector", &arguments);
    let admin = injector.address("admin");

    let mut exported = String::new();
    run(eventually("both sides have counted a request, and it was judged", async || {
        exported = get(admin, "/metrics") + &get(target_admin, "/metrics");
        let is_counted = |name| exported.lines().any(|line| line.starts_with(name) && line.contains("operation=\"b\""));
        let is_there = is_counted("continuous_load_server_received_total")
            && is_counted("continuous_load_client_sent_total")
            && exported.contains("continuous_load_client_threshold_ok{");
        if is_there { Ok(()) } else { Err("not yet") }
    }));

    let selector = Regex::new(r"\b((?:continuous_load|process|scrape|up)_\w+)(?:\{([^}]*)\})?").unwrap();
    let matcher = Regex::new(r#"(\w+)(=~|!=|!~|=)"([^"]*)""#).unwrap();
    let mut asked = BTreeSet::new();
    for rule in rules() {
        let expression = rule["expr"].as_str().unwrap().to_owned();
        for found in selector.captures_iter(&expression) {
            let name = &found[1];
            // A recorded series has a colon behind that.
            let is_recorded = expression[found.get(0).unwrap().end()..].starts_with(':');
            if is_recorded || MADE_BY_PROMETHEUS.contains(&name) {
                continue;
            }
            asked.insert(name.to_owned());
            let matchers: Vec<_> = matcher.captures_iter(found.get(2).map_or("", |labels| labels.as_str())).collect();
            let fits = |line: &&str| {
                line.split(['{', ' ']).next() == Some(name)
                    && matchers.iter().all(|matcher| {
                        let Some(value) = label(line, &matcher[1]) else { return &matcher[3] == ".*" };
                        let is_same = Regex::new(&format!("^(?:{})$", &matcher[3])).unwrap().is_match(value);
                        is_same != matcher[2].starts_with('!')
                    })
            };
            assert!(exported.lines().any(|line| fits(&line)), "{}: nobody exports it", &found[0]);
        }
    }
    assert!(asked.len() > 15, "{asked:?}");
}

/// The value of a label on a line of an exposition.
fn label<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let at =
        [format!("{{{name}=\""), format!(",{name}=\"")].iter().find_map(|key| Some(line.find(key)? + key.len()))?;
    line[at..].split('"').next()
}
