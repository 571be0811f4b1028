//! While a run lasts, each side is known at its scrapes only. What that costs is bounded by what Prometheus itself says of
//! its scrapes: how far apart they were, and how long they took.

use serde_json::Value;
use shared::red::DURATION_BUCKETS_S;

use super::{DELAYED, Told, UNHARMED};

const QUANTILES: [(&str, &str); 3] = [("0.5", "p50_us"), ("0.9", "p90_us"), ("0.99", "p99_us")];

/// A window in the middle of the run, and how well each side is known in it.
struct Window<'a> {
    told: &'a Told<'a>,
    to_s: f64,
    length_ms: u64,
    /// Seconds out of the window by which `rate` of one side may be wrong, both sides' added.
    blind_s: f64,
    wrong: Vec<String>,
    /// The largest of the differences, as a share of its bound.
    worst: f64,
    /// The largest difference of two rates that should be the same, as a share of the rate.
    apart: f64,
}

impl Window<'_> {
    fn length_s(&self) -> f64 {
        self.length_ms as f64 / 1e3
    }

    fn value(&self, expression: &str) -> f64 {
        self.told.prometheus.value_at(expression, self.to_s)
    }

    /// Per second, of all series with these labels.
    fn rate(&self, name: &str, labels: &str) -> f64 {
        self.value(&format!("sum(rate(continuous_load_{name}{{{labels}}}[{}ms]))", self.length_ms))
    }

    fn near(&mut self, what: &str, here: f64, there: f64, bound: f64) {
        self.worst = self.worst.max((here - there).abs() / bound);
        // A NaN is near nothing.
        let is_near = (here - there).abs() <= bound;
        if !is_near {
            self.wrong.push(format!("{what}: {here:.4} and {there:.4} differ by more than {bound:.4}"));
        }
    }

    fn rates(&mut self, operation: &str, result: &Value) {
        let of = format!("operation=\"{operation}\"");
        let per_s = result["rate_per_s"].as_f64().unwrap();
        let longest_s = |what: &str| result["client"][what]["max_us"].as_f64().unwrap() / 1e6;
        let longest_s = longest_s("response").max(longest_s("lag"));
        // What is in flight at the edges is counted inside or outside, and a paced counter moves by whole requests.
        let share = |more_s: f64| (self.blind_s + more_s + 1.0 / per_s) / self.length_s();
        let (planned, counted) = (share(longest_s), share(0.0));
        let [client, sent] = ["client_requests_total", "client_sent_total"].map(|name| self.rate(name, &of));
        let placed = client + self.rate("client_dropped_total", &of);
        self.near(&format!("{operation}: rate as planned"), placed, per_s, planned * per_s);
        if operation == "refused" {
            return self.near(
                "refused: success ratio",
                self.rate("client_requests_total", &format!("{of},result=\"success\"")),
                0.0,
                f64::MIN_POSITIVE,
            );
        }
        let unique = self.rate("server_received_total", &format!("{of},event=\"unique\""));
        // Two requests in twenty arrive and are not answered, one does not arrive.
        let (arrived, succeeded, served) =
            if operation == "lossy" { (0.95, 0.85, 18.0 / 19.0) } else { (1.0, 1.0, 1.0) };
        self.near(&format!("{operation}: arrived of sent"), unique / sent, arrived, planned);
        for (side, expected) in [("client", succeeded), ("server", served)] {
            let name = format!("{side}_requests_total");
            let ratio = self.rate(&name, &format!("{of},result=\"success\"")) / self.rate(&name, &of);
            self.near(&format!("{operation}: success ratio of the {side}"), ratio, expected, planned);
        }
        if UNHARMED.contains(&operation) {
            let server = self.rate("server_requests_total", &of);
            self.apart = self.apart.max((client - server).abs() / server);
            // Only what is asked to have no answer ends much later here than there.
            let bound = if operation == "silent" { planned } else { counted };
            self.near(&format!("{operation}: rate of both sides"), client, server, bound * per_s);
            let codes = result["client"]["codes"].as_object().unwrap();
            for code in codes.keys() {
                let labels = format!("{of},code=\"{code}\"");
                let [client, server] =
                    ["client", "server"].map(|side| self.rate(&format!("{side}_requests_total"), &labels));
                self.near(&format!("{operation}: rate of {code}"), client, server, bound * per_s);
            }
        }
    }

    /// Where a quantile lies among the bounds of the buckets.
    fn place(&self, quantile: &str, side: &str, operation: &str, window: &str) -> usize {
        let buckets = format!("continuous_load_{side}_duration_seconds_bucket{{operation=\"{operation}\"}}");
        let (buckets, at_s) = match window {
            "" => (buckets, self.told.end_s),
            window => (format!("rate({buckets}[{window}])"), self.to_s),
        };
        let expression = format!("histogram_quantile({quantile}, sum by (le) ({buckets}))");
        place(self.told.prometheus.value_at(&expression, at_s))
    }

    fn quantiles(&mut self, operation: &str, client: &Value) {
        let mut wrong = Vec::new();
        let mut compare = |what: String, here: usize, there: usize| {
            if here.abs_diff(there) > 1 {
                wrong.push(format!("{operation}: {what}: in the buckets {here} and {there}"));
            }
        };
        let window = format!("{}ms", self.length_ms);
        for (quantile, key) in QUANTILES {
            for (side, durations) in
                [("client_request", "service"), ("client_response", "response"), ("client_network", "network")]
            {
                let Some(fine_us) = client[durations][key].as_f64() else { continue };
                let held = self.place(quantile, side, operation, "");
                compare(format!("{quantile} of {durations}"), held, place(fine_us / 1e6));
            }
            if DELAYED.contains(&operation) {
                let [client, server] = ["client", "server"].map(|side| {
                    ["", &window].map(|window| self.place(quantile, &format!("{side}_request"), operation, window))
                });
                compare(format!("{quantile} of both sides"), client[0], server[0]);
                compare(format!("{quantile} of both sides in the window"), client[1], server[1]);
            }
        }
        self.wrong.append(&mut wrong);
    }
}

/// The bucket that a duration is counted in, by its place in the list.
fn place(seconds: f64) -> usize {
    assert!(seconds.is_finite(), "{seconds}");
    DURATION_BUCKETS_S.partition_point(|bound| *bound < seconds)
}

/// The window from the first scrape of the run to the last before its schedule ended, and how blind scraping was in it.
fn window<'a>(told: &'a Told<'a>) -> Option<Window<'a>> {
    let prometheus = &told.prometheus;
    let scheduled = "continuous_load_client_scheduled_total{operation=\"plain\"}[10m]";
    let scheduled = prometheus.query_at(scheduled, told.end_s).remove(0).samples;
    let mut under_way = scheduled.iter().filter(|(_, count)| *count < scheduled.last().unwrap().1);
    let (from_s, to_s) = (scheduled[0].0, under_way.next_back()?.0);
    let length_ms = ((to_s - from_s) * 1e3) as u64;
    if length_ms < told.length.run_s * 500 {
        return None;
    }
    let blind_s = ["injector", "target"].map(|job| {
        let scrapes = prometheus.query_at(&format!("up{{job=\"{job}\"}}[{length_ms}ms]"), to_s);
        let mut instants = vec![from_s];
        instants.extend(scrapes[0].samples.iter().filter(|(_, up)| *up == 1.0).map(|(at_s, _)| *at_s));
        instants.push(to_s);
        let gap_s = instants.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        let took_s = format!("max_over_time(scrape_duration_seconds{{job=\"{job}\"}}[{length_ms}ms])");
        gap_s + prometheus.value_at(&took_s, to_s)
    });
    let blind_s = blind_s.iter().sum();
    Some(Window { told, to_s, length_ms, blind_s, wrong: Vec::new(), worst: 0.0, apart: 0.0 })
}

/// Everything that differs by more than can be, or nothing if scraping saw too little to say so.
pub(super) fn wrong(told: &Told<'_>) -> Option<Vec<String>> {
    let mut window = window(told)?;
    let share = window.blind_s / window.length_s();
    if share > 0.5 {
        return None;
    }
    for (operation, result) in told.operations() {
        window.rates(operation, result);
        if operation != "refused" {
            window.quantiles(operation, &result["client"]);
        }
    }
    println!(
        "in {:.0} s: scraping may hide {:.2} %, rates differ by {:.2} %, the worst of all differences is {:.2} of its bound",
        window.length_s(),
        share * 100.0,
        window.apart * 100.0,
        window.worst,
    );
    Some(window.wrong)
}
