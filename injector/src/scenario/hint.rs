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

/// Words of k6, and others that people bring with them: a key that is among the expected ones says where it stands (none:
/// anywhere), and what is written instead.
const FOREIGN: [(&str, &str, &str); 26] = [
    ("vus", "", NO_USERS),
    ("users", "", NO_USERS),
    ("preAllocatedVUs", "", NO_USERS),
    ("maxVUs", "", "there are no virtual users; write max_in_flight: 1000 at the top of the file"),
    ("duration", "mix", "give --for 30s, or write phases: [{ name: main, for: 30s }]"),
    ("duration", "gate", "write for: 30s"),
    ("for", "mix", "it belongs in a phase of phases: phases: [{ name: main, for: 5m }]; or give --for 5m"),
    ("stages", "", "write phases: [{ name: up, for: 1m, scale: 0%..100% }, { name: main, for: 5m }]"),
    ("scenarios", "", "write mix: [{ name: web, weight: 1, http: { path: / } }]"),
    ("operations", "mix", "write mix: [{ name: web, weight: 1, http: { path: / } }]"),
    ("requests", "mix", "write mix: [{ name: web, weight: 1, http: { path: / } }]"),
    ("executor", "", "write arrival: uniform, k6's constant-arrival-rate, and rate: 10/s"),
    ("startRate", "", "write rate: 10/s, and a phase with scale: 10%..100%"),
    ("timeUnit", "", "write it with the rate: 10/s, 600/m"),
    ("rps", "", "write rate: 10/s"),
    ("iterations", "", "write rate: 10/s, and give --for 30s"),
    ("sleep", "", "the schedule needs no pause between requests; write rate: 10/s"),
    ("url", "", "write target: http://host, and the path in http: { path: / }"),
    ("baseUrl", "", "write target: http://host"),
    ("get", "weight", "write http: { method: GET, path: / }"),
    ("post", "weight", "write http: { method: POST, path: /, body: text }"),
    ("get", "path", "write method: GET, and path: /"),
    ("https", "weight", "write tls: true beside http: {}"),
    ("tags", "mix", "labels of k6's metrics are given by --compat-tags team=payments"),
    ("insecureSkipTLSVerify", "", "write tls: { verify: false }"),
    ("noConnectionReuse", "", "write connection: fresh in an operation of mix"),
];
const NO_USERS: &str =
    "there are no virtual users: requests are planned by rate, whatever is answered; write rate: 10/s";

/// What is written instead of a word that people bring from elsewhere.
pub(super) fn foreign(word: &str, expected: &[&str]) -> Option<&'static str> {
    let fits = |beside: &str| beside.is_empty() || expected.contains(&beside);
    FOREIGN.iter().find(|(held, beside, _)| *held == word && fits(beside)).map(|(.., remedy)| *remedy)
}

/// Keys whose values have a shape that is easily missed, as they may be written.
const EXAMPLES: [&str; 22] = [
    "http: { method: GET, path: / }",
    "grpc: { method: cload.v1.Target/Unary }",
    "tcp: { size: 64 }",
    "udp: { size: 64 }",
    "dns: { name: ok, type: A }",
    "expect: { status: 200 }",
    "headers: { accept: text/plain }",
    "metadata: { x-request: abc }",
    "mix: [{ name: web, weight: 1, http: { path: / } }]",
    "phases: [{ name: main, for: 30s }]",
    "messages: [{ payload: aGk= }]",
    "target: http://target-server",
    "rate: 10/s",
    "weight: 1",
    "timeout: 1s",
    "arrival: uniform",
    "connection: pooled(4)",
    "fault: \"status=503\"",
    "path: /",
    "for: 30s",
    "scale: 0%..100%",
    "gate: p(99) < 25ms",
];

/// How the key is written whose value stands at a line and column, from 1, if it is one of those above.
pub(super) fn example(text: &str, (line, column): (u64, u64)) -> Option<&'static str> {
    let line = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    let before: String = line.chars().take(usize::try_from(column).ok()?.saturating_sub(1)).collect();
    // What stands empty is found at the colon itself.
    let before = before.trim_end();
    let before = before.strip_suffix(':').unwrap_or(before).trim_end_matches('"');
    let key = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
    EXAMPLES.iter().find(|example| example.split(':').next() == Some(key)).copied()
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
    use super::{example, foreign, of};
    use crate::scenario::{Keyed as _, Written, WrittenHttp, WrittenOperation, WrittenPhase};

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

    #[test]
    fn a_word_from_elsewhere_is_told_what_it_is_here() {
        let names = |keys: Vec<crate::scenario::Key>| keys.iter().map(|key| key.name).collect::<Vec<_>>();
        let (top, phase) = (names(Written::keys()), names(WrittenPhase::keys()));
        let (operation, http) = (names(WrittenOperation::keys()), names(WrittenHttp::keys()));
        for (word, keys, part) in [
            ("vus", &top, Some("no virtual users")),
            ("duration", &top, Some("--for 30s")),
            ("duration", &phase, Some("write for: 30s")),
            ("duration", &http, None),
            ("for", &top, Some("--for 5m")),
            ("stages", &top, Some("scale: 0%..100%")),
            ("scenarios", &top, Some("write mix:")),
            ("operations", &top, Some("write mix:")),
            ("url", &operation, Some("target: http://host")),
            ("url", &http, Some("path: /")),
            ("get", &operation, Some("method: GET")),
            ("get", &http, Some("method: GET")),
            ("https", &operation, Some("tls: true")),
            ("weigth", &operation, None),
        ] {
            let told = foreign(word, keys);
            assert!(
                told.is_some() == part.is_some() && told.unwrap_or("").contains(part.unwrap_or("")),
                "{word}: {told:?}"
            );
        }
        // What is a key there cannot be unknown.
        for (word, beside, _) in super::FOREIGN {
            for keys in [&top, &phase, &operation, &http] {
                let is_meant = beside.is_empty() || keys.contains(&beside);
                assert!(!is_meant || !keys.contains(&word), "{word}");
            }
        }
    }

    #[test]
    fn the_key_of_a_place_has_its_example() {
        for (text, place, found) in [
            ("mix:\n- { name: a, http: 7 }", (2, 20), Some("http: { method: GET, path: / }")),
            ("mix:\n- name: a\n  http:\n", (3, 7), Some("http: { method: GET, path: / }")),
            ("{\"mix\": 7}", (1, 9), Some("mix: [{ name: web, weight: 1, http: { path: / } }]")),
            ("mix: 7", (1, 6), Some("mix: [{ name: web, weight: 1, http: { path: / } }]")),
            ("mix: [7]", (1, 7), None),
            ("seed: [7]", (1, 7), None),
            ("mix: 7", (9, 6), None),
            ("mix: 7", (0, 0), None),
        ] {
            assert_eq!(example(text, place), found, "{text:?}");
        }
    }
}
