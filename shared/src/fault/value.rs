//! The whole value of one parameter: choices with weights, or one of the few forms that take none.

use std::fmt;

use super::error::{Flaw, SpecErrorCode};
use super::expr::Expr;
use super::field::Field;
use super::key::{Form, Key};
use super::percent::Escaped;
use super::token::Token;
use crate::units::{Ppm, parse_percent};
use crate::weighted::{Choice, WeightError, Weighted};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Choices(Weighted<Expr>),
    /// Of the forms that take no choices.
    Single(Expr),
    Percent(Ppm),
    Seed(u64),
    Id(String),
    Text(String),
    Fields(Vec<Field>),
}

/// What may stand in an `id`: it ends up in headers, log lines and DNS labels unescaped.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=ID_MAX).contains(&text.len()) && text.bytes().all(plain)
}

const ID_MAX: usize = 64;

impl Value {
    pub(crate) fn parse(text: &str, key: Key) -> Result<Self, Flaw> {
        let token = Token::new(text);
        match key.form() {
            Form::Percent => match parse_percent(text) {
                Ok(ppm) => Ok(Self::Percent(ppm)),
                Err(error) => Err(token.flaw("").unit(error)),
            },
            Form::Seed => {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let seed = text.parse().ok().filter(|_| digits);
                seed.map(Self::Seed).ok_or_else(|| token.flaw(format!("{text:?} is not a seed")))
            }
            Form::Id if is_id(text) => Ok(Self::Id(text.to_owned())),
            Form::Id => Err(token.flaw(format!("{text:?} cannot be an id"))),
            Form::Field => Ok(Self::Fields(vec![Field::parse(token, key)?])),
            Form::Text if text.chars().any(char::is_control) => Err(token.flaw("a control character")),
            Form::Text => Ok(Self::Text(text.to_owned())),
            form if form.is_single() => Expr::parse(token, form).map(Self::Single),
            form => choices(token.balanced()?, form).map(Self::Choices),
        }
    }

    /// Appends this value as it is written after the `=`.
    pub(crate) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Choices(weighted) => {
                for (i, Choice { value, weight }) in weighted.choices().iter().enumerate() {
                    write!(out, "{}{value}", if i == 0 { "" } else { "," })?;
                    weight.map_or(Ok(()), |weight| write!(out, ":{weight}"))?;
                }
                Ok(())
            }
            Self::Single(expr) => write!(out, "{expr}"),
            Self::Percent(ppm) => write!(out, "{ppm}"),
            Self::Seed(seed) => write!(out, "{seed}"),
            Self::Id(id) => out.write_str(id),
            Self::Text(text) => write!(out, "{}", Escaped(text)),
            // The caller writes one pair per field; this form has no value as a whole.
            Self::Fields(fields) => fields.iter().try_for_each(|field| Self::write_field(field, out)),
        }
    }

    pub(crate) fn write_field(field: &Field, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{}:{}", Escaped(&field.name), Escaped(&field.value))
    }
}

fn choices(token: Token<'_>, form: Form) -> Result<Weighted<Expr>, Flaw> {
    if let (Form::Flag, Ok(weight)) = (form, parse_percent(token.text)) {
        // A bare number is the percentage of requests for which the flag is set.
        return Ok(on_for(weight));
    }
    let choice = |piece: Token<'_>| {
        let (expr, weight) = piece.split_weight();
        let weight = weight.map(|weight| parse_percent(weight.text).map_err(|error| weight.flaw("").unit(error)));
        let value = Expr::parse(expr, form)?;
        Ok(Choice { value, weight: weight.transpose()? })
    };
    let choices = token.split(',').into_iter().map(choice).collect::<Result<Vec<_>, Flaw>>()?;
    Weighted::new(choices).map_err(|error| weight_flaw(token, error))
}

fn on_for(weight: Ppm) -> Weighted<Expr> {
    let choice = Choice { value: Expr::Flag(true), weight: Some(weight) };
    Weighted::new(vec![choice]).expect("one percentage is at most 100")
}

pub(crate) fn weight_flaw(token: Token<'_>, error: WeightError) -> Flaw {
    match error {
        WeightError::Over100 { sum_ppm } => {
            let (whole, rest) = (sum_ppm / 10_000, sum_ppm % 10_000);
            let sum = format!("{whole}.{rest:04}");
            let sum = sum.trim_end_matches('0').trim_end_matches('.');
            let flaw = token.flaw(format!("the weights sum to {sum}")).expecting("weights that sum to at most 100");
            flaw.coded(SpecErrorCode::WeightsExceed100)
        }
        WeightError::NothingLeft => token
            .flaw("the weights leave nothing for the choices without one")
            .expecting("weights under 100 in sum, or one for every choice")
            .coded(SpecErrorCode::Conflict),
        WeightError::Vanishing => token
            .flaw("a weight is under a millionth of the total")
            .expecting("relative weights with a ratio under 1000000, not all 0"),
        WeightError::Empty => token.flaw("no choice"),
    }
}
