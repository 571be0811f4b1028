//! How a rate changes with time, as a stretching of time.
//!
//! A shape is straight pieces of a scale over time. Its area up to an instant, in scale × nanoseconds, is the work done by
//! then; a schedule's nominal instant is an amount of work at 100 %. So a shape knows nothing of rates or of slots, and any
//! spacing can go through it. All in integers: the area of a piece is a quotient that is rounded once, and an instant is
//! found by comparing areas, never by trusting a square root.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::duration;

/// A share of the configured load: 0 % to 10 000 %, in thousandths of a per cent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scale(u32);

impl Scale {
    /// Nothing is sent.
    pub const ZERO: Scale = Scale(0);
    /// As configured.
    pub const FULL: Scale = Scale(100_000);
    /// The most that can be written.
    pub const MAX: Scale = Scale(10_000_000);

    /// Thousandths of a per cent: 100 000 is the configured load.
    pub fn thousandths(self) -> u32 {
        self.0
    }

    /// 1 is the configured load.
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / f64::from(Scale::FULL.0)
    }

    /// This much of `other`, rounded to a thousandth of a per cent, at most [`Scale::MAX`].
    pub fn of(self, other: Scale) -> Scale {
        let product = (u64::from(self.0) * u64::from(other.0) + 50_000) / 100_000;
        Scale(u32::try_from(product).unwrap_or(u32::MAX)).min(Scale::MAX)
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 1_000, self.0 % 1_000) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, rest) => write!(f, "{whole}.{}%", format!("{rest:03}").trim_end_matches('0')),
        }
    }
}

impl FromStr for Scale {
    type Err = ScaleError;

    fn from_str(text: &str) -> Result<Scale, ScaleError> {
        let wrong = || ScaleError(text.to_owned());
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 3 {
            return Err(wrong());
        }
        let part: u32 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
        let scale = whole.parse::<u32>().ok().and_then(|whole| whole.checked_mul(1_000)?.checked_add(part));
        scale.map(Scale).filter(|scale| *scale <= Scale::MAX).ok_or_else(wrong)
    }
}

/// A text is no [`Scale`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaleError(String);

impl fmt::Display for ScaleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScaleError(text) = self;
        write!(f, "{text:?} is not a share of the rate; expected 0% to 10000%, such as 25% or 12.5%, with the sign")
    }
}

impl std::error::Error for ScaleError {}

/// The longest ramp, step or period.
const PIECE_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Straight pieces of a sine's period: 0.12 % of the amplitude off at most.
const SINE_PIECES: u32 = 64;

/// A scale over time, without end: after the last piece its last value holds, or it begins again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pieces: Vec<Piece>,
    repeats: bool,
}

/// A straight piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    length_ns: u128,
    from: Scale,
    to: Scale,
    /// Of all pieces before.
    begins_ns: u128,
    area_before: u128,
}

impl Shape {
    /// From one scale to another over a time, and then the latter for ever. Nothing: no time, or more than a week.
    pub fn ramp(from: Scale, to: Scale, over: Duration) -> Option<Shape> {
        Shape::new([(over, from, to)], false)
    }

    /// One after another; the last holds for ever. Nothing: none, one without time, or one of more than a week.
    pub fn steps(steps: &[(Scale, Duration)]) -> Option<Shape> {
        Shape::new(steps.iter().map(|(scale, length)| (*length, *scale, *scale)), false)
    }

    /// Around 100 %, up first. Nothing: more than 100 % down, or a period of no time or of more than a week.
    pub fn sine(amplitude: Scale, period: Duration) -> Option<Shape> {
        if amplitude > Scale::FULL || period < Duration::from_micros(1) {
            return None;
        }
        // One quarter is computed and mirrored, so that what is more in one half is exactly less in the other.
        let quarter = SINE_PIECES / 4;
        let height = |point: u32| {
            let angle = f64::from(point) / f64::from(quarter) * std::f64::consts::FRAC_PI_2;
            (f64::from(amplitude.0) * angle.sin()).round() as u32
        };
        let scale = |point: u32| {
            let point = point % SINE_PIECES;
            let within = point % (2 * quarter);
            let height = if within <= quarter { height(within) } else { height(2 * quarter - within) };
            Scale(if point < 2 * quarter { Scale::FULL.0 + height } else { Scale::FULL.0 - height })
        };
        let pieces = (0..SINE_PIECES).map(|piece| {
            let instant = |point: u32| period * point / SINE_PIECES;
            (instant(piece + 1) - instant(piece), scale(piece), scale(piece + 1))
        });
        Shape::new(pieces, true)
    }

    fn new(pieces: impl IntoIterator<Item = (Duration, Scale, Scale)>, repeats: bool) -> Option<Shape> {
        let mut shape = Shape { pieces: Vec::new(), repeats };
        let (mut begins_ns, mut area_before) = (0, 0);
        for (length, from, to) in pieces {
            if length.is_zero() || length > PIECE_MAX {
                return None;
            }
            let piece = Piece { length_ns: length.as_nanos(), from, to, begins_ns, area_before };
            begins_ns += piece.length_ns;
            area_before += piece.area(piece.length_ns);
            shape.pieces.push(piece);
        }
        (!shape.pieces.is_empty()).then_some(shape)
    }

    /// The scale at an instant of its own clock.
    pub fn at(&self, t: Duration) -> Scale {
        let t = t.as_nanos();
        let t = if self.repeats { t % self.length() } else { t };
        let piece = self.piece(|piece| piece.begins_ns <= t);
        let (from, to) = (i128::from(piece.from.0), i128::from(piece.to.0));
        let u = (t - piece.begins_ns).min(piece.length_ns);
        let u = i128::try_from(u).expect("at most a week");
        let length = i128::try_from(piece.length_ns).expect("at most a week");
        Scale(u32::try_from(from + (to - from) * u / length).expect("between two scales"))
    }

    /// The highest it ever is.
    pub fn highest(&self) -> Scale {
        self.pieces.iter().map(|piece| piece.from.max(piece.to)).max().unwrap_or(Scale::FULL)
    }

    fn last(&self) -> &Piece {
        self.pieces.last().expect("a shape has a piece")
    }

    fn length(&self) -> u128 {
        self.last().begins_ns + self.last().length_ns
    }

    fn whole_area(&self) -> u128 {
        self.last().area_before + self.last().area(self.last().length_ns)
    }

    /// The last piece for which it holds; of the first it always does.
    fn piece(&self, holds: impl Fn(&Piece) -> bool) -> &Piece {
        &self.pieces[self.pieces.partition_point(holds).saturating_sub(1)]
    }

    /// The area up to an instant, rounded down.
    fn area(&self, t: u128) -> u128 {
        let (laps, t) = if self.repeats { (t / self.length(), t % self.length()) } else { (0, t) };
        let piece = self.piece(|piece| piece.begins_ns <= t);
        let u = t - piece.begins_ns;
        let beyond = u.saturating_sub(piece.length_ns) * u128::from(piece.to.0);
        laps * self.whole_area() + piece.area_before + piece.area(u.min(piece.length_ns)) + beyond
    }

    /// The last instant whose area is not more than this: where a piece is silent, its end. Nothing if there is none.
    fn instant(&self, area: u128) -> Option<u128> {
        // The first instant that has one unit more, and a nanosecond back.
        let wanted = area + 1;
        let whole = self.whole_area();
        let (begins, wanted) = match (self.repeats, whole) {
            (true, 0) => return None,
            (true, _) => ((wanted - 1) / whole * self.length(), (wanted - 1) % whole + 1),
            (false, _) if wanted > whole => {
                let scale = u128::from(self.last().to.0);
                return Some(
                    self.length() + (wanted - whole).checked_add(scale)?.checked_sub(1)?.checked_div(scale)? - 1,
                );
            }
            (false, _) => (0, wanted),
        };
        let piece = self.piece(|piece| piece.area_before < wanted);
        Some(begins + piece.begins_ns + piece.first_with(wanted - piece.area_before) - 1)
    }
}

/// In words: what the load is of the rate.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.repeats {
            let (highest, period) = (self.highest(), seconds(self.length()));
            return write!(f, "a wave up to {highest} of it and down as much, every {period} s");
        }
        for (index, piece) in self.pieces.iter().enumerate() {
            let length = seconds(piece.length_ns);
            let before = if index == 0 { "" } else { ", " };
            match (piece.from == piece.to, index + 1 == self.pieces.len()) {
                (true, true) => write!(f, "{before}{} of it from then on", piece.to)?,
                (true, false) => write!(f, "{before}{} of it for {length} s", piece.to)?,
                (false, _) => write!(f, "{before}from {} of it to {} over {length} s", piece.from, piece.to)?,
            }
        }
        Ok(())
    }
}

fn seconds(ns: u128) -> String {
    let text = format!("{:.3}", ns as f64 / 1e9);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Piece {
    /// Of its first `u` nanoseconds, rounded down. At most 10⁷ × (6 × 10¹⁴)², which is below 2¹²³.
    fn area(&self, u: u128) -> u128 {
        let (from, to) = (u128::from(self.from.0), u128::from(self.to.0));
        let straight = 2 * self.length_ns * from * u;
        let bent = from.abs_diff(to) * u * u;
        (if to >= from { straight + bent } else { straight - bent }) / (2 * self.length_ns)
    }

    /// The first `u` with at least this area, which it has at its end: at least 1.
    fn first_with(&self, area: u128) -> u128 {
        let guess = self.guess(area).clamp(1, self.length_ns);
        // Around the guess, then by halves: next to a slope's foot a square root knows half its digits.
        let (mut low, mut high) = (guess, guess);
        let mut step = 1;
        while low > 0 && self.area(low) >= area {
            (high, low) = (low, low.saturating_sub(step));
            step *= 2;
        }
        step = 1;
        while self.area(high) < area {
            (low, high) = (high, (high + step).min(self.length_ns));
            step *= 2;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.area(middle) >= area { high = middle } else { low = middle }
        }
        high
    }

    fn guess(&self, area: u128) -> u128 {
        let (from, to, length) = (f64::from(self.from.0), f64::from(self.to.0), self.length_ns as f64);
        let root = (from * from + 2.0 * (to - from) * area as f64 / length).max(0.0).sqrt();
        (2.0 * area as f64 / (from + root)) as u128
    }
}

/// A shape from an instant of its own clock on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warp {
    shape: Arc<Shape>,
    from_ns: u128,
    area: u128,
}

impl Warp {
    /// A shape that has run for this long already.
    pub fn new(shape: Arc<Shape>, from: Duration) -> Warp {
        let from_ns = from.as_nanos();
        let area = shape.area(from_ns);
        Warp { shape, from_ns, area }
    }

    /// When the nominal instant comes, since the beginning of the warp; nothing: never.
    pub(super) fn real(&self, nominal: Duration) -> Option<Duration> {
        let area = nominal.as_nanos().checked_mul(u128::from(Scale::FULL.0))?.checked_add(self.area)?;
        duration(self.shape.instant(area)?.checked_sub(self.from_ns)?)
    }

    /// The nominal instant that has come by then, rounded down.
    pub(super) fn nominal(&self, real: Duration) -> Duration {
        duration(self.work(real) / u128::from(Scale::FULL.0)).unwrap_or(Duration::MAX)
    }

    /// Nominal instants before this come before `real`, and no others.
    pub(super) fn nominal_end(&self, real: Duration) -> Duration {
        duration(self.work(real).div_ceil(u128::from(Scale::FULL.0))).unwrap_or(Duration::MAX)
    }

    fn work(&self, real: Duration) -> u128 {
        self.shape.area(self.from_ns + real.as_nanos()) - self.area
    }
}
