//! Rows: what is read, what becomes of a value, what is refused.

use std::fs;

use proptest::prelude::*;

use super::template::{Piece, pieces};
use crate::plan::{Call, Overrides, Plan, RowOrder};
use crate::preflight::{System, TimeWaitReuse};
use crate::scenario::Scenario;

const SYSTEM: System =
    System { port_first: 32_768, port_last: 60_999, time_wait_reuse: TimeWaitReuse::Loopback, descriptors: 1_024 };

/// The plan of a scenario beside a file of data, or what is said of it, its folder left out.
fn plan(text: &str, file: &str, content: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file), content).unwrap();
    let path = folder.path().join("s.yaml");
    fs::write(&path, text).unwrap();
    let plan =
        Scenario::read(&path, &|_| None).and_then(|scenario| Plan::new(&scenario, &Overrides::default(), &SYSTEM));
    plan.map_err(|problems| problems.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

const MIX: &str = "target: h\ndata: { users: users.csv }\nmix:\n";

fn paths(plan: &Plan) -> Vec<&str> {
    plan.operations[0].calls().iter().map(|call| call.http().unwrap().path.as_str()).collect()
}

#[test]
fn each_row_is_a_request() {
    let text = format!(
        "{MIX}- {{ name: a, rate: 1/s, http: {{ path: /u/((users.id)), headers: {{ x-name: ((users.name)) }}, \
         fault: status=((users.code)), body: \"((users.name))/(((users.id)))\" }} }}\n"
    );
    let plan = plan(&text, "users.csv", "id,name,code\n1,Ada,200\n2,\"Grace, H.\",503\n").unwrap();
    assert_eq!(paths(&plan), ["/u/1", "/u/2"]);
    let calls: Vec<_> = plan.operations[0].calls().iter().map(|call| call.http().unwrap()).collect();
    assert_eq!(calls[1].headers, [("x-name".to_owned(), "Grace, H.".to_owned())]);
    assert_eq!(calls[1].body.bytes(), b"Grace, H./(2)");
    let statuses: Vec<_> = calls.iter().map(|call| call.predict("k").status.and_then(|it| it.http())).collect();
    assert_eq!(statuses, [Some(200), Some(503)]);
    // The codes of all rows are there from the start, and so is what is injected by any.
    assert_eq!(plan.operations[0].expected_codes().len(), 2);
    assert!(plan.operations[0].injected);
}

#[test]
fn rows_come_from_json_and_from_the_scenario_too() {
    let json = "{ name: a, rate: 1/s, grpc: { message: { payload: ((users.p)), count: ((users.n)) } } }";
    let text = format!("target: h\ndata: {{ users: users.json }}\nmix: [{json}]\n");
    let plan1 = plan(&text, "users.json", "[{\"p\": \"aGk=\", \"n\": 3}, {\"p\": \"\", \"n\": 4}]");
    let text = format!("target: h\ndata: {{ users: [ {{ p: aGk=, n: 3 }}, {{ p: \"\", n: 4 }} ] }}\nmix: [{json}]\n");
    let plan2 = plan(&text, "x", "");
    // Whether the field exists is for the message to say: what matters is that both are read alike.
    assert_eq!(plan1.is_ok(), plan2.is_ok(), "{plan1:?} {plan2:?}");
}

#[test]
fn every_protocol_takes_rows() {
    let text = "target: h\ndata: { d: [ { v: one, n: a.ok.cload.test. }, { v: two, n: b.ok.cload.test. } ] }\nmix:\n\
                - { name: tcp, rate: 1/s, tcp: { body: ((d.v)) } }\n\
                - { name: udp, rate: 1/s, rows: random, udp: { body: ((d.v)) } }\n\
                - { name: dns, rate: 1/s, dns: { name: ((d.n)) } }\n\
                - { name: rpc, rate: 1/s, grpc: { metadata: { x-v: ((d.v)) } } }\n\
                - { name: two, rate: 1/s, http: { version: 2, body: ((d.v)) } }\n\
                - { name: one, rate: 1/s, http: {} }\n";
    let plan = plan(text, "x", "").unwrap();
    let counts: Vec<usize> = plan.operations.iter().map(|operation| operation.calls().len()).collect();
    assert_eq!(counts, [2, 2, 2, 2, 2, 1]);
    assert_eq!(plan.operations[1].rows.as_ref().unwrap().order, RowOrder::Random);
    let Call::Grpc(call) = &plan.operations[3].calls()[1] else { panic!("grpc") };
    assert_eq!(call.metadata, [("x-v".to_owned(), "two".to_owned())]);
    assert!(plan.operations[5].rows.is_none());
}

#[test]
fn without_data_two_brackets_are_two_brackets() {
    let plan = plan("target: h\nmix: [{ name: a, rate: 1/s, http: { body: '((a.b))' } }]\n", "x", "").unwrap();
    assert_eq!(plan.operations[0].call.http().unwrap().body.bytes(), b"((a.b))");
}

#[test]
fn what_cannot_be_a_row_is_refused_with_its_place() {
    const CSV: &str = "id,name\n1,Ada\n2,Bo b\n3,B c\n";
    for (operation, csv, words) in [
        (
            "http: { path: /((users.nam)) }",
            CSV,
            "4:39: operation \"a\": ((users.nam)): users has no column \"nam\"; its columns: id, name",
        ),
        ("http: { path: /((user.id)) }", CSV, "no set \"user\" in data; there are: users"),
        ("http: { path: /((users)) }", CSV, "\"((users))\" names no column; expected ((set.column))"),
        ("http: { path: /((users.id) }", CSV, "has no ))"),
        (
            "http: { path: /((users.name)) }",
            CSV,
            "' ' cannot stand in a path; write it percent-encoded (in row 2 and 1 more of users, users.csv)",
        ),
        ("http: { path: ((users.id)) }", CSV, "\"1\" does not begin with \"/\" (in row 1 of users, users.csv)"),
        ("timeout: ((users.id)), http: {}", CSV, "((users.id)) cannot stand here; rows are for what is sent"),
        ("rows: random, http: {}", CSV, "no value of this operation comes from data"),
        ("rows: any, http: { body: ((users.id)) }", CSV, "\"any\" is no order of rows; expected next or random"),
        ("http: { version: ((users.v)) }", "v\n1.1\n2\n", "what is spoken must be the same in every row (in row 2"),
        ("http: { plain: ((users.v)) }", "v\ntrue\nfalse\n", "plain must be the same in every row"),
        ("http: { fault: stat=((users.id)) }", "id\n1\n2\n", "\"stat\""),
        ("http: { body: ((users.id)) }, tcp: {}", CSV, "an operation speaks one"),
        ("http: { body: ((users.id)) }", "id,id\n1,2\n", "two columns are named \"id\""),
        ("http: { body: ((users.id)) }", "id,name\n1\n", "users.csv:2: 1 value where the first line names 2 columns"),
        ("http: { body: ((users.id)) }", "id\n", "users.csv has no rows; at least one is needed"),
        ("http: { body: ((users.id)) }", "a b\n1\n", "\"a b\" is no name of a column"),
    ] {
        let said = plan(&format!("{MIX}- {{ name: a, rate: 1/s, {operation} }}\n"), "users.csv", csv).unwrap_err();
        assert!(said.contains(words), "{operation}:\n{said}");
    }
    for (data, words) in [
        ("{ users: nowhere.csv }", "cannot read"),
        ("{ users: users.txt }", "expected a name that ends with .csv, .json or .yaml"),
        ("{ users: [] }", "has no rows"),
        ("{ users: [ 1 ] }", "row 1 is no mapping"),
        ("{ users: [ { a: 1 }, { b: 1 } ] }", "row 2 has \"b\", which row 1 has not"),
        ("{ users: [ { a: 1, b: 1 }, { b: 1 } ] }", "row 2 has no \"a\", which row 1 has"),
        ("{ users: [ { a: [] } ] }", "a of row 1 is no text, number or boolean"),
        ("{ users: 7 }", "expected the name of a file, or a list of mappings"),
        ("{ Users: [ { a: 1 } ] }", "Users"),
        ("users.csv", "expected names and rows"),
    ] {
        let text = format!("target: h\ndata: {data}\nmix: [{{ name: a, rate: 1/s, http: {{ body: ((users.a)) }} }}]\n");
        let said = plan(&text, "x", "").unwrap_err();
        assert!(said.contains(words), "{data}:\n{said}");
    }
}

#[test]
fn what_is_wrong_in_every_row_is_said_once() {
    let said = plan(
        &format!("{MIX}- {{ name: a, rate: 1/s, http: {{ method: GTE, body: ((users.id)) }} }}\n"),
        "users.csv",
        "id\n1\n2\n",
    );
    let said = said.unwrap_err();
    assert_eq!(said.matches("GTE").count(), 2, "the message and the line: {said}");
    assert!(!said.contains("in row"), "{said}");
}

#[test]
fn rows_are_taken_in_turn_or_drawn() {
    let next: Vec<usize> = (0..7).map(|n| RowOrder::Next.row(1, n, 3)).collect();
    assert_eq!(next, [0, 1, 2, 0, 1, 2, 0]);
    let draw = |seed| (0..30_000).map(|n| RowOrder::Random.row(seed, n, 3)).collect::<Vec<_>>();
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    for row in 0..3 {
        let share = draw(1).iter().filter(|&&it| it == row).count();
        assert!((9_500..10_500).contains(&share), "row {row}: {share} of 30000");
    }
}

#[test]
fn texts_are_taken_apart() {
    for (text, wanted) in [
        ("", vec![Piece::Text("")]),
        ("a(b)", vec![Piece::Text("a(b)")]),
        ("((a.b))", vec![Piece::Column("a", "b")]),
        ("x(( a.b ))y", vec![Piece::Text("x"), Piece::Column("a", "b"), Piece::Text("y")]),
        ("(((a.b)))", vec![Piece::Text("("), Piece::Column("a", "b"), Piece::Text(")")]),
    ] {
        assert_eq!(pieces(text), Ok(wanted), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[(). a-cä]{0,40}") {
        let _ = pieces(&text);
    }

    #[test]
    fn no_file_makes_it_panic(content in "(?s).{0,200}") {
        let _ = plan(&format!("{MIX}- {{ name: a, rate: 1/s, http: {{ body: ((users.a)) }} }}\n"), "users.csv", &content);
    }
}
