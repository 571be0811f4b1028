//! How much a target lets a spec ask for.

use std::time::Duration;

/// The bounds [`Fault::check`](super::Fault::check) enforces; over one is an error, never a clamp. Defaults are the
/// ones the manual states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest `delay`, `body_delay`, `end_delay`, and each single `chunk_delay`.
    pub delay_max: Duration,
    /// Longest `fault=hang`, which the target ends, and latest `at=after(..)`.
    pub hang_max: Duration,
    /// Longest time one answer may be drawn out by all delays and `rate` together.
    pub total_delay_max: Duration,
    /// Largest `size` of a body or message, and of `read=first(..)` and `at`, in bytes.
    pub size_max_bytes: u64,
    /// Largest `size` times `count`, in bytes.
    pub stream_max_bytes: u64,
    /// Longest spec in bytes. May only be lowered: the parser itself reads no more than
    /// [`SPEC_MAX_BYTES`](super::SPEC_MAX_BYTES).
    pub spec_max_bytes: usize,
    /// Most choices of one parameter.
    pub choices_max: usize,
    /// Most `header` and most `trailer` fields.
    pub headers_max: usize,
    /// Most bytes of name and value of all extra fields together.
    pub header_max_bytes: usize,
    /// Most CPU time one request may burn.
    pub cpu_max: Duration,
    /// Most memory one request may hold, in bytes.
    pub mem_max_bytes: u64,
    /// Largest `chunk` in bytes.
    pub chunk_max_bytes: u64,
    /// Longest `retry_after`.
    pub retry_after_max: Duration,
    /// Largest `size` of a UDP datagram, in bytes.
    pub udp_size_max_bytes: u64,
    /// Largest `size` of a DNS message, in bytes: what its length prefix over TCP can say (RFC 1035, section 4.2.2).
    pub dns_size_max_bytes: u64,
    /// Longest `ttl` and `neg` of DNS records.
    pub ttl_max: Duration,
    /// Largest `count` of stream messages.
    pub count_max: u64,
    /// Largest `count` of DNS records.
    pub dns_count_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            delay_max: Duration::from_secs(60),
            hang_max: Duration::from_secs(10 * 60),
            total_delay_max: Duration::from_secs(15 * 60),
            size_max_bytes: 16 << 20,
            stream_max_bytes: 1 << 30,
            spec_max_bytes: super::SPEC_MAX_BYTES,
            choices_max: 32,
            headers_max: 32,
            header_max_bytes: 8 << 10,
            cpu_max: Duration::from_secs(1),
            mem_max_bytes: 64 << 20,
            chunk_max_bytes: 1 << 20,
            retry_after_max: Duration::from_secs(60 * 60),
            udp_size_max_bytes: 65_507,
            dns_size_max_bytes: 65_535,
            ttl_max: Duration::from_secs(24 * 60 * 60),
            count_max: 100_000,
            dns_count_max: 512,
        }
    }
}
