//! One operation's account in few bytes: its counts as numbers of variable length, its histograms as the buckets that are
//! not empty. An operation of two requests a second takes some 80 bytes for each, and one that did nothing none.
//!
//! A bucket is a 128th to a 256th of what it holds, so that durations are kept to less than 1 %. Each is a whole number of
//! buckets of the histograms it comes from, so that packing what was unpacked changes nothing.

use shared::outcome::Code;

use crate::account::{Durations, OperationAccount};
use crate::packing::{Grain, Reader, Writer};

/// Of the durations of a slice.
const GRAIN: Grain = Grain::new(128);

/// An account without examples, servers, names and fates.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed(Box<[u8]>);

impl Packed {
    /// Of an account.
    pub(super) fn of(account: &OperationAccount) -> Packed {
        let mut writer = Writer::default();
        for count in counts(account) {
            writer.number(*count);
        }
        writer.number(zigzag(account.in_flight));
        writer.number(account.codes.len() as u64);
        for (code, count) in &account.codes {
            let (kind, number) = code_to_numbers(*code);
            [kind, number, *count].into_iter().for_each(|number| writer.number(number));
        }
        for durations in account.durations() {
            writer.durations(durations, GRAIN);
        }
        writer.number(account.parts.each().any(|durations| durations.count() > 0).into());
        if writer.0.ends_with(&[1]) {
            account.parts.each().for_each(|durations| writer.durations(durations, GRAIN));
        }
        let is_empty = writer.0.iter().all(|byte| *byte == 0);
        Packed(if is_empty { Box::default() } else { writer.0.into() })
    }

    /// Adds what is kept to another account.
    pub(super) fn add_to(&self, account: &mut OperationAccount) {
        if self.0.is_empty() {
            return;
        }
        let mut reader = Reader(&self.0);
        for count in counts_mut(account) {
            *count += reader.number();
        }
        account.in_flight += unzigzag(reader.number());
        for _ in 0..reader.number() {
            let code = code_of_numbers(reader.number(), reader.number());
            *account.codes.entry(code).or_default() += reader.number();
        }
        for durations in account.durations_mut() {
            read(&mut reader, durations);
        }
        if reader.number() > 0 {
            account.parts.each_mut().for_each(|durations| read(&mut reader, durations));
        }
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Packed>() + self.0.len()
    }
}

/// Every count that is kept, in the order they are written.
fn counts(account: &OperationAccount) -> impl Iterator<Item = &u64> {
    let single = [
        &account.planned,
        &account.success,
        &account.by_rule,
        &account.failed_by_rule,
        &account.interrupted,
        &account.sent,
        &account.answered_wrong,
        &account.silent,
        &account.sent_bytes,
        &account.received_bytes,
        &account.connections,
        &account.retransmits,
        &account.fallbacks,
    ];
    let many = account.failures.iter().chain(&account.dropped).chain(&account.signs).chain(&account.connections_closed);
    single.into_iter().chain(many)
}

/// The same, in the same order.
fn counts_mut(account: &mut OperationAccount) -> impl Iterator<Item = &mut u64> {
    let single = [
        &mut account.planned,
        &mut account.success,
        &mut account.by_rule,
        &mut account.failed_by_rule,
        &mut account.interrupted,
        &mut account.sent,
        &mut account.answered_wrong,
        &mut account.silent,
        &mut account.sent_bytes,
        &mut account.received_bytes,
        &mut account.connections,
        &mut account.retransmits,
        &mut account.fallbacks,
    ];
    let many = account.failures.iter_mut().chain(&mut account.dropped).chain(&mut account.signs);
    single.into_iter().chain(many.chain(&mut account.connections_closed))
}

fn code_to_numbers(code: Code) -> (u64, u64) {
    match code {
        Code::None => (0, 0),
        Code::Http(status) => (1, status.into()),
        Code::Grpc(status) => (2, status.into()),
        Code::Rcode(rcode) => (3, rcode.into()),
        Code::Echo => (4, 0),
    }
}

fn code_of_numbers(kind: u64, number: u64) -> Code {
    match kind {
        1 => Code::Http(number as u16),
        2 => Code::Grpc(number as u8),
        3 => Code::Rcode(number as u16),
        4 => Code::Echo,
        _ => Code::None,
    }
}

fn read(reader: &mut Reader<'_>, into: &mut Durations) {
    reader.each_bucket(|bucket, count| into.record_many_us(GRAIN.longest_us(bucket), count));
}

/// Small numbers of either sign as small numbers.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn signs_are_kept(signed: i64) {
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }

        #[test]
        fn packing_again_changes_nothing(us in prop::collection::vec((1_u64..3_600_000_000, 1_u64..1_000), 0..50)) {
            let mut account = OperationAccount { planned: 1, ..OperationAccount::default() };
            us.iter().for_each(|(us, count)| account.response.record_many_us(*us, *count));
            let once = Packed::of(&account);
            let mut again = OperationAccount::default();
            once.add_to(&mut again);
            prop_assert_eq!(again.response.count(), account.response.count());
            prop_assert_eq!(&Packed::of(&again).0, &once.0);
        }
    }
}
