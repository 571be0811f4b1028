//! Every chance in the system: one uniform number per (seed, key, purpose, n), and nothing else.
//!
//! A draw is a pure function of its four arguments. It does not depend on the clock, on the order of requests, on
//! concurrency, or on which other draws are made: adding a parameter to a spec never shifts the others, and the injector
//! computes what the target will do. The function is part of the wire language: changing it changes what a recorded
//! seed means, so its values are pinned by a test.
//!
//! Construction: FNV-1a folds bytes into 64 bits of state, and after each argument a SplitMix64 finaliser spreads every
//! bit over the whole word. Finalising between arguments also ends each of them, so `("a", "bc")` and `("ab", "c")`
//! part ways. Not cryptographic, and need not be: whoever chooses the seed may as well ask for the outcome.

/// The draws of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(u64);

impl Draw {
    /// All draws that belong to `seed` and the request's `key`.
    pub fn new(seed: u64, key: &str) -> Self {
        Self(mix(fold(mix(seed ^ FNV_OFFSET), key.as_bytes())))
    }

    /// The `n`-th uniform number for `purpose`, in [0, 1), a multiple of 2^-53.
    pub fn u(self, purpose: &str, n: u64) -> f64 {
        let bits = mix(mix(fold(self.0, purpose.as_bytes())) ^ mix(n));
        // The upper 53 bits are what a double holds exactly.
        (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// 64 random bits for `purpose`.
    pub fn bits(self, purpose: &str) -> u64 {
        mix(mix(fold(self.0, purpose.as_bytes())) ^ mix(0))
    }
}

/// The first draw for `purpose`; [`Draw`] when there are several.
pub fn u(seed: u64, key: &str, purpose: &str) -> f64 {
    Draw::new(seed, key).u(purpose, 0)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

fn fold(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, &byte| (state ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
}

/// SplitMix64: the golden-ratio increment, then Stafford's 13th finaliser.
pub(crate) const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests;
