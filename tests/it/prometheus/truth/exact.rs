//! After the end nothing is approximate: the last scrape of each side, the run's own result and what was done to it are
//! the same numbers.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::red::DURATION_BUCKETS_S;

use super::{Told, UNHARMED};

/// Counts by the value of a label, without those that are 0.
type Counts = BTreeMap<String, u64>;

/// What Prometheus holds of one operation in the end, and what differs from that.
struct Last<'a> {
    told: &'a Told<'a>,
    operation: &'a str,
    wrong: Vec<String>,
}

impl Last<'_> {
    /// The sums of the series of this name and with these labels, by another.
    fn by(&self, label: &str, name: &str, labels: &str) -> Counts {
        let expression = format!("sum by ({label}) ({name}{{operation=\"{}\"{labels}}})", self.operation);
        let series = self.told.prometheus.query_at(&expression, self.told.end_s).into_iter();
        let counts = series.map(|one| (one.label(label).to_owned(), one.value() as u64));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    fn sum(&self, name: &str, labels: &str) -> u64 {
        self.by("", name, labels).values().sum()
    }

    fn same(&mut self, what: &str, here: Value, there: Value) {
        if here != there {
            self.wrong.push(format!("{}: {what}: {here} in Prometheus, {there} in the result", self.operation));
        }
    }

    fn client(&mut self, client: &Value) {
        const REQUESTS: &str = "continuous_load_client_requests_total";
        for result in ["success", "failure"] {
            self.same(result, json!(self.sum(REQUESTS, &format!(",result=\"{result}\""))), json!(&client[result]));
        }
        self.same("codes", json!(self.by("code", REQUESTS, ",code!=\"\"")), json!(&client["codes"]));
        self.same("errors", json!(self.by("error", REQUESTS, ",error!=\"\"")), json!(&client["errors"]));
        self.same(
            "scheduled",
            json!(self.sum("continuous_load_client_scheduled_total", "")),
            json!(&client["planned"]),
        );
        self.same("sent", json!(self.sum("continuous_load_client_sent_total", "")), json!(&client["sent"]));
        for reason in ["late", "limit"] {
            let count = self.sum("continuous_load_client_dropped_total", &format!(",reason=\"{reason}\""));
            self.same(reason, json!(count), json!(&client[format!("dropped_{reason}")]));
        }
        for fate in ["request_lost", "response_lost", "unknown"] {
            let count = self.sum("continuous_load_client_unanswered_total", &format!(",fate=\"{fate}\""));
            self.same(fate, json!(count), json!(&client["unanswered"][fate]));
        }
        for (histogram, durations) in [("request", "service"), ("response", "response"), ("network", "network")] {
            let name = format!("continuous_load_client_{histogram}_duration_seconds");
            self.same(histogram, json!(self.sum(&format!("{name}_count"), "")), json!(&client[durations]["count"]));
            self.buckets(&name, &client[durations]["histogram"]);
        }
    }

    /// Every bucket holds what the result's finer histogram has up to its bound. That one keeps whole microseconds and three
    /// digits, so that what lies as close to a bound may be on either side of it.
    fn buckets(&mut self, name: &str, fine: &Value) {
        let fine: Vec<(u64, u64)> = serde_json::from_value(fine.clone()).unwrap();
        let coarse = self.by("le", &format!("{name}_bucket"), "");
        for bound_s in DURATION_BUCKETS_S {
            let up_to =
                |limit_us: f64| fine.iter().filter(|(us, _)| *us as f64 <= limit_us).map(|(_, n)| n).sum::<u64>();
            let bound_us = bound_s * 1e6;
            let (least, most) = (up_to(bound_us - 1.0), up_to(bound_us * 1.001 + 1.0));
            let held = coarse.get(&bound_s.to_string()).copied().unwrap_or(0);
            if !(least..=most).contains(&held) {
                self.wrong.push(format!("{}: {name} le {bound_s}: {held}, not {least} to {most}", self.operation));
            }
        }
    }

    fn server(&mut self, client: &Value, server: &Value) {
        const REQUESTS: &str = "continuous_load_server_requests_total";
        let received = self.sum(REQUESTS, "");
        self.same("received", json!(received), json!(&server["received"]));
        let codes = self.by("code", REQUESTS, ",code!=\"\"");
        self.same("codes at the target", json!(&codes), json!(&server["answered"]));
        self.same(
            "durations at the target",
            json!(self.sum("continuous_load_server_request_duration_seconds_count", "")),
            json!(received),
        );
        let of = |value: &Value| value.as_u64().unwrap();
        let arrived = of(&client["sent"]) - of(&client["unanswered"]["request_lost"]);
        let events = self.by("event", "continuous_load_server_received_total", "");
        let unique: Counts = [("unique".to_owned(), arrived)].into_iter().filter(|(_, count)| *count > 0).collect();
        self.same("what arrived", json!(events), json!(unique));
        if UNHARMED.contains(&self.operation) && self.told.is_calm() {
            self.same("codes on both sides", json!(codes), json!(&client["codes"]));
            self.same("requests on both sides", json!(received), json!(&client["sent"]));
        }
    }
}

/// Everything that is not the same.
pub(super) fn wrong(told: &Told<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (operation, result) in told.operations() {
        let mut last = Last { told, operation, wrong: Vec::new() };
        let (client, server) = (&result["client"], &result["server"]);
        assert!(client["planned"].as_u64().unwrap() > 0, "{operation}");
        last.client(client);
        last.server(client, server);
        match operation {
            _ if !told.is_calm() => {}
            "lossy" => {
                let [dropped, aborted, unanswered] = told.lossy;
                assert!(dropped * aborted * unanswered > 0, "{:?}", told.lossy);
                let fates = json!([dropped, aborted + unanswered, 0]);
                let said = ["request_lost", "response_lost", "unknown"].map(|fate| &client["unanswered"][fate]);
                last.same("what the proxy did", fates, json!(said));
                let gone = last.by("error", "continuous_load_server_requests_total", ",result=\"failure\"");
                last.same("who went away", json!(gone), json!({ "aborted": aborted }));
                last.same("failures", json!(&client["failure"]), json!(dropped + aborted + unanswered));
            }
            "refused" => last.same("successes", json!(0), json!(&client["success"])),
            _ => last.same("successes", json!(&client["sent"]), json!(&client["success"])),
        }
        last.same(
            "unexplained",
            json!(last.sum("continuous_load_client_unexplained_difference", "")),
            json!(&result["difference"]["unexplained"]),
        );
        last.same("unexplained", json!(0), json!(&result["difference"]["unexplained"]));
        let k6 = format!("sum(k6_iterations{{scenario=\"{operation}\"}})");
        last.same(
            "in k6's words",
            json!(told.prometheus.value_at(&k6, told.end_s) as u64),
            json!(client["success"].as_u64().unwrap() + client["failure"].as_u64().unwrap()),
        );
        wrong.append(&mut last.wrong);
    }
    wrong
}
