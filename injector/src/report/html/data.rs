//! The data of the charts within the file, as much of it as there is room for.

use serde::Serialize;

use crate::timeline::{Figures, Line, Quantiles};

/// What charts of a report are drawn from, and what is not among it.
pub(super) struct Embedded {
    /// Fit to stand in a script element.
    pub(super) json: String,
    /// How many of the runs have something to draw.
    pub(super) runs: usize,
    /// In words.
    pub(super) left_out: Vec<String>,
}

#[derive(Serialize)]
struct Data<'a> {
    names: Vec<&'a str>,
    runs: Vec<Figures>,
}

impl Embedded {
    /// Of one or two runs, each with the name to call it by, in at most so many bytes.
    pub(super) fn new(runs: &[(&str, Option<&Figures>)], bytes_max: usize) -> Embedded {
        let mut left_out = Vec::new();
        for (name, _) in runs.iter().filter(|(_, figures)| figures.is_none_or(|figures| figures.points() == 0)) {
            let of = if runs.len() > 1 { format!(" of {name}") } else { String::new() };
            left_out.push(format!(
                "There is no time series{of}: nothing was sent, several results were added up, or an older program wrote it."
            ));
        }
        let known =
            || runs.iter().filter_map(|(name, figures)| Some((*name, (*figures)?))).filter(|(_, f)| f.points() > 0);
        let operations = known().map(|(_, figures)| figures.operations.len()).max();
        let Some(operations) = operations else {
            return Embedded { json: "null".to_owned(), runs: 0, left_out };
        };
        let names: Vec<&str> = known().map(|(name, _)| name).collect();
        let mut tries: Vec<(usize, bool)> = vec![(operations, true)];
        tries.extend(
            std::iter::successors(Some(operations), |kept| (*kept > 0).then_some(kept / 2)).map(|kept| (kept, false)),
        );
        for (kept, is_whole) in tries {
            let runs = known().map(|(_, figures)| reduced(figures, kept, is_whole)).collect();
            let json = embeddable(&Data { names: names.clone(), runs });
            if json.len() > bytes_max {
                continue;
            }
            if kept < operations {
                left_out.push(format!(
                    "For the size of this file there are charts of {kept} of {operations} operations, those that failed most, and \
                     of all together. The result as JSON has all of them."
                ));
            }
            return Embedded { json, runs: names.len(), left_out };
        }
        left_out
            .push("For the size of this file there are no charts. The result as JSON has the time series.".to_owned());
        Embedded { json: "null".to_owned(), runs: 0, left_out }
    }
}

/// Of so many operations, those that failed most. What is not whole lacks what is drawn least.
fn reduced(figures: &Figures, kept: usize, is_whole: bool) -> Figures {
    let mut by_failures: Vec<usize> = (0..figures.operations.len()).collect();
    let failures = |at: &usize| figures.operations[*at].failure.iter().sum::<u64>();
    by_failures.sort_by_key(|at| std::cmp::Reverse(failures(at)));
    by_failures.truncate(kept);
    by_failures.sort_unstable();
    let without = |line: &Line, is_total: bool| {
        let mut line = line.clone();
        let Line { response, service, server, network, heat, .. } = &mut line;
        for Quantiles { p90_ms, max_ms, .. } in [response, service, server, network] {
            (*p90_ms, *max_ms) = (Vec::new(), Vec::new());
        }
        if !is_total {
            *heat = Vec::new();
        }
        line
    };
    let operations = by_failures.into_iter().map(|at| &figures.operations[at]);
    if is_whole {
        return Figures { operations: operations.cloned().collect(), ..figures.clone() };
    }
    Figures {
        operations: operations.map(|line| without(line, false)).collect(),
        total: without(&figures.total, true),
        ..figures.clone()
    }
}

/// `<` could end the element, or begin a comment in it.
fn embeddable(data: &Data<'_>) -> String {
    let json = serde_json::to_string(data).expect("its keys are strings, and memory takes what is written");
    json.replace('<', "\\u003c")
}
