//! The language as a whole: the manual, round trips, any bytes, chances.

pub(crate) mod any;
mod check;
mod errors;
mod keys;
mod manual;
mod properties;
mod roll;

use super::*;

fn parse(text: &str) -> Fault {
    Fault::parse(text, Separator::Ampersand).unwrap_or_else(|errors| panic!("{text}: {errors}"))
}
