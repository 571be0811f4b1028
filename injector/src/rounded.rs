//! Numbers as people read them: as many digits as mean something, and no zeros behind a point.

/// With at most so many decimals.
pub(crate) fn trimmed(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        // The zeros of a whole number are the number's own.
        false => text,
    }
}

/// A size of about two digits: `3 bytes`, `1.5 KiB`, `260 MiB`.
pub(crate) fn size(bytes: f64) -> String {
    let (mut number, mut unit) = (bytes, "bytes");
    for next in ["KiB", "MiB", "GiB"] {
        if number < 1024.0 {
            break;
        }
        (number, unit) = (number / 1024.0, next);
    }
    format!("{} {unit}", trimmed(number, usize::from(number < 10.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_go_only_behind_a_point() {
        for (number, decimals, text) in [
            (260.0, 0, "260"),
            (100.0, 2, "100"),
            (0.0, 0, "0"),
            (10.5, 2, "10.5"),
            (10.0, 1, "10"),
            (1e6, 3, "1000000"),
        ] {
            assert_eq!(trimmed(number, decimals), text, "{number} {decimals}");
        }
    }

    #[test]
    fn sizes_keep_their_zeros() {
        for (bytes, text) in [
            (0.0, "0 bytes"),
            (40.0, "40 bytes"),
            (1_536.0, "1.5 KiB"),
            (102_400.0, "100 KiB"),
            (260.0 * 1_048_576.0, "260 MiB"),
            (2e10, "19 GiB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }
}
