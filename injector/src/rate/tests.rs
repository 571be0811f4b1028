//! Rates and weights: exact, printed as read, refused with the remedy.

use proptest::prelude::*;

use super::{MAX_PER_SECOND, Rate, Weight};

fn fraction(text: &str) -> (u64, u64) {
    let rate: Rate = text.parse().unwrap();
    (rate.events().get(), rate.seconds().get())
}

#[test]
fn a_rate_is_read_as_an_exact_fraction_and_printed_shortest() {
    for (written, events, seconds, printed) in [
        ("10/s", 10, 1, "10/s"),
        ("600/m", 10, 1, "10/s"),
        ("1/h", 1, 3_600, "1/h"),
        ("1/m", 1, 60, "1/m"),
        ("2.5/s", 5, 2, "2.5/s"),
        ("0.1/s", 1, 10, "0.1/s"),
        ("0.001/h", 1, 3_600_000, "0.001/h"),
        ("1/5s", 1, 5, "0.2/s"),
        ("10/3s", 10, 3, "200/m"),
        ("1/7s", 1, 7, "1/7s"),
        ("3/2h", 1, 2_400, "0.025/m"),
        ("10000000/s", 10_000_000, 1, "10000000/s"),
        ("007.50/s", 15, 2, "7.5/s"),
    ] {
        assert_eq!(fraction(written), (events, seconds), "{written}");
        assert_eq!(written.parse::<Rate>().unwrap().to_string(), printed, "{written}");
    }
}

#[test]
fn what_is_not_a_rate_is_refused_with_what_would_be() {
    for (written, key_words) in [
        ("10", "needs a unit of time: write 10/s"),
        ("0.5", "write 0.5/s"),
        ("", "such as 10/s"),
        ("fast", "such as 10/s"),
        ("0/s", "above 0"),
        ("0.000/s", "above 0"),
        ("-1/s", "must not be negative"),
        ("1e3/s", "not a decimal number"),
        ("inf/s", "not a decimal number"),
        ("+1/s", "not a decimal number"),
        ("1_000/s", "not a decimal number"),
        (".5/s", "not a decimal number"),
        ("5./s", "not a decimal number"),
        ("1.2345/s", "more than 3 decimals"),
        ("10/d", "\"d\" is not a period"),
        ("10/", "\"\" is not a period"),
        ("10/0s", "\"0s\" is not a period"),
        ("10/-1s", "is not a period"),
        ("10 / s", "not a decimal number"),
        ("10/s/s", "is not a period"),
        ("10000001/s", "over the limit of 10000000/s"),
        ("99999999999999999999999999999999999999999/s", "too large"),
    ] {
        let error = written.parse::<Rate>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{written:?}: ")), "{written}: {error}");
        assert!(error.contains(key_words), "{written}: {error}");
    }
}

#[test]
fn what_is_not_a_weight_is_refused_with_what_would_be() {
    for (written, key_words) in [
        ("0", "above 0"),
        ("-1", "must not be negative"),
        ("5%", "such as 60 or 2.5"),
        ("1.2345", "more than 3 decimals"),
        ("1000001", "over the limit of 1000000"),
    ] {
        let error = written.parse::<Weight>().unwrap_err().to_string();
        assert!(error.contains(key_words), "{written}: {error}");
    }
    assert_eq!("2.50".parse::<Weight>().unwrap().to_string(), "2.5");
    assert_eq!("60".parse::<Weight>().unwrap().thousandths(), 60_000);
}

#[test]
fn per_second_is_the_fraction_as_a_float() {
    assert_eq!("90/m".parse::<Rate>().unwrap().per_second(), 1.5);
    assert_eq!("1/h".parse::<Rate>().unwrap().per_second(), 1.0 / 3_600.0);
}

#[test]
fn a_share_that_is_nothing_or_does_not_fit_is_none() {
    let rate: Rate = "10/s".parse().unwrap();
    assert_eq!(rate.share(0, 1), None);
    assert_eq!(rate.share(1, 0), None);
    let fine = rate.share(1, u64::MAX).unwrap();
    assert_eq!(fine.share(1, 7), None);
}

proptest! {
    #[test]
    fn parsing_what_is_printed_gives_the_same_rate(
        thousandths in 1_u64..=MAX_PER_SECOND * 1_000,
        period in 1_u64..=100_000,
        unit in prop::sample::select(vec!["s", "m", "h"]),
    ) {
        let written = format!("{}.{:03}/{period}{unit}", thousandths / 1_000, thousandths % 1_000);
        let rate: Rate = written.parse().unwrap();
        prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
    }

    /// The worst case the plan can meet: any rate, 64 weights of any size. Every share exists, and together they are the
    /// whole, exactly (compared over the common denominator `seconds × sum`).
    #[test]
    fn shares_add_up_to_the_whole(
        thousandths in 1_u64..=MAX_PER_SECOND * 1_000,
        unit in prop::sample::select(vec!["s", "m", "h"]),
        weights in prop::collection::vec(1_u64..=Weight::MAX * 1_000, 1..=64),
    ) {
        let written = format!("{}.{:03}/{unit}", thousandths / 1_000, thousandths % 1_000);
        let rate: Rate = written.parse().unwrap();
        let sum: u64 = weights.iter().sum();
        let common = u128::from(rate.seconds().get()) * u128::from(sum);
        let mut events: u128 = 0;
        for weight in weights {
            let share = rate.share(weight, sum).unwrap();
            prop_assert_eq!(common % u128::from(share.seconds().get()), 0);
            events += u128::from(share.events().get()) * (common / u128::from(share.seconds().get()));
            prop_assert_eq!(share.to_string().parse::<Rate>().unwrap(), share);
        }
        prop_assert_eq!(events, u128::from(rate.events().get()) * u128::from(sum));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,40}") {
        let _ = text.parse::<Rate>();
        let _ = text.parse::<Weight>();
    }
}
