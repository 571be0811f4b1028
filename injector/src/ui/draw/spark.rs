//! The last minute of an operation in a few characters. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::Look;
use crate::ui::model::{SPARK_SECONDS, Spark};

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];
/// Stands for seconds in which something went wrong.
const TROUBLE: char = 'x';

/// At most so many characters: the slowest of each few seconds, against the slowest of all; `x` where requests went wrong.
/// The newest is on the right.
pub(super) fn spark(seconds: &VecDeque<Spark>, width: usize, look: Look) -> String {
    let per = SPARK_SECONDS.div_ceil(width.clamp(1, SPARK_SECONDS));
    let cells = SPARK_SECONDS.div_ceil(per);
    let newest_first: Vec<Spark> = seconds.iter().rev().copied().collect();
    let merged: Vec<Spark> = newest_first.chunks(per).take(cells).map(worst).collect();
    let took = |spark: &Spark| match spark {
        Spark::Took(took) => Some(*took),
        _ => None,
    };
    let (low, high) = (merged.iter().filter_map(took).min(), merged.iter().filter_map(took).max());
    let (low, high) = (low.unwrap_or_default(), high.unwrap_or_default());
    let glyphs = if look.is_unicode { BLOCKS } else { ASCII };
    let drawn = merged.iter().rev().map(|spark| match spark {
        Spark::Nothing => ' ',
        Spark::Troubled => TROUBLE,
        Spark::Took(took) => glyphs[level(*took, low, high)],
    });
    let drawn: String = drawn.collect();
    format!("{drawn:>cells$}")
}

/// What a chunk of seconds shows.
fn worst(chunk: &[Spark]) -> Spark {
    let rank = |spark: &Spark| match spark {
        Spark::Nothing => (0, Duration::ZERO),
        Spark::Took(took) => (1, *took),
        Spark::Troubled => (2, Duration::ZERO),
    };
    chunk.iter().copied().max_by_key(rank).unwrap_or(Spark::Nothing)
}

/// By factors, as latencies differ: the bottom is the fastest, the top the slowest, but at least [`SPAN_MIN`] times that:
/// what hardly varies is a flat line.
fn level(took: Duration, low: Duration, high: Duration) -> usize {
    let low_s = low.as_secs_f64().max(1e-6);
    let factor = |duration: Duration| (duration.as_secs_f64() / low_s).max(1.0);
    let share = factor(took).ln() / factor(high).max(SPAN_MIN).ln();
    ((share * 7.0).round() as usize).min(7)
}

const SPAN_MIN: f64 = 4.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seconds: &[Spark], width: usize, is_unicode: bool) -> String {
        spark(&seconds.iter().copied().collect(), width, Look { is_coloured: false, is_unicode })
    }

    #[test]
    fn the_newest_is_on_the_right_and_trouble_outweighs_all() {
        let took = |ms| Spark::Took(Duration::from_millis(ms));
        let seconds = [took(1), took(10), Spark::Nothing, took(100), Spark::Troubled];
        assert_eq!(drawn(&seconds, 60, true).trim_start(), "▁▅ █x");
        assert_eq!(drawn(&seconds, 60, false).trim_start(), "_= #x");
        assert_eq!(drawn(&seconds, 60, true).chars().count(), 60);
        // Six seconds a character.
        assert_eq!(drawn(&[took(1); 12], 10, false), "        __");
        assert_eq!(drawn(&[], 10, true), " ".repeat(10));
    }
}
