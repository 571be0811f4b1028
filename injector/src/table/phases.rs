//! The phases of a run, all operations together, where there are several. Pure.

use std::fmt::Write as _;

use super::Grid;
use super::latencies::ms;
use super::requests::percent;
use crate::summary::Summary;

pub(super) fn phases(text: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.phases.len() < 2 {
        return Ok(());
    }
    let heads = ["phase", "planned", "success", "failed", "dropped", "cut off", "ok", "p50", "p90", "p99"];
    let mut grid = Grid::new(&[heads]);
    for phase in &summary.phases {
        let side = &phase.client;
        grid.row([
            phase.name.clone(),
            side.planned.to_string(),
            side.success.to_string(),
            side.failure.to_string(),
            (side.dropped_late + side.dropped_limit).to_string(),
            side.interrupted.to_string(),
            percent(side),
            ms(side.response.p50_us),
            ms(side.response.p90_us),
            ms(side.response.p99_us),
        ]);
    }
    writeln!(
        text,
        "\nby phase, response times in ms; what is under way at a phase's end has its result in the next one"
    )?;
    text.push_str(&grid.text());
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(phases: &serde_json::Value) -> String {
        let value = json!({
            "schema": 1, "planned_for_s": 3.0, "verdict": { "result": "passed", "exit_code": 0 }, "total": {}, "operations": [],
            "phases": phases,
        });
        let mut text = String::new();
        phases_of(&mut text, &serde_json::from_value(value).unwrap());
        text
    }

    fn phases_of(text: &mut String, summary: &Summary) {
        phases(text, summary).unwrap();
    }

    #[test]
    fn several_phases_have_a_row_each() {
        let warmup = json!({ "name": "warmup", "client": { "planned": 10, "success": 9, "in_flight": 1 } });
        let peak = json!({ "name": "peak", "client": {
            "planned": 200, "success": 100, "failure": 98, "dropped_late": 1, "dropped_limit": 2, "in_flight": -1,
            "response": { "p50_us": 1200, "p90_us": 20500, "p99_us": 1019903 },
        } });
        assert_eq!(told(&json!([warmup])), "");
        let expected = "
by phase, response times in ms; what is under way at a phase's end has its result in the next one
phase  planned success failed dropped cut off      ok   p50   p90  p99
warmup      10       9      0       0       0 100.00%     -     -    -
peak       200     100     98       3       0  49.75% 1.200 20.50 1020
";
        assert_eq!(told(&json!([warmup, peak])), expected);
    }
}
