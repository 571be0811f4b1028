//! The blocks payloads are cut from, made once per process.

use std::sync::LazyLock;

use crate::draw::mix;

/// 128 KiB: four times the window of the usual compressors, so that a repetition does not show, and small enough to
/// stay in a second-level cache while it is served.
const BLOCK_BYTES: usize = 128 << 10;

static RANDOM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    // The constant is arbitrary but part of the wire language, as the draws are: both sides must make the same block.
    const START: u64 = 0x636c_6f61_6431_0001;
    (0..BLOCK_BYTES as u64 / 8).flat_map(|i| mix(START.wrapping_add(mix(i))).to_le_bytes()).collect()
});

static ZERO: [u8; 64 << 10] = [0; 64 << 10];

static SEQ: LazyLock<Vec<u8>> = LazyLock::new(|| repeat(b"abcdefghijklmnopqrstuvwxyz"));

static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    repeat(
        b"The path between two halves of a cluster is made of many small promises.\n\
          Each request that arrives, whole and in time, is one of them kept.\n\
          This line is here so that a compressor has something to do.\n",
    )
});

pub(super) fn random() -> &'static [u8] {
    &RANDOM
}

pub(super) fn zero() -> &'static [u8] {
    &ZERO
}

pub(super) fn seq() -> &'static [u8] {
    &SEQ
}

pub(super) fn text() -> &'static [u8] {
    &TEXT
}

/// As many whole repetitions as fit in a block, so that reading it cyclically does not break the pattern.
fn repeat(pattern: &[u8]) -> Vec<u8> {
    pattern.repeat(BLOCK_BYTES / pattern.len())
}
