//! TCP streams without an end of their own, plain ones and commands without `bytes=`: a rule decides once about each, at the
//! next bytes that come, and lets go of it with the next ones after its end.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use serde_json::json;

use super::admin::Admin;
use super::http1::stream_from;
use crate::fixture::{RunningTarget, run};

/// A corrupted stream has one changed bit in each of these.
const BLOCK: [u8; 1024] = [b'a'; 1024];

/// A stream whose first block came back as it was.
fn open(address: SocketAddr, command: &str) -> TcpStream {
    let mut stream = stream_from(Ipv4Addr::LOCALHOST, address);
    stream.write_all(command.as_bytes()).unwrap();
    stream
}

/// Whether the next block comes back changed.
fn is_corrupted(mut stream: &TcpStream) -> bool {
    stream.write_all(&BLOCK).unwrap();
    let mut back = [0; BLOCK.len()];
    stream.read_exact(&mut back).unwrap();
    back != BLOCK
}

fn corrupting(more: &[(&str, serde_json::Value)]) -> serde_json::Value {
    let mut rule = json!({ "ttl": "1m", "match": { "protocol": "tcp" }, "fault": "corrupt=true" });
    for (key, value) in more {
        rule[*key] = value.clone();
    }
    rule
}

#[test]
fn plain_streams_and_command_streams_meet_a_rule_and_are_let_go() {
    run(async {
        let target = RunningTarget::start();
        let (tcp, admin) = (target.addresses.tcp.unwrap(), Admin(target.admin));
        let streams = ["", "CL/1 ack=0\n", "CL/1 ack=0 id=mine\n"].map(|command| open(tcp, command));
        let corrupted = || streams.each_ref().map(is_corrupted);
        assert_eq!(corrupted(), [false; 3]);
        for round in 0..2 {
            let id = format!("bad-{round}");
            admin.install(&id, &corrupting(&[]));
            assert_eq!(corrupted(), [true; 3]);
            // What comes and goes beside it is nothing to them.
            admin.install("beside", &json!({ "ttl": "1m", "match": { "protocol": "http" }, "fault": "status=503" }));
            assert_eq!(corrupted(), [true; 3]);
            assert!(admin.remove("beside"));
            assert_eq!(corrupted(), [true; 3]);
            assert_eq!(admin.counts(&id), [3, 3, 0], "each of them counts once");
            assert_eq!(admin.effects("corrupt", "rule"), f64::from(3 * (round + 1)));
            assert!(admin.remove(&id));
            assert_eq!(corrupted(), [false; 3]);
        }
        target.stop().await;
    });
}

#[test]
fn a_rule_that_is_replaced_is_another_one_for_streams_too() {
    run(async {
        let target = RunningTarget::start();
        let (tcp, admin) = (target.addresses.tcp.unwrap(), Admin(target.admin));
        let mut stream = open(tcp, "");
        assert!(!is_corrupted(&stream));
        admin.install("changes", &corrupting(&[]));
        assert!(is_corrupted(&stream));
        admin.put_switch(&json!({ "enabled": false }));
        assert!(!is_corrupted(&stream), "switched off");
        admin.put_switch(&json!({ "enabled": true }));
        assert!(is_corrupted(&stream), "switched on again");
        let reset = json!({ "ttl": "1m", "match": { "protocol": "tcp" }, "fault": "fault=reset" });
        assert_eq!(admin.call("PUT", "/faults/changes", Some(&reset)).status, 200);
        stream.write_all(&BLOCK).unwrap();
        let error = stream.read(&mut [0; 16]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        target.stop().await;
    });
}

#[test]
fn a_share_is_drawn_once_for_each_stream() {
    const STREAMS: usize = 40;
    run(async {
        let target = RunningTarget::start();
        let (tcp, admin) = (target.addresses.tcp.unwrap(), Admin(target.admin));
        let streams: Vec<TcpStream> =
            ["", "CL/1 ack=0\n"].iter().cycle().take(STREAMS).map(|command| open(tcp, command)).collect();
        let corrupted = || streams.iter().map(is_corrupted).collect::<Vec<bool>>();
        assert_eq!(corrupted(), vec![false; STREAMS]);
        for (id, share) in [("half", ("percent", json!(50))), ("third", ("every", json!(3)))] {
            admin.install(id, &corrupting(&[share]));
            let fates = corrupted();
            let struck = fates.iter().filter(|is_struck| **is_struck).count();
            // That 40 coins fall alike has a chance of 1 in 500 thousand million.
            assert!(0 < struck && struck < STREAMS, "{struck}");
            if id == "third" {
                assert_eq!(struck, STREAMS.div_ceil(3), "one of three exactly");
            }
            for beside in ["a", "b", "c"] {
                let rule = json!({ "ttl": "1m", "priority": 0, "match": { "protocol": "*" }, "fault": "delay=1ms" });
                admin.install(beside, &rule);
                assert_eq!(corrupted(), fates, "under {id}, with {beside}");
                assert!(admin.remove(beside));
            }
            assert_eq!(admin.counts(id), [STREAMS as u64, struck as u64, 0]);
            assert!(admin.remove(id));
            assert_eq!(corrupted(), vec![false; STREAMS]);
        }
        target.stop().await;
    });
}

#[test]
fn the_stream_that_uses_a_rule_up_is_struck_for_good() {
    run(async {
        let target = RunningTarget::start();
        let (tcp, admin) = (target.addresses.tcp.unwrap(), Admin(target.admin));
        for round in 0..20 {
            let id = format!("once-{round}");
            let rule =
                json!({ "ttl": "1m", "max_hits": 1, "match": { "protocol": "tcp" }, "fault": "fault=abort&at=1025" });
            admin.install(&id, &rule);
            let mut stream = open(tcp, "");
            assert!(!is_corrupted(&stream));
            // The rule is over by now, or will be.
            stream.write_all(&BLOCK).unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
            assert_eq!(rest.len(), 1, "the end comes where it was announced");
            let ended = admin.rule(&id);
            assert_eq!((&ended["ended_by"], &ended["injected"]), (&json!("max_hits"), &json!(1)));
            assert!(!is_corrupted(&open(tcp, "")), "nobody else is struck");
        }
        target.stop().await;
    });
}
