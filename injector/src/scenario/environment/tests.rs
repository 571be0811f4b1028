//! What becomes of a value with variables in it.

use super::substituted;

fn environment(name: &str) -> Option<String> {
    let held = [("HOST", "target"), ("EMPTY", ""), ("YAML", "a: [1]\n- b"), ("DOLLAR", "${HOST}$$")];
    held.iter().find(|(held, _)| *held == name).map(|(_, value)| (*value).to_owned())
}

#[test]
fn variables_are_replaced_once() {
    for (text, wanted) in [
        ("plain", None),
        ("${HOST}", Some("target")),
        ("http://${HOST}:${PORT:-9898}/", Some("http://target:9898/")),
        ("${EMPTY}x", Some("x")),
        ("${EMPTY:-full}", Some("full")),
        ("${NONE:-}", Some("")),
        ("${NONE:-a:-b}", Some("a:-b")),
        ("$$", Some("$")),
        ("$${HOST}", Some("${HOST}")),
        ("5$ and $5, $", Some("5$ and $5, $")),
        // What a variable holds is a value: not YAML, and no variables of its own.
        ("${YAML}", Some("a: [1]\n- b")),
        ("${DOLLAR}", Some("${HOST}$$")),
        ("ä${HOST}ö", Some("ätargetö")),
    ] {
        assert_eq!(substituted(text, &environment).unwrap().as_deref(), wanted, "{text}");
    }
}

#[test]
fn what_cannot_be_replaced_says_what_would_be_accepted() {
    for (text, words) in [
        ("${NONE}", "the environment variable NONE is not set; set it, or write ${NONE:-default}"),
        ("${HOST", "has no }"),
        ("${}", "\"${}\" is no variable; expected ${NAME}"),
        ("${9A}", "is no variable"),
        ("${HOST:?no}", "is no variable"),
        ("${HO ST}", "is no variable"),
        ("a $HOME b", "\"$HOME\" is no variable here; write ${HOME}, or $$HOME for a dollar"),
    ] {
        let error = substituted(text, &environment).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,100}") {
        let _ = substituted(&text, &|_| Some("x".to_owned()));
    }

    /// Whoever doubles every dollar gets the text as it was.
    #[test]
    fn a_doubled_dollar_is_a_dollar(text in "[a-z${}:-]{0,40}") {
        let doubled = text.replace('$', "$$");
        let out = substituted(&doubled, &|_| None).unwrap();
        proptest::prop_assert_eq!(out.unwrap_or(doubled), text);
    }
}
