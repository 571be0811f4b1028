//! Choices: shares that are exact, and weight 0 that never happens.

use proptest::prelude::*;

use super::*;
use crate::draw::u;

fn weighted(choices: &[(char, Option<u32>)]) -> Result<Weighted<char>, WeightError> {
    let choice = |(value, ppm): &(char, Option<u32>)| Choice { value: *value, weight: ppm.and_then(Ppm::new) };
    Weighted::new(choices.iter().map(choice).collect())
}

#[test]
fn shares_mean_what_the_manual_says() {
    for (choices, expected) in [
        (&[('a', None)][..], &[1.0][..]),
        (&[('a', Some(50_000))], &[0.05]),
        (&[('a', Some(200_000)), ('b', None)], &[0.2, 0.8]),
        (&[('a', None), ('b', None)], &[0.5, 0.5]),
        (&[('a', None), ('b', Some(100_000)), ('c', None)], &[0.45, 0.1, 0.45]),
        (&[('a', Some(0)), ('b', Some(1_000_000))], &[0.0, 1.0]),
    ] {
        let shares: Vec<f64> = weighted(choices).unwrap().probabilities().map(|(_, share)| share).collect();
        assert_eq!(shares, expected, "{choices:?}");
    }
}

#[test]
fn refuses_what_cannot_be_shared_out() {
    assert_eq!(weighted(&[]), Err(WeightError::Empty));
    let over = [('a', Some(600_000)), ('b', Some(400_001))];
    assert_eq!(weighted(&over), Err(WeightError::Over100 { sum_ppm: 1_000_001 }));
    assert_eq!(weighted(&[('a', Some(1_000_000)), ('b', None)]), Err(WeightError::NothingLeft));
}

#[test]
fn bounds_belong_to_the_choice_above() {
    let third = weighted(&[('a', None), ('b', None), ('c', None)]).unwrap();
    let just_below = |u: f64| f64::from_bits(u.to_bits() - 1);
    assert_eq!(third.pick(0.0), Some(&'a'));
    assert_eq!(third.pick(just_below(1.0 / 3.0)), Some(&'a'));
    assert_eq!(third.pick(1.0 / 3.0), Some(&'b'));
    assert_eq!(third.pick(just_below(1.0)), Some(&'c'));
    let never_first = weighted(&[('a', Some(0)), ('b', Some(500_000))]).unwrap();
    assert_eq!(never_first.pick(0.0), Some(&'b'));
    assert_eq!(never_first.pick(0.5), None);
}

#[test]
fn relative_weights_become_percentages_that_fill_the_whole() {
    let shares = |weights: &[u64]| -> Vec<f64> {
        let choices = weights.iter().map(|weight| ((), *weight)).collect();
        Weighted::relative(choices).unwrap().probabilities().map(|(_, share)| share).collect()
    };
    assert_eq!(shares(&[3, 1]), [0.75, 0.25]);
    assert_eq!(shares(&[7]), [1.0]);
    assert_eq!(shares(&[5, 5, 5]), [1.0 / 3.0; 3]);
    assert_eq!(shares(&[1, 1, 0]), [0.5, 0.5, 0.0]);
    assert_eq!(shares(&[2, 1, 3]), [0.333_333, 0.166_667, 0.5]);
    let relative = |weights: [u64; 2]| Weighted::relative(weights.map(|weight| ((), weight)).to_vec()).unwrap_err();
    assert_eq!(relative([0, 0]), WeightError::Vanishing);
    assert_eq!(relative([1, 1_000_000]), WeightError::Vanishing);
}

#[test]
fn frequencies_pass_chi_squared() {
    const N: u32 = 100_000;
    let choices = weighted(&[('a', Some(50_000)), ('b', Some(1_000)), ('c', Some(300_000)), ('z', Some(0))]).unwrap();
    let mut counts = [0_u32; 4];
    for i in 0..N {
        let picked = choices.pick(u(11, &format!("s.{i}"), "status"));
        let class = match picked {
            Some('a') => 0,
            Some('b') => 1,
            Some('c') => 2,
            Some(other) => panic!("{other} has weight 0"),
            None => 3,
        };
        counts[class] += 1;
    }
    let expected = [0.05, 0.001, 0.3, 0.649].map(|share| share * f64::from(N));
    let chi2: f64 = counts.iter().zip(expected).map(|(&n, e)| (f64::from(n) - e).powi(2) / e).sum();
    // 3 degrees of freedom: 0.999 quantile.
    assert!(chi2 < 16.27, "{counts:?}: {chi2}");
}

proptest! {
    #[test]
    fn a_zero_weight_is_never_picked(u in 0.0_f64..1.0, ppm in 0_u32..=1_000_000, at in 0_usize..3) {
        let mut choices = vec![('a', Some(ppm)), ('b', Some(1_000_000 - ppm))];
        choices.insert(at, ('z', Some(0)));
        let picked = weighted(&choices).unwrap().pick(u).copied();
        prop_assert!(matches!(picked, Some('a' | 'b')));
    }

    #[test]
    fn relative_weights_stay_within_one_ppm(weights in prop::collection::vec(1_u64..10_000, 2..10)) {
        let total: u64 = weights.iter().sum();
        let choices = weights.iter().map(|weight| ((), *weight)).collect();
        let shares: Vec<f64> = Weighted::relative(choices).unwrap().probabilities().map(|(_, share)| share).collect();
        for (weight, share) in weights.iter().zip(shares) {
            prop_assert!((share - *weight as f64 / total as f64).abs() <= 1e-6);
        }
    }
}
