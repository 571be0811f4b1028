//! The closed list of protocols the pair speaks.
//!
//! Everything that differs by protocol hangs off this list: label values, registries, the test battery. A new protocol
//! starts with a variant here, and the compiler then names every `match` that has to learn it.

/// A protocol as it appears in the label `protocol`, on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/1.1 over TCP (RFC 9112).
    Http,
}

impl Protocol {
    /// Every protocol, in label order; `ALL[p.index()] == p`.
    pub const ALL: [Protocol; 1] = [Protocol::Http];

    /// The label value: lower case, stable across releases.
    pub const fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "http",
        }
    }

    /// Position in [`Protocol::ALL`], for arrays indexed by protocol.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The port a target listens on when nothing else is said; podinfo's where it has one.
    pub const fn default_port(self) -> u16 {
        match self {
            Protocol::Http => 9898,
        }
    }
}

/// The port of the target's admin listener when nothing else is said: podinfo's metrics port.
pub const ADMIN_PORT: u16 = 9797;

/// The port of the injector's admin listener when nothing else is said.
pub const INJECTOR_ADMIN_PORT: u16 = 9798;

#[cfg(test)]
mod tests {
    use super::Protocol;

    #[test]
    fn index_points_back_into_all() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::ALL[protocol.index()], protocol);
        }
    }
}
