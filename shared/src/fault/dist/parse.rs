//! Reading an amount: a scalar, a range, or a distribution by name.

use super::super::error::Flaw;
use super::super::token::Token;
use super::{Dist, Micro, Shape, Unit};

const NAMES: &str = "uniform(a,b), jitter(mean,by), normal(mean,sd), exp(mean), lognormal(p50,p99), pareto(min,p99), \
                     pct(50=..,99=..) or load(base,per)";

impl Dist {
    pub(crate) fn parse(token: Token<'_>, unit: Unit) -> Result<Self, Flaw> {
        if let Some((name, arguments)) = token.call() {
            return Call { whole: token, unit, arguments: arguments.split(',') }.read(name);
        }
        let shape = match token.split_range() {
            Some((low, high)) => range(token, scalar(low, unit)?, scalar(high, unit)?)?,
            None => Shape::Exactly(scalar(token, unit)?),
        };
        Ok(Self { unit, shape, max: None })
    }
}

fn scalar(token: Token<'_>, unit: Unit) -> Result<u64, Flaw> {
    unit.parse(token.text).map_err(|error| token.flaw("").unit(error).expecting(unit.expected()))
}

fn range(whole: Token<'_>, low: u64, high: u64) -> Result<Shape, Flaw> {
    match low.cmp(&high) {
        std::cmp::Ordering::Less => Ok(Shape::Uniform { low, high }),
        std::cmp::Ordering::Equal => Ok(Shape::Exactly(low)),
        std::cmp::Ordering::Greater => Err(whole.flaw("the range ends before it begins").expecting("low..high")),
    }
}

struct Call<'a> {
    whole: Token<'a>,
    unit: Unit,
    arguments: Vec<Token<'a>>,
}

impl<'a> Call<'a> {
    fn read(mut self, name: &str) -> Result<Dist, Flaw> {
        let unit = self.unit;
        let max = self.take_named("max").map(|token| scalar(token, unit)).transpose()?;
        let shape = match name {
            "uniform" => {
                let [low, high] = self.amounts(["low", "high"])?;
                // Truncating a uniform distribution is a shorter uniform distribution.
                range(self.whole, low, max.map_or(high, |max| high.min(max)))?
            }
            "jitter" => {
                let [mean, by] = self.amounts(["mean", "by"])?;
                let high = mean.saturating_add(by);
                range(self.whole, mean.saturating_sub(by).max(unit.min()), max.map_or(high, |max| high.min(max)))?
            }
            "normal" => {
                let [mean, sd] = self.amounts(["mean", "sd"])?;
                self.require(sd > 0, "the standard deviation must be above zero")?;
                Shape::Normal { mean, sd }
            }
            "exp" => {
                let [mean] = self.amounts(["mean"])?;
                self.require(mean > 0, "the mean must be above zero")?;
                Shape::Exp { mean }
            }
            "lognormal" => self.lognormal()?,
            "pareto" => self.pareto()?,
            "pct" => self.pct()?,
            "load" => {
                let [base, per] = self.amounts(["base", "per"])?;
                Shape::Load { base, per }
            }
            _ => return Err(self.whole.flaw(format!("unknown distribution {name:?}")).expecting(NAMES)),
        };
        let folded = matches!(shape, Shape::Uniform { .. } | Shape::Exactly(_));
        let dist = Dist { unit, shape, max: max.filter(|_| !folded) };
        let kept = match dist.max {
            Some(max) if !matches!(dist.shape, Shape::Load { .. }) => dist.shape.cdf(max as f64 + 0.5),
            Some(max) => f64::from(u8::from(dist.smallest() <= max)),
            None => 1.0,
        };
        // Less than a millionth left, and the draw has too few bits to say where in it a value lies.
        self.require(kept > 1e-6, "max leaves nothing of the distribution")?;
        Ok(dist)
    }

    fn lognormal(&mut self) -> Result<Shape, Flaw> {
        let Some(sigma) = self.take_named("sigma") else {
            let [p50, p99] = self.amounts(["p50", "p99"])?;
            self.require(0 < p50 && p50 < p99, "needs 0 < p50 < p99")?;
            return Ok(Shape::Lognormal { p50, p99 });
        };
        let sigma = number(sigma, 10)?;
        let [median] = self.amounts(["median"])?;
        self.require(median > 0, "the median must be above zero")?;
        Ok(Shape::LognormalSigma { median, sigma })
    }

    fn pareto(&mut self) -> Result<Shape, Flaw> {
        let Some(alpha) = self.take_named("alpha") else {
            let [min, p99] = self.amounts(["min", "p99"])?;
            self.require(0 < min && min < p99, "needs 0 < min < p99")?;
            return Ok(Shape::Pareto { min, p99 });
        };
        let alpha = number(alpha, 1000)?;
        let [min] = self.amounts(["min"])?;
        self.require(min > 0, "the minimum must be above zero")?;
        Ok(Shape::ParetoAlpha { min, alpha })
    }

    fn pct(&mut self) -> Result<Shape, Flaw> {
        let expected = "two or more quantiles such as pct(50=20ms,90=80ms,99=400ms)";
        let mut points: Vec<(Micro, u64)> = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            let flaw = |reason: &str| argument.flaw(reason).expecting(expected);
            let (percent, value) = argument.split_name().ok_or_else(|| flaw("needs percent=value"))?;
            let percent = Micro::parse(percent).filter(|percent| *percent <= Micro::HUNDRED);
            let percent = percent.ok_or_else(|| flaw("the percent must be a number from 0 to 100"))?;
            let value = scalar(value, self.unit)?;
            if value == 0 || points.last().is_some_and(|last| percent <= last.0 || value <= last.1) {
                return Err(flaw("percents and values must increase, values from above zero"));
            }
            points.push((percent, value));
        }
        if points.len() < 2 {
            return Err(self.whole.flaw("one quantile is no distribution").expecting(expected));
        }
        Ok(Shape::Pct(points))
    }

    /// The remaining arguments as amounts: each by position or by its name, none missing, none left over.
    fn amounts<const N: usize>(&mut self, names: [&str; N]) -> Result<[u64; N], Flaw> {
        let expected = names.join(", ");
        let mut values = [0; N];
        for (value, name) in values.iter_mut().zip(names) {
            let token = match self.take_named(name).or_else(|| self.take_positional()) {
                Some(token) if !token.text.is_empty() => token,
                _ => return Err(self.whole.flaw(format!("{name} is missing")).expecting(expected)),
            };
            *value = scalar(token, self.unit)?;
        }
        match self.arguments.first() {
            None => Ok(values),
            Some(extra) => {
                Err(extra.flaw(format!("unknown argument {:?}", extra.text)).expecting(format!("{expected}, max")))
            }
        }
    }

    fn take_named(&mut self, name: &str) -> Option<Token<'a>> {
        let named = |argument: &Token<'a>| argument.split_name().filter(|(found, _)| *found == name);
        let i = self.arguments.iter().position(|argument| named(argument).is_some())?;
        named(&self.arguments.remove(i)).map(|(_, value)| value)
    }

    fn take_positional(&mut self) -> Option<Token<'a>> {
        let i = self.arguments.iter().position(|argument| argument.split_name().is_none())?;
        Some(self.arguments.remove(i))
    }

    fn require(&self, holds: bool, reason: &str) -> Result<(), Flaw> {
        if holds { Ok(()) } else { Err(self.whole.flaw(reason)) }
    }
}

/// A shape parameter: above zero, at most `max`.
fn number(token: Token<'_>, max: u64) -> Result<Micro, Flaw> {
    let in_range = |number: &Micro| 0 < number.0 && number.0 <= max * 1_000_000;
    Micro::parse(token.text).filter(in_range).ok_or_else(|| {
        token
            .flaw(format!("{:?} is out of range", token.text))
            .expecting(format!("a number above 0, at most {max}, with at most 6 decimals"))
    })
}
