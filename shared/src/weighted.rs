//! One choice out of several with given shares: the meaning of `503:5,404` once, for every parameter.
//!
//! Shares are exact: cumulative bounds are whole numbers over one denominator, a share of 0 has an empty interval and
//! can therefore never be picked, and shares that fill the whole are picked always.

use crate::units::Ppm;

/// One alternative and the share it was written with, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<T> {
    /// What happens.
    pub value: T,
    /// Its written share of all requests.
    pub weight: Option<Ppm>,
}

/// At least one choice; shares sum to at most 100 %.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighted<T> {
    choices: Vec<Choice<T>>,
}

/// Why a list of choices was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightError {
    /// There is nothing to choose from.
    Empty,
    /// The shares sum to this many ppm, over a million.
    Over100 {
        /// The sum in parts per million.
        sum_ppm: u64,
    },
    /// The written shares fill 100 %, so that the choices without one could never happen.
    NothingLeft,
    /// A relative weight is positive but under one part per million of the total (or all weights are zero).
    Vanishing,
}

impl<T> Weighted<T> {
    /// Always `value`.
    pub fn one(value: T) -> Self {
        Self { choices: vec![Choice { value, weight: None }] }
    }

    /// Percentages; choices without one share what is left equally, and if every choice has one the rest is the
    /// parameter's default.
    pub fn new(choices: Vec<Choice<T>>) -> Result<Self, WeightError> {
        let this = Self { choices };
        let sum_ppm = this.written_ppm();
        if this.choices.is_empty() {
            Err(WeightError::Empty)
        } else if sum_ppm > u64::from(Ppm::ONE.get()) {
            Err(WeightError::Over100 { sum_ppm })
        } else if this.n_unweighted() > 0 && sum_ppm == u64::from(Ppm::ONE.get()) {
            Err(WeightError::NothingLeft)
        } else {
            Ok(this)
        }
    }

    /// Relative weights, as in httpbin's `/status/200:3,500:1`: turned into percentages that sum to exactly 100, by
    /// largest remainder, so within one part per million of the ratio written. Equal weights stay exactly equal.
    pub fn relative(choices: Vec<(T, u64)>) -> Result<Self, WeightError> {
        if choices.windows(2).all(|pair| pair[0].1 == pair[1].1) && choices.iter().all(|(_, weight)| *weight > 0) {
            let equal = |(value, _)| Choice { value, weight: None };
            return Self::new(choices.into_iter().map(equal).collect());
        }
        let total: u128 = choices.iter().map(|(_, weight)| u128::from(*weight)).sum();
        if total == 0 {
            return Err(if choices.is_empty() { WeightError::Empty } else { WeightError::Vanishing });
        }
        let scaled = |weight: u64| u128::from(weight) * u128::from(Ppm::ONE.get());
        if choices.iter().any(|(_, weight)| *weight > 0 && scaled(*weight) < total) {
            return Err(WeightError::Vanishing);
        }
        let mut ppm: Vec<u128> = choices.iter().map(|(_, weight)| scaled(*weight) / total).collect();
        let mut by_remainder: Vec<usize> = (0..ppm.len()).collect();
        by_remainder.sort_by_key(|&i| std::cmp::Reverse(scaled(choices[i].1) % total));
        let missing = usize::try_from(u128::from(Ppm::ONE.get()) - ppm.iter().sum::<u128>())
            .expect("rounding down loses less than one part per choice");
        for &i in by_remainder.iter().take(missing) {
            ppm[i] += 1;
        }
        let weight = |ppm: u128| u32::try_from(ppm).ok().and_then(Ppm::new);
        let choices = choices.into_iter().zip(ppm);
        Self::new(choices.map(|((value, _), ppm)| Choice { value, weight: weight(ppm) }).collect())
    }

    /// The choice that `u` in [0, 1) falls on; `None` means the parameter's default.
    pub fn pick(&self, u: f64) -> Option<&T> {
        let bounds = self.upper_bounds();
        let hit = self.choices.iter().zip(bounds).find(|(_, bound)| u < *bound);
        hit.map(|(choice, _)| &choice.value)
    }

    /// Each choice with its probability, in the order written. What is missing to 1 is the parameter's default.
    pub fn probabilities(&self) -> impl Iterator<Item = (&T, f64)> {
        let (share, whole) = (self.unweighted_parts(), self.whole());
        self.choices.iter().map(move |choice| (&choice.value, self.parts(choice, share) as f64 / whole as f64))
    }

    /// The values that can happen at all.
    pub fn possible(&self) -> impl Iterator<Item = &T> {
        self.choices.iter().filter(|choice| choice.weight != Some(Ppm::ZERO)).map(|choice| &choice.value)
    }

    /// True if some requests get the parameter's default.
    pub fn has_remainder(&self) -> bool {
        self.n_unweighted() == 0 && self.written_ppm() < u64::from(Ppm::ONE.get())
    }

    /// The choices as written.
    pub fn choices(&self) -> &[Choice<T>] {
        &self.choices
    }

    /// The same shares over other values.
    pub fn map<U>(&self, f: impl Fn(&T) -> U) -> Weighted<U> {
        let map = |choice: &Choice<T>| Choice { value: f(&choice.value), weight: choice.weight };
        Weighted { choices: self.choices.iter().map(map).collect() }
    }

    fn upper_bounds(&self) -> impl Iterator<Item = f64> {
        let (share, whole) = (self.unweighted_parts(), self.whole());
        self.choices.iter().scan(0_u64, move |sum, choice| {
            *sum += self.parts(choice, share);
            Some(*sum as f64 / whole as f64)
        })
    }

    /// One part is 1 ppm divided by the number of unweighted choices, so that every share is a whole number of parts.
    fn parts(&self, choice: &Choice<T>, unweighted_parts: u64) -> u64 {
        choice.weight.map_or(unweighted_parts, |ppm| u64::from(ppm.get()) * self.n_unweighted().max(1))
    }

    fn unweighted_parts(&self) -> u64 {
        u64::from(Ppm::ONE.get()) - self.written_ppm()
    }

    fn whole(&self) -> u64 {
        u64::from(Ppm::ONE.get()) * self.n_unweighted().max(1)
    }

    fn written_ppm(&self) -> u64 {
        self.choices.iter().filter_map(|choice| choice.weight).map(|ppm| u64::from(ppm.get())).sum()
    }

    fn n_unweighted(&self) -> u64 {
        self.choices.iter().filter(|choice| choice.weight.is_none()).count() as u64
    }
}

#[cfg(test)]
mod tests;
