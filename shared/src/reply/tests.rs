//! What the target prints, the injector reads.

use proptest::prelude::*;

use super::*;
use crate::carrier;
use crate::fault::Dialect;
use crate::fault::tests::any;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn plain() -> Reply<'static> {
    Reply {
        id: Some("abcd2345.7"),
        own: Duration::from_micros(12),
        asked: ms(203),
        server: "pod/node/zone",
        rule: None,
        plan: Plan::Plain,
    }
}

fn applied(text: &str) -> Plan {
    Plan::of(&Fault::parse(text, Separator::Ampersand).unwrap().roll(1, "k", 0))
}

#[test]
fn a_line_is_short_and_plain() {
    let line = |plan: Plan| Reply { plan, ..plain() }.line();
    let facts = "CL/1 OK id=abcd2345.7 dur=0.012 asked=203.000 server=pod/node/zone";
    assert_eq!(line(Plan::Plain), format!("{facts}\n"));
    assert_eq!(line(Plan::Overflow), format!("{facts} plan=overflow\n"));
    assert_eq!(line(Plan::Disabled), format!("{facts} plan=disabled\n"));
    assert_eq!(
        line(applied("delay=203ms&fault=reset&at=64KiB")),
        format!("{facts} plan=delay:203ms,fault:reset,at:64KiB\n")
    );
    assert_eq!(line(applied("size=5")), line(Plan::Plain), "what makes nothing worse is no fault");
    let nobody = Reply { id: None, server: "a b/ä\n", ..plain() };
    assert_eq!(nobody.line(), "CL/1 OK dur=0.012 asked=203.000 server=a_b/__\n");
}

#[test]
fn an_option_holds_the_verdict_as_pairs() {
    let option = |plan: Plan| Reply { plan, ..plain() }.option();
    let facts = "id=abcd2345.7;dur=0.012;asked=203.000;server=pod/node/zone";
    assert_eq!(option(Plan::Plain), facts);
    assert_eq!(option(Plan::Overflow), format!("{facts};plan=overflow"));
    assert_eq!(option(applied("delay=203ms&rcode=2")), format!("{facts};delay=203ms;rcode=SERVFAIL"));
}

#[test]
fn the_first_mistake_fits_on_a_line() {
    let errors = carrier::line(b"delay=10x", Separator::Space).fault.unwrap_err();
    let refusal = Refusal::of(&errors);
    assert_eq!(
        refusal.line(),
        "CL/1 ERR param=delay pos=6 value=\"10x\" reason=\"unknown unit \\\"x\\\"\" \
         expected=\"a duration such as 10ms, 1.5s, 20ms..80ms or lognormal(80ms,400ms)\"\n"
    );
    assert_eq!(Answer::parse_line(refusal.line().as_bytes()), Ok(Answer::Err(refusal)));
}

#[test]
fn other_bytes_are_no_reply() {
    for line in [
        &b""[..],
        b"hello",
        b"CL/1 delay=1s\n",
        b"CL/1 OK dur=x asked=1 server=a\n",
        b"CL/1 OK dur=1 asked=1 server=a plan=what\n",
        b"CL/1 OK dur=1 asked=1 server=a \xff\n",
        b"CL/1 ERR param=delay\n",
        b"CL/1 ERR param=\"\\u{110000}\" pos=1 value=\"\" reason=\"\" expected=\"\"\n",
        b"CL/1 ERR param=a pos=1 value=\"\\\n",
    ] {
        assert!(Answer::parse_line(line).is_err(), "{line:?}");
    }
    // A newer target may say more.
    assert!(Answer::parse_line(b"CL/1 OK dur=1 new=5 asked=1.5 server=a").is_ok());
}

fn verdict_plan() -> impl Strategy<Value = Plan> {
    let rolled = any::fault().prop_map(|fault| Plan::of(&fault.roll(1, "k", 2)));
    prop_oneof![Just(Plan::Plain), Just(Plan::Overflow), Just(Plan::Disabled), Just(Plan::Forbidden), rolled]
}

proptest! {
    #[test]
    fn print_then_parse_is_identity(
        id in prop::option::of("[A-Za-z0-9._-]{1,64}"),
        (own, asked) in (0_u64..1 << 40, 0_u64..1 << 40),
        server in "[a-z0-9./-]{0,100}",
        rule in prop::option::of("[a-z0-9][a-z0-9._-]{0,63}"),
        plan in verdict_plan(),
    ) {
        let time = Duration::from_micros;
        let (id, rule) = (id.as_deref(), rule.as_deref());
        let reply = Reply { id, own: time(own), asked: time(asked), server: &server, rule, plan };
        let line = reply.line();
        prop_assert!(line.len() <= REPLY_MAX_BYTES && line.find('\n') == Some(line.len() - 1));
        // A line that could not hold the plan says nothing of it.
        if line.contains(" plan=") || reply.plan == Plan::Plain {
            prop_assert_eq!(Answer::parse_line(line.as_bytes()), Ok(Answer::Ok(reply.clone())), "{}", line);
        }
        let option = reply.option();
        prop_assert_eq!(Reply::parse_option(option.as_bytes()), Ok(reply), "{}", option);
    }

    #[test]
    fn every_mistake_survives_its_line(text in ".{0,900}", near in "(delay|é|\"|\\\\|fault)=.{0,300}") {
        for text in [text, near] {
            let line = carrier::line(text.as_bytes(), Separator::Space);
            let checked = line.fault.and_then(|fault| fault.check(Dialect::Tcp, &Default::default()));
            if let Err(errors) = checked {
                let refusal = Refusal::of(&errors);
                let line = refusal.line();
                prop_assert!(line.len() <= REPLY_MAX_BYTES && line.find('\n') == Some(line.len() - 1), "{}", line);
                prop_assert_eq!(Answer::parse_line(line.as_bytes()), Ok(Answer::Err(refusal)), "{}", line);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_reply_or_none(
        noise in prop::collection::vec(any::<u8>(), 0..60),
        near in "CL/1 (OK|ERR)( (id|dur|asked|server|plan|param|pos|value|reason|expected)=[\"\\\\a-z0-9.:,{}]{0,9}){0,6}\n?",
    ) {
        for bytes in [&noise[..], near.as_bytes()] {
            let _ = Answer::parse_line(bytes);
            let _ = Reply::parse_option(bytes);
        }
    }
}
