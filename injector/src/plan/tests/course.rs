//! Phases and arrivals: what they mean, and every way in which they cannot be meant.

use std::fs;
use std::time::Duration;

use super::super::{Overrides, Plan};
use super::{SYSTEM, plan, refused, try_plan};
use crate::schedule::Spacing;

fn with(lines: &str) -> String {
    format!(
        "{lines}target: h\nrate: 8/s\nmix: [{{ name: a, weight: 1, http: {{}} }}, {{ name: b, rate: 2/s, http: {{}} }}]\n"
    )
}

#[test]
fn what_phases_cannot_mean_is_refused_with_line_and_column() {
    for (phases, expected) in [
        ("[]", "1:9 phases: no phases; leave the key out"),
        ("[{ name: a }, { name: b }]", "1:10 phase \"a\": needs a length, as others follow; write for: 1m"),
        ("[{ name: a, for: 1s }, { name: a }]", "1:40 phase \"a\": name: another phase has the same name"),
        ("[{ name: a, for: 0s }]", "1:26 phase \"a\": for: 0s is out of range; expected more than 0 and at most 8784h"),
        (
            "[{ name: a, scale: 25 }]",
            "1:28 phase \"a\": scale: \"25\" is not a share of the rate; expected 0% to 10000%",
        ),
        ("[{ name: a, scale: 10001% }]", "1:28 phase \"a\": scale: \"10001%\" is not a share"),
        ("[{ name: a, scale: 0%..100% }]", "1:28 phase \"a\": scale: from one to another needs a length"),
        ("[{ name: a, for: 200h, scale: 0%..100% }]", "1:39 phase \"a\": scale: from one to another may take a week"),
        ("[{ name: a, gate: availability > 99% }]", "1:27 phase \"a\": gate: the first phase has none before it"),
        ("[{ name: a, gate_timeout: 5s }]", "1:35 phase \"a\": gate_timeout: there is no gate to wait for"),
        ("[{ name: A }]", "1:18 phase \"A\": name: \"A\" is no name"),
        (
            "[{ name: a, rate: 7000000/s, scale: 200% }]",
            "1:10 phase \"a\": a would be at 14000000/s, over the limit of 10000000/s",
        ),
    ] {
        let problems = refused(&with(&format!("phases: {phases}\n")));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(expected), "{phases}: {problems:?}");
    }
    let many: String = (0..33).map(|n| format!("- {{ name: p{n}, for: 1s }}\n")).collect();
    assert!(refused(&with(&format!("phases:\n{many}")))[0].contains("33 phases are over the limit of 32"));
    let unweighted = "phases: [{ name: a, rate: 1/s }]\ntarget: h\nmix: [{ name: a, rate: 1/s, http: {} }]";
    assert!(refused(unweighted)[0].contains("no operation has a weight"));
    let bent = with("arrival: \"burst(5, 1ms)\"\nphases: [{ name: a, for: 1m, scale: 0%..9% }]\n");
    assert!(refused(&bent)[0].contains("which the arrival of a cannot follow"), "{:?}", refused(&bent));
}

#[test]
fn what_an_arrival_cannot_mean_is_refused_with_what_would_be() {
    for (arrival, expected) in [
        ("uniorm", "is not an arrival; expected uniform, poisson, burst(100, 5ms), replay(FILE)"),
        ("burst(5)", ": expected burst(100, 5ms): 1 to 1000000 requests"),
        ("burst(0, 5ms)", ": expected burst("),
        ("ramp(0..100,1m)", ": expected ramp(0%..100%, 1m)"),
        ("ramp(0%..100%, 200h)", "at most a week"),
        ("sine(101%, 1m)", ": expected sine(50%, 10m): at most 100% up and down"),
        ("steps(50%, 100%)", ": expected steps(50%: 1m, 100%: 5m, 20%)"),
        ("burst(5, 1ms) sine(50%, 1m)", ": only uniform and poisson can have a shape"),
        ("poisson uniform", ": uniform is one too many"),
        ("ramp(0%..1%, 1m", "is not an arrival"),
        ("ramp)0%(", "is not an arrival"),
        ("poisson(3)", "is not an arrival"),
        ("", "is not an arrival"),
        ("replay()", ": expected replay(FILE) or replay(FILE, loop)"),
        ("replay(/nowhere/x)", ": cannot read /nowhere/x"),
    ] {
        let text = with(&format!("arrival: '{arrival}'\n"));
        let problems = try_plan(&text, &Overrides::default(), &SYSTEM).unwrap_err().to_string();
        assert!(problems.contains(expected), "{arrival}: {problems}");
    }
}

#[test]
fn a_phase_or_a_shape_makes_room_for_its_peak() {
    let flat = plan(&with(""));
    let peaked = plan(&with("phases: [{ name: a, for: 1m, rate: 80/s }, { name: b, scale: 50% }]\n"));
    assert_eq!(peaked.operations.iter().map(|one| one.peak.to_string()).collect::<Vec<_>>(), ["80/s", "2/s"]);
    assert_eq!((flat.demand.in_flight, peaked.demand.in_flight), (10, 82));
    let wave = plan(&with("arrival: sine(50%, 1m)\n"));
    assert_eq!(wave.operations[0].peak.to_string(), "12/s");
    let burst = plan(&with("arrival: \"burst(5000, 1ms)\"\n"));
    assert!(burst.demand.in_flight > 10_000 && burst.max_in_flight.get() > 20_000);
}

fn replayed(text: &str, mix: &str, repeats: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.csv");
    fs::write(&file, text).unwrap();
    let scenario = format!("target: h\narrival: \"replay({}{repeats})\"\nmix: {mix}\n", file.display());
    try_plan(&scenario, &Overrides::default(), &SYSTEM).map_err(|problems| problems.to_string())
}

const TWO: &str = "[{ name: a, http: {} }, { name: b, http: {} }]";

#[test]
fn a_recording_is_shared_by_name_and_is_its_own_rate() {
    let plan = replayed("# made by hand\n\noffset,operation\n# begin\n2, a\n0.5,b\n\n0,a\n1,a\n", TWO, "").unwrap();
    let due = |index: usize| {
        let slots = plan.operations[index].schedule().slots(0, std::num::NonZeroU32::MIN);
        slots.map(|slot| slot.due.as_secs_f64().mul_add(1e3, 0.5) as u64).collect::<Vec<_>>()
    };
    assert_eq!((due(0), due(1)), (vec![0, 1_000, 2_000], vec![500]));
    assert_eq!(plan.operations.iter().map(|one| one.rate.to_string()).collect::<Vec<_>>(), ["1/s", "2/s"]);
    assert!(!plan.is_endless() && plan.length(None).is_none());
    assert_eq!(plan.length(Some(Duration::from_secs(5))), Some(Duration::from_secs(5)));
    let plan = replayed("0\n1\n", "[{ name: a, http: {} }]", ", loop").unwrap();
    assert!(plan.is_endless());
    assert!(matches!(&plan.operations[0].arrival.spacing, Spacing::Replay(one) if one.repeats()));
}

#[test]
fn a_recording_that_cannot_be_meant_is_refused_by_line() {
    for (text, mix, expected) in [
        ("0\n", TWO, "line 1 names no operation"),
        ("0,a\n1,c\n", TWO, "line 2 names \"c\", which the mix has not"),
        ("0,a\n", TWO, "no line for b"),
        ("0\nx\n", "[{ name: a, http: {} }]", "line 2: \"x\" is not an offset"),
        ("-1\n", "[{ name: a, http: {} }]", "line 1: \"-1\" is not an offset"),
        ("1e9\n", "[{ name: a, http: {} }]", "is not an offset"),
        ("99999999\n", "[{ name: a, http: {} }]", "at most 31 days"),
        ("", "[{ name: a, http: {} }]", "no line for a"),
        ("1\n", "[{ name: a, weight: 1, http: {} }]", "replays a file, which says when; leave weight and rate out"),
    ] {
        let problems = replayed(text, mix, "").unwrap_err();
        assert!(problems.contains(expected), "{text}: {problems}");
    }
}

/// Whatever is written there: an arrival or an error, and no panic.
#[test]
fn no_text_is_too_strange_for_an_arrival() {
    for text in ["ramp(%..%,)", "steps(:)", "steps(,,)", "burst(,)", "((", "))", "sine(,1m)", "é(ü)", "replay(,loop)"]
    {
        assert!(text.parse::<super::super::WrittenArrival>().is_err(), "{text}");
    }
}
