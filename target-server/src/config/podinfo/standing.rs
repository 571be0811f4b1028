//! The faults that podinfo's flags put on every request, in the fault language.

use super::{DelayUnit, PodinfoConfig};

/// A fault that stands for as long as the process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What a rule is called: the flag.
    pub name: &'static str,
    /// A spec, its pairs between `&`.
    pub fault: String,
    /// The body of an answer that has another status than it would have had; `None` leaves it as it is.
    pub instead: Option<&'static str>,
}

/// Most values that one parameter can choose from.
const CHOICES_MAX: u32 = 32;

impl PodinfoConfig {
    /// The faults of `--random-delay` and `--random-error`. Their draws are independent of each other and from request to
    /// request.
    pub fn standing(&self) -> Vec<Standing> {
        let delay = Standing { name: "random-delay", fault: self.delay(), instead: None };
        // 33.3333 % in all: a weight has four decimals.
        let fault = "status=500:11.1111,400:11.1111,409:11.1111".to_owned();
        let error = Standing { name: "random-error", fault, instead: Some("") };
        [(self.random_delay && self.delays(), delay), (self.random_error, error)]
            .into_iter()
            .filter_map(|(on, standing)| on.then_some(standing))
            .collect()
    }

    /// Whether a delay may be longer than nothing, which is none: `random-delay-max` itself is drawn only if it is the
    /// shortest, too.
    fn delays(&self) -> bool {
        let (min, max) = (self.random_delay_min, self.random_delay_max);
        max > 0 && (self.random_delay_unit == DelayUnit::Ms || (min, max) != (0, 1))
    }

    /// Whole seconds each equally likely, as podinfo draws them, if a list can hold them. Milliseconds are a range: nobody
    /// measures that they are whole.
    fn delay(&self) -> String {
        let (min, max) = (self.random_delay_min, self.random_delay_max);
        match self.random_delay_unit {
            DelayUnit::S if max == min => format!("delay={min}s"),
            DelayUnit::Ms if max == min => format!("delay={min}ms"),
            DelayUnit::S if max - min <= CHOICES_MAX => {
                let seconds: Vec<String> = (min..max).map(|second| format!("{second}s")).collect();
                format!("delay={}", seconds.join(","))
            }
            DelayUnit::S => format!("delay={min}s..{max}s"),
            DelayUnit::Ms => format!("delay={min}ms..{max}ms"),
        }
    }
}
