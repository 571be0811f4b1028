//! The operations, as both sides saw them.

use maud::{Markup, html};

use super::parts::{Cell, Mood, card, cut, grouped, share, table};
use crate::summary::{Operation, Side, Summary};

/// Most operations whose difference is told in words; of all it stands in the table.
const WORDS_MAX: usize = 30;

/// Requests, times and agreement.
pub(super) fn sides(summary: &Summary) -> Markup {
    html! {
        (card("Requests", html! { (requests(summary)) (identity(&summary.total)) }))
        (card("Times", times(summary)))
        (card("Agreement", agreement(summary)))
    }
}

fn requests(summary: &Summary) -> Markup {
    let heads = [
        "operation",
        "protocol",
        "planned#",
        "sent#",
        "received by target#",
        "answered by target#",
        "answered#",
        "right#",
        "failed#",
        "dropped#",
        "cut off#",
        "share right#",
    ];
    let row = |name: &str, protocol: &str, side: &Side, received: Option<u64>, answered: Option<u64>| {
        vec![
            Cell::text(name),
            Cell::text(protocol),
            Cell::count(side.planned),
            Cell::count(side.sent),
            Cell::known(received),
            Cell::known(answered),
            Cell::count(side.answered),
            Cell::count(side.success),
            Cell::count(side.failure),
            Cell::count(side.dropped_late + side.dropped_limit),
            Cell::count(side.interrupted),
            Cell::Number(share(side.success_ratio())),
        ]
    };
    let received = |one: &Operation| one.server.as_ref().map(|server| server.received);
    let answered = |one: &Operation| one.server.as_ref().map(|server| server.answered_total());
    let rows =
        summary.operations.iter().map(|one| row(&one.name, &one.protocol, &one.client, received(one), answered(one)));
    let sum = |of: &dyn Fn(&Operation) -> Option<u64>| summary.operations.iter().map(of).sum::<Option<u64>>();
    let total = row("total", "", &summary.total, sum(&received), sum(&answered));
    table("How many requests, by operation, on both sides", &heads, rows.chain([total]))
}

fn identity(total: &Side) -> Markup {
    html! {
        p.small.quiet {
            "Every planned request is in one place: " (grouped(total.planned)) " planned = " (grouped(total.success)) " right + "
            (grouped(total.failure)) " failed + " (grouped(total.dropped_late)) " dropped late + "
            (grouped(total.dropped_limit)) " dropped at a limit + " (grouped(total.interrupted)) " cut off + "
            (total.in_flight) " in flight."
        }
    }
}

fn times(summary: &Summary) -> Markup {
    let heads = [
        "operation",
        "response p50#",
        "p90#",
        "p99#",
        "max#",
        "service p50#",
        "p99#",
        "target p50#",
        "p99#",
        "path p50#",
        "p99#",
        "lateness p99#",
    ];
    let row = |name: &str, side: &Side| {
        let Side { response, service, server, network, lag, .. } = side;
        let times = [
            response.p50_us,
            response.p90_us,
            response.p99_us,
            response.max_us,
            service.p50_us,
            service.p99_us,
            server.p50_us,
            server.p99_us,
            network.p50_us,
            network.p99_us,
            lag.p99_us,
        ];
        std::iter::once(Cell::text(name)).chain(times.map(Cell::ms)).collect()
    };
    let rows = summary.operations.iter().map(|one| row(&one.name, &one.client));
    html! {
        (table("Milliseconds, by operation", &heads, rows.chain([row("total", &summary.total)])))
        p.small.quiet {
            "Response: from the planned instant to the end. Service: from the start of the request. Target: its own time, as it "
            "says itself. Path: to the first byte, without the target’s time and without what was asked for. Lateness: the "
            "injector’s own, a part of every response time."
        }
    }
}

fn agreement(summary: &Summary) -> Markup {
    let heads = [
        "operation",
        "both sides",
        "received − sent#",
        "answered, target − here#",
        "requests lost#",
        "answers lost#",
        "unknown#",
        "twice#",
        "not explained#",
    ];
    let rows = summary.operations.iter().map(|one| {
        let fates = &one.client.unanswered;
        let known = one.difference.as_ref();
        let signed = |of: Option<i64>| {
            Cell::Number(of.map_or_else(
                || super::parts::NOTHING.to_owned(),
                |of| match of {
                    0 => "0".to_owned(),
                    of => format!("{of:+}"),
                },
            ))
        };
        let (mood, word) = match known {
            None if one.server.is_none() => (Mood::None, "target unknown"),
            None => (Mood::None, "not compared"),
            Some(known) if known.unexplained > 0 => (Mood::Bad, "differ"),
            Some(known) if known.is_none() => (Mood::Good, "agree"),
            Some(_) => (Mood::Good, "explained"),
        };
        vec![
            Cell::text(&one.name),
            Cell::State(mood, word.to_owned()),
            signed(known.map(|known| known.received)),
            signed(known.map(|known| known.answered)),
            Cell::count(fates.request_lost),
            Cell::count(fates.response_lost),
            Cell::count(fates.unknown),
            Cell::known(known.map(|known| known.duplicates)),
            Cell::known(known.map(|known| known.unexplained)),
        ]
    });
    let words = summary.operations.iter().filter_map(|one| Some((&one.name, one.difference.as_ref()?.words()?)));
    let words: Vec<_> = words.take(WORDS_MAX).collect();
    html! {
        @if let Some(error) = &summary.target_error { p.note.warn { "The target’s side is not known: " (cut(error)) } }
        (table("What the target counted against what the injector counted, and what became of unanswered requests", &heads, rows))
        @if !words.is_empty() {
            ul.small { @for (name, words) in words { li { b { (name) } ": " (cut(&words)) "." } } }
        }
    }
}
