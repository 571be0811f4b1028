//! A truncated answer of DNS that is asked for again over TCP: the target sees the number twice, and no duplicate. What the
//! path does to either query is told all the same.

use serde_json::{Value, json};

use super::path::{Deed, Path, TIMEOUT};
use super::proof::{for_a_second, injected};
use super::streams::Framing;
use super::{datagrams, streams};
use crate::fixture::{RunningTarget, run};

#[test]
fn a_query_that_is_asked_again_over_tcp_is_no_duplicate_and_what_the_path_repeats_is_one() {
    run(async {
        let target = RunningTarget::start();
        let over_tcp = Path::new(&[target.dns], |_, seq| match seq % 20 {
            3 | 13 => Deed::CloseBefore,
            4 => Deed::CloseAfter,
            5 => Deed::Retry,
            _ => Deed::Pass,
        });
        let over_udp = Path::new(&[target.dns], |_, seq| match seq % 20 {
            1 => Deed::Swallow,
            2 => Deed::Mute,
            6 | 7 | 16 => Deed::Double,
            _ => Deed::Pass,
        });
        let at = streams::start(Framing::Dns, &over_tcp).await;
        datagrams::start(true, at.port(), &over_udp).await;
        let scenario = format!(
            "target: 127.0.0.1\ntimeout: {}s\nmix:\n- {{ name: again, rate: 20/s, target: \"{at}\", dns: {{ fallback: true, fault: fault=tc }} }}\n",
            TIMEOUT.as_secs()
        );
        let ended = injected(scenario, &for_a_second(target.admin)).await;
        ended.assert_passed();
        let said = &ended.json["operations"][0];
        let asked_again = over_tcp.done("again");
        assert_eq!(asked_again.len(), 18, "all but those that have no answer over UDP");
        let told = json!({
            "sent": 20, "fallbacks": 18, "success": 15,
            "errors": { "closed": 3, "timeout": 2 },
            // Over UDP: one of each. Over TCP: two never arrived, and one arrived without an answer.
            "unanswered": { "total": 5, "request_lost": 3, "response_lost": 2, "unknown": 0, "reasons": {} },
        });
        let side = told.as_object().unwrap().keys().map(|key| (key.clone(), said["client"][key].clone()));
        assert_eq!(Value::Object(side.collect()), told, "{}", ended.text);
        let arrivals =
            [over_udp.done("again"), asked_again].map(|done| done.values().map(|deed| deed.arrivals()).sum());
        let [by_udp, by_tcp]: [u64; 2] = arrivals;
        assert_eq!((by_udp, by_tcp), (19 + 3, 16 + 1));
        let (server, difference) = (&said["server"], &said["difference"]);
        assert_eq!((&server["received"], &server["duplicates"]), (&json!(39), &json!(39 - 19)), "{}", ended.text);
        assert_eq!((&difference["duplicates"], &difference["unexplained"]), (&json!(4), &json!(0)), "{}", ended.text);
        for words in [
            "fallback: again: 18 of 20 sent were asked again over TCP\n",
            "duplicates: again: 4 arrived twice: something on the path sent them again\n",
        ] {
            assert!(ended.text.contains(words), "{words:?} is not in {}", ended.text);
        }
        target.stop().await;
    });
}
