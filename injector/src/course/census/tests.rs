//! The count of what is due, through phases, a pause and a change of who sends.

use super::*;
use crate::course::Course;
use crate::fixture::plan;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn firsts(census: &Census, at: Duration) -> Vec<u64> {
    (0..census.timetables.len()).map(|number| census.rest(number, at).map_or(0, |rest| rest.first)).collect()
}

#[test]
fn it_counts_what_the_course_says_however_often_it_looks() {
    let text = "target: 127.0.0.1:9\nmix:\n- { name: a, rate: 10/s, http: {} }\n- { name: b, rate: 1/2s, http: {} }\n\
                phases:\n- { name: up, for: 10s, scale: 50% }\n- { name: main }\n";
    let course = Course::new(&plan(text), Some(s(1_000)), false);
    let rota = course.rota().unwrap();
    for looks in [vec![], vec![1, 9, 10, 11, 30], (0..40).collect()] {
        let mut census = Census::default();
        census.follow(rota.clone());
        looks.iter().for_each(|look| census.advance(s(*look)));
        census.advance(s(40));
        // 50 and 300; 2.5 and 15, the first half a gap late.
        assert_eq!(firsts(&census, s(40)), [350, 17], "{looks:?}");
    }
    let mut census = Census::default();
    census.follow(rota);
    census.advance(s(10_000));
    assert_eq!(firsts(&census, s(10_000)), [9_950, 497], "nothing is due after the end");
}

#[test]
fn a_pause_and_a_newcomer() {
    let text = |names: &[&str]| {
        let mix: String = names.iter().map(|name| format!("- {{ name: {name}, rate: 10/s, http: {{}} }}\n")).collect();
        format!("target: 127.0.0.1:9\nmix:\n{mix}")
    };
    let mut course = Course::new(&plan(&text(&["a"])), None, false);
    let mut census = Census::default();
    census.follow(course.rota().unwrap());
    course.advance(s(5));
    course.pause().unwrap();
    census.follow(course.rota().unwrap());
    course.advance(s(9));
    census.advance(s(9));
    let next = plan(&text(&["b", "a"]));
    let cast = course.cast().follow(&next, |number| census.rest(number, s(9))).unwrap();
    course.reload(&next, std::sync::Arc::new(cast)).unwrap();
    course.resume().unwrap();
    census.follow(course.rota().unwrap());
    census.advance(s(10));
    assert_eq!(firsts(&census, s(10)), [60, 10]);
}
