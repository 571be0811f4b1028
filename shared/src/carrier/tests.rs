//! What each carrier reads, and where it says an error stands.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::fault::{SpecErrorCode, Status};

fn text(carried: Result<Fault, SpecErrors>) -> String {
    carried.unwrap().to_string()
}

/// `parameter position code` of each error, and the words at the position.
fn errors(carried: Result<Fault, SpecErrors>) -> Vec<(String, usize, &'static str)> {
    carried.unwrap_err().iter().map(|e| (e.parameter.clone(), e.position, e.code.as_str())).collect()
}

#[test]
fn query_decodes_leniently_and_knows_where_a_plus_is_a_space() {
    for (raw, canonical) in [
        ("", ""),
        ("&&", ""),
        ("status=503:5&delay=20ms..80ms", "status=503:5&delay=20ms..80ms"),
        ("%73tatus=50%33", "status=503"),
        ("status=503%3A5%2C404", "status=503:5,404"),
        ("fault=abort&at=50%&size=1KiB", "size=1KiB&fault=abort&at=50%"),
        ("fault=abort&at=50%25&size=1KiB", "size=1KiB&fault=abort&at=50%"),
        ("fault=clen(+5)", "fault=clen(+5)"),
        ("fault=clen(%2B5)", "fault=clen(+5)"),
        ("header=X-A:one+two%2Bthree", "header=X-A:one%20two%2Bthree"),
        ("header=X-A:%20padded%20", "header=X-A:padded"),
        ("header=X-A:1%26b&header=X-A:2", "header=X-A:1%26b&header=X-A:2"),
    ] {
        assert_eq!(text(query(raw)), canonical, "{raw}");
    }
}

#[test]
fn query_errors_count_in_the_raw_text() {
    for (raw, parameter, position, code) in [
        ("status", "status", 0, "invalid_parameter"),
        ("delay=1s&foo", "foo", 9, "invalid_parameter"),
        ("delay=1s&utm=1", "utm", 9, "unknown_parameter"),
        ("status=%35%30%33:5,7%37", "status", 19, "invalid_parameter"),
        ("status=%ff", "status", 7, "invalid_parameter"),
        ("a%ffb=1", "", 1, "invalid_parameter"),
        ("header=X-%41%0d%0aY:1", "header", 7, "invalid_parameter"),
        ("header=X-A:%61%0d%0aY:1", "header", 14, "invalid_parameter"),
        ("delay=1s&delay=2s", "delay", 9, "invalid_parameter"),
    ] {
        assert_eq!(errors(query(raw)), [(parameter.to_owned(), position, code)], "{raw}");
    }
}

#[test]
fn header_allows_spaces_around_pairs() {
    assert_eq!(text(header("status=503:5; delay=20ms ;  seed=1;")), "status=503:5&delay=20ms&seed=1");
    assert_eq!(text(header("")), "");
    assert_eq!(text(header("header=X-A:a%3Bb")), "header=X-A:a%3Bb");
    assert_eq!(
        errors(header("a=1;  delay=1")),
        [("a".to_owned(), 0, "unknown_parameter"), ("delay".to_owned(), 12, "invalid_parameter"),]
    );
}

#[test]
fn header_wins_over_query_key_by_key() {
    let merged = query("status=503&delay=1s").unwrap().overridden_by(header("status=404; size=0").unwrap());
    assert_eq!(merged.to_string(), "status=404&delay=1s&size=0");
}

#[test]
fn too_long_is_not_read() {
    let long = format!("id={}", "x".repeat(3000));
    for carried in [query(&long), header(&long), path(&format!("/status/{long}")).unwrap()] {
        assert_eq!(carried.unwrap_err().first().code, SpecErrorCode::SpecTooLong);
    }
}

#[test]
fn path_speaks_podinfo_and_httpbin() {
    for (raw, canonical) in [
        ("/status/503", "status=503"),
        ("/status/200:3,500:1", "status=200:75,500:25"),
        ("/status/200,500", "status=200,500"),
        ("/status/200:0.3,500:0.7", "status=200:30,500:70"),
        ("/status/200%2C500", "status=200,500"),
        ("/delay/2", "delay=2s"),
        ("/delay/0.5", "delay=500ms"),
        ("/delay/250ms", "delay=250ms"),
        ("/delay/0", "delay=0s"),
    ] {
        assert_eq!(text(path(raw).unwrap()), canonical, "{raw}");
    }
    for raw in ["/", "/status", "/delay", "/statuses/200", "/echo/status/200", ""] {
        assert_eq!(path(raw), None, "{raw}");
    }
}

#[test]
fn path_errors_point_into_the_path() {
    for (raw, parameter, position) in [
        ("/status/", "status", 8),
        ("/status/abc", "status", 8),
        ("/status/UNAVAILABLE", "status", 8),
        ("/status/14", "status", 8),
        ("/status/100", "status", 8),
        ("/status/200,1000", "status", 12),
        ("/status/200:x,500", "status", 12),
        ("/status/200:0", "status", 8),
        ("/status/%32%30%30,x", "status", 18),
        ("/status/200/", "status", 8),
        ("/delay/", "delay", 7),
        ("/delay/-1", "delay", 7),
        ("/delay/1x", "delay", 7),
        ("/delay/99999999999999", "delay", 7),
    ] {
        assert_eq!(errors(path(raw).unwrap()), [(parameter.to_owned(), position, "invalid_parameter")], "{raw}");
    }
}

#[test]
fn path_status_is_drawn_by_its_weights() {
    let fault = path("/status/200:1,500:3").unwrap().unwrap();
    let roll = |i: u32| fault.roll(0, &format!("k.{i}"), 0).status;
    let fives = (0..10_000).filter(|&i| roll(i) == Some(Status::Http(500))).count();
    assert!((7_300..7_700).contains(&fives), "{fives}");
    assert_eq!(path("/delay/1").unwrap().unwrap().roll(0, "", 0).delay, Duration::from_secs(1));
}

proptest! {
    #[test]
    fn any_text_is_a_fault_or_an_error(raw in ".{0,80}", pairs in "((status|delay|header|at|fault|x)=[%+:;&,().a-z0-9 é]{0,12}[&;]){0,5}") {
        for raw in [&raw, &pairs] {
            for carried in [query(raw), header(raw), path(&format!("/status/{raw}")).unwrap(), path(&format!("/delay/{raw}")).unwrap()] {
                match carried {
                    Ok(fault) => prop_assert_eq!(query(&fault.to_query()), Ok(fault)),
                    Err(errors) => prop_assert!(errors.iter().all(|error| !error.expected.is_empty())),
                }
            }
        }
    }
}

#[test]
fn a_query_is_meant_for_us_if_a_key_of_it_is_or_was_meant_to_be_one() {
    for (query, expected) in [
        ("status=503", true),
        ("x=1&delay=1s", true),
        ("staus=503", true),
        ("", false),
        ("x=1", false),
        ("utm_source=a&_=17", false),
        ("%ff=1", false),
    ] {
        assert_eq!(is_spoken(query), expected, "{query}");
    }
}
