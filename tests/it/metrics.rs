//! Reading what `/metrics` says: `metric("name").label("operation", "web-ok").sum_in(&text)`.

/// A question about an exposition in Prometheus' text format.
pub(crate) struct Metric {
    name: String,
    labels: Vec<String>,
}

/// A question about all series of this name.
pub(crate) fn metric(name: &str) -> Metric {
    Metric { name: name.to_owned(), labels: Vec::new() }
}

impl Metric {
    /// Only series with this label.
    pub(crate) fn label(mut self, name: &str, value: &str) -> Metric {
        self.labels.push(format!("{name}=\"{value}\""));
        self
    }

    fn samples<'a>(&self, text: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        text.lines().filter(|line| !line.starts_with('#')).filter_map(move |line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let matches = name == self.name && self.labels.iter().all(|label| labels.contains(label.as_str()));
            matches.then(|| (series, value.parse().unwrap()))
        })
    }

    /// The sum of all such series; there must be one.
    pub(crate) fn sum_in(&self, text: &str) -> f64 {
        let values: Vec<f64> = self.samples(text).map(|(_, value)| value).collect();
        assert!(!values.is_empty(), "no series {} with {:?}", self.name, self.labels);
        values.iter().sum()
    }

    /// The values of one label over all such series whose value is not 0, sorted, each with its sum.
    pub(crate) fn by(&self, label: &str, text: &str) -> Vec<(String, f64)> {
        let start = format!("{label}=\"");
        let mut found: Vec<(String, f64)> = Vec::new();
        for (series, value) in self.samples(text).filter(|(_, value)| *value != 0.0) {
            let (_, rest) = series.split_once(&start).unwrap();
            let word = rest.split('"').next().unwrap();
            match found.iter_mut().find(|(held, _)| held == word) {
                Some((_, sum)) => *sum += value,
                None => found.push((word.to_owned(), value)),
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }
}
