//! How long requests took. Pure.

use std::fmt::Write as _;

use crate::summary::{Latency, Side, Summary};

pub(super) fn latencies(text: &mut String, summary: &Summary, width: usize) -> std::fmt::Result {
    writeln!(text, "\nlatency in ms")?;
    writeln!(
        text,
        "{:width$}  {:<8} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "operation", "", "p50", "p90", "p99", "max", "count"
    )?;
    for operation in &summary.operations {
        latency_lines(text, width, &operation.name, &operation.client)?;
    }
    latency_lines(text, width, "total", &summary.total)?;
    latency_line(text, width, "", "lag", &summary.total.lag)?;
    latency_line(text, width, "", "wait", &summary.total.wait)
}

fn latency_lines(text: &mut String, width: usize, name: &str, side: &Side) -> std::fmt::Result {
    latency_line(text, width, name, "response", &side.response)?;
    latency_line(text, width, "", "service", &side.service)?;
    latency_line(text, width, "", "server", &side.server)?;
    latency_line(text, width, "", "network", &side.network)?;
    // Only streams have more messages than answers.
    if side.messages.count > 0 { latency_line(text, width, "", "message", &side.messages) } else { Ok(()) }
}

fn latency_line(text: &mut String, width: usize, name: &str, kind: &str, latency: &Latency) -> std::fmt::Result {
    writeln!(
        text,
        "{name:width$}  {kind:<8} {:>9} {:>9} {:>9} {:>9} {:>9}",
        ms(latency.p50_us),
        ms(latency.p90_us),
        ms(latency.p99_us),
        ms(latency.max_us),
        latency.count,
    )
}

/// Microseconds as milliseconds with three significant digits; a dash for nothing.
pub(crate) fn ms(us: Option<u64>) -> String {
    let Some(us) = us else { return "-".to_owned() };
    let ms = us as f64 / 1e3;
    match ms {
        ..10.0 => format!("{ms:.3}"),
        ..100.0 => format!("{ms:.2}"),
        ..1000.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_keep_three_digits() {
        let cases = [
            (None, "-"),
            (Some(1), "0.001"),
            (Some(314), "0.314"),
            (Some(9_999), "9.999"),
            (Some(10_000), "10.00"),
            (Some(123_456), "123.5"),
            (Some(1_234_567), "1235"),
        ];
        for (us, text) in cases {
            assert_eq!(ms(us), text);
        }
    }
}
