//! The predecessor's dashboard and alerts as expressions, with a namespace and windows filled in, and what they have to give.

use crate::promtool::Panel;

/// The HTTP operations of [`super::SCENARIO`], in its order, and the status of all their answers.
pub(crate) const TYPES: [&str; 4] = ["service", "broken", "two", "refused"];
pub(crate) const STATUSES: [&str; 4] = ["200", "503", "202", "0"];
/// What is asked there, from which each operation's label `name` comes.
pub(crate) const PATHS: [&str; 4] = ["/status/200", "/status/503?delay=60ms", "/echo", "/"];

/// What was asked, by the place of an operation in those lists.
pub(crate) struct Asked {
    pub(crate) urls: [String; 4],
    /// Requests a second in the minute that queries look at.
    pub(crate) per_s: [f64; 4],
}

impl Asked {
    /// A value for each operation.
    fn of_http(&self, labels: impl Fn(usize) -> String, value: impl Fn(f64) -> f64) -> Vec<(String, f64)> {
        (0..TYPES.len()).map(|operation| (labels(operation), value(self.per_s[operation]))).collect()
    }
}

/// The predecessor's gauges and its client row.
pub(crate) fn client_panels(asked: &Asked) -> Vec<Panel> {
    let service = format!("{{name=\"{}\"}}", asked.urls[0]);
    let share = |labels: &str, window: &str| {
        let rate = |more: &str| format!("sum by (name)(rate(k6_http_reqs{{{more}{labels}}}[{window}]))");
        format!("{} / {}", rate("status=\"200\","), rate(""))
    };
    let gauge = |window| Panel { query: share("type=\"service\"", window), wanted: vec![(service.clone(), 1.0)] };
    let mut panels: Vec<Panel> = ["1m", "1h", "1d", "7d", "30d", "1y"].into_iter().map(gauge).collect();
    panels.push(Panel {
        query: "sum by(name,status)(rate(k6_http_reqs{namespace=\"load\"}[1m])) > 0".to_owned(),
        wanted: asked.of_http(|n| format!("{{name=\"{}\",status=\"{}\"}}", asked.urls[n], STATUSES[n]), |per_s| per_s),
    });
    // What expects 200 and never had one is at 0 %, and not missing.
    let refused = format!("{{name=\"{}\"}}", asked.urls[3]);
    let success = share("namespace=\"load\"", "10m");
    panels.push(Panel { query: format!("({success}) * 100"), wanted: vec![(service, 100.0), (refused, 0.0)] });
    for quantile in ["0.95", "0.80", "0.50", "0.10", "0.99"] {
        let buckets = "rate(k6_http_req_duration_bucket{namespace=\"load\"}[10m])";
        let query = format!("histogram_quantile({quantile}, sum({buckets}) by (le))");
        // How long it took is this machine's affair; that there is an answer is not.
        let query = format!("({query} >= bool 0) * ({query} <= bool 10)");
        panels.push(Panel { query, wanted: vec![("{}".to_owned(), 1.0)] });
    }
    panels
}

/// An alert: an expression, the comparison that it fires on, and the labels of what fires in [`super::SCENARIO`].
pub(crate) struct Alert {
    expression: String,
    comparison: &'static str,
    pub(crate) firing: Vec<String>,
}

impl Alert {
    /// As it was written.
    pub(crate) fn query(&self) -> String {
        format!("{} {}", self.expression, self.comparison)
    }
}

/// Those on k6's series. The first is written with the bucket that it means, `0.025`: as it stands, `0,025`, it finds
/// nothing on any system.
pub(crate) fn alerts(asked: &Asked) -> [Alert; 4] {
    let rate = |what: &str| format!("rate(k6_http_req_duration_{what}[1m])");
    let each = |what: &str| format!("sum by(namespace,pod,type)({})", rate(what));
    let fast = each("bucket{namespace=\"load\",le=\"0.025\"}");
    let all = each("count{namespace=\"load\"}");
    let traffic = "sum by(namespace,type)(rate(k6_http_reqs{namespace=\"load\"}[1m]))";
    let wrong = "rate(k6_http_reqs{namespace=\"load\",status!=\"200\"}[1m])";
    let of_types = |fires: &dyn Fn(usize) -> bool, more: &str| -> Vec<String> {
        let labels = |n: usize| format!("{{namespace=\"load\",{more}type=\"{}\"}}", TYPES[n]);
        (0..TYPES.len()).filter(|n| fires(*n)).map(labels).collect()
    };
    let of_status = |n: usize| format!("{{namespace=\"load\",pod=\"k6-1\",status=\"{}\"}}", STATUSES[n]);
    let alert = |expression, comparison, firing| Alert { expression, comparison, firing };
    [
        alert(format!("{fast} / {all}"), "< 0.99", of_types(&|n| TYPES[n] == "broken", "pod=\"k6-1\",")),
        alert(traffic.to_owned(), "< 10", of_types(&|n| asked.per_s[n] < 10.0, "")),
        alert(traffic.to_owned(), "> 100", of_types(&|n| asked.per_s[n] > 100.0, "")),
        alert(format!("sum by(namespace,pod,status)({wrong})"), "> 0.01", (1..4).map(of_status).collect()),
    ]
}

/// What they look at, whether it is bad or well: nothing that is not found may pass for well.
pub(crate) fn watched(asked: &Asked) -> Vec<Panel> {
    let [slow, low, _, wrong] = alerts(asked);
    let of_type = |n: usize| format!("{{namespace=\"load\",type=\"{}\"}}", TYPES[n]);
    let of_pod = |n: usize| format!("{{namespace=\"load\",pod=\"k6-1\",type=\"{}\"}}", TYPES[n]);
    let traffic = asked.of_http(of_type, |per_s| per_s);
    let statuses = wrong.firing.iter().cloned().zip(asked.per_s[1..].iter().copied()).collect();
    vec![
        Panel { query: format!("{} <= bool 1", slow.expression), wanted: asked.of_http(of_pod, |_| 1.0) },
        Panel { query: low.expression, wanted: traffic },
        Panel { query: wrong.query(), wanted: statuses },
    ]
}
