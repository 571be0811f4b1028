//! Thresholds in a scenario file, in every form; what is wrong with one is shown at its place.

use std::time::Duration;

use super::try_plan;

/// Thresholds as they stand in scripts of k6's users, as YAML: the metric, the expression, and how it is printed.
const OF_K6: [(&str, &str, &str); 44] = [
    ("http_req_failed", "rate<0.01", "http_req_failed: rate < 0.01"),
    ("http_req_failed", "rate < 0.1", "http_req_failed: rate < 0.1"),
    ("http_req_failed", "rate<=0.05", "http_req_failed: rate <= 0.05"),
    ("http_req_failed", "rate==0", "http_req_failed: rate == 0"),
    ("http_req_failed", "rate===0", "http_req_failed: rate == 0"),
    ("http_req_failed", "rate<0.001", "http_req_failed: rate < 0.001"),
    ("http_req_failed{scenario:web}", "rate<0.01", "http_req_failed{operation:web}: rate < 0.01"),
    ("http_req_duration", "p(95)<200", "http_req_duration: p(95) < 200"),
    ("http_req_duration", "p(90) < 400", "http_req_duration: p(90) < 400"),
    ("http_req_duration", "p(99)<1000", "http_req_duration: p(99) < 1000"),
    ("http_req_duration", "p(99.9) < 2000", "http_req_duration: p(99.9) < 2000"),
    ("http_req_duration", "p(99.99)<5000", "http_req_duration: p(99.99) < 5000"),
    ("http_req_duration", "avg<100", "http_req_duration: avg < 100"),
    ("http_req_duration", "med<200", "http_req_duration: med < 200"),
    ("http_req_duration", "min>1", "http_req_duration: min > 1"),
    ("http_req_duration", "max<3000", "http_req_duration: max < 3000"),
    ("http_req_duration", "max<=3000", "http_req_duration: max <= 3000"),
    ("http_req_duration", "p(95) < 0.5", "http_req_duration: p(95) < 0.5"),
    ("http_req_duration{scenario:web}", "p(95)<500", "http_req_duration{operation:web}: p(95) < 500"),
    ("http_req_duration{type:slow}", "p(95)<500", "http_req_duration{operation:slow}: p(95) < 500"),
    (
        "http_req_duration{expected_response:true}",
        "p(99)<500",
        "http_req_duration{expected_response:true}: p(99) < 500",
    ),
    ("http_req_duration{method:POST}", "p(95)<500", "http_req_duration{method:POST}: p(95) < 500"),
    (
        "http_req_duration{name:http://localhost:8080/a}",
        "max<500",
        "http_req_duration{url:http://localhost:8080/a}: max < 500",
    ),
    ("http_req_duration{ scenario: web }", "p(95)<500", "http_req_duration{operation:web}: p(95) < 500"),
    ("http_req_waiting", "p(95)<150", "http_req_waiting: p(95) < 150"),
    ("http_req_blocked", "p(95)<10", "http_req_blocked: p(95) < 10"),
    ("http_req_connecting", "p(95)<5", "http_req_connecting: p(95) < 5"),
    ("http_req_connecting", "max<100", "http_req_connecting: max < 100"),
    ("http_req_tls_handshaking", "p(95)<20", "http_req_tls_handshaking: p(95) < 20"),
    ("http_req_sending", "avg<1", "http_req_sending: avg < 1"),
    ("http_req_receiving", "avg<2", "http_req_receiving: avg < 2"),
    ("http_reqs", "count>1000", "http_reqs: count > 1000"),
    ("http_reqs", "rate>100", "http_reqs: rate > 100"),
    ("http_reqs{status:500}", "count<=0", "http_reqs{status:500}: count <= 0"),
    ("checks", "rate>0.9", "checks: rate > 0.9"),
    ("checks", "rate>=0.99", "checks: rate >= 0.99"),
    ("checks", "rate==1.0", "checks: rate == 1"),
    ("iterations", "count>=100", "iterations: count >= 100"),
    ("iterations", "rate>4", "iterations: rate > 4"),
    ("iteration_duration", "p(95)<1500", "iteration_duration: p(95) < 1500"),
    ("dropped_iterations", "count<1", "dropped_iterations: count < 1"),
    ("grpc_req_duration", "p(95)<100", "grpc_req_duration: p(95) < 100"),
    ("data_received", "count>1000000", "data_received: count > 1000000"),
    ("vus", "value<100", "vus: value < 100"),
];

#[test]
fn thresholds_of_real_scripts_are_read_as_k6_reads_them() {
    for (metric, expression, printed) in OF_K6 {
        // A mapping with a list, with a text, with an object; a list of mappings; one text.
        let forms = [
            format!("thresholds: {{ '{metric}': ['{expression}'] }}"),
            format!("thresholds:\n  '{metric}': '{expression}'\n"),
            format!("thresholds:\n  '{metric}':\n  - {{ threshold: '{expression}', abortOnFail: false }}\n"),
            format!("thresholds:\n- '{metric}': '{expression}'\n"),
            format!("thresholds: ['{metric}: {expression}']"),
        ];
        for form in forms {
            let plan = try_plan(&form).unwrap_or_else(|error| panic!("{form}: {error}"));
            let read: Vec<String> = plan.thresholds.iter().map(|(threshold, _)| threshold.to_string()).collect();
            assert_eq!(read, [printed], "{form}");
        }
    }
}

#[test]
fn objects_of_k6_say_when_the_run_ends() {
    for (object, abort_after) in [
        ("{ threshold: 'rate<0.1', abortOnFail: true }", Some(0)),
        ("{ threshold: 'rate<0.1', abortOnFail: true, delayAbortEval: 10s }", Some(10_000)),
        ("{ threshold: 'rate<0.1', abortOnFail: true, delayAbortEval: 500 }", Some(500)),
        ("{ threshold: 'rate<0.1', abortOnFail: false, delayAbortEval: 10s }", None),
        ("{ threshold: 'rate<0.1' }", None),
        ("'rate<0.1 abort after 2s'", Some(2_000)),
    ] {
        let plan = try_plan(&format!("thresholds:\n  http_req_failed: [{object}]\n")).unwrap();
        assert_eq!(plan.thresholds[0].0.abort_after, abort_after.map(Duration::from_millis), "{object}");
    }
    let several = "thresholds:\n- availability >= 99%\n- http_req_failed: [rate<0.1, { threshold: rate<0.2 }]\n- { threshold: 'p(99) < 5ms', abortOnFail: true }\n";
    assert_eq!(try_plan(several).unwrap().thresholds.len(), 4);
    assert_eq!(try_plan("thresholds: failed < 1%").unwrap().thresholds.len(), 1);
    let joined = try_plan("thresholds: 'failed < 1% ; p(99) < 5ms; '").unwrap();
    assert_eq!(joined.thresholds.len(), 2, "as a flag has it");
    assert_eq!(try_plan("thresholds: []").unwrap().thresholds.len(), 0);
}

#[test]
fn what_is_wrong_in_a_file_is_shown_at_its_place() {
    for (thresholds, place, words) in [
        ("thresholds:\n- p(99) < 25\n", "x.yaml:2:11:", "needs a unit"),
        ("thresholds:\n- 'p(99) < 25'\n", "x.yaml:2:12:", "needs a unit"),
        ("thresholds: { http_req_failed: ['rate<5'] }\n", "x.yaml:1:39:", "5% is 0.05"),
        ("thresholds:\n  http_req_faild: ['rate<0.5']\n", "x.yaml:2:3:", "did you mean http_req_failed?"),
        (
            "thresholds:\n  http_req_failed{scenario:wob}: ['rate<0.5']\n",
            "x.yaml:2:35:",
            "there is no operation \"wob\"; there are lookup, rpc, slow, web",
        ),
        ("thresholds:\n- failed < 1% where protocol=smtp\n", "x.yaml:2:3:", "dns_tcp, dns_udp, grpc"),
        ("thresholds:\n- http_req_duration: p(95)<2 where protocol=grpc\n", "x.yaml:2:22:", "speaks HTTP"),
        ("thresholds:\n- failed < 1% where injected=true protocol=grpc\n", "x.yaml:2:3:", "there would never be data"),
        (
            "thresholds:\n- p(99) < 25ms over 5s where operation=web\n",
            "x.yaml:2:3:",
            "50 of these requests come due in 5s, and it needs 100 of them to mean something: over 10s would do, or min 50 samples",
        ),
        ("thresholds:\n- failed < 1%\n- 'failed<1%'\n", "x.yaml:3:3:", "written twice"),
        ("thresholds: 'failed < 1%; p(99) < 25'\n", "x.yaml:1:35:", "needs a unit"),
        ("thresholds: { checks: [] }\n", "x.yaml:1:23:", "nothing is judged; write checks: rate>0.99"),
        ("thresholds:\n- 5\n", "x.yaml:2:3:", "expected a list such as"),
        ("thresholds: 5\n", "x.yaml:1:13:", "expected a list such as"),
        ("thresholds: { checks: [5] }\n", "x.yaml:1:24:", "expected an expression"),
        (
            "thresholds: { checks: [{ threshold: rate<1, abortOnfail: true }] }\n",
            "x.yaml:1:45:",
            "keys here: threshold, abortOnFail",
        ),
        ("thresholds: { checks: [{ threshold: rate<1, abortOnFail: 1 }] }\n", "x.yaml:1:58:", "true or false"),
        ("thresholds: [{ threshold: checks: rate<1, delayAbortEval: soon }]\n", "x.yaml:1", ""),
        ("thresholds: { checks: [{ threshold: rate<1, delayAbortEval: soon }] }\n", "x.yaml:1:61:", "not a duration"),
        ("thresholds: { checks: [{ abortOnFail: true }] }\n", "x.yaml:1:26:", "the key threshold is missing"),
    ] {
        let said = try_plan(thresholds).map(|_| ()).expect_err(thresholds);
        assert!(said.contains(words) && said.starts_with(place), "{thresholds}: {said}");
    }
    let many: String = (0..65).map(|n| format!("- failed < {n}\n")).collect();
    assert!(try_plan(&format!("thresholds:\n{many}")).unwrap_err().contains("65 of them; at most 64"));
}
