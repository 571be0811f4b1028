//! The limit of a comparison: its unit has to fit what is compared.

use shared::units::{Ppm, parse_duration, parse_percent};

use super::cursor::Cursor;
use super::{Kind, Metric, Refused, Statistic, decimal};
use crate::rounded::trimmed;
use crate::threshold::Limit;

/// The limit, and what it says of a figure that has no statistic.
pub(super) fn limit(
    cursor: &mut Cursor<'_>,
    metric: Metric,
    statistic: Option<Statistic>,
) -> Result<(Statistic, Limit), Refused> {
    let start = *cursor;
    let text = cursor.until(char::is_whitespace);
    let kind = metric.kind();
    let refuse = |reason: &str| {
        let example = kind.example(metric.name());
        Err(start.refuse(format!("{text:?}: {reason}; write {example}")))
    };
    if text.is_empty() {
        return refuse("the limit is missing");
    }
    let number = decimal(text);
    let share = text.ends_with('%').then(|| parse_percent(text));
    let a_second = text.strip_suffix("/s").map(decimal);
    let limit = match (kind, statistic) {
        (Kind::Times, _) if number.is_some_and(|number| number != 0.0) => {
            return refuse("a duration needs a unit, ms or s");
        }
        (Kind::Trend, _) if number.is_some() => match parse_duration(&format!("{text}ms")) {
            Ok(duration) => Limit::Time(duration),
            Err(_) => return refuse("too long, or finer than a nanosecond"),
        },
        (Kind::Times | Kind::Trend, _) => match parse_duration(text) {
            Ok(duration) => Limit::Time(duration),
            Err(error) => return refuse(&error.to_string()),
        },
        (Kind::Share | Kind::Rate | Kind::Tally | Kind::Speed, _) if share.is_some() => match share {
            Some(Ok(share)) => Limit::Share(share),
            _ => return refuse("a share is 0% to 100%, with at most 4 decimals"),
        },
        (Kind::Share, _) => return refuse("a share needs its unit, %"),
        (Kind::Rate, _) => match number {
            Some(number) if number <= 1.0 => Limit::Number(number),
            Some(percent) => {
                let share = trimmed(percent / 100.0, 6);
                return refuse(&format!("k6's rates are shares from 0 to 1: {percent}% is {share}"));
            }
            None => return refuse("not a number"),
        },
        (Kind::Speed, _) | (Kind::Counter, Some(Statistic::PerSecond)) if a_second.is_some() => match a_second {
            Some(Some(number)) => Limit::PerSecond(number),
            _ => return refuse("not a number a second"),
        },
        (Kind::Speed, _) => return refuse("needs a unit, /s or % of the planned requests"),
        (Kind::Tally | Kind::Count | Kind::Counter | Kind::Gauge, _) => match number {
            Some(number) => Limit::Number(number),
            None => return refuse("not a number"),
        },
    };
    let statistic = statistic.unwrap_or(match limit {
        Limit::Share(_) => Statistic::Share,
        Limit::PerSecond(_) => Statistic::PerSecond,
        Limit::Number(_) | Limit::Time(_) => Statistic::Count,
    });
    // What can never be, or always is, is a slip of the pen.
    let never_above = matches!(limit, Limit::Share(share) if share > Ppm::ONE);
    if never_above { refuse("no share is more than 100%") } else { Ok((statistic, limit)) }
}
