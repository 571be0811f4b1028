//! What may have been meant by a key that is not known: one that is spelt alike, or a key of another mapping.

use super::{Key, Keyed as _, Shape, Written};

/// Words that are worth a remark, to be put before the list of keys. A key that is right elsewhere was no slip.
pub(super) fn of(word: &str, expected: &[&str], is_scenario: bool) -> String {
    let homes = if is_scenario { homes(word) } else { Vec::new() };
    if !homes.is_empty() {
        return format!(" (it belongs {})", homes.join(" or "));
    }
    nearest(word, expected).map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default()
}

/// The key that is at most two slips away, one in a short word, if there is only one such.
fn nearest<'a>(word: &str, expected: &[&'a str]) -> Option<&'a str> {
    // The input is bounded by the file, the work by this.
    if word.len() > 40 {
        return None;
    }
    let most = if word.len() < 5 { 1 } else { 2 };
    let mut near: Vec<(usize, &str)> = expected.iter().map(|key| (distance(word, key), *key)).collect();
    near.sort_unstable();
    match near.as_slice() {
        [(least, key), (next, _), ..] if *least <= most && least < next => Some(key),
        [(least, key)] if *least <= most => Some(key),
        _ => None,
    }
}

/// Characters to add, leave out or replace, or neighbours to exchange (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let above = &rows[i - 1];
            let mut least = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// Where a key of this name stands, in the order of the manual.
fn homes(word: &str) -> Vec<&'static str> {
    let mut homes = Vec::new();
    let mut rest = vec![("at the top of the file", Written::keys())];
    while let Some((home, keys)) = rest.pop() {
        if keys.iter().any(|key| key.name == word) && !homes.contains(&home) {
            homes.push(home);
        }
        rest.extend(keys.into_iter().rev().filter_map(|key| below(&key)));
    }
    homes
}

fn below(key: &Key) -> Option<(&'static str, Vec<Key>)> {
    let (name, keys) = match key.shape {
        Shape::Keys(name, keys) | Shape::ListOf(name, keys, _) => (name, keys),
        _ => return None,
    };
    let home = match name {
        "operation" => "in an operation of mix",
        "http" => "under http",
        "grpc" => "under grpc",
        "echo" => "under tcp or udp",
        "dns" => "under dns",
        "phase" => "in a phase of phases",
        "scenarioTls" => "under tls",
        _ => "under expect",
    };
    Some((home, keys()))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_slip_is_told_from_a_key_of_elsewhere() {
        let keys = ["name", "weight", "rate", "timeout", "http", "tcp"];
        for (word, hint) in [
            ("nam", " (did you mean \"name\"?)"),
            ("timoeut", " (did you mean \"timeout\"?)"),
            ("htpp", " (did you mean \"http\"?)"),
            ("path", " (it belongs under http)"),
            ("arrival", " (it belongs at the top of the file or in an operation of mix)"),
            ("gate", " (it belongs in a phase of phases)"),
            ("deadline", " (it belongs under grpc)"),
            ("nothing", ""),
        ] {
            assert_eq!(of(word, &keys, true), hint, "{word}");
        }
        assert_eq!(of("path", &keys, false), "");
    }
}
